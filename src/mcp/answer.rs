//! What goes back: a body, and the HTTP status it deserves. The one place where codes are chosen.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::Value;

use crate::mcp::body::Body;
use crate::mcp::fault::Fault;
use crate::mcp::version::Version;

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
    ResourceNotFound = -32002,
    Overloaded = -32003,
    HeaderMismatch = -32020,
    MissingCapability = -32021,
    UnsupportedVersion = -32022,
}

/// The answer to one HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body; empty where nothing is to be said.
    pub body: Body,
    /// The session that begins with it.
    pub session: Option<String>,
}

impl Answer {
    fn new(status: u16, body: impl Into<Body>) -> Self {
        Self { status, body: body.into(), session: None }
    }

    /// Nothing is to be said.
    pub(super) fn accepted() -> Self {
        Self::new(202, Bytes::new())
    }

    pub(super) fn ok(body: impl Into<Body>) -> Self {
        Self::new(200, body)
    }

    pub(super) fn bad(body: Bytes) -> Self {
        Self::new(400, body)
    }

    pub(super) fn with_status(status: u16, body: Bytes) -> Self {
        Self::new(status, body)
    }

    pub(super) fn starting(mut self, session: Option<String>) -> Self {
        self.session = session;
        self
    }
}

/// A request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    /// The JSON text of an object.
    pub(super) object: Bytes,
    /// The same and the brace that ends the answer, where it is kept for other answers.
    closed: Option<Bytes>,
    /// What kind of result it is, for revisions that have kinds.
    pub(super) kind: &'static str,
    /// How long it stays true, for revisions that ask.
    pub(super) cache: Option<Cache>,
    /// What else is said about it, as members of `_meta`; the object itself must have none.
    pub(super) meta: Option<Value>,
}

/// How long a result stays true, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cache {
    /// In milliseconds.
    pub(super) ttl: u32,
    /// Whether it is the same for everybody, whatever key is presented.
    pub(super) public: bool,
}

impl Done {
    pub(super) fn complete(object: Bytes) -> Self {
        Self { object, closed: None, kind: "complete", cache: None, meta: None }
    }

    /// A result that others get as well: `closed` is its JSON text and one more closing brace.
    pub(super) fn kept(closed: Bytes) -> Self {
        let object = closed.slice(..closed.len().saturating_sub(1));
        Self { closed: Some(closed), ..Self::complete(object) }
    }

    pub(super) fn value(object: &Value) -> Self {
        Self::complete(object.to_string().into())
    }

    pub(super) fn of_kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    pub(super) fn with_meta(mut self, meta: Value) -> Self {
        self.meta = Some(meta);
        self
    }

    pub(super) fn cached(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }
}

/// The answer to a request with this id, by the rules of a revision.
pub(super) fn answer(version: Version, id: &str, outcome: Result<Done, Fault>) -> Answer {
    match outcome {
        Ok(done) if version.is_stateless() => Answer::ok(stateless_result(id, &done)),
        Ok(done) => Answer::ok(result(id, &done)),
        Err(fault) => {
            let (code, message) = (fault.code(version), fault.message());
            let body = error_with(Some(id), code, &message, fault.data());
            Answer::with_status(fault.status(version), body)
        }
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

/// A result as it is.
fn result(id: &str, done: &Done) -> Body {
    let own = if done.closed.is_some() { 0 } else { done.object.len() };
    let mut out = BytesMut::with_capacity(id.len() + own + 40);
    put_head(&mut out, id);
    ended(out, done, 0)
}

/// Puts the object after what is there, from a place in it on, and the end of the answer.
fn ended(mut out: BytesMut, done: &Done, from: usize) -> Body {
    let shared = match &done.closed {
        Some(closed) => closed.slice(from..),
        None => {
            out.put_slice(&done.object[from..]);
            out.put_u8(b'}');
            Bytes::new()
        }
    };
    Body { own: out.freeze(), shared }
}

/// A result that says what kind it is, who gives it, and how long it stays true.
fn stateless_result(id: &str, done: &Done) -> Body {
    let from = usize::from(done.object.starts_with(b"{"));
    let members = &done.object[from..];
    let own = if done.closed.is_some() { 0 } else { members.len() };
    let mut out = BytesMut::with_capacity(id.len() + own + 256);
    put_head(&mut out, id);
    out.put_slice(b"{\"resultType\":\"");
    out.put_slice(done.kind.as_bytes());
    out.put_slice(b"\",");
    if let Some(Cache { ttl, public }) = done.cache {
        let scope = if public { "public" } else { "private" };
        out.put_slice(format!(r#""ttlMs":{ttl},"cacheScope":"{scope}","#).as_bytes());
    }
    out.put_slice(b"\"_meta\":{");
    out.put_slice(SERVED_BY.as_bytes());
    if let Some(meta) = &done.meta {
        let meta = meta.to_string();
        out.put_u8(b',');
        out.put_slice(meta.trim_start_matches('{').as_bytes());
    } else {
        out.put_u8(b'}');
    }
    if !members.trim_ascii_start().starts_with(b"}") {
        out.put_u8(b',');
    }
    ended(out, done, from)
}

/// Says with every result who gave it.
const SERVED_BY: &str = concat!(
    r#""io.modelcontextprotocol/serverInfo":{"name":"lukhas-mcp","title":"lukhas-mcp","#,
    r#""version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}"#
);

fn put_head(out: &mut BytesMut, id: &str) {
    out.put_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.put_slice(id.as_bytes());
    out.put_slice(b",\"result\":");
}

/// An error; without an id where none could be read.
pub(super) fn error(id: Option<&str>, code: Code, message: &str) -> Bytes {
    error_with(id, code as i32, message, None)
}

/// An error without any id, where none could be read.
pub(super) fn error_without_id(code: Code, message: &str) -> Bytes {
    let message = serde_json::to_string(message).expect("a string is JSON");
    let code = code as i32;
    format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":{message}}}}}"#).into()
}

fn error_with(id: Option<&str>, code: i32, message: &str, data: Option<Value>) -> Bytes {
    let message = serde_json::to_string(message).expect("a string is JSON");
    let id = id.unwrap_or("null");
    let data = data.map(|data| format!(",\"data\":{data}")).unwrap_or_default();
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}{data}}}}}"#
    );
    body.into()
}

