//! Making a decision again from what is stored, to see that it comes out the same to the last bit.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::canaries::decision::{self, EVALS_UNPROVED};
use crate::canaries::fold::Fold;
use crate::canaries::policy::Policy;
use crate::canaries::rule::{Evidence, Verdict};
use crate::canaries::sample::{self, StoredSample};
use crate::canaries::window::Window;
use crate::canaries::{Canaries, CanaryError};
use crate::store::StoreError;
use crate::store::canaries::MetricRow;
use crate::store::decisions::{self, DecisionRow};

/// A decision that was made again.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// Which decision.
    pub decision_id: String,
    /// About which canary.
    pub canary_id: String,
    /// What was decided.
    pub decision: String,
    /// Why.
    pub reason: String,
    /// Whether everything below is as it was.
    pub matches: bool,
    /// What was compared.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// How many measurements were taken again.
    pub measurements: i64,
    /// The evidence as it comes out now.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub evidence: Value,
}

/// What of a decision comes out the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Whether the record is as it was written.
    pub record_intact: bool,
    /// Whether the measurements are those that were decided on.
    pub measurements_match: bool,
    /// Whether every number of the evidence comes out the same, to the last bit.
    pub evidence_matches: bool,
    /// Whether the rule says the same; nothing where it was not the rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict_matches: Option<bool>,
}

impl Comparison {
    fn is_the_same(self) -> bool {
        let Self { record_intact, measurements_match, evidence_matches, verdict_matches } = self;
        record_intact && measurements_match && evidence_matches && verdict_matches.unwrap_or(true)
    }
}

/// What a replay takes from a record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    canary_id: String,
    decision: String,
    reason: String,
    trigger: String,
    policy: Policy,
    elapsed_ms: u64,
    polls: i64,
    sample_hash: String,
    evidence: Value,
}

/// Why a decision cannot be made again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is no such decision, or nothing was decided about the canary yet.
    #[error("no decision is recorded under {0}")]
    Unknown(String),
    /// The record is not one.
    #[error("the record of {0} cannot be read")]
    Unreadable(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Measurements taken again, up to the decision.
struct Again {
    evidence: Evidence,
    hash: String,
    taken: i64,
    /// How many were decided on.
    all: i64,
}

impl Again {
    fn new(policy: &Policy, all: i64) -> Self {
        let hash = sample::NO_SAMPLES.to_owned();
        Self { evidence: Evidence::new(policy), hash, taken: 0, all }
    }
}

impl Fold for Again {
    fn take(&mut self, row: &MetricRow) -> bool {
        if self.all <= self.taken {
            return false;
        }
        let raw = row.raw_data.as_deref().unwrap_or_default();
        if let Ok(sample) = serde_json::from_str::<StoredSample>(raw) {
            self.evidence.observe(&sample.as_poll());
        }
        self.hash = sample::chain(&self.hash, raw);
        self.taken += 1;
        self.taken < self.all
    }
}

impl Canaries {
    /// Makes a decision again: the one with this id, or the last about the canary with this id.
    ///
    /// # Errors
    /// There is no such decision, its record cannot be read, or [`CanaryError::Busy`].
    pub async fn replay(&self, id: &str) -> Result<Replay, CanaryError> {
        let key = id.to_owned();
        let Some(row) = self.deps.store.read(move |conn| find(conn, &key)).await? else {
            return Err(ReplayError::Unknown(id.to_owned()).into());
        };
        let Ok(record) = serde_json::from_str::<Record>(&row.record_json) else {
            return Err(ReplayError::Unreadable(row.decision_id).into());
        };
        let again = Again::new(&record.policy, record.polls);
        let again = self.fold(&record.canary_id, again).await?;
        Ok(compare(&row, record, &again))
    }
}

fn find(conn: &mut crate::store::Reader, id: &str) -> Result<Option<DecisionRow>, StoreError> {
    match decisions::find(conn, id) {
        Ok(row) => Ok(Some(row)),
        Err(StoreError::NotFound) => Ok(decisions::about(conn, id)?.pop()),
        Err(error) => Err(error),
    }
}

fn compare(row: &DecisionRow, record: Record, again: &Again) -> Replay {
    let elapsed = Duration::from_millis(record.elapsed_ms);
    let window = Window { length: record.policy.window(), poll: record.policy.poll() };
    let moment = window.moment(elapsed);
    let (evidence, verdict) =
        (json!(again.evidence.report(moment)), again.evidence.verdict(moment));
    let record_intact = row.is_intact();
    let measurements_match = again.taken == record.polls && again.hash == record.sample_hash;
    // Every number was written with the digits that make it this number and no other.
    let evidence_matches = evidence == record.evidence;
    let verdict_matches =
        decision::is_by_the_rule(&record.trigger, &record.reason).then(|| match &verdict {
            Verdict::Promote => {
                record.decision.ends_with("PROMOTED")
                    || record.decision == "ASKED"
                    || record.reason == EVALS_UNPROVED
            }
            other => decision::code(other) == record.reason,
        });
    let comparison =
        Comparison { record_intact, measurements_match, evidence_matches, verdict_matches };
    Replay {
        decision_id: row.decision_id.clone(),
        canary_id: record.canary_id,
        decision: record.decision,
        reason: record.reason,
        matches: comparison.is_the_same(),
        comparison,
        measurements: again.taken,
        evidence,
    }
}
