//! Frames as they come, over connections that are lost, and what is shown of them.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::cli::terminal::style::Style;

fn chunk(seq: i64, kind: &str, data: &str) -> Value {
    json!({
        "request_id": "r", "status": "chunk", "conversation_id": "c", "seq": seq,
        "chunk": { "type": "text", "data": data, "metadata": { "type": kind } },
    })
}

fn piece(seq: i64, (attempt, start): (i32, usize), data: &str) -> Value {
    let mut frame = chunk(seq, "delta", data);
    frame["chunk"]["metadata"]["attempt"] = json!(attempt);
    frame["chunk"]["metadata"]["start"] = json!(start);
    frame
}

fn shown(frames: &[Value]) -> String {
    let mut turn = Turn::of("r");
    let steps = frames.iter().filter_map(|frame| turn.take(frame));
    steps
        .map(|step| match step {
            Step::Words(words) => words,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn words_are_shown_once_over_a_connection_that_is_lost() {
    let frames = [
        chunk(4, "delta", "One"),
        chunk(4, "delta", " two"),
        chunk(4, "replay", "One two three"),
        chunk(4, "delta", " four"),
        chunk(9, "delta", "Five"),
        json!({ "request_id": "other", "status": "chunk", "chunk": { "data": "no" } }),
        chunk(9, "replay", "Five"),
    ];
    assert_eq!(shown(&frames), "One two three four\nFive");
    // An answer that began anew, because the model was asked again.
    assert_eq!(shown(&[chunk(4, "delta", "A"), chunk(4, "replay", "B")]), "A\nB");
    // The same, where the connection was lost before and there was nothing of it to be sent again.
    let anew = [piece(4, (0, 0), "A"), piece(4, (1, 0), "B"), piece(4, (1, 1), "C")];
    assert_eq!(shown(&anew), "A\nBC");
}

#[test]
fn what_is_beside_the_answer_is_a_line_a_question_or_the_end() {
    let mut turn = Turn::of("r");
    let mut take = |status: &str, kind: &str, data: &str, about: Value| {
        let chunk = json!({ "type": kind, "data": data, "metadata": about, "error": data });
        turn.take(&json!({
            "request_id": "r", "status": status, "conversation_id": "c", "seq": 7, "chunk": chunk,
            "metadata": { "tokens": 42, "cost": 0.5 },
        }))
    };
    let line = |step: Option<Step>| match step {
        Some(Step::Beside(line)) => line.render(Style::PLAIN),
        other => panic!("{other:?}"),
    };
    let about = json!({
        "tool": "run_eval", "server": "ops", "call_id": "1", "state": "running",
        "arguments": { "taskId": "a\u{202e}\u{1b}" },
    });
    let begun = line(take("processing", "tool_execution", "", about));
    assert_eq!(begun, r#"● ops run_eval {"taskId":"a\u202e\u001b"}"#);
    let about = json!({ "call_id": "1", "state": "failed" });
    let failed = line(take("processing", "tool_execution", "The call failed.", about));
    assert_eq!(failed, "✕ run_eval: The call failed.");
    let about = json!({
        "tool": "ops__status", "server": "ops", "call_id": "2", "state": "running",
        "arguments": "{\"a\":\"\u{1b}\"}",
    });
    let begun = line(take("processing", "tool_execution", "", about));
    assert_eq!(begun, "● ops status {\"a\":\"\\u{1b}\"}");
    let about = json!({ "tool_count": 2 });
    assert_eq!(take("processing", "tool_execution", "Executing 2 tool(s)...", about), None);
    let about = json!({
        "approval_id": "ap_1", "server": "ops", "tool": "t", "arguments": {}, "reason": "why",
    });
    let asked = take("processing", "approval_required", "", about);
    assert!(matches!(asked, Some(Step::Asks(asked)) if asked.approval_id == "ap_1"));
    let about = json!({ "elicitation_id": "el_1", "server": "s", "message": "m", "url": null });
    let question = take("processing", "elicitation_required", "", about);
    assert!(matches!(question, Some(Step::Question(asked)) if asked.url.is_none()));
    let end = End { ending: Ending::Complete, tokens: Some(42), cost: Some(0.5), seq: 7 };
    assert_eq!(take("complete", "", "", json!({})), Some(Step::End(end.clone())));
    let failed = Ending::Failed("no".to_owned());
    assert_eq!(take("error", "", "no", json!({})), Some(Step::End(End { ending: failed, ..end })));
}

#[test]
fn lines_stay_and_nothing_moves_the_terminal() {
    assert_eq!(safe("a\n\n\tb\u{1b}[2J\r\n\u{202e}"), "a\n\n b\\u{1b}[2J\n\\u{202e}");
}

proptest! {
    /// However an answer is cut, and wherever the connection breaks, it is shown once and whole.
    #[test]
    fn an_answer_is_shown_as_it_is(pieces in prop::collection::vec("[a-é \n]{1,4}", 1..12), breaks in prop::collection::vec(any::<bool>(), 12)) {
        let (mut frames, mut whole) = (Vec::new(), String::new());
        for (piece, is_broken) in pieces.iter().zip(breaks) {
            whole.push_str(piece);
            frames.push(chunk(3, "delta", piece));
            if is_broken {
                frames.push(chunk(3, "replay", &whole));
            }
        }
        prop_assert_eq!(shown(&frames), whole);
    }
}
