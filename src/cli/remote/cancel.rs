//! `cancel`: ends a job.

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::session::{Session, say};
use crate::cli::remote::thing::Thing;
use crate::cli::terminal::mark::Mark;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The job
    job: String,
    /// Why, for those who ask later
    #[arg(long)]
    reason: Option<String>,
}

/// How the job stands after it was cancelled.
#[derive(Debug, Deserialize)]
struct Standing {
    status: String,
    #[serde(default)]
    pending: bool,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        if let Ok(Thing::Canary(id)) = self.job.parse() {
            return Err(Failure::usage(format!("{id} is a canary: `lukhas-mcp abort` ends it")));
        }
        let call = json!({ "jobId": self.job, "reason": self.reason });
        let answer = session.answer_to_show::<Standing>("cancel_job", &call).await?;
        let Some(now) = answer else { return Ok(()) };
        session.print_line(&Mark::of_job(&now.status).begin("").plain(&self.job))?;
        if now.pending {
            let wait = format!("`lukhas-mcp watch --until {}` waits for it", self.job);
            say(&format!("its run is still being ended; {wait}"));
        }
        Ok(())
    }
}
