//! Messages as they come in.

use super::super::reading::Language;
use super::super::trouble::{Kind, Trouble};
use super::super::words::{FinishReason, Finished, ToolCall, Usage};

fn read(events: &[&str]) -> Result<(String, Finished), Trouble> {
    let events: Vec<String> = events
        .iter()
        .map(|event| {
            let value: serde_json::Value = serde_json::from_str(event).unwrap();
            format!("event: {}\ndata: {event}\n\n", value["type"].as_str().unwrap())
        })
        .collect();
    super::read(Language::AnthropicMessages, &[events.concat().as_bytes()])
}

const START: &str = r#"{"type":"message_start","message":{"model":"m-1","content":[],"usage":{"input_tokens":10,"cache_read_input_tokens":5,"cache_creation_input_tokens":3,"output_tokens":1}}}"#;
const TEXT: &str =
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const MORE: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}"#;
const PING: &str = r#"{"type":"ping"}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn end(reason: &str) -> String {
    format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}},"usage":{{"output_tokens":7}}}}"#
    )
}

#[test]
fn a_message_is_read_with_its_figures() {
    let block_end = r#"{"type":"content_block_stop","index":0}"#;
    let thinking = r#"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"hm"}}"#;
    let unknown = r#"{"type":"something_new","delta":5}"#;
    let all =
        [START, TEXT, PING, MORE, MORE, block_end, thinking, unknown, &end("end_turn"), STOP, MORE];
    let (text, finished) = read(&all).unwrap();
    assert_eq!(text, "hihi");
    let usage =
        Usage { prompt_tokens: 18, completion_tokens: 7, total_tokens: 25, cached_tokens: 5 };
    assert_eq!(finished.usage, Some(usage));
    assert_eq!((finished.reason, finished.model.as_deref()), (FinishReason::Stop, Some("m-1")));
    assert!(finished.calls.is_empty());
}

#[test]
fn the_end_of_the_message_is_required() {
    for cut in [&[][..], &[START, MORE], &[START, MORE, &end("end_turn")]] {
        assert_eq!(read(cut).unwrap_err().kind, Kind::Broken, "{cut:?}");
    }
    for (said, reason) in [
        ("max_tokens", FinishReason::Length),
        ("stop_sequence", FinishReason::Stop),
        ("refusal", FinishReason::ContentFilter),
        ("tool_use", FinishReason::ToolCalls),
        ("something_new", FinishReason::Stop),
    ] {
        assert_eq!(read(&[START, &end(said), STOP]).unwrap().1.reason, reason);
    }
}

#[test]
fn inputs_come_in_fragments_or_whole() {
    let begin = |index: u8, input: &str| {
        format!(
            r#"{{"type":"content_block_start","index":{index},"content_block":{{"type":"tool_use","id":"t{index}","name":"x","input":{input}}}}}"#
        )
    };
    let more = |index: u8, json: &str| {
        format!(
            r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"input_json_delta","partial_json":"{json}"}}}}"#
        )
    };
    let all = [
        START,
        &begin(1, "{}"),
        &more(1, ""),
        &more(1, r#"{\"a\""#),
        &begin(2, "{}"),
        &begin(3, r#"{"b":2}"#),
        &more(1, ":1}"),
        &end("tool_use"),
        STOP,
    ];
    let (_, finished) = read(&all).unwrap();
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: "x".to_owned(),
        arguments: arguments.to_owned(),
    };
    let expected = [call("t1", r#"{"a":1}"#), call("t2", "{}"), call("t3", r#"{"b":2}"#)];
    assert_eq!(finished.calls, expected);
    assert_eq!(finished.reason, FinishReason::ToolCalls);
}

#[test]
fn a_message_that_is_no_stream_is_read_too() {
    let whole = br#"{"type":"message","model":"m","content":[{"type":"text","text":"hi"},{"type":"tool_use","id":"t","name":"x","input":{"a":1}}],"stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":4}}"#;
    let (text, finished) = super::read(Language::AnthropicMessages, &[whole]).unwrap();
    assert_eq!((text.as_str(), finished.calls[0].arguments.as_str()), ("hi", r#"{"a":1}"#));
    assert_eq!(finished.usage.unwrap().total_tokens, 7);
}

#[test]
fn errors_in_a_stream_are_errors() {
    for (kind_of_error, kind) in [
        ("overloaded_error", Kind::Unavailable),
        ("api_error", Kind::Unavailable),
        ("rate_limit_error", Kind::RateLimited),
        ("invalid_request_error", Kind::Refused),
        ("authentication_error", Kind::Refused),
        ("request_too_large", Kind::ContextLength),
        ("something_new", Kind::Broken),
    ] {
        let event =
            format!(r#"{{"type":"error","error":{{"type":"{kind_of_error}","message":"m"}}}}"#);
        let trouble = read(&[START, MORE, &event]).unwrap_err();
        assert_eq!((trouble.kind, trouble.why.as_str()), (kind, "m"), "{kind_of_error}");
    }
}
