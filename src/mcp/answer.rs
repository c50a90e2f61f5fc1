//! What goes back: a body, and the HTTP status it deserves. The one place where codes are chosen.

use bytes::{BufMut as _, Bytes, BytesMut};

/// JSON-RPC and our own error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Parse = -32700,
    InvalidRequest = -32600,
    MethodNotFound = -32601,
    InvalidParams = -32602,
    Internal = -32603,
    Unauthorized = -32000,
    RateLimit = -32001,
    Overloaded = -32003,
}

/// The answer to one HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body; empty where nothing is to be said.
    pub body: Bytes,
}

impl Answer {
    /// Nothing is to be said.
    pub(super) fn accepted() -> Self {
        Self { status: 202, body: Bytes::new() }
    }

    pub(super) fn ok(body: Bytes) -> Self {
        Self { status: 200, body }
    }

    pub(super) fn bad(body: Bytes) -> Self {
        Self { status: 400, body }
    }
}

/// The body for requests without a valid key.
pub fn unauthorized() -> Bytes {
    error(None, Code::Unauthorized, "Unauthorized")
}

/// The body for requests beyond the rate limit.
pub fn rate_limited() -> Bytes {
    error(None, Code::RateLimit, "Rate limit")
}

/// The body for a request that failed through a fault of ours.
pub fn internal_error() -> Bytes {
    error(None, Code::Internal, "the request failed through a fault of the server")
}

/// The body for a request that JSON-RPC would not let in; `why` may be shown to a client.
pub fn refused(why: &str) -> Bytes {
    error(None, Code::InvalidRequest, why)
}

/// A result; `result` is JSON text.
pub(super) fn result(id: &str, result: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(id.len() + result.len() + 40);
    out.put_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.put_slice(id.as_bytes());
    out.put_slice(b",\"result\":");
    out.put_slice(result);
    out.put_u8(b'}');
    out.freeze()
}

/// An error; without an id where none could be read.
pub(super) fn error(id: Option<&str>, code: Code, message: &str) -> Bytes {
    let message = serde_json::to_string(message).expect("a string is JSON");
    let (id, code) = (id.unwrap_or("null"), code as i32);
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}}}}}"#);
    body.into()
}
