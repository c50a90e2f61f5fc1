//! How are conversations and what was said in them shown on lines? Pure.

use serde::Deserialize;
use serde_json::Value;

use crate::cli::remote::approvals::Asked;
use crate::cli::remote::chat::turn::{End, safe};
use crate::cli::terminal::style::{Line, Style, Tone};
use crate::cli::terminal::table::{Cell, Table};
use crate::cli::terminal::text;
use crate::cli::terminal::time::{ago, time_of_day};
use crate::clock::Timestamp;

/// A conversation, as far as it is shown.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conversation {
    #[serde(rename = "conversationId")]
    pub(super) id: String,
    pub(super) title: String,
    updated_at: String,
    prompt_tokens: u64,
    completion_tokens: u64,
    cost: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Conversations {
    pub(super) conversations: Vec<Conversation>,
}

/// A place where something was said.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hit {
    conversation_id: String,
    title: String,
    seq: i64,
    snippet: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Hits {
    pub(super) hits: Vec<Hit>,
}

/// Conversations, one a line.
pub(super) fn listed(found: &[Conversation], now: Timestamp, style: Style) -> Vec<String> {
    let mut table = Table::new(["CONVERSATION", "WHEN", "TOKENS", "COST", "TITLE"]);
    for one in found {
        table.push([
            Cell::plain(&one.id),
            Cell::quiet(&ago(&one.updated_at, now)),
            Cell::plain(&(one.prompt_tokens + one.completion_tokens).to_string()),
            Cell::plain(&if 0.0 < one.cost { format!("{:.4}", one.cost) } else { String::new() }),
            Cell::plain(&one.title),
        ]);
    }
    table.render(style)
}

/// Where something was said.
pub(super) fn found(hits: &[Hit], style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for hit in hits {
        let head = Line::new()
            .add(Tone::Strong, &hit.conversation_id)
            .add(Tone::Quiet, &format!("  event {}  ", hit.seq))
            .plain(&hit.title);
        lines.push(head.render(style));
        lines.push(Line::new().plain("    ").plain(&hit.snippet).render(style));
    }
    lines
}

/// What was said and done, from events as the tool reads them.
pub(super) fn history(events: &[Value], style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for event in events {
        let (kind, said) = (event["type"].as_str(), event["content"].as_str().unwrap_or_default());
        let (who, tone) = match kind {
            Some("user_message") => ("you", Tone::Strong),
            Some("assistant_message") if !said.is_empty() => ("assistant", Tone::Good),
            Some("tool_call" | "tool_result") => {
                lines.push(beside(event).render(style));
                continue;
            }
            _ => continue,
        };
        let at = time_of_day(event["timestamp"].as_str().unwrap_or_default());
        let head = Line::new()
            .add(Tone::Quiet, &format!("{:>5} ", event["seq"].as_i64().unwrap_or_default()))
            .add(tone, who)
            .add(Tone::Quiet, &format!("  {at}"));
        lines.push(head.render(style));
        lines.extend(safe(said).lines().map(|line| format!("      {line}")));
    }
    lines
}

fn beside(event: &Value) -> Line {
    let line =
        Line::new().add(Tone::Quiet, &format!("{:>5} ", event["seq"].as_i64().unwrap_or_default()));
    if event["type"] == "tool_call" {
        let (server, tool) = (&event["extra"]["server"], &event["extra"]["tool"]);
        let name = format!("{} {} ", text_of(server), text_of(tool));
        let arguments = match &event["tool_calls"][0]["arguments"] {
            Value::String(written) => written.clone(),
            other => text::json_line(other),
        };
        return line.add(Tone::Quiet, &format!("● {name}{arguments}"));
    }
    let outcome = text_of(&event["extra"]["outcome"]);
    let sign = match outcome {
        "ok" => "✓",
        "error" => "✕",
        _ => "■",
    };
    line.add(Tone::Quiet, &format!("{sign} {outcome}"))
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What an answer took, to be put behind a name.
pub(super) fn price(end: &End) -> String {
    let tokens = end.tokens.map(|tokens| format!("{tokens} tokens"));
    let cost = end.cost.map(|cost| format!("cost {cost:.4}"));
    let parts: Vec<String> = tokens.into_iter().chain(cost).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

/// The question whether a call may be made. Whoever answers has to see all of it.
pub(super) fn asked(asked: &Asked, style: Style) -> Vec<String> {
    let Asked { server, tool, arguments, reason, approval_id, .. } = asked;
    let head = Line::new()
        .add(Tone::Busy, "◇ ")
        .plain("May ")
        .add(Tone::Strong, tool)
        .plain(" of ")
        .add(Tone::Strong, server)
        .plain(" be called?  ")
        .add(Tone::Quiet, approval_id);
    let mut lines = vec![head.render(Style { columns: None, ..style })];
    lines.extend(text::json_page(arguments).lines().map(|line| format!("    {line}")));
    lines.push(format!("    {}", text::line(reason)));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::remote::chat::turn::Ending;

    #[test]
    fn history_has_what_was_said_and_done_and_nothing_moves_the_terminal() {
        let events = [
            json!({ "seq": 1, "type": "user_message", "timestamp": "2026-11-22T07:00:01.000Z",
                    "content": "run it\nnow\u{1b}[2J" }),
            json!({ "seq": 2, "type": "assistant_message", "content": "" }),
            json!({ "seq": 3, "type": "tool_call", "extra": { "server": "ops", "tool": "status" },
                    "tool_calls": [{ "arguments": "{\"a\":\"\u{202e}\"}" }] }),
            json!({ "seq": 4, "type": "tool_result", "extra": { "outcome": "ok" } }),
            json!({ "seq": 5, "type": "assistant_message", "content": "Done.",
                    "timestamp": "2026-11-22T07:00:02.000Z" }),
            json!({ "seq": 6, "type": "meta", "extra": { "kind": "turn_end" } }),
        ];
        let expected = [
            "    1 you  07:00:01Z",
            "      run it",
            "      now\\u{1b}[2J",
            "    3 ● ops status {\"a\":\"\\u{202e}\"}",
            "    4 ✓ ok",
            "    5 assistant  07:00:02Z",
            "      Done.",
        ];
        assert_eq!(history(&events, Style::PLAIN), expected);
    }

    #[test]
    fn all_of_a_call_is_shown_to_who_allows_it() {
        let asks = Asked {
            approval_id: "ap_1".to_owned(),
            conversation_id: "c".to_owned(),
            server: "ops".to_owned(),
            tool: "promote_model".to_owned(),
            arguments: json!({ "modelId": "x".repeat(200) }),
            reason: "it changes\nsomething".to_owned(),
            created_at: String::new(),
        };
        let narrow = Style { colours: false, columns: Some(20) };
        let lines = asked(&asks, narrow);
        assert_eq!(lines[0], "◇ May promote_model of ops be called?  ap_1");
        assert!(lines[2].contains(&"x".repeat(200)), "{lines:?}");
        assert_eq!(lines.last().unwrap(), "    it changes something");
    }

    #[test]
    fn a_price_has_what_is_known_of_it() {
        let end = |tokens, cost| End { ending: Ending::Complete, tokens, cost, seq: 1 };
        assert_eq!(price(&end(None, None)), "");
        assert_eq!(price(&end(Some(42), None)), ": 42 tokens");
        assert_eq!(price(&end(Some(42), Some(0.054))), ": 42 tokens, cost 0.0540");
    }
}
