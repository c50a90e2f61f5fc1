//! Answers with the status of an error.

use super::super::trouble::{Kind, complaint, of_status, quote};

#[test]
fn a_status_and_a_body_make_one_sentence() {
    for (status, body, kind, why) in [
        (
            429,
            r#"{"error":{"message":"Slow down.","type":"tokens"}}"#,
            Kind::RateLimited,
            "Slow down",
        ),
        (429, r#"{"error":{"message":"m","code":"insufficient_quota"}}"#, Kind::Refused, "m"),
        (
            429,
            r#"{"error":{"message":"Request too large for x","code":"rate_limit_exceeded"}}"#,
            Kind::ContextLength,
            "Request too large for x",
        ),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
            Kind::Unavailable,
            "m (status 529)",
        ),
        (500, "<html>", Kind::Unavailable, "it answered with status 500"),
        (501, "", Kind::Refused, "it answered with status 501"),
        (408, "", Kind::Unavailable, "it answered with status 408"),
        (409, "", Kind::Unavailable, "it answered with status 409"),
        (404, r#"{"error":{"message":"no such model"}}"#, Kind::Refused, "no such model"),
        (
            400,
            r#"{"error":{"message":"prompt is too long: 9 tokens > 8 maximum","type":"invalid_request_error"}}"#,
            Kind::ContextLength,
            "prompt is too long: 9 tokens > 8 maximum",
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
            Kind::ContextLength,
            "the request exceeds the available context size",
        ),
        (413, "", Kind::ContextLength, "it answered with status 413"),
        (
            422,
            r#"{"detail":[{"loc":["body","top_k"],"msg":"Extra inputs are not permitted","input":"temperature"}]}"#,
            Kind::Refused,
            "Extra inputs are not permitted",
        ),
        (400, r#"{"message":"m"}"#, Kind::Refused, "m"),
        (400, r#"{"object":"error","message":"m","code":40303}"#, Kind::Refused, "m"),
        (
            400,
            r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#,
            Kind::Refused,
            "m",
        ),
        (
            302,
            "",
            Kind::Refused,
            "it redirects to another address (status 302), which is not followed",
        ),
    ] {
        let trouble = of_status(status, body.as_bytes());
        assert_eq!((trouble.kind, trouble.why.as_str()), (kind, why), "{status} {body}");
    }
}

#[test]
fn a_complaint_names_what_it_is_about_and_not_what_was_sent() {
    let body = br#"{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs","input":{"temperature":1}}]}"#;
    let complaint = complaint(body);
    assert!(complaint.contains("stream_options") && !complaint.contains("temperature"));
}

#[test]
fn a_quote_is_short_and_plain() {
    assert_eq!(quote(" a\n\tb\u{202e}c. "), "a bc");
    let long = quote(&"ä".repeat(5000));
    assert_eq!(long.chars().count(), 301);
    assert!(long.ends_with('…'));
}
