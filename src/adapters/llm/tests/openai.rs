//! Chat completions as they come in.

use super::super::reading::Language;
use super::super::trouble::{Kind, Trouble};
use super::super::words::{FinishReason, Finished, ToolCall, Usage};

fn read(events: &[&str]) -> Result<(String, Finished), Trouble> {
    super::read(Language::OpenAiChat, &[super::stream(events).as_bytes()])
}

fn text(content: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{content}"}}}}]}}"#)
}

fn stop(reason: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#)
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#)
}

/// The calls of deltas, each an array of fragments.
fn calls(fragments: &[&str]) -> Vec<(String, String, String)> {
    let mut events: Vec<String> =
        fragments.iter().map(|calls| delta(&format!(r#"{{"tool_calls":{calls}}}"#))).collect();
    events.push("[DONE]".to_owned());
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let (_, finished) = read(&events).unwrap();
    assert_eq!(finished.reason, FinishReason::ToolCalls);
    finished
        .calls
        .into_iter()
        .map(|ToolCall { id, name, arguments }| (id, name, arguments))
        .collect()
}

fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

#[test]
fn text_comes_as_it_was_written() {
    let head =
        r#"{"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}"#;
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"prompt_tokens_details":{"cached_tokens":4}}}"#;
    let all = [head, &text("bon"), &text("bon"), &text(""), &stop("stop"), usage, "[DONE]"];
    let (text, finished) = read(&all).unwrap();
    assert_eq!(text, "bonbon");
    let usage =
        Usage { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11, cached_tokens: 4 };
    assert_eq!(finished.usage, Some(usage));
    assert_eq!(finished.model.as_deref(), Some("m-1"));
    assert_eq!(finished.reason, FinishReason::Stop);
}

#[test]
fn an_end_is_required() {
    let cut = |events: &[&str]| read(events).unwrap_err().kind;
    assert_eq!(cut(&[]), Kind::Broken);
    assert_eq!(cut(&[&text("half")]), Kind::Broken);
    assert_eq!(cut(&["[DONE]"]), Kind::Broken);
    assert_eq!(cut(&[&text("a"), "{\"choices\":["]), Kind::Broken);
    // Either of the two ends is one.
    assert_eq!(read(&[&text("a"), &stop("length")]).unwrap().1.reason, FinishReason::Length);
    assert_eq!(read(&[&text("a"), "[DONE]"]).unwrap().1.reason, FinishReason::Stop);
    // What comes after it is nothing.
    assert_eq!(read(&[&text("a"), "[DONE]", &text("b"), "nonsense"]).unwrap().0, "a");
}

#[test]
fn figures_are_found_wherever_they_are() {
    let counts = |event: &str| {
        let usage = read(&[event, "[DONE]"]).unwrap().1.usage.unwrap();
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens, usage.cached_tokens)
    };
    let end = r#""choices":[{"delta":{},"finish_reason":"stop"}]"#;
    let groq =
        format!(r#"{{{end},"x_groq":{{"usage":{{"prompt_tokens":3,"completion_tokens":4}}}}}}"#);
    assert_eq!(counts(&groq), (3, 4, 7, 0));
    let last = format!(
        r#"{{{end},"usage":{{"prompt_tokens":3,"completion_tokens":4,"total_tokens":20}}}}"#
    );
    assert_eq!(counts(&last), (3, 4, 20, 0));
    let deep = format!(
        r#"{{{end},"usage":{{"prompt_tokens":3,"completion_tokens":4,"total_tokens":1,"prompt_cache_hit_tokens":2}}}}"#
    );
    assert_eq!(counts(&deep), (3, 4, 7, 2));
    let none = format!(r#"{{{end},"usage":null}}"#);
    assert_eq!(read(&[&none, "[DONE]"]).unwrap().1.usage, None);
}

#[test]
fn fragments_make_calls() {
    let whole = calls(&[
        r#"[{"index":0,"id":"a","type":"function","function":{"name":"x","arguments":""}}]"#,
        r#"[{"index":0,"function":{"name":null,"arguments":"{\"k\""}}]"#,
        r#"[{"index":1,"id":"b","function":{"name":"y","arguments":"{}"}},{"index":0,"function":{"arguments":":1}"}}]"#,
    ]);
    assert_eq!(whole, [call("a", "x", r#"{"k":1}"#), call("b", "y", "{}")]);
    // Half of it stays the text that it is.
    let half = calls(&[r#"[{"index":0,"id":"a","function":{"name":"x","arguments":"{\"k"}}]"#]);
    assert_eq!(half, [call("a", "x", r#"{"k"#)]);
    let blank = calls(&[r#"[{"index":0,"id":"a","function":{"name":"x","arguments":" "}}]"#]);
    assert_eq!(blank, [call("a", "x", "{}")]);
    let object = calls(&[r#"[{"id":"a","function":{"name":"x","arguments":{"k":1}}}]"#]);
    assert_eq!(object, [call("a", "x", r#"{"k":1}"#)]);
    let named = calls(&[
        r#"[{"index":0,"id":"a","function":{"name":"get_"}}]"#,
        r#"[{"index":0,"function":{"name":"job"}}]"#,
        r#"[{"index":0,"function":{"arguments":"{}"}}]"#,
    ]);
    assert_eq!(named, [call("a", "get_job", "{}")]);
}

#[test]
fn calls_are_told_apart_whatever_a_server_leaves_out() {
    let without_index = calls(&[
        r#"[{"id":"a","function":{"name":"x","arguments":"{"}}]"#,
        r#"[{"function":{"arguments":"}"}}]"#,
        r#"[{"id":"b","function":{"name":"x","arguments":"{}"}}]"#,
    ]);
    assert_eq!(without_index, [call("a", "x", "{}"), call("b", "x", "{}")]);
    let all_zero = calls(&[
        r#"[{"index":0,"id":"a","function":{"name":"x","arguments":"{}"}}]"#,
        r#"[{"index":0,"id":"b","function":{"name":"x","arguments":"{"}}]"#,
        r#"[{"index":0,"id":"c","function":{"arguments":"}"}}]"#,
    ]);
    assert_eq!(all_zero, [call("a", "x", "{}"), call("b", "x", "{}")]);
    let nothing = calls(&[
        r#"[{"function":{"name":"x","arguments":"{\"a\":1}"}}]"#,
        r#"[{"function":{"name":"x","arguments":"{\"a\":2}"}},{"index":null,"id":null,"function":{"name":"y","arguments":null}}]"#,
    ]);
    let expected = [
        call("seed01000", "x", r#"{"a":1}"#),
        call("seed01001", "x", r#"{"a":2}"#),
        call("seed01002", "y", "{}"),
    ];
    assert_eq!(nothing, expected);
    let repeated = calls(&[
        r#"[{"index":0,"id":"a","function":{"name":"x","arguments":"{\"a\":"}}]"#,
        r#"[{"index":0,"id":"a","function":{"name":"x","arguments":"1}"}}]"#,
        r#"[{"index":1,"id":"a","function":{"name":"x","arguments":"{}"}}]"#,
    ]);
    assert_eq!(repeated, [call("a", "x", r#"{"a":1}"#), call("seed01001", "x", "{}")]);
}

#[test]
fn calls_are_bounded() {
    let broken = |events: &[String]| {
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        read(&events).unwrap_err().kind
    };
    let many: Vec<_> = (0..129)
        .map(|index| delta(&format!(r#"{{"tool_calls":[{{"index":{index},"id":"c{index}"}}]}}"#)))
        .collect();
    assert_eq!(broken(&many), Kind::Broken);
    let long = "x".repeat(600_000);
    let long = format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":"{long}"}}}}]}}"#);
    assert_eq!(broken(&[delta(&long), delta(&long)]), Kind::Broken);
}

#[test]
fn other_forms_are_understood() {
    let language = Language::OpenAiChat;
    let whole = r#" {"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"content":"hi","tool_calls":[{"id":"a","function":{"name":"x","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let (said, finished) = super::read(language, &[whole.as_bytes()]).unwrap();
    assert_eq!(
        (said.as_str(), finished.calls.len(), finished.usage.unwrap().total_tokens),
        ("hi", 1, 3)
    );
    // As an event of a stream; and repeated at the end, as some do.
    let repeated = whole.replace("hi", "hihi");
    assert_eq!(read(&[whole, "[DONE]"]).unwrap().0, "hi");
    assert_eq!(read(&[&text("hi"), &repeated, "[DONE]"]).unwrap().0, "hi");
    let parts =
        delta(r#"{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"hi"}]}"#);
    assert_eq!(read(&[&parts, "[DONE]"]).unwrap().0, "hi");
    // Another choice than the first, and what nobody asked for.
    let other = r#"{"choices":[{"index":1,"delta":{"content":"no"}}],"unknown":{"a":[1]}}"#;
    assert_eq!(read(&[&text("hi"), other, "[DONE]"]).unwrap().0, "hi");
    for nonsense in ["<html></html>", "{", "not an answer", "[1]", "{}", "\"a\""] {
        let trouble = super::read(language, &[nonsense.as_bytes()]).unwrap_err();
        assert_eq!(trouble.kind, Kind::Broken, "{nonsense}");
    }
}

#[test]
fn errors_in_a_stream_are_errors() {
    for (event, kind, why) in [
        (
            r#"{"error":{"message":"Slow down.","type":"rate_limit_error"}}"#,
            Kind::RateLimited,
            "Slow down",
        ),
        (
            r#"{"error":{"code":429,"message":"busy"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
            Kind::RateLimited,
            "busy",
        ),
        (r#"{"error":{"code":502,"message":"gone"}}"#, Kind::Unavailable, "gone"),
        (r#"{"object":"error","message":"it broke","code":500}"#, Kind::Unavailable, "it broke"),
        (r#"{"error":"just words"}"#, Kind::Broken, "just words"),
        (
            r#"[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]"#,
            Kind::Unavailable,
            "m",
        ),
        (r#"{"x_groq":{"error":"tool failure"},"choices":[]}"#, Kind::Broken, "tool failure"),
        (
            r#"{"error":{"message":"This model's maximum context length is 8","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            Kind::ContextLength,
            "This model's maximum context length is 8",
        ),
        (
            r#"{"error":{"message":"no such tool","type":"invalid_request_error"}}"#,
            Kind::Refused,
            "no such tool",
        ),
        (
            r#"{"choices":[{"error":{"code":"server_error","message":"m"},"delta":{}}]}"#,
            Kind::Unavailable,
            "m",
        ),
        (
            r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#,
            Kind::Unavailable,
            "it ended the answer with an error",
        ),
    ] {
        let trouble = read(&[&text("a"), event, "[DONE]"]).unwrap_err();
        assert_eq!((trouble.kind, trouble.why.as_str()), (kind, why), "{event}");
    }
    let named = "event: error\ndata: {\"message\":\"m\",\"code\":500}\n\n";
    let bare = "error: {\"code\":500,\"message\":\"m\"}\n\n";
    let document = r#"{"error":{"code":500,"message":"m"}}"#;
    for bytes in [named, bare, document] {
        let trouble = super::read(Language::OpenAiChat, &[bytes.as_bytes()]).unwrap_err();
        assert_eq!((trouble.kind, trouble.why.as_str()), (Kind::Unavailable, "m"), "{bytes}");
    }
    let no_error = r#"{"error":null,"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    assert_eq!(read(&[no_error]).unwrap().0, "a");
}

#[test]
fn figures_that_are_no_counts_are_the_largest_that_there_are() {
    let end = r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    let counts = |prompt: &str| {
        let usage = format!(
            r#"{{"choices":[],"usage":{{"prompt_tokens":{prompt},"completion_tokens":2.0}}}}"#
        );
        let usage = read(&[end, &usage, "[DONE]"]).unwrap().1.usage.unwrap();
        (usage.prompt_tokens, usage.completion_tokens)
    };
    assert_eq!(counts("12.0"), (12, 2));
    assert_eq!(counts("1099511627776"), (1 << 40, 2));
    assert_eq!(counts("null"), (0, 2));
    for lie in ["-1", "1.5", "1e300", "\"12\"", "[]"] {
        assert_eq!(counts(lie), (u64::MAX, 2), "{lie}");
    }
}