/// A notification; `params` is JSON.
pub(super) fn notification(method: &str, params: &Value) -> Bytes {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#).into()
}

/// A request to the client.
pub(super) fn request(id: &str, method: &str, params: &Value) -> Bytes {
    format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"{method}","params":{params}}}"#).into()
}

/// A batch of answers.
pub(super) fn joined(answers: &[Bytes]) -> Bytes {
    let mut out = BytesMut::with_capacity(answers.iter().map(|body| body.len() + 1).sum());
    out.put_u8(b'[');
    for (n, body) in answers.iter().enumerate() {
        if 0 < n {
            out.put_u8(b',');
        }
        out.put_slice(body);
    }
    out.put_u8(b']');
    out.freeze()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stateless_result_says_its_kind_and_its_server() {
        for object in ["{}", r#"{"a":1}"#] {
            let done = Done::complete(Bytes::from_static(object.as_bytes()))
                .cached(Cache { ttl: 5, public: false });
            let answer = answer(Version::V20260728, "7", Ok(done));
            let body: Value = serde_json::from_slice(&answer.body.into_bytes()).unwrap();
            let result = &body["result"];
            assert_eq!(result["resultType"], "complete");
            assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(5), &json!("private")));
            let server = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
            assert_eq!(server["name"], env!("CARGO_PKG_NAME"));
            assert_eq!(result.get("a"), (object != "{}").then_some(&json!(1)));
        }
    }

    #[test]
    fn what_else_is_said_about_a_result_stands_beside_the_server() {
        let done = Done::value(&json!({ "a": 1 })).with_meta(json!({ "b": 2 }));
        let answer = answer(Version::V20260728, "7", Ok(done));
        let body: Value = serde_json::from_slice(&answer.body.into_bytes()).unwrap();
        let meta = &body["result"]["_meta"];
        assert_eq!(meta["b"], 2);
        assert_eq!(meta["io.modelcontextprotocol/serverInfo"]["name"], env!("CARGO_PKG_NAME"));
    }

    #[test]
    fn what_is_shared_is_answered_as_if_it_were_not() {
        for version in Version::ALL {
            let text = r#"{"tools":[1,2]}"#;
            let copied = Done::complete(Bytes::from_static(text.as_bytes()));
            let kept = Done::kept(format!("{text}}}").into());
            assert_eq!(kept.object, copied.object);
            let (copied, kept) = (answer(version, "7", Ok(copied)), answer(version, "7", Ok(kept)));
            assert!(copied.body.shared.is_empty() && !kept.body.shared.is_empty());
            assert_eq!(copied.body.into_bytes(), kept.body.into_bytes());
        }
    }

    #[test]
    fn an_earlier_revision_has_neither() {
        let done = Done::complete(Bytes::from_static(b"{}")).cached(Cache { ttl: 5, public: true });
        let answer = answer(Version::V20251125, "\"a\"", Ok(done));
        assert_eq!(answer.body.into_bytes(), r#"{"jsonrpc":"2.0","id":"a","result":{}}"#);
    }
}
