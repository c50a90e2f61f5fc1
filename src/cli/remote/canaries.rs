//! `canaries`: the newest canaries as a table.

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::answers::{Canaries, Canary};
use crate::cli::remote::session::{Session, say};
use crate::cli::terminal::style::Style;
use crate::cli::terminal::table::{Cell, Table};
use crate::cli::terminal::time::{ago, span};
use crate::clock::{Clock as _, SystemClock, Timestamp};

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Pending,
    Running,
    Paused,
    Promoted,
    RolledBack,
    Failed,
}

impl Status {
    fn wire(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Promoted => "PROMOTED",
            Self::RolledBack => "ROLLED_BACK",
            Self::Failed => "FAILED",
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Only canaries with one of these statuses
    #[arg(long, value_enum, ignore_case = true, value_delimiter = ',', value_name = "STATUS")]
    status: Vec<Status>,
    /// Only canaries of this model
    #[arg(long)]
    model: Option<String>,
    /// How many, at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    /// Go on where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let statuses: Vec<_> = self.status.iter().map(|status| status.wire()).collect();
        let call = json!({
            "status": statuses, "modelId": self.model, "limit": self.limit, "cursor": self.cursor,
        });
        let Some(answer) = session.answer_to_show::<Canaries>("list_canaries", &call).await? else {
            return Ok(());
        };
        session.print_lines(&render(&answer.canaries, session.style, SystemClock.now()))?;
        if answer.canaries.is_empty() {
            say("there are no such canaries; `lukhas-mcp start-canary MODEL` starts one");
        }
        if let Some(cursor) = &answer.next_cursor {
            say(&format!("there are more: add --cursor {cursor}"));
        }
        Ok(())
    }
}

fn render(canaries: &[Canary], style: Style, now: Timestamp) -> Vec<String> {
    let titles = ["STATE", "CANARY", "MODEL", "GATES", "WATCHED", "CHANGED", "WHY"];
    let mut table = Table::new(titles);
    for canary in canaries {
        let mark = canary.mark();
        let changed = canary.updated_at.as_deref().map(|at| ago(at, now)).unwrap_or_default();
        table.push([
            Cell::new(mark.tone, &mark.text()),
            Cell::plain(&canary.id),
            Cell::plain(&canary.model_id),
            Cell::plain(&canary.gates()),
            Cell::plain(&watched(canary)),
            Cell::quiet(&changed),
            Cell::plain(&canary.said()),
        ]);
    }
    table.render(style)
}

/// How much of its window a canary has been watched.
pub(super) fn watched(canary: &Canary) -> String {
    let elapsed = span(canary.elapsed_seconds);
    match canary.policy.window_seconds {
        Some(window) => format!("{elapsed} of {}", span(window)),
        None => elapsed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_a_row() {
        let canary: Canary = serde_json::from_value(json!({
            "canaryId": "canary_x", "modelId": "adder:3", "fromGate": "staging",
            "toGate": "production", "status": "ROLLED_BACK", "phase": "over",
            "updatedAt": "2026-11-21T19:59:00Z", "policy": { "windowSeconds": 90, "alpha": 0.01 },
            "elapsedSeconds": 6.25, "reason": "error_rate_breach",
        }))
        .unwrap();
        let now = Timestamp::parse("2026-11-21T20:00:01Z").unwrap();
        let lines = render(&[canary], Style::PLAIN, now);
        let row = "↩ rolled back  canary_x  adder:3  staging → production  6 s of 1 min 30 s  \
                   1 min ago  error_rate_breach";
        assert_eq!(lines[1], row);
    }
}
