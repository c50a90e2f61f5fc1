//! What a request says in its HTTP headers, and whether the body says the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::mcp::fault::Fault;
use crate::mcp::version::Version;

/// What a request says in its headers, as far as the protocol gives them a meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// `MCP-Protocol-Version`.
    pub protocol_version: Option<Header>,
    /// `Mcp-Method`.
    pub method: Option<Header>,
    /// `Mcp-Name`.
    pub name: Option<Header>,
    /// `Mcp-Session-Id`.
    pub session: Option<Header>,
    /// `Mcp-Param-…`, by what follows, in lower case.
    pub params: BTreeMap<String, Header>,
}

impl Headers {
    /// Whether they name a revision that came after those of sessions, served or not.
    pub fn is_later(&self) -> bool {
        let version = self.protocol_version.as_ref();
        version.and_then(Header::text).is_some_and(Version::is_later)
    }
}

/// A header's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// It is there once, or every time the same.
    Value(String),
    /// It is there several times with different values, or is no visible text.
    Unreadable,
}

impl Header {
    /// Adds a value to what was there before.
    pub fn join(before: Option<Self>, value: Option<&str>) -> Self {
        match (before, value) {
            (None, Some(value)) => Self::Value(value.trim_matches([' ', '\t']).to_owned()),
            (Some(Self::Value(before)), Some(value))
                if before == value.trim_matches([' ', '\t']) =>
            {
                Self::Value(before)
            }
            _ => Self::Unreadable,
        }
    }

    /// The value, if it can be read.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unreadable => None,
        }
    }

    /// The value with its sentinel resolved: `=?base64?…?=` stands for what a header cannot carry.
    fn decoded(&self) -> Option<Cow<'_, str>> {
        let text = self.text()?;
        let inner = text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
        match inner {
            None => Some(Cow::Borrowed(text)),
            Some(encoded) => {
                let bytes = STANDARD.decode(encoded).ok()?;
                String::from_utf8(bytes).ok().map(Cow::Owned)
            }
        }
    }
}

/// Checks that a header is there and says what the body says.
pub(super) fn must_be(header: Option<&Header>, name: &str, body: &str) -> Result<(), Fault> {
    let Some(header) = header else {
        return Err(Fault::Header(format!(
            "the header {name} is missing; the body says {}",
            shown(body)
        )));
    };
    let Some(said) = header.decoded() else {
        return Err(Fault::Header(format!(
            "the header {name} cannot be read: it must be there once, in visible ASCII or =?base64?…?="
        )));
    };
    if said == body {
        return Ok(());
    }
    let (said, body) = (shown(&said), shown(body));
    Err(Fault::Header(format!("the header {name} says {said} and the body says {body}")))
}

/// Checks what a tool's schema wants repeated in headers: a property `x-mcp-header: Name` is to be
/// in `Mcp-Param-Name`.
pub(super) fn check_params(
    headers: &Headers,
    schema: &Value,
    arguments: &Value,
) -> Result<(), Fault> {
    let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
    for (property, schema) in properties {
        let argument = arguments.get(property).filter(|argument| !argument.is_null());
        match schema["x-mcp-header"].as_str() {
            Some(name) => {
                let header = headers.params.get(&name.to_ascii_lowercase());
                check_param(header, &format!("Mcp-Param-{name}"), argument)?;
            }
            None => {
                if let Some(inner) = argument {
                    check_params(headers, schema, inner)?;
                }
            }
        }
    }
    Ok(())
}

fn check_param(header: Option<&Header>, name: &str, argument: Option<&Value>) -> Result<(), Fault> {
    let body = match argument {
        None => {
            return match header {
                None => Ok(()),
                Some(_) => Err(Fault::Header(format!(
                    "the header {name} is there and the argument is not"
                ))),
            };
        }
        Some(Value::String(text)) => Cow::Borrowed(text.as_str()),
        Some(other) => Cow::Owned(other.to_string()),
    };
    // 1 and 1.0 are one number, however they are written.
    if argument.is_some_and(Value::is_number)
        && let Some(said) = header.and_then(Header::decoded)
        && integer(&said).is_some_and(|said| Some(said) == integer(&body))
    {
        return Ok(());
    }
    must_be(header, name, &body)
}

/// Reads an integer, also one that is written with a fraction of nothing.
fn integer(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    is_whole.then(|| whole.parse().ok()).flatten()
}

/// What somebody wrote, so short that it can be repeated.
fn shown(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    format!("{clean:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(text: &str) -> Header {
        Header::join(None, Some(text))
    }

    #[test]
    fn a_header_says_what_the_body_says() {
        assert_eq!(must_be(Some(&value("tools/call")), "Mcp-Method", "tools/call"), Ok(()));
        assert_eq!(must_be(Some(&value(" a\t")), "Mcp-Name", "a"), Ok(()));
        let encoded = format!("=?base64?{}?=", STANDARD.encode("größe"));
        assert_eq!(must_be(Some(&value(&encoded)), "Mcp-Name", "größe"), Ok(()));
        for header in [
            None,
            Some(value("Tools/call")),
            Some(value("=?base64?###?=")),
            Some(Header::Unreadable),
            Some(Header::join(Some(value("tools/call")), Some("other"))),
            Some(Header::join(None, None)),
        ] {
            let outcome = must_be(header.as_ref(), "Mcp-Method", "tools/call");
            assert!(matches!(outcome, Err(Fault::Header(_))), "{header:?}");
        }
        let twice = Header::join(Some(value("a")), Some("a"));
        assert_eq!(must_be(Some(&twice), "Mcp-Name", "a"), Ok(()));
    }

    #[test]
    fn arguments_that_belong_into_headers_are_compared() {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "count": { "type": "integer", "x-mcp-header": "Count" },
            "deep": { "properties": { "flag": { "type": "boolean", "x-mcp-header": "Flag" } } },
        } });
        let headers = |pairs: &[(&str, &str)]| Headers {
            params: pairs.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect(),
            ..Headers::default()
        };
        let all = json!({ "region": "eu", "count": 7, "deep": { "flag": true } });
        let said = [("region", "eu"), ("count", "7.0"), ("flag", "true")];
        assert_eq!(check_params(&headers(&said), &schema, &all), Ok(()));
        assert_eq!(check_params(&headers(&[]), &schema, &json!({})), Ok(()));
        assert_eq!(check_params(&headers(&[]), &schema, &json!({ "region": null })), Ok(()));
        for wrong in [
            &[("region", "eu"), ("count", "8"), ("flag", "true")][..],
            &[("region", "EU"), ("count", "7"), ("flag", "true")],
            &[("region", "eu"), ("count", "7")],
        ] {
            assert!(check_params(&headers(wrong), &schema, &all).is_err(), "{wrong:?}");
        }
        assert!(check_params(&headers(&[("region", "eu")]), &schema, &json!({})).is_err());
    }
}
