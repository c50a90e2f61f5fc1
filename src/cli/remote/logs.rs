//! `logs`: the end of what a job wrote.

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::session::Session;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The job
    job: String,
    /// What it wrote to standard error, instead of standard output
    #[arg(long)]
    stderr: bool,
    /// At most so many bytes from the end
    #[arg(long, default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=262_144))]
    bytes: u32,
}

#[derive(Debug, Deserialize)]
struct Log {
    text: String,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let stream = if self.stderr { "stderr" } else { "stdout" };
        let call = json!({ "jobId": self.job, "stream": stream, "maxBytes": self.bytes });
        match session.answer_to_show::<Log>("job_logs", &call).await? {
            Some(log) => session.print_text(&log.text),
            None => Ok(()),
        }
    }
}
