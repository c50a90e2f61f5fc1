//! How is a posted form read, and how does a client read why not?

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::time::Instant;

use crate::oauth::server::Denied;

/// The largest body, in bytes: nobody who posts one has shown a key.
const BODY: usize = 16 * 1024;

/// How long it may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a small body in bounded time.
pub(super) async fn read(mut payload: web::Payload) -> Result<Bytes, Denied> {
    let invalid = |why: &str| Denied::InvalidRequest(why.to_owned());
    let deadline = Instant::now() + PATIENCE;
    let mut body = BytesMut::new();
    loop {
        match tokio::time::timeout_at(deadline, payload.next()).await {
            Err(_late) => return Err(invalid("the body did not arrive in time")),
            Ok(None) => return Ok(body.freeze()),
            Ok(Some(Err(_broken))) => return Err(invalid("the body could not be read")),
            Ok(Some(Ok(chunk))) if BODY < body.len() + chunk.len() => {
                return Err(invalid("the body must have at most 16 KiB"));
            }
            Ok(Some(Ok(chunk))) => body.extend_from_slice(&chunk),
        }
    }
}

/// The status that a refusal deserves.
pub(super) fn status(denied: &Denied) -> StatusCode {
    if denied.is_transient() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST }
}

/// A refusal, as RFC 6749 writes it.
pub(super) fn refusal(denied: &Denied) -> HttpResponse {
    if let Denied::Store(error) = denied {
        tracing::warn!(%error, "the authorization server could not use the database");
    }
    let body = json!({ "error": denied.code(), "error_description": denied.to_string() });
    let mut answer = HttpResponseBuilder::new(status(denied)).json(body);
    if denied.is_transient() {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    answer
}
