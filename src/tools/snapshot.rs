//! Everything that a page shows at first: what runs, what is over, which models there are.
//!
//! # Invariants
//!
//! 1. Whatever was committed before [`snapshot`] was called is in it, as far as its bounds go; what
//!    happens meanwhile may be in it or not.
//! 2. It has at most [`OPEN`] open and [`OVER`] ended things of each kind, and [`MODELS`] models.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::canaries::{RecentCanary, Standings, in_seconds};
use crate::store::jobs::JobHead;
use crate::tools::canary_status::Shown as ShownCanary;
use crate::tools::introduction::{ServerFacts, You};
use crate::tools::list_models::Shown as ShownModel;
use crate::tools::status::Progress;
use crate::tools::{Doors, ToolError, failed_to_write};

/// How many open jobs, and how many open canaries.
const OPEN: usize = 500;

/// How many of each that are over.
const OVER: u16 = 200;

/// How many models.
const MODELS: u16 = 500;

/// What a page shows at first.
#[derive(Debug, Serialize)]
struct Snapshot {
    server: ServerFacts,
    you: You,
    counts: Counts,
    jobs: Vec<ShownJob>,
    canaries: Vec<Canary>,
    models: Vec<ShownModel>,
}

/// How many there are in each status, shown or not.
#[derive(Debug, Serialize)]
struct Counts {
    jobs: BTreeMap<&'static str, usize>,
    canaries: BTreeMap<&'static str, usize>,
}

/// A job without its result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownJob {
    job_id: String,
    task_id: String,
    config_id: String,
    status: &'static str,
    started_at: String,
    running_at: Option<String>,
    updated_at: String,
    progress: Option<Progress>,
    error: Option<String>,
    reason: Option<String>,
    principal: String,
}

impl From<JobHead> for ShownJob {
    fn from(head: JobHead) -> Self {
        Self {
            status: head.status.as_str(),
            progress: Progress::of(head.progress, head.progress_text.as_deref()),
            job_id: head.job_id,
            task_id: head.task_id,
            config_id: head.config_id,
            started_at: head.started_at,
            running_at: head.running_at,
            updated_at: head.updated_at,
            error: head.error,
            reason: head.failure_reason,
            principal: head.principal,
        }
    }
}

/// A canary with its newest look.
#[derive(Debug, Serialize)]
struct Canary {
    #[serde(flatten)]
    shown: ShownCanary,
    /// What is left of the window, in seconds of its own clock.
    #[serde(rename = "remainingSeconds")]
    remaining_seconds: f64,
    latency_p95_ms: Option<f64>,
    error_rate: Option<f64>,
    #[serde(rename = "dataQuality")]
    data_quality: Option<&'static str>,
    evidence: Option<Standings>,
}

impl From<RecentCanary> for Canary {
    fn from(recent: RecentCanary) -> Self {
        let RecentCanary { row, remaining, latency_p95_ms, error_rate, data_quality, evidence } =
            recent;
        Self {
            shown: ShownCanary::of(row),
            remaining_seconds: in_seconds(remaining),
            latency_p95_ms,
            error_rate,
            data_quality,
            evidence,
        }
    }
}

/// Everything that a page shows at first, as one line of JSON.
///
/// # Errors
/// What is known cannot be read just now.
pub async fn snapshot(doors: &Doors, you: You) -> Result<String, ToolError> {
    let jobs = doors.jobs.recent(OPEN, OVER).await?;
    let canaries = doors.canaries.recent(OPEN, OVER).await?;
    let models = doors.models.list(None, None, MODELS).await?;
    let jobs_by_status = doors.jobs.count_by_status().await?;
    let canaries_by_status = doors.canaries.count_by_status().await?;
    let snapshot = Snapshot {
        server: ServerFacts::of(doors),
        you,
        counts: Counts {
            jobs: jobs_by_status.into_iter().map(|(status, n)| (status.as_str(), n)).collect(),
            canaries: canaries_by_status
                .into_iter()
                .map(|(status, n)| (status.as_str(), n))
                .collect(),
        },
        jobs: jobs.into_iter().map(Into::into).collect(),
        canaries: canaries.into_iter().map(Into::into).collect(),
        models: models.into_iter().map(Into::into).collect(),
    };
    serde_json::to_string(&snapshot).map_err(failed_to_write)
}
