//! What a request says about itself in `params._meta`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::mcp::capabilities::Capabilities;
use crate::mcp::fault::Fault;
use crate::telemetry::{self, Parent};
use crate::tools::LogLevel;

/// The longest token, in bytes of JSON.
const TOKEN_LENGTH: usize = 258;

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, rename = "_meta", default)]
    meta: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
struct Read<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion", default)]
    protocol_version: Option<Cow<'a, str>>,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities", default)]
    capabilities: Option<Value>,
    #[serde(borrow, rename = "io.modelcontextprotocol/logLevel", default)]
    log_level: Option<&'a RawValue>,
    #[serde(borrow, rename = "progressToken", default)]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    traceparent: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tracestate: Option<&'a RawValue>,
}

/// What a request says about itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Meta {
    pub(super) protocol_version: Option<String>,
    pub(super) capabilities: Option<Capabilities>,
    /// The least level of the log messages that it wants; an error if it is none.
    pub(super) log_level: Option<Result<LogLevel, ()>>,
    /// As JSON: a string or a number.
    pub(super) progress_token: Option<String>,
    /// The span that this request is a part of, as W3C trace context writes it.
    pub(super) parent: Option<Parent>,
}

impl Meta {
    /// What counts in a batch, where nobody is told anything before the end.
    pub(super) fn of_a_batch(self) -> Self {
        Self { parent: self.parent, ..Self::default() }
    }

    /// Reads it; nothing where a request says nothing.
    ///
    /// # Errors
    /// It is no object, or a member is of the wrong type.
    pub(super) fn of(params: Option<&RawValue>) -> Result<Self, Fault> {
        // Most requests have none, and looking for the name is cheaper than parsing.
        let Some(params) = params.map(RawValue::get) else { return Ok(Self::default()) };
        if !params.starts_with('{') || memchr::memmem::find(params.as_bytes(), b"_meta").is_none() {
            return Ok(Self::default());
        }
        let wrong = |why: &str| Fault::Incomplete(format!("params._meta: {why}"));
        let meta = serde_json::from_str::<Params<'_>>(params)
            .map_err(|_| Fault::Incomplete("params must be an object without twins".to_owned()))?
            .meta;
        let Some(meta) = meta.filter(|meta| meta.get() != "null") else {
            return Ok(Self::default());
        };
        // A struct would also take an array, by position.
        if !meta.get().starts_with('{') {
            return Err(wrong("it must be an object"));
        }
        let read: Read<'_> = serde_json::from_str(meta.get())
            .map_err(|_| wrong("a member is not of the type that the protocol gives it"))?;
        let capabilities = read.capabilities.as_ref().map(Capabilities::of).transpose();
        let capabilities =
            capabilities.map_err(|()| wrong("clientCapabilities must be an object"))?;
        let log_level = read.log_level.map(|level| {
            let text = serde_json::from_str::<Cow<'_, str>>(level.get()).map_err(drop)?;
            LogLevel::parse(&text).ok_or(())
        });
        let progress_token = read.progress_token.map(RawValue::get);
        if progress_token.is_some_and(|token| !is_token(token)) {
            return Err(wrong("progressToken must be a string or a number of at most 256 bytes"));
        }
        Ok(Self {
            protocol_version: read.protocol_version.map(Cow::into_owned),
            capabilities,
            log_level,
            progress_token: progress_token.map(str::to_owned),
            parent: parent(read.traceparent, read.tracestate),
        })
    }
}

/// Whoever traces wrongly is still served, so what is no text counts as not said.
fn parent(parent: Option<&RawValue>, state: Option<&RawValue>) -> Option<Parent> {
    if !telemetry::is_traced() {
        return None;
    }
    let text = |json: &RawValue| serde_json::from_str::<String>(json.get()).ok();
    Parent::read(&text(parent?)?, state.and_then(text).as_deref())
}

fn is_token(json: &str) -> bool {
    json.len() <= TOKEN_LENGTH
        && json.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(params: &str) -> Result<Meta, Fault> {
        Meta::of(Some(&RawValue::from_string(params.to_owned()).unwrap()))
    }

    #[test]
    fn what_a_request_says_is_read() {
        let meta = read(
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
               "io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},
               "io.modelcontextprotocol/logLevel":"warning","progressToken":"p",
               "traceparent":7,"tracestate":[],"baggage":{},"more":1},"name":"x"}"#,
        )
        .unwrap();
        assert_eq!(meta.protocol_version.as_deref(), Some("2026-07-28"));
        assert!(meta.capabilities.unwrap().has(crate::tools::Capability::Elicitation));
        assert_eq!(meta.log_level, Some(Ok(LogLevel::Warning)));
        assert_eq!(meta.progress_token.as_deref(), Some("\"p\""));
        assert_eq!(read(r#"{"name":"_meta"}"#), Ok(Meta::default()));
        assert_eq!(read("[1]"), Ok(Meta::default()));
        assert_eq!(Meta::of(None), Ok(Meta::default()));
    }

    #[test]
    fn what_is_of_the_wrong_type_is_refused() {
        for meta in [
            r#"{"io.modelcontextprotocol/protocolVersion":1}"#,
            r#"{"io.modelcontextprotocol/clientCapabilities":[]}"#,
            r#"{"progressToken":{}}"#,
            r#"{"progressToken":true}"#,
            "[]",
            "7",
        ] {
            let outcome = read(&format!("{{\"_meta\":{meta}}}"));
            assert!(matches!(outcome, Err(Fault::Incomplete(_))), "{meta}: {outcome:?}");
        }
        let odd = read(r#"{"_meta":{"io.modelcontextprotocol/logLevel":"loud"}}"#).unwrap();
        assert_eq!(odd.log_level, Some(Err(())));
    }
}
