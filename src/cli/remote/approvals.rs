//! `approvals`, `approve`, `deny`: what waits for somebody's yes.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::canary_commands::command;
use crate::cli::remote::session::{Session, say};
use crate::cli::terminal::style::{Line, Tone};
use crate::cli::terminal::text;
use crate::cli::terminal::time::ago;
use crate::clock::{Clock as _, SystemClock};

/// How the id of a question of a conversation begins.
const QUESTION: &str = "ap_";

#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// Only of this conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Approve {
    /// The canary, or the call as `approvals` names it
    id: String,
    /// Allow the tool in the rest of that conversation
    #[arg(long)]
    always: bool,
    /// Why, for those who ask later; of canaries
    #[arg(long, conflicts_with = "always")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Deny {
    /// The call, as `approvals` names it
    id: String,
}

/// A call that waits for somebody.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    pub(super) approval_id: String,
    pub(super) conversation_id: String,
    pub(super) server: String,
    pub(super) tool: String,
    pub(super) arguments: Value,
    pub(super) reason: String,
    pub(super) created_at: String,
}

#[derive(Debug, Deserialize)]
struct Found {
    approvals: Vec<Asked>,
}

/// What was decided.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decided {
    approval_id: String,
    status: String,
}

impl Ask for List {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let mut call = json!({});
        if let Some(id) = &self.conversation {
            call["conversationId"] = json!(id);
        }
        let Some(found) = session.answer_to_show::<Found>("list_approvals", &call).await? else {
            return Ok(());
        };
        let now = SystemClock.now();
        for asked in &found.approvals {
            let line = Line::new()
                .add(Tone::Busy, "◌ asks")
                .plain("  ")
                .add(Tone::Strong, &asked.approval_id)
                .plain(&format!("  {} of {}  ", asked.tool, asked.server))
                .add(Tone::Quiet, &format!("{}  ", asked.conversation_id))
                .add(Tone::Quiet, &ago(&asked.created_at, now));
            session.print_line(&line)?;
            // Whoever allows a call has to see all of it.
            session.print_lines(&[
                format!("    {}", text::json_line(&asked.arguments)),
                format!("    {}", text::line(&asked.reason)),
            ])?;
        }
        if found.approvals.is_empty() {
            say("nothing waits for approval");
        }
        Ok(())
    }
}

impl Ask for Approve {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        if !self.id.starts_with(QUESTION) {
            if self.always {
                let why =
                    format!("--always is for calls of conversations, and {} is none", self.id);
                return Err(Failure::usage(why));
            }
            return command(session, "approve_canary", &self.id, self.reason.as_deref()).await;
        }
        if self.reason.is_some() {
            return Err(Failure::usage("--reason is for canaries; a call is allowed without one"));
        }
        decide(session, &self.id, if self.always { "always" } else { "once" }).await
    }
}

impl Ask for Deny {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        if !self.id.starts_with(QUESTION) {
            let why = "the id of a call begins with ap_; `lukhas-mcp abort` ends a canary";
            return Err(Failure::usage(why));
        }
        decide(session, &self.id, "deny").await
    }
}

/// Says whether a call is allowed: `once`, `always` or `deny`.
pub(super) async fn decide(session: &Session, id: &str, decision: &str) -> Result<(), Failure> {
    let call = json!({ "approvalId": id, "decision": decision });
    let answer = session.answer_to_show::<Decided>("decide_approval", &call).await?;
    let Some(decided) = answer else { return Ok(()) };
    let (tone, sign) =
        if decided.status == "allowed" { (Tone::Good, "✓") } else { (Tone::Quiet, "■") };
    let line = Line::new().add(tone, &format!("{sign} {}", decided.status));
    session.print_line(&line.plain("  ").plain(&decided.approval_id))
}
