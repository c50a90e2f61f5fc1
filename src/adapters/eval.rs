//! What runs evals: the seam between jobs and whatever does their work.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ConfigId, JobId, TaskId};

/// What is to be run. The job's id is the idempotency key: two requests with one id are one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// The job the run is for.
    pub job_id: JobId,
    /// What to evaluate.
    pub task_id: TaskId,
    /// With which configuration.
    pub config_id: ConfigId,
    /// A shorter limit on the run's time than the task's own.
    pub timeout: Option<Duration>,
}

/// The orchestrator's own name for a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExternalRef(pub String);

/// What a task and a configuration amount to, before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalPlan {
    /// The longest the run may take.
    pub timeout: Duration,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub enum RunStatus {
    /// Accepted, and not begun.
    Pending,
    /// Under way.
    Running(RunProgress),
    /// Over, with a result.
    Done(EvalResult),
    /// Over, without one.
    Failed(RunFailure),
}

/// How far a run has come, by its own account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunProgress {
    /// Between 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f64>,
    /// What it is at, in its own words, cut to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a run measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvalResult {
    /// The metrics by name; every value is finite.
    pub metrics: BTreeMap<String, Metric>,
    /// Names of the files that the run left behind.
    pub artifacts: Vec<String>,
    /// The exit code, where it is known; a hint, not the verdict.
    pub exit_code: Option<i32>,
}

/// One measured number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// The estimate.
    pub value: f64,
    /// Its standard error, if the run gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<f64>,
    /// The number of samples it rests on, if the run gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFailure {
    /// The kind of failure.
    pub reason: FailureReason,
    /// One sentence that an operator can act on. It names no path of the machine.
    pub message: String,
    /// The exit code, where it is known.
    pub exit_code: Option<i32>,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureReason {
    /// The run ended and left no result.
    NoResult,
    /// The run left a result that cannot be read as its format.
    InvalidResult,
    /// The run's own result says that the eval went wrong.
    EvalError,
    /// The run could not be started.
    NotStarted,
    /// The run took longer than it may, and was ended.
    Timeout,
    /// The run is gone, and nobody knows how it ended.
    Lost,
}

impl FailureReason {
    /// The reason as the wire spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoResult => "no_result",
            Self::InvalidResult => "invalid_result",
            Self::EvalError => "eval_error",
            Self::NotStarted => "not_started",
            Self::Timeout => "timeout",
            Self::Lost => "lost",
        }
    }
}

/// One of a run's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The end of an output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogTail {
    /// Whole lines where there are any; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// How long the whole output is.
    pub total_bytes: u64,
}

/// Why an orchestrator refused or could not be asked. `Display` may be shown to a client.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// There is no such task.
    #[error("unknown taskId {id}; there {}", list(known))]
    UnknownTask {
        /// What was asked for.
        id: TaskId,
        /// The tasks there are.
        known: Vec<String>,
    },
    /// There is no such configuration.
    #[error("unknown configId {id}; there {}", list(known))]
    UnknownConfig {
        /// What was asked for.
        id: ConfigId,
        /// The configurations there are.
        known: Vec<String>,
    },
    /// The task's or the configuration's file is wrong.
    #[error("{file} is not valid: {why}")]
    InvalidDefinition {
        /// The file, named from the evals directory.
        file: String,
        /// What is wrong with it, and where.
        why: String,
    },
    /// The reference names no run of this orchestrator.
    #[error("the runner knows no such run")]
    UnknownRun,
    /// The orchestrator could not be asked just now; asking again may help.
    #[error("the eval runner is not available just now")]
    Unavailable(#[source] anyhow::Error),
}

fn list(known: &[String]) -> String {
    match known {
        [] => "are none".to_owned(),
        [one] => format!("is {one}"),
        many => format!("are {}", many.join(", ")),
    }
}

/// Runs evals.
///
/// Every call may be repeated after a crash, so each is idempotent by the job's id.
#[async_trait]
pub trait EvalOrchestrator: Send + Sync + 'static {
    /// The orchestrator's name, as status answers and metrics show it.
    fn name(&self) -> &'static str;

    /// Says whether the task and the configuration exist and are valid, without running anything.
    async fn plan(&self, task: &TaskId, config: &ConfigId) -> Result<EvalPlan, RunnerError>;

    /// Starts the run of a job, or names the one that was started for it before.
    async fn run(&self, request: &RunRequest) -> Result<ExternalRef, RunnerError>;

    /// Asks where a run stands.
    async fn poll(&self, run: &ExternalRef) -> Result<RunStatus, RunnerError>;

    /// Ends a run, and returns when nothing of it is left running.
    async fn cancel(&self, run: &ExternalRef) -> Result<(), RunnerError>;

    /// Finds the run that was started for a job, after a crash that lost its name.
    async fn find(&self, job: &JobId) -> Result<Option<ExternalRef>, RunnerError>;

    /// Reads the end of an output, at most `max_bytes` of it.
    async fn logs(
        &self,
        run: &ExternalRef,
        stream: LogStream,
        max_bytes: u64,
    ) -> Result<LogTail, RunnerError>;

    /// Removes what a run of a finished job left behind. A job without a run is no error.
    async fn forget(&self, job: &JobId) -> Result<(), RunnerError>;
}
