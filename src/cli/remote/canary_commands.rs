//! `abort`, `pause`, `resume`, `promote-now`: what a person asks of a canary.

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::session::{Session, say};
use crate::cli::remote::thing::must_be_canary;
use crate::cli::terminal::mark::Mark;

/// A canary, and perhaps why.
#[derive(Debug, Args)]
struct Asked {
    /// The canary
    canary: String,
    /// Why, for those who ask later
    #[arg(long)]
    reason: Option<String>,
}

/// A canary, and why.
#[derive(Debug, Args)]
struct Reasoned {
    /// The canary
    canary: String,
    /// Why, for those who ask later; it is kept in the audit
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Abort {
    #[command(flatten)]
    asked: Reasoned,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Pause {
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Resume {
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PromoteNow {
    #[command(flatten)]
    asked: Reasoned,
}

impl Ask for Abort {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        must_be_canary(&self.asked.canary, "`lukhas-mcp cancel` ends it")?;
        command(session, "abort_canary", &self.asked.canary, Some(&self.asked.reason)).await
    }
}

impl Ask for Pause {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        command(session, "pause_canary", &self.asked.canary, self.asked.reason.as_deref()).await
    }
}

impl Ask for Resume {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        command(session, "resume_canary", &self.asked.canary, self.asked.reason.as_deref()).await
    }
}

impl Ask for PromoteNow {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        command(session, "promote_canary_now", &self.asked.canary, Some(&self.asked.reason)).await
    }
}

/// How a canary stands after a command.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    canary_id: String,
    status: String,
    #[serde(default)]
    phase: String,
    reason: Option<String>,
    #[serde(default)]
    pending: bool,
}

pub(super) async fn command(
    session: &Session,
    tool: &str,
    canary: &str,
    reason: Option<&str>,
) -> Result<(), Failure> {
    let mut call = json!({ "canaryId": canary });
    if let Some(reason) = reason {
        call["reason"] = reason.into();
    }
    let Some(now) = session.answer_to_show::<Standing>(tool, &call).await? else { return Ok(()) };
    let mark = Mark::of_canary(&now.status, &now.phase, now.reason.as_deref());
    session.print_line(&mark.begin("").plain(&now.canary_id))?;
    if now.pending {
        say(&format!(
            "the registry has its part still to do; `lukhas-mcp watch --until {}` waits for it",
            now.canary_id
        ));
    }
    Ok(())
}
