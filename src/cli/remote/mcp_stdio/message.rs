//! What is in a message of the daemon, and how does the bridge say something of its own? Pure.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use serde_json::value::RawValue;

/// No JSON.
pub(super) const PARSE_ERROR: i32 = -32_700;
/// JSON that cannot be passed on.
pub(super) const INVALID_REQUEST: i32 = -32_600;
/// What became of a request is not the fault of who asked.
pub(super) const INTERNAL_ERROR: i32 = -32_603;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<IgnoredAny>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(message).ok()
    }
}

/// A message as one line, if it is JSON. Line ends in JSON stand between its parts only.
pub(super) fn one_line(message: &Bytes) -> Option<Bytes> {
    serde_json::from_slice::<IgnoredAny>(message).ok()?;
    if !message.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return Some(message.clone());
    }
    let spaced = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
    Some(message.iter().map(spaced).collect::<Vec<u8>>().into())
}

/// Whether a message is the answer to the request with this id.
pub(super) fn answers(message: &[u8], id: &str) -> bool {
    Envelope::read(message).is_some_and(|envelope| {
        let is_answer = envelope.result.is_some() || envelope.error.is_some();
        envelope.method.is_none() && is_answer && envelope.id.map(RawValue::get) == Some(id)
    })
}

/// The result in an answer, as it was written.
pub(super) fn result(message: &[u8]) -> Option<&RawValue> {
    Envelope::read(message)?.result
}

/// The error in what a request was refused with, as an answer to it; nothing if there is none.
pub(super) fn refusal_of(id: &str, body: &Bytes) -> Option<Bytes> {
    if answers(body, id) {
        return one_line(body);
    }
    let error = Envelope::read(body)?.error?.get();
    // Errors outside of JSON-RPC are texts.
    let is_ours = error.starts_with('{');
    let answer = || format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
    is_ours.then(answer).and_then(|answer| one_line(&answer.into()))
}

/// An error; `null` stands for an id that could not be read.
pub(super) fn error(id: &str, code: i32, why: &str) -> Bytes {
    let why = json!(why);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{why}}}}}"#).into()
}

/// A request of the bridge's own.
pub(super) fn request(id: &str, method: &str, params: &RawValue) -> Bytes {
    let (id, method) = (json!(id), json!(method));
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#).into()
}

/// A notification of the bridge's own.
pub(super) fn notification(method: &str, params: &serde_json::Value) -> Bytes {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string().into()
}

/// The params of a message, as they were written.
pub(super) fn params(message: &[u8]) -> Option<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow)]
        params: &'a RawValue,
    }
    serde_json::from_slice::<Asked<'_>>(message).ok().map(|asked| asked.params.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_one_line_and_stays_the_same() {
        let spread = Bytes::from_static(b"{\r\n \"a\": \"x\\ny\"\n}");
        assert_eq!(one_line(&spread).unwrap(), &b"{   \"a\": \"x\\ny\" }"[..]);
        assert_eq!(one_line(&Bytes::from_static(b"{}")).unwrap(), &b"{}"[..]);
        for wrong in [&b""[..], b"<html>", b"{}{}"] {
            assert_eq!(one_line(&Bytes::from_static(wrong)), None);
        }
    }

    #[test]
    fn only_the_answer_to_a_request_answers_it() {
        for (message, is_answer) in [
            (r#"{"jsonrpc":"2.0","id":"a","result":{}}"#, true),
            (r#"{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":"x"}}"#, true),
            (r#"{"jsonrpc":"2.0","id":"b","result":{}}"#, false),
            (r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#, false),
            (r#"{"jsonrpc":"2.0","method":"x"}"#, false),
            ("[]", false),
        ] {
            assert_eq!(answers(message.as_bytes(), r#""a""#), is_answer, "{message}");
        }
    }

    #[test]
    fn a_refusal_is_the_answer_to_who_was_refused() {
        let error = r#"{"code":-32600,"message":"no"}"#;
        for id in ["null", "7", r#""a""#] {
            let body = Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#));
            let expected = format!(r#"{{"jsonrpc":"2.0","id":"a","error":{error}}}"#);
            assert_eq!(refusal_of(r#""a""#, &body).unwrap(), expected.as_bytes());
        }
        for body in ["", "<html>", r#"{"error":"Forbidden","message":"no"}"#, r#"{"id":1}"#] {
            assert_eq!(refusal_of("1", &Bytes::from(body)), None, "{body}");
        }
    }

    #[test]
    fn what_the_bridge_says_is_json_rpc() {
        let error: serde_json::Value =
            serde_json::from_slice(&error("null", PARSE_ERROR, "a \"word\"\n")).unwrap();
        assert_eq!(error["error"]["message"], "a \"word\"\n");
        assert!(error["id"].is_null());
        let params = params(br#"{"id":1,"params":{"b": 1.0}}"#).unwrap();
        let request = request("own", "initialize", &params);
        let expected = r#"{"jsonrpc":"2.0","id":"own","method":"initialize","params":{"b": 1.0}}"#;
        assert_eq!(request, expected.as_bytes());
    }
}
