//! By the rules of which revision is a request answered? Pure.

use serde_json::value::RawValue;

use crate::mcp::fault::Fault;
use crate::mcp::headers::{Headers, must_be};
use crate::mcp::meta::Meta;
use crate::mcp::version::Version;

/// The method that only requests that say everything about themselves have.
pub(super) const DISCOVER: &str = "server/discover";

/// The header that names the revision.
const VERSION_HEADER: &str = "MCP-Protocol-Version";

/// The revision that the header names, among those with sessions; `Err` where it names none that is
/// served, or one that has none.
pub(super) fn agreed(headers: &Headers) -> Result<Option<Version>, ()> {
    let Some(header) = &headers.protocol_version else { return Ok(None) };
    let version = header.text().and_then(Version::parse).ok_or(())?;
    if version.is_stateless() { Err(()) } else { Ok(Some(version)) }
}

/// Whether the header, method or meta of a request asks for the rules of stateless requests.
pub(super) fn is_stateless(headers: &Headers, method: &str, meta: &Meta) -> bool {
    meta.protocol_version.is_some() || method == DISCOVER || headers.is_later()
}

/// Whether a client begins a session, whatever its headers say: one that always sends the newest
/// revision it knows has found that out of an earlier server's refusal.
pub(super) fn falls_back(params: Option<&RawValue>, meta: &Meta) -> bool {
    meta.protocol_version.is_none()
        && params.is_some_and(|params| member(params.get(), "protocolVersion").is_some())
}

/// Checks what every stateless request must say about itself, in its headers and in its body.
///
/// # Errors
/// Something is missing, or is not the same in both.
pub(super) fn check_stateless(
    headers: &Headers,
    method: &str,
    params: Option<&RawValue>,
    meta: &Meta,
) -> Result<Version, Fault> {
    let missing = |name: &str| {
        Fault::Incomplete(format!(
            "params._meta must have io.modelcontextprotocol/{name} in this revision"
        ))
    };
    let asked = meta.protocol_version.as_deref().ok_or_else(|| missing("protocolVersion"))?;
    must_be(headers.protocol_version.as_ref(), VERSION_HEADER, asked)?;
    let version = match Version::parse(asked) {
        Some(version) if version.is_stateless() => version,
        _ => return Err(Fault::Version(asked.chars().take(64).collect())),
    };
    must_be(headers.method.as_ref(), "Mcp-Method", method)?;
    if let Some(name) = named(method) {
        let name = params.and_then(|params| member(params.get(), name));
        // Without one the method itself refuses the params. Clients that follow tasks by a library
        // leave the header out, which harms nobody: what a task is asked for stands in the body.
        let may_be_missing = headers.name.is_none() && method.starts_with("tasks/");
        if let Some(name) = name.filter(|_| !may_be_missing) {
            must_be(headers.name.as_ref(), "Mcp-Name", &name)?;
        }
    }
    if meta.capabilities.is_none() {
        return Err(missing("clientCapabilities"));
    }
    if matches!(meta.log_level, Some(Err(()))) {
        let why = "io.modelcontextprotocol/logLevel must be debug, info, notice, warning, error, \
                   critical, alert or emergency";
        return Err(Fault::Params(why.to_owned()));
    }
    Ok(version)
}

/// The member of the params that the header repeats.
fn named(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

/// A text member of an object.
fn member(object: &str, name: &str) -> Option<String> {
    let object: std::collections::HashMap<String, &RawValue> = serde_json::from_str(object).ok()?;
    serde_json::from_str(object.get(name)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::capabilities::Capabilities;
    use crate::mcp::headers::Header;

    fn value(text: &str) -> Header {
        Header::join(None, Some(text))
    }

    fn meta(version: Option<&str>) -> Meta {
        Meta {
            protocol_version: version.map(str::to_owned),
            capabilities: Some(Capabilities::default()),
            ..Meta::default()
        }
    }

    fn headers(version: &str, method: &str, name: &str) -> Headers {
        Headers {
            protocol_version: Some(value(version)),
            method: Some(value(method)),
            name: Some(value(name)),
            ..Headers::default()
        }
    }

    #[test]
    fn each_sign_of_a_stateless_request_is_seen() {
        let silent = Headers::default();
        assert!(!is_stateless(&silent, "tools/list", &Meta::default()));
        assert!(is_stateless(&silent, "tools/list", &meta(Some("2026-07-28"))));
        assert!(is_stateless(&silent, DISCOVER, &Meta::default()));
        for (version, stateless) in
            [("2025-11-25", false), ("2026-07-28", true), ("2099-01-01", true), ("x", false)]
        {
            let headers = Headers { protocol_version: Some(value(version)), ..Headers::default() };
            assert_eq!(is_stateless(&headers, "ping", &Meta::default()), stateless, "{version}");
        }
    }

    #[test]
    fn a_request_that_says_everything_twice_is_let_in() {
        let params = RawValue::from_string(r#"{"name":"status"}"#.to_owned()).unwrap();
        let check = |headers: &Headers, meta: &Meta| {
            check_stateless(headers, "tools/call", Some(&params), meta)
        };
        let good = headers("2026-07-28", "tools/call", "status");
        assert_eq!(check(&good, &meta(Some("2026-07-28"))), Ok(Version::V20260728));
        for (headers, meta, code) in [
            (Headers::default(), meta(Some("2026-07-28")), "header"),
            (headers("2025-11-25", "tools/call", "status"), meta(Some("2026-07-28")), "header"),
            (headers("2026-07-28", "tools/list", "status"), meta(Some("2026-07-28")), "header"),
            (headers("2026-07-28", "tools/call", "why"), meta(Some("2026-07-28")), "header"),
            (good.clone(), meta(None), "incomplete"),
            (good.clone(), Meta { capabilities: None, ..meta(Some("2026-07-28")) }, "incomplete"),
            (headers("2099-01-01", "tools/call", "status"), meta(Some("2099-01-01")), "version"),
            (headers("2025-11-25", "tools/call", "status"), meta(Some("2025-11-25")), "version"),
            (good.clone(), Meta { log_level: Some(Err(())), ..meta(Some("2026-07-28")) }, "params"),
        ] {
            let kind = match check(&headers, &meta) {
                Err(Fault::Header(_)) => "header",
                Err(Fault::Incomplete(_)) => "incomplete",
                Err(Fault::Version(_)) => "version",
                Err(Fault::Params(_)) => "params",
                other => panic!("{other:?}"),
            };
            assert_eq!(kind, code, "{headers:?} {meta:?}");
        }
    }
}
