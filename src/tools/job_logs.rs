//! `job_logs`: the end of what a job's run printed.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::LogStream;
use crate::ids::JobId;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const BYTES: u32 = 16 * 1024;
const BYTES_MOST: u32 = 256 * 1024;

pub(super) struct JobLogs;

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Stream {
    #[default]
    Stdout,
    Stderr,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Arguments {
    /// The job whose output to read.
    #[schemars(with = "String")]
    job_id: JobId,
    /// Which output; `stdout` when absent.
    #[serde(default)]
    stream: Stream,
    /// At most this many bytes from the end, 1 to 262144; 16384 when absent.
    #[schemars(range(min = 1, max = 262_144))]
    max_bytes: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    #[schemars(with = "String")]
    job_id: JobId,
    stream: Stream,
    text: String,
    total_bytes: u64,
    truncated: bool,
}

#[async_trait]
impl Tool for JobLogs {
    const NAME: &'static str = "job_logs";
    const TITLE: &'static str = "Output of a job";
    const DESCRIPTION: &'static str =
        "Reads the end of what a job's run printed, while it runs or after.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let max_bytes = arguments.max_bytes.unwrap_or(BYTES);
        if !(1..=BYTES_MOST).contains(&max_bytes) {
            return Err(ToolError::InvalidArguments(format!(
                "job_logs: maxBytes must be between 1 and {BYTES_MOST}"
            )));
        }
        let stream = match arguments.stream {
            Stream::Stdout => LogStream::Stdout,
            Stream::Stderr => LogStream::Stderr,
        };
        let tail = doors.jobs.logs(&arguments.job_id, stream, max_bytes.into()).await?;
        Ok(Reply::Answer(Answer {
            job_id: arguments.job_id,
            stream: arguments.stream,
            truncated: (tail.text.len() as u64) < tail.total_bytes,
            text: tail.text,
            total_bytes: tail.total_bytes,
        }))
    }
}
