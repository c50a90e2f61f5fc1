//! The JSON-RPC envelope, read without building trees: ids and params stay text.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The longest string id, in bytes of JSON; and more digits than any integer id needs.
const ID_LENGTH: usize = 258;

/// One message as it came.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Keeps `null` apart from nothing.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// A message that is what the protocol asks for.
#[derive(Debug)]
pub(super) enum Message<'a> {
    Request {
        id: &'a RawValue,
        method: Cow<'a, str>,
        params: Option<&'a RawValue>,
    },
    Notification {
        method: Cow<'a, str>,
        params: Option<&'a RawValue>,
    },
    /// What a client answers to something that it was asked; an error is no answer.
    Response {
        id: Option<&'a RawValue>,
        result: Option<&'a RawValue>,
    },
}

/// Why a message is none, with the id to answer to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) why: &'static str,
}

impl<'a> Envelope<'a> {
    /// Reads one message. The error is the parser's: the text is not JSON, or it is and is no
    /// object, or has a member twice.
    pub(super) fn read(text: &'a str) -> serde_json::Result<Self> {
        // A struct would also take an array, by position.
        if text.trim_ascii_start().starts_with('{') {
            return serde_json::from_str(text);
        }
        serde_json::from_str::<&RawValue>(text)?;
        Err(serde::de::Error::custom("it must be an object"))
    }

    pub(super) fn check(self) -> Result<Message<'a>, Malformed<'a>> {
        let id = match self.id {
            Some(id) if !is_valid_id(id.get()) => {
                let why = "id must be an integer or a string of at most 256 bytes";
                return Err(Malformed { id: None, why });
            }
            id => id,
        };
        let malformed = |why| Malformed { id: id.map(RawValue::get), why };
        if self.jsonrpc.map(RawValue::get) != Some(r#""2.0""#) {
            return Err(malformed(r#"jsonrpc must be "2.0""#));
        }
        let Some(method) = self.method else {
            return match (self.result, self.error) {
                (None, None) => Err(malformed("method is missing")),
                (result, _) => Ok(Message::Response { id, result }),
            };
        };
        let method = string(method.get()).ok_or_else(|| malformed("method must be a string"))?;
        let params = self.params.filter(|params| params.get() != "null");
        match id {
            Some(id) => Ok(Message::Request { id, method, params }),
            None => Ok(Message::Notification { method, params }),
        }
    }
}

/// A string, borrowed where nothing in it is escaped.
fn string(json: &str) -> Option<Cow<'_, str>> {
    match serde_json::from_str::<&str>(json) {
        Ok(text) => Some(Cow::Borrowed(text)),
        Err(_) => serde_json::from_str(json).ok().map(Cow::Owned),
    }
}

/// A string, or an integer; `1.0` is one as well.
fn is_valid_id(json: &str) -> bool {
    if ID_LENGTH < json.len() {
        return false;
    }
    if json.starts_with('"') {
        return string(json).is_some();
    }
    let digits = json.strip_prefix('-').unwrap_or(json);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str, allowed: fn(u8) -> bool| !text.is_empty() && text.bytes().all(allowed);
    all(whole, |byte| byte.is_ascii_digit()) && all(fraction, |byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn malformed(text: &str, id: Option<&str>, sign: &str) {
        let read = Envelope::read(text).map(Envelope::check);
        let Ok(Err(malformed)) = read else { panic!("{read:?}") };
        assert_eq!(malformed.id, id);
        assert!(malformed.why.contains(sign), "{malformed:?}");
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_id() {
        malformed(r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#, Some("7"), "jsonrpc");
        malformed(r#"{"jsonrpc":2.0,"id":7,"method":"ping"}"#, Some("7"), "jsonrpc");
        malformed(r#"{"id":"a","method":"ping"}"#, Some("\"a\""), "jsonrpc");
        malformed(r#"{"jsonrpc":"2.0","id":7}"#, Some("7"), "method");
        malformed(r#"{"jsonrpc":"2.0","id":7,"Method":"ping"}"#, Some("7"), "method");
        malformed(r#"{"jsonrpc":"2.0","id":7,"method":1}"#, Some("7"), "method");
        for id in ["null", "true", "{}", "1.5", "1e999", &format!("\"{}\"", "x".repeat(300))] {
            malformed(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#), None, "id");
        }
    }

    #[test]
    fn ids_stay_as_they_were_written() {
        for id in ["0", "-3", "1.0", "18446744073709551616", r#""a\u0041""#] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"pi\u006eg"}}"#);
            let message = Envelope::read(&text).unwrap().check();
            let Ok(Message::Request { id: read, method, .. }) = message else { panic!("{id}") };
            assert_eq!((read.get(), &*method), (id, "ping"));
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_an_error() {
        assert!(Envelope::read(r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#).is_err());
        assert!(Envelope::read(r#"{"jsonrpc":"2.0","method":"a","method":"b"}"#).is_err());
    }

    #[test]
    fn only_an_object_is_a_message() {
        for text in [r#"["2.0",1,"ping"]"#, r#" ["2.0"]"#, "42", "null", r#""ping""#] {
            assert!(Envelope::read(text).unwrap_err().is_data(), "{text}");
        }
        for text in ["", "[", "nul", "42 x", r#"["2.0"]]"#] {
            assert!(!Envelope::read(text).unwrap_err().is_data(), "{text}");
        }
    }

    #[test]
    fn null_params_are_no_params() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#;
        let message = Envelope::read(text).unwrap().check();
        assert!(matches!(message, Ok(Message::Request { params: None, .. })));
    }
}
