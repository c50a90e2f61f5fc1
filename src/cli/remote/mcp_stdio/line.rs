//! What is a line of the client, and by which rules is it passed on? Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Wants an answer.
    Request(Request),
    /// Wants none.
    Notification {
        method: String,
        era: Era,
        /// The id of the request that it takes back, as it was written.
        cancels: Option<String>,
    },
    /// What the client says to a question of the daemon.
    Answer,
    /// Several messages in one, which one revision has, with the ids that want answers.
    Batch(Vec<String>),
    /// JSON that is no message; the daemon says what is wrong with it.
    Odd,
    /// No JSON.
    Unreadable(String),
    /// Nothing at all.
    Blank,
}

/// A message that wants an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// As it was written.
    pub(super) id: String,
    pub(super) method: String,
    pub(super) era: Era,
    /// The resource that it is about, if it is about one.
    pub(super) uri: Option<String>,
}

/// By which rules a message is passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Era {
    /// It belongs to the session, if there is one.
    Session,
    /// It says everything about itself; these headers say it again.
    Stateless(Vec<(&'static str, String)>),
}

impl Request {
    /// Whether it is answered by a stream that has no end of its own.
    pub(super) fn is_long(&self) -> bool {
        matches!(self.method.as_str(), "subscriptions/listen" | "events/stream")
    }

    /// Whether a session begins with it.
    pub(super) fn begins_session(&self) -> bool {
        self.method == "initialize" && self.era == Era::Session
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<String>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// Keeps `null` apart from nothing.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
    #[serde(borrow)]
    task_id: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    protocol_version: Option<&'a RawValue>,
}

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Line {
    let text = match std::str::from_utf8(line) {
        Ok(text) => text.trim_matches([' ', '\t', '\r']),
        Err(_) => return Line::Unreadable("it is not UTF-8".to_owned()),
    };
    if text.is_empty() {
        return Line::Blank;
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Line::Unreadable(error.to_string());
    }
    if text.starts_with('[') {
        return Line::Batch(ids(text));
    }
    let envelope = match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(envelope) if text.starts_with('{') => envelope,
        _ => return Line::Odd,
    };
    let Envelope { id, method, params } = envelope;
    let params: Params<'_> =
        params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
    match (id, method) {
        (Some(id), Some(_)) if id.get() == "null" => Line::Odd,
        (Some(id), Some(method)) => {
            let era = era(&method, &params);
            let uri = string(params.uri);
            Line::Request(Request { id: id.get().to_owned(), method, era, uri })
        }
        (None, Some(method)) => {
            let era = era(&method, &params);
            let id = params.request_id.filter(|_| method == "notifications/cancelled");
            Line::Notification { era, cancels: id.map(|id| id.get().to_owned()), method }
        }
        (Some(_), None) => Line::Answer,
        (None, None) => Line::Odd,
    }
}

/// The ids in a batch that want answers.
fn ids(batch: &str) -> Vec<String> {
    let members: Vec<&RawValue> = serde_json::from_str(batch).unwrap_or_default();
    let id = |member: &RawValue| {
        let envelope: Envelope<'_> = serde_json::from_str(member.get()).ok()?;
        envelope.method.as_ref()?;
        envelope.id.map(|id| id.get().to_owned())
    };
    members.into_iter().filter_map(id).collect()
}

/// The rules of a message: its own revision, if it names one; else those of the session.
fn era(method: &str, params: &Params<'_>) -> Era {
    let meta: Meta<'_> =
        params.meta.and_then(|meta| serde_json::from_str(meta.get()).ok()).unwrap_or_default();
    let version = string(meta.protocol_version);
    if version.is_none() && method != "server/discover" {
        return Era::Session;
    }
    let name = match method {
        "tools/call" | "prompts/get" => params.name,
        "resources/read" => params.uri,
        "tasks/get" | "tasks/update" | "tasks/cancel" => params.task_id,
        _ => None,
    };
    let headers = [
        ("mcp-protocol-version", version),
        ("mcp-method", Some(method.to_owned())),
        ("mcp-name", string(name)),
    ];
    let said = headers.into_iter().filter_map(|(name, value)| Some((name, in_header(value?))));
    Era::Stateless(said.collect())
}

fn string(json: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(json?.get()).ok()
}

/// A text as a header carries it: as it is, or in the form for what a header cannot carry.
fn in_header(text: String) -> String {
    let is_visible = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_visible && text.trim() == text && !text.starts_with("=?base64?") {
        return text;
    }
    format!("=?base64?{}?=", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str, method: &str, era: Era, uri: Option<&str>) -> Line {
        let (id, method, uri) = (id.to_owned(), method.to_owned(), uri.map(str::to_owned));
        Line::Request(Request { id, method, era, uri })
    }

    fn stateless(headers: &[(&'static str, &str)]) -> Era {
        Era::Stateless(headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    }

    #[test]
    fn each_line_is_what_it_is() {
        for (text, expected) in [
            ("", Line::Blank),
            (" \r", Line::Blank),
            ("42", Line::Odd),
            ("{}", Line::Odd),
            (r#"{"id":null,"method":"ping"}"#, Line::Odd),
            (r#"{"id":1,"method":7}"#, Line::Odd),
            (r#"{"id":1,"id":2,"method":"ping"}"#, Line::Odd),
            (r#"{"id":"a","result":{}}"#, Line::Answer),
            (r#"{"id":"a","error":{"code":1}}"#, Line::Answer),
            (r#"{"id":1,"method":"ping"}"#, request("1", "ping", Era::Session, None)),
            (
                r#" {"id":"\u0061","method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#,
                request(r#""\u0061""#, "initialize", Era::Session, None),
            ),
            (
                r#"{"id":2,"method":"resources/subscribe","params":{"uri":"job://a"}}"#,
                request("2", "resources/subscribe", Era::Session, Some("job://a")),
            ),
            (
                r#"{"method":"notifications/cancelled","params":{"requestId":"w","reason":"x"}}"#,
                Line::Notification {
                    method: "notifications/cancelled".to_owned(),
                    era: Era::Session,
                    cancels: Some(r#""w""#.to_owned()),
                },
            ),
            (
                r#"{"method":"notifications/initialized","params":{"requestId":"w"}}"#,
                Line::Notification {
                    method: "notifications/initialized".to_owned(),
                    era: Era::Session,
                    cancels: None,
                },
            ),
            (
                r#"[{"id":1,"method":"ping"},{"method":"x"},{"id":2,"result":{}},3]"#,
                Line::Batch(vec!["1".to_owned()]),
            ),
        ] {
            assert_eq!(read(text.as_bytes()), expected, "{text}");
        }
        for text in [&b"{"[..], b"hello", b"{} {}", b"\"\xff\"", b"[1,"] {
            assert!(matches!(read(text), Line::Unreadable(_)), "{text:?}");
        }
    }

    #[test]
    fn a_message_that_says_everything_about_itself_says_it_in_headers_too() {
        let version = ("mcp-protocol-version", "2026-07-28");
        for (method, member, name) in [
            ("tools/call", r#""name":"status""#, Some("status")),
            ("prompts/get", r#""name":"explain""#, Some("explain")),
            ("resources/read", r#""uri":"job://a""#, Some("job://a")),
            ("tasks/get", r#""taskId":"job_1""#, Some("job_1")),
            ("tools/call", r#""name":"größe""#, Some("=?base64?Z3LDtsOfZQ==?=")),
            ("tools/call", r#""name":" a""#, Some("=?base64?IGE=?=")),
            ("tools/call", r#""name":"=?base64?x?=""#, Some("=?base64?PT9iYXNlNjQ/eD89?=")),
            ("tools/call", r#""name":7"#, None),
            ("tools/list", r#""name":"status""#, None),
        ] {
            let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
            let text = format!(r#"{{"id":1,"method":"{method}","params":{{{member},{meta}}}}}"#);
            let mut headers = vec![version, ("mcp-method", method)];
            headers.extend(name.map(|name| ("mcp-name", name)));
            let Line::Request(read) = read(text.as_bytes()) else { panic!("{text}") };
            assert_eq!(read.era, stateless(&headers), "{text}");
        }
        let Line::Request(discover) = read(br#"{"id":1,"method":"server/discover"}"#) else {
            panic!("it is a request");
        };
        assert_eq!(discover.era, stateless(&[("mcp-method", "server/discover")]));
    }

    #[test]
    fn what_has_no_end_and_what_begins_a_session_is_known() {
        let read = |method: &str, meta: &str| {
            let text = format!(r#"{{"id":1,"method":"{method}","params":{{"_meta":{{{meta}}}}}}}"#);
            let Line::Request(request) = read(text.as_bytes()) else { panic!("{text}") };
            (request.is_long(), request.begins_session())
        };
        let newest = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#;
        assert_eq!(read("subscriptions/listen", newest), (true, false));
        assert_eq!(read("events/stream", ""), (true, false));
        assert_eq!(read("tools/call", newest), (false, false));
        assert_eq!(read("initialize", ""), (false, true));
        assert_eq!(read("initialize", newest), (false, false));
    }
}
