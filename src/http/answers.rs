//! Answers that several places give, and the headers that all of them carry.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use serde::Serialize;

use crate::mcp::Body;

/// The path of the MCP endpoint, as errors name it.
pub(super) const MCP_ENDPOINT: &str = "/mcp";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// JSON text as an answer.
pub(super) fn json_text(status: StatusCode, body: Bytes) -> HttpResponse {
    HttpResponseBuilder::new(status)
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(body)
}

/// An answer of the protocol, of which the part that it shares with others is not copied.
pub(super) fn json_body(status: StatusCode, body: Body) -> HttpResponse {
    if body.shared.is_empty() {
        return json_text(status, body.own);
    }
    HttpResponseBuilder::new(status)
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .body(Parts(body))
}

/// A body that is sent part by part.
struct Parts(Body);

impl MessageBody for Parts {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized((self.0.own.len() + self.0.shared.len()) as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let Body { own, shared } = &mut self.0;
        let next = if own.is_empty() { shared } else { own };
        let next = std::mem::take(next);
        Poll::Ready((!next.is_empty()).then_some(Ok(next)))
    }
}

/// An error outside of JSON-RPC: a word for it, and a sentence to act on.
pub(super) fn error(status: StatusCode, message: &str) -> HttpResponse {
    #[derive(Serialize)]
    struct Body<'a> {
        error: &'a str,
        message: &'a str,
        mcp_endpoint: &'a str,
    }
    let error = status.canonical_reason().unwrap_or("Error");
    HttpResponseBuilder::new(status).json(Body { error, message, mcp_endpoint: MCP_ENDPOINT })
}

/// Whether the client has what carries this tag, and need not be sent it again.
pub(super) fn is_known(request: &HttpRequest, tag: &str) -> bool {
    request.headers().get_all(header::IF_NONE_MATCH).any(|known| {
        let known = known.to_str().unwrap_or_default();
        known.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
    })
}

/// Whether the client names this type among those that it wants.
pub(super) fn accepts(request: &HttpRequest, kind: &str) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains(kind))
}

/// Adds what every answer carries, whatever it is.
pub(super) fn finish(headers: &mut HeaderMap, request_id: &HeaderValue) {
    headers.insert(REQUEST_ID, request_id.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    for (name, value) in
        [(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")]
    {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
