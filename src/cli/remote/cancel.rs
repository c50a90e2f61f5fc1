//! `cancel`: ends a job.

use clap::Args;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::answers::Job;
use crate::cli::remote::session::Session;
use crate::cli::remote::thing::Thing;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The job
    job: String,
    /// Why, for those who ask later
    #[arg(long)]
    reason: Option<String>,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        if let Ok(Thing::Canary(id)) = self.job.parse() {
            return Err(Failure::usage(format!("{id} is a canary: `lukhas-mcp abort` ends it")));
        }
        let call = json!({ "jobId": self.job, "reason": self.reason });
        match session.answer_to_show::<Job>("cancel_job", &call).await? {
            Some(job) => session.print_line(&job.mark().begin("").plain(&self.job)),
            None => Ok(()),
        }
    }
}
