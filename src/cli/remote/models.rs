//! `models`: which model stands in which gate; and what one model went through.

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::session::{Session, say};
use crate::cli::terminal::style::{Style, Tone};
use crate::cli::terminal::table::{Cell, Table};
use crate::cli::terminal::time::ago;
use crate::clock::{Clock as _, SystemClock, Timestamp};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Show the moves of this model, newest first, instead of the list
    #[arg(long)]
    model: Option<String>,
    /// Only what stands in this gate, or moved there
    #[arg(long)]
    gate: Option<String>,
    /// How many, at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    /// Go on where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Models {
    registry: String,
    #[serde(rename = "models")]
    listed: Vec<Model>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    #[serde(rename = "modelId")]
    id: String,
    current_gates: Vec<String>,
    promoted_at: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct History {
    moves: Vec<Move>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Move {
    gate: String,
    kind: String,
    state: String,
    before: Option<String>,
    after: Option<String>,
    actor: String,
    reason: Option<String>,
    created_at: String,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let now = SystemClock.now();
        let (limit, cursor, gate) = (self.limit, &self.cursor, &self.gate);
        let next = if let Some(model) = &self.model {
            let call = json!({ "modelId": model, "gate": gate, "limit": limit, "cursor": cursor });
            let answer = session.answer_to_show::<History>("model_history", &call).await?;
            let Some(answer) = answer else { return Ok(()) };
            session.print_lines(&render_moves(&answer.moves, session.style, now))?;
            if answer.moves.is_empty() {
                say("no move of this model is known");
            }
            answer.next_cursor
        } else {
            let call = json!({ "gate": gate, "limit": limit, "cursor": cursor });
            let answer = session.answer_to_show::<Models>("list_models", &call).await?;
            let Some(answer) = answer else { return Ok(()) };
            session.print_lines(&render_models(&answer.listed, session.style, now))?;
            if answer.listed.is_empty() {
                say(&format!(
                    "the {} registry shows no such model; `lukhas-mcp promote MODEL GATE` puts one \
                     into a gate",
                    answer.registry
                ));
            }
            answer.next_cursor
        };
        if let Some(cursor) = next {
            say(&format!("there are more: add --cursor {cursor}"));
        }
        Ok(())
    }
}

fn render_models(models: &[Model], style: Style, now: Timestamp) -> Vec<String> {
    let mut table = Table::new(["MODEL", "GATES", "CHANGED"]);
    for model in models {
        let gates = match model.current_gates.as_slice() {
            [] => Cell::quiet("none"),
            gates => Cell::new(Tone::Good, &gates.join(", ")),
        };
        let changed = model.promoted_at.as_deref().map(|at| ago(at, now)).unwrap_or_default();
        table.push([Cell::plain(&model.id), gates, Cell::quiet(&changed)]);
    }
    table.render(style)
}

fn render_moves(moves: &[Move], style: Style, now: Timestamp) -> Vec<String> {
    let mut table = Table::new(["WHEN", "GATE", "WHAT", "FROM", "TO", "STATE", "BY", "WHY"]);
    for one in moves {
        let tone = if one.state == "done" { Tone::Plain } else { Tone::Busy };
        table.push([
            Cell::quiet(&ago(&one.created_at, now)),
            Cell::plain(&one.gate),
            Cell::plain(&one.kind),
            Cell::plain(one.before.as_deref().unwrap_or("nothing")),
            Cell::plain(one.after.as_deref().unwrap_or("nothing")),
            Cell::new(tone, &one.state),
            Cell::plain(&one.actor),
            Cell::plain(one.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table.render(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_and_moves_are_rows() {
        let now = Timestamp::parse("2026-11-21T20:00:00Z").unwrap();
        let gates = vec!["production".to_owned(), "eu".to_owned()];
        let model = |id: &str, gates| Model {
            id: id.to_owned(),
            current_gates: gates,
            promoted_at: Some("2026-11-20T20:00:00Z".to_owned()),
        };
        let models = [model("adder:2", gates), model("adder:1", Vec::new())];
        let lines = render_models(&models, Style::PLAIN, now);
        assert_eq!(lines[1], "adder:2  production, eu  1 d ago");
        assert_eq!(lines[2], "adder:1  none            1 d ago");
        let moved: Move = serde_json::from_value(json!({
            "move": 4, "modelId": "adder:3", "gate": "production", "kind": "restore",
            "state": "done", "before": "adder:3", "after": null, "actor": "system",
            "reason": "aborted", "createdAt": "2026-11-21T19:59:10.000Z",
        }))
        .unwrap();
        let lines = render_moves(&[moved], Style::PLAIN, now);
        let row = "50 s ago  production  restore  adder:3  nothing  done   system  aborted";
        assert_eq!(lines[1], row);
    }
}
