//! `/mcp`: what is posted, the streams that clients come back to, and the end of sessions.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::Instant;

use crate::http::answers::accepts;
use crate::http::gate::Admitted;
use crate::http::kept::Kept;
use crate::http::routes::method_not_allowed;
use crate::http::{Shared, answers};
use crate::mcp::{
    Event, Events, Header, Headers, NoStream, Outcome, Place, Received, Server, rate_limited,
    refused,
};

/// The largest body, in bytes.
pub(super) const BODY: usize = 4 * 1024 * 1024;

/// How long a body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(10);

/// The wait between two signs of life on a stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A sign of life.
const ALIVE: Bytes = Bytes::from_static(b": idle\n\n");

/// How soon a client may come back, in milliseconds.
const RETRY: &[u8] = b"retry: 500\n";

/// The type of a stream.
const EVENTS: &str = "text/event-stream";

/// Names a session.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

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
    let received = Received {
        caller: admitted.caller,
        headers: said(request.headers()),
        accepts_events: accepts(&request, EVENTS),
        body,
    };
    let outcome = if received.headers.is_later() {
        shared.server.receive(received).await
    } else {
        let server = Arc::clone(&shared.server);
        Kept::new(async move { server.receive(received).await }).await
    };
    let answer = match outcome {
        Outcome::Stream(events) => return stream(events),
        Outcome::Whole(answer) => answer,
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match status {
        StatusCode::ACCEPTED => HttpResponse::Accepted().finish(),
        StatusCode::SERVICE_UNAVAILABLE => {
            retry_later(status, answer.body.into_bytes(), Duration::from_secs(1))
        }
        StatusCode::OK if accepts_only_events(&request) => as_event(answer.body.into_bytes()),
        _ => answers::json_body(status, answer.body),
    };
    if let Some(session) = answer.session.and_then(|id| HeaderValue::from_str(&id).ok()) {
        response.headers_mut().insert(SESSION, session);
    }
    response
}

/// What a request says about the protocol in its headers.
fn said(headers: &HeaderMap) -> Headers {
    let mut said = Headers::default();
    for (name, value) in headers {
        let Some(rest) = name.as_str().strip_prefix("mcp-") else { continue };
        let place = match rest {
            "protocol-version" => &mut said.protocol_version,
            "method" => &mut said.method,
            "name" => &mut said.name,
            "session-id" => &mut said.session,
            _ => {
                if let Some(param) = rest.strip_prefix("param-") {
                    let before = said.params.remove(param);
                    let joined = Header::join(before, value.to_str().ok());
                    said.params.insert(param.to_owned(), joined);
                }
                continue;
            }
        };
        *place = Some(Header::join(place.take(), value.to_str().ok()));
    }
    said
}

/// Sends events as they come, and a sign of life where none does.
fn stream(events: Events) -> HttpResponse {
    let mut beat = tokio::time::interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    let mut events = events;
    let frames = futures_util::stream::poll_fn(move |task| {
        match events.poll_next_unpin(task) {
            Poll::Ready(event) => {
                return Poll::Ready(event.map(|event| Ok::<_, Infallible>(frame(&event))));
            }
            Poll::Pending => {}
        }
        beat.poll_tick(task).map(|_| Some(Ok(ALIVE)))
    });
    event_stream().streaming(frames)
}

/// What every stream begins with.
fn event_stream() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .content_type(EVENTS)
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    response
}

/// One event as bytes. JSON as we write it has no line ends of its own.
fn frame(event: &Event) -> Bytes {
    let mut frame = BytesMut::with_capacity(event.data.len() + 64);
    if event.retry {
        frame.put_slice(RETRY);
    }
    if let Some(id) = &event.id {
        frame.put_slice(b"id: ");
        frame.put_slice(id.as_bytes());
        frame.put_u8(b'\n');
    }
    if !event.data.is_empty() {
        frame.put_slice(b"event: message\n");
    }
    frame.put_slice(b"data: ");
    frame.put_slice(&event.data);
    frame.put_slice(b"\n\n");
    frame.freeze()
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
    accepts(request, EVENTS) && !accepts(request, "application/json") && !accepts(request, "*/*")
}

fn as_event(body: Bytes) -> HttpResponse {
    let event = Event { id: None, data: body, retry: false };
    event_stream().body(frame(&event))
}

/// The stream of a session, or an idle one: some clients probe for one, and come again and again if
/// there is none.
pub(super) async fn get(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let said = said(request.headers());
    if !accepts(&request, EVENTS) || said.is_later() {
        return method_not_allowed(&request, "DELETE, GET, POST");
    }
    let Some(admitted) = request.extensions().get::<Admitted>().cloned() else {
        return answers::json_text(StatusCode::UNAUTHORIZED, crate::mcp::unauthorized());
    };
    match said.session {
        None => match shared.server.take_place(&admitted.caller) {
            Some(place) => idle(&shared, place),
            None => {
                let why = "too many streams are open; close one, or wait until one ends";
                let wait = Duration::from_secs(1);
                retry_later(StatusCode::SERVICE_UNAVAILABLE, refused(why), wait)
            }
        },
        Some(Header::Unreadable) => no_session(),
        Some(Header::Value(session)) => {
            let last = request.headers().get("last-event-id").map(HeaderValue::to_str);
            let Ok(last) = last.transpose() else {
                let why = "Last-Event-ID must be the id of an event";
                return answers::json_text(StatusCode::BAD_REQUEST, refused(why));
            };
            match shared.server.come_back(&admitted.caller, &session, last) {
                Ok(events) => {
                    let ended = shared.events.ended();
                    stream(events.until(ended))
                }
                Err(NoStream::NoSession) => no_session(),
                Err(NoStream::NotKept) => {
                    let why = "this stream is not kept; make the request again";
                    // 404 would say that the session is over.
                    answers::json_text(StatusCode::BAD_REQUEST, refused(why))
                }
            }
        }
    }
}

/// Ends a session.
pub(super) async fn delete(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let said = said(request.headers());
    if said.is_later() {
        return method_not_allowed(&request, "DELETE, GET, POST");
    }
    let Some(admitted) = request.extensions().get::<Admitted>().cloned() else {
        return answers::json_text(StatusCode::UNAUTHORIZED, crate::mcp::unauthorized());
    };
    match said.session {
        None => {
            let why = "Mcp-Session-Id must name the session that is to end";
            answers::json_text(StatusCode::BAD_REQUEST, refused(why))
        }
        Some(Header::Value(session)) if shared.server.end_session(&admitted.caller, &session) => {
            HttpResponse::NoContent().finish()
        }
        Some(_) => no_session(),
    }
}

fn no_session() -> HttpResponse {
    let why = "there is no such session any more; send initialize to begin another";
    answers::json_text(StatusCode::NOT_FOUND, refused(why))
}

fn idle(shared: &Shared, place: Place) -> HttpResponse {
    let mut beat = tokio::time::interval(KEEP_ALIVE);
    let beats = futures_util::stream::poll_fn(move |task| {
        let _taken_meanwhile = &place;
        beat.poll_tick(task).map(|_| Some(Ok::<_, Infallible>(ALIVE)))
    });
    event_stream().streaming(beats.take_until(shared.events.ended()))
}
