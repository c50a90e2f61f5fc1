//! `promote`: puts a model into a gate; `rollback`: puts back what stood there before.

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::session::Session;
use crate::cli::remote::thing::Thing;
use crate::cli::terminal::style::{Line, Tone};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The model, such as `ranker:12`
    model: String,
    /// The gate, such as `production`
    gate: String,
    /// Why, for those who ask later
    #[arg(long)]
    reason: Option<String>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rollback {
    /// The model that is to leave the gate
    model: String,
    /// The gate it stands in
    gate: String,
    /// Why, for those who ask later; it is kept in the audit
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Promoted {
    changed: bool,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    current_gates: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct PutBack {
    after: Option<String>,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        if let Ok(Thing::Canary(id)) = self.model.parse() {
            let instead = format!("`lukhas-mcp promote-now {id} --reason TEXT` promotes it");
            return Err(Failure::usage(format!("{id} is a canary: {instead}")));
        }
        let (model, gate) = (&self.model, &self.gate);
        let mut call = json!({ "modelId": model, "gate": gate, "dryRun": self.dry_run });
        if let Some(reason) = &self.reason {
            call["reason"] = reason.as_str().into();
        }
        let answer = session.answer_to_show::<Promoted>("promote_model", &call).await?;
        let Some(promoted) = answer else { return Ok(()) };
        let line = match (promoted.changed, promoted.dry_run) {
            (true, true) => Line::new().plain(&format!("◌ dry run: {model} would enter {gate}")),
            (true, false) => {
                Line::new().add(Tone::Good, "↑ promoted").plain(&format!("  {model} into {gate}"))
            }
            (false, _) => Line::new().plain(&format!("· no change: {model} stands in {gate}")),
        };
        let others: Vec<_> = promoted.current_gates.iter().filter(|one| *one != gate).collect();
        let line = others.iter().fold(line, |line, gate| line.plain(", also in ").plain(gate));
        session.print_line(&line)
    }
}

impl Ask for Rollback {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let (model, gate) = (&self.model, &self.gate);
        let call = json!({ "modelId": model, "gate": gate, "reason": self.reason });
        let answer = session.answer_to_show::<PutBack>("rollback_model", &call).await?;
        let Some(put_back) = answer else { return Ok(()) };
        let after = put_back.after.as_deref().unwrap_or("nothing");
        let line = Line::new().add(Tone::Bad, "↩ rolled back");
        session.print_line(&line.plain(&format!("  {model}; {gate} now has {after}")))
    }
}
