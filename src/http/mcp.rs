//! `POST /mcp`, and the idle stream of `GET /mcp`.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::Instant;

use crate::http::answers::accepts;
use crate::http::gate::Admitted;
use crate::http::routes::method_not_allowed;
use crate::http::{Shared, answers};
use crate::mcp::{Server, rate_limited, refused};

/// The largest body, in bytes.
pub(super) const BODY: usize = 4 * 1024 * 1024;

/// How long a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// The wait between two comments on the idle stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn post(
    request: HttpRequest,
    shared: web::Data<Shared>,
    payload: web::Payload,
) -> HttpResponse {
    let body = match read(payload).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let Some(admitted) = request.extensions().get::<Admitted>().cloned() else {
        return answers::json_text(StatusCode::UNAUTHORIZED, crate::mcp::unauthorized());
    };
    // The gate took one request from the bucket; a batch costs as many as it has members.
    let more = Server::weight(&body) - 1;
    if 0 < more
        && let Err(wait) = admitted.take(more)
    {
        return retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait);
    }
    let asks_for_change = || shared.server.asks_for_change(&body);
    if let Some(refusal) = admitted.needs_broader_token(asks_for_change) {
        return refusal;
    }
    let version = request.headers().get("mcp-protocol-version").map(HeaderValue::to_str);
    let Ok(version) = version.transpose() else {
        let why = "MCP-Protocol-Version is not a revision of the protocol";
        return answers::json_text(StatusCode::BAD_REQUEST, refused(why));
    };
    let answer = shared.server.answer(&admitted.caller, version, &body).await;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match status {
        StatusCode::ACCEPTED => HttpResponse::Accepted().finish(),
        StatusCode::SERVICE_UNAVAILABLE => retry_later(status, answer.body, Duration::from_secs(1)),
        _ if accepts_only_events(&request) => as_event(status, &answer.body),
        _ => answers::json_text(status, answer.body),
    }
}

/// Reads a body of bounded size in bounded time.
pub(super) async fn read(mut payload: web::Payload) -> Result<Bytes, HttpResponse> {
    let refuse = |status, why: &str| Err(answers::json_text(status, refused(why)));
    let mut gathered = BytesMut::new();
    let mut first = None;
    let deadline = Instant::now() + BODY_PATIENCE;
    loop {
        let chunk = match tokio::time::timeout_at(deadline, payload.next()).await {
            Err(_late) => {
                return refuse(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time");
            }
            Ok(Some(Err(_))) => {
                return refuse(StatusCode::BAD_REQUEST, "the body could not be read");
            }
            Ok(None) => break,
            Ok(Some(Ok(chunk))) => chunk,
        };
        if BODY < gathered.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len() {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body must have at most 4 MiB");
        }
        // Most bodies come in one piece, which then needs no copy.
        match first.take() {
            None if gathered.is_empty() => first = Some(chunk),
            None => gathered.put(chunk),
            Some(piece) => {
                gathered.put(piece);
                gathered.put(chunk);
            }
        }
    }
    Ok(first.unwrap_or_else(|| gathered.freeze()))
}

pub(super) fn retry_later(status: StatusCode, body: Bytes, wait: Duration) -> HttpResponse {
    let mut response = answers::json_text(status, body);
    let seconds = wait.as_secs_f64().ceil().max(1.0);
    if let Ok(seconds) = HeaderValue::from_str(&format!("{seconds:.0}")) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

fn accepts_only_events(request: &HttpRequest) -> bool {
    accepts(request, "text/event-stream")
        && !accepts(request, "application/json")
        && !accepts(request, "*/*")
}

fn as_event(status: StatusCode, body: &[u8]) -> HttpResponse {
    let mut event = BytesMut::with_capacity(body.len() + 24);
    event.put_slice(b"event: message\ndata: ");
    event.put_slice(body);
    event.put_slice(b"\n\n");
    HttpResponse::build(status).content_type("text/event-stream").body(event.freeze())
}

/// An idle stream: some clients probe for one, and come again and again if there is none.
pub(super) async fn get(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    if !accepts(&request, "text/event-stream") {
        return method_not_allowed(&request, "GET, POST");
    }
    let mut beat = tokio::time::interval(KEEP_ALIVE);
    let beats = futures_util::stream::poll_fn(move |task| {
        beat.poll_tick(task)
            .map(|_| Some(Ok::<_, std::convert::Infallible>(Bytes::from_static(b": idle\n\n"))))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .streaming(beats.take_until(shared.events.ended()))
}
