//! A runner that does as it is told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use crate::adapters::{
    EvalOrchestrator, EvalPlan, EvalResult, ExternalRef, FailureReason, LogStream, LogTail, Metric,
    RunFailure, RunProgress, RunRequest, RunStatus, RunnerError,
};
use crate::ids::{ConfigId, JobId, TaskId};

/// How the runs of a task go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    Completes,
    Fails,
    Hangs,
    Progresses,
    /// The runner itself panics on this many polls.
    PanicsOnPoll(u32),
    /// The runner is away on this many calls.
    IsAway(u32),
}

#[derive(Default)]
pub(crate) struct FakeRunner {
    pub(crate) next: Mutex<Option<Script>>,
    pub(crate) runs: Mutex<HashMap<String, u32>>,
    pub(crate) ended: Mutex<Vec<String>>,
    polls: AtomicU32,
}

impl FakeRunner {
    pub(crate) fn doing(script: Script) -> Arc<Self> {
        Arc::new(Self { next: Mutex::new(Some(script)), ..Self::default() })
    }

    fn script(&self) -> Script {
        self.next.lock().unwrap().unwrap_or(Script::Completes)
    }

    pub(crate) fn starts(&self) -> u32 {
        self.runs.lock().unwrap().values().sum()
    }
}

#[async_trait]
impl EvalOrchestrator for FakeRunner {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn plan(&self, task: &TaskId, _: &ConfigId) -> Result<EvalPlan, RunnerError> {
        if task.as_str() == "unknown" {
            return Err(RunnerError::UnknownTask { id: task.clone(), known: vec!["t".into()] });
        }
        Ok(EvalPlan { timeout: Duration::from_mins(1) })
    }

    async fn run(&self, request: &RunRequest) -> Result<ExternalRef, RunnerError> {
        *self.runs.lock().unwrap().entry(request.job_id.to_string()).or_default() += 1;
        Ok(ExternalRef(request.job_id.to_string()))
    }

    async fn poll(&self, run: &ExternalRef) -> Result<RunStatus, RunnerError> {
        let n = self.polls.fetch_add(1, Ordering::Relaxed) + 1;
        let done = || {
            let metric = Metric { value: 0.75, stderr: Some(0.1), n: Some(20) };
            let metrics = [("accuracy".to_owned(), metric)].into();
            RunStatus::Done(EvalResult { metrics, artifacts: Vec::new(), exit_code: Some(0) })
        };
        Ok(match self.script() {
            Script::Fails => RunStatus::Failed(RunFailure {
                reason: FailureReason::NoResult,
                message: "it left none".into(),
                exit_code: Some(3),
            }),
            Script::Hangs => RunStatus::Pending,
            Script::Progresses if n < 4 => RunStatus::Running(RunProgress {
                fraction: Some(f64::from(n) / 4.0),
                text: Some(format!("step {n}")),
            }),
            Script::PanicsOnPoll(times) => {
                assert!(times < n, "the fake runner was told to panic at {run:?}");
                done()
            }
            Script::IsAway(times) if n <= times => {
                return Err(RunnerError::Unavailable(anyhow::anyhow!("away")));
            }
            Script::Completes | Script::Progresses | Script::IsAway(_) => done(),
        })
    }

    async fn cancel(&self, run: &ExternalRef) -> Result<(), RunnerError> {
        self.ended.lock().unwrap().push(run.0.clone());
        Ok(())
    }

    async fn find(&self, job: &JobId) -> Result<Option<ExternalRef>, RunnerError> {
        let known = self.runs.lock().unwrap().contains_key(job.as_str());
        Ok(known.then(|| ExternalRef(job.to_string())))
    }

    async fn logs(&self, _: &ExternalRef, _: LogStream, _: u64) -> Result<LogTail, RunnerError> {
        Ok(LogTail { text: "a line\n".into(), total_bytes: 7 })
    }

    async fn forget(&self, job: &JobId) -> Result<(), RunnerError> {
        self.runs.lock().unwrap().remove(job.as_str());
        Ok(())
    }
}
