//! `GET /sse?topic=…`: events as they are committed.

use std::convert::Infallible;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use actix_web_lab::extract::Query;
use futures_util::StreamExt as _;
use serde::Deserialize;

use crate::events::{Resume, SubscribeError, Topics};
use crate::http::gate::Admitted;
use crate::http::identity::last_event;
use crate::http::{ChatDoor, Shared, answers, chat};
use crate::tools::{You, snapshot};

/// What the query may say; a topic may be there several times.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    topic: Vec<String>,
    #[serde(default, rename = "lastEventId")]
    last_event_id: Option<String>,
    #[serde(default)]
    snapshot: Option<String>,
}

pub(super) async fn get(
    request: HttpRequest,
    shared: web::Data<Shared>,
    door: web::Data<ChatDoor>,
    query: Result<Query<Asked>, actix_web::Error>,
) -> HttpResponse {
    let bad = |why: &str| answers::error(StatusCode::BAD_REQUEST, why);
    let Ok(Query(asked)) = query else {
        return bad(
            "the query must be topic=…, once or more, and lastEventId=… and snapshot=1 at most once",
        );
    };
    let with_snapshot = match asked.snapshot.as_deref() {
        None | Some("" | "0") => false,
        Some("1") => true,
        Some(_) => return bad("snapshot must be 1, or absent"),
    };
    let header = request.headers().get("last-event-id").map(HeaderValue::to_str);
    let Ok(header) = header.transpose() else {
        return bad("Last-Event-ID must be the number of an event");
    };
    // A browser that reconnects sends the header, which is newer than what the page once asked for.
    let header = header.filter(|id| !id.is_empty());
    let resume = match header.or(asked.last_event_id.as_deref()).map(Resume::parse) {
        None => Resume::Live,
        Some(Ok(resume)) => resume,
        Some(Err(error)) => return bad(&error.to_string()),
    };
    if asked.topic.iter().any(|topic| topic.starts_with(chat::TOPIC)) {
        if with_snapshot {
            return bad("a stream of a conversation has no snapshot; leave snapshot out");
        }
        return chat::follow(&request, &door, &asked.topic, resume).await;
    }
    let topics = match Topics::parse(&asked.topic) {
        Ok(topics) => topics,
        Err(error) => return bad(&error.to_string()),
    };
    let Some(admitted) = request.extensions().get::<Admitted>().cloned() else {
        return answers::json_text(StatusCode::UNAUTHORIZED, crate::mcp::unauthorized());
    };
    let caller = &admitted.caller;
    let mut reader = match shared.events.subscribe(&topics, resume, &caller.principal) {
        Ok(reader) => reader,
        Err(refused) => return no_place(refused),
    };
    // Who comes back knows everything up to its id, unless there never was such an event.
    let comes_back = resume == Resume::After(reader.position());
    if with_snapshot && !comes_back {
        // The place is taken first: what happens while the snapshot is read comes after it.
        match snapshot(&shared.doors, You::are(caller, admitted.is_open())).await {
            Ok(snapshot) => reader.announce("snapshot", &snapshot),
            Err(error) => return unreadable(&error.into()),
        }
    }
    // Last of all, so that what was refused above costs nobody a ticket.
    let has = last_event(request.headers().get("last-event-id")).filter(|_| comes_back);
    if let Err(refusal) = admitted.use_ticket(has, reader.position()) {
        return refusal;
    }
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(reader.map(Ok::<_, Infallible>))
}

/// The stream does not begin without the snapshot that was asked for.
fn unreadable(error: &anyhow::Error) -> HttpResponse {
    tracing::warn!(error = format!("{error:#}"), "a snapshot could not be read");
    let why = "the snapshot cannot be read just now; connect again in a moment";
    let mut response = answers::error(StatusCode::SERVICE_UNAVAILABLE, why);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

pub(super) fn no_place(refused: SubscribeError) -> HttpResponse {
    let status = match refused {
        SubscribeError::Draining => StatusCode::SERVICE_UNAVAILABLE,
        _too_many => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut response = answers::error(status, &refused.to_string());
    let seconds = HeaderValue::from(refused.retry_after_seconds());
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
