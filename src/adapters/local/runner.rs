//! The runner itself: what the seam's calls come to on this machine.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use tokio::task::spawn_blocking;

use super::catalogue::Catalogue;
use super::claim::Standing;
use super::ending;
use super::live_run::{LiveRun, Observation};
use super::log_tail;
use super::run_directory::{EndingReason, RunDirectory};
use super::settings::{LocalRunnerSettings, Settings};
use super::start::Start;
use crate::adapters::{
    EvalOrchestrator, EvalPlan, ExternalRef, LogStream, LogTail, RunRequest, RunStatus, RunnerError,
};
use crate::ids::{ConfigId, JobId, TaskId};

/// Runs evals as processes of this machine. Its name for a run is the job's id.
#[derive(Debug)]
pub struct LocalRunner {
    settings: Arc<Settings>,
    catalogue: Catalogue,
    runs: Mutex<HashMap<JobId, Arc<LiveRun>>>,
}

impl LocalRunner {
    /// Makes a runner; nothing is read, made or started before it is asked for.
    ///
    /// # Errors
    /// A relative path was given, and the current directory is gone.
    pub fn new(settings: LocalRunnerSettings) -> io::Result<Self> {
        let settings = Settings::try_from(settings)?;
        Ok(Self {
            catalogue: Catalogue::of(settings.evals.clone()),
            settings: Arc::new(settings),
            runs: Mutex::new(HashMap::new()),
        })
    }

    fn live(&self, job: &JobId) -> Arc<LiveRun> {
        Arc::clone(self.runs().entry(job.clone()).or_default())
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<JobId, Arc<LiveRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn directory(&self, job: &JobId) -> RunDirectory {
        RunDirectory::of(&self.settings.runs, job)
    }

    async fn observe(&self, job: &JobId) -> Result<Observation, RunnerError> {
        let (live, directory) = (self.live(job), self.directory(job));
        let settings = Arc::clone(&self.settings);
        blocking(move || live.observe(&directory, &settings).context("looking at a run")).await
    }

    /// Settles for good whether the run was started.
    async fn settle(&self, job: &JobId) -> Result<Standing, RunnerError> {
        let directory = self.directory(job);
        blocking(move || Standing::settle(&directory).context("settling a run")).await
    }

    /// Names the run if it was started. If it was not, no late shim will start it.
    async fn started(&self, job: &JobId) -> Result<Option<ExternalRef>, RunnerError> {
        Ok(match self.settle(job).await? {
            Standing::Started(..) | Standing::Unreadable(_) => Some(reference(job)),
            Standing::Absent | Standing::Void(_) | Standing::Unclaimed(_) => None,
        })
    }

    /// Settles whether the run was started, and ends it if it was.
    async fn settle_and_end(&self, job: &JobId) -> Result<(), RunnerError> {
        if let Standing::Started(attempt, process) = self.settle(job).await? {
            let (live, grace) = (self.live(job), self.settings.grace);
            ending::end(live, attempt, process, EndingReason::Cancelled, grace).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl EvalOrchestrator for LocalRunner {
    fn name(&self) -> &'static str {
        "local"
    }

    async fn plan(&self, task: &TaskId, config: &ConfigId) -> Result<EvalPlan, RunnerError> {
        let (found, _config) = self.catalogue.look_up(task, config).await?;
        Ok(EvalPlan { timeout: found.task.timeout })
    }

    async fn run(&self, request: &RunRequest) -> Result<ExternalRef, RunnerError> {
        let job = &request.job_id;
        let live = self.live(job);
        let changing = Arc::clone(&live.changing).lock_owned().await;
        // A run that was started is named even if its task is gone by now.
        if let Some(started) = self.started(job).await? {
            return Ok(started);
        }
        let (task, config) =
            self.catalogue.look_up_now(&request.task_id, &request.config_id).await?;
        let (settings, directory) = (Arc::clone(&self.settings), self.directory(job));
        let request = request.clone();
        // It goes on to its end even if the caller does not wait for it.
        let start = move || {
            let _changing = changing;
            let (settings, directory, request) = (&settings, &directory, &request);
            Start { settings, directory, live: &live, request, task: &task, config: &config }
                .perform()
        };
        blocking(start).await?;
        Ok(reference(job))
    }

    async fn poll(&self, run: &ExternalRef) -> Result<RunStatus, RunnerError> {
        let job = job_of(run)?;
        let mut observed = self.observe(&job).await?;
        if let Observation::Overdue(attempt, process) = observed {
            let (live, grace) = (self.live(&job), self.settings.grace);
            ending::end(live, attempt, process, EndingReason::Timeout, grace).await?;
            observed = self.observe(&job).await?;
        }
        match observed {
            Observation::Status(status) => Ok(status),
            Observation::Unknown => {
                self.runs().remove(&job);
                Err(RunnerError::UnknownRun)
            }
            Observation::Overdue(..) => {
                Err(RunnerError::Unavailable(anyhow!("a run outlived its end")))
            }
        }
    }

    async fn cancel(&self, run: &ExternalRef) -> Result<(), RunnerError> {
        let job = job_of(run)?;
        let live = self.live(&job);
        let _changing = live.changing.lock().await;
        self.settle_and_end(&job).await
    }

    async fn find(&self, job: &JobId) -> Result<Option<ExternalRef>, RunnerError> {
        let live = self.live(job);
        let _changing = live.changing.lock().await;
        self.started(job).await
    }

    async fn logs(
        &self,
        run: &ExternalRef,
        stream: LogStream,
        max_bytes: u64,
    ) -> Result<LogTail, RunnerError> {
        let directory = self.directory(&job_of(run)?);
        let read = move || match directory.attempts()?.first() {
            Some(latest) => log_tail::read(&latest.log_file(stream), max_bytes).map(Some),
            None => Ok(None),
        };
        let tail = blocking(move || read().context("reading a run's output")).await?;
        tail.ok_or(RunnerError::UnknownRun)
    }

    async fn forget(&self, job: &JobId) -> Result<(), RunnerError> {
        let live = self.live(job);
        let _changing = live.changing.lock().await;
        self.settle_and_end(job).await?;
        let directory = self.directory(job);
        blocking(move || directory.remove().context("removing a run's directory")).await?;
        self.runs().remove(job);
        Ok(())
    }
}

fn reference(job: &JobId) -> ExternalRef {
    ExternalRef(job.as_str().to_owned())
}

fn job_of(run: &ExternalRef) -> Result<JobId, RunnerError> {
    JobId::parse(&run.0).map_err(|_| RunnerError::UnknownRun)
}

/// Does file work where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, RunnerError> {
    let done = spawn_blocking(work).await.context("the work was not done to its end");
    done.and_then(|done| done).map_err(RunnerError::Unavailable)
}
