//! A canary as it stood at one moment, for those who only look.

use std::sync::Arc;
use std::time::Duration;

use crate::board::Posted;
use crate::canaries::policy::Policy;
use crate::canaries::rule::{Evidence, Moment, Report};
use crate::canaries::sample::StoredSample;
use crate::canaries::window::Window;
use crate::clock::Timestamp;
use crate::ids::{CanaryId, GateId, ModelId};
use crate::store::canaries::{CanaryRow, Phase};

/// A canary as it stood at one moment.
#[derive(Debug)]
pub struct CanaryView {
    /// Its row.
    pub row: CanaryRow,
    /// What its row's `policy_json` says.
    pub policy: Arc<Policy>,
    /// What its measurements amount to; absent for canaries that were looked up in the database,
    /// whose last decision tells it.
    pub evidence: Option<Evidence>,
    /// The newest measurement, under the same condition.
    pub newest: Option<Arc<StoredSample>>,
}

/// Why a row cannot be shown or watched: it was changed from outside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored {what} of {canary} cannot be read")]
pub struct Unreadable {
    /// Which canary.
    pub canary: String,
    /// What of it.
    pub what: &'static str,
}

impl CanaryView {
    /// A view of a committed row without its evidence.
    ///
    /// # Errors
    /// The row's policy is not one.
    pub fn of_row(row: CanaryRow) -> Result<Self, Unreadable> {
        let policy = serde_json::from_str(&row.policy_json).map_err(|_not_a_policy| {
            Unreadable { canary: row.canary_id.clone(), what: "policy" }
        })?;
        Ok(Self { row, policy: Arc::new(policy), evidence: None, newest: None })
    }

    /// The same canary after a change of its row.
    #[must_use]
    pub fn after(&self, row: CanaryRow) -> Self {
        Self {
            row,
            policy: Arc::clone(&self.policy),
            evidence: self.evidence.clone(),
            newest: self.newest.clone(),
        }
    }

    /// The window's clock as it was last read.
    pub fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.row.elapsed_ms).unwrap_or(0))
    }

    /// What is left of the window, by that clock.
    pub fn remaining(&self) -> Duration {
        if self.row.phase == Phase::Over {
            return Duration::ZERO;
        }
        self.policy.window().saturating_sub(self.elapsed())
    }

    /// When that clock was read; `None` before the window began.
    pub(super) fn seen_at(&self) -> Option<Timestamp> {
        Timestamp::parse(self.row.seen_at.as_deref()?).ok()
    }

    /// Where it stands in its window.
    pub(super) fn moment(&self) -> Moment {
        self.window().moment(self.elapsed())
    }

    /// Every number its evidence amounts to, as far as that is at hand.
    pub fn report(&self) -> Option<Report> {
        self.evidence.as_ref().map(|evidence| evidence.report(self.moment()))
    }

    /// The window it is watched in.
    pub(super) fn window(&self) -> Window {
        Window { length: self.policy.window(), poll: self.policy.poll() }
    }

    /// Its id.
    pub fn canary_id(&self) -> CanaryId {
        CanaryId::parse(&self.row.canary_id).expect(PARSED)
    }

    /// Whether it put its model into the gate to be watched there.
    pub(super) fn is_in_gate(&self) -> bool {
        self.policy.enters_at_start(self.row.dry_run)
    }

    /// The gate in which the model stands while it is watched: the one it entered, or the one it
    /// comes from as long as it has entered none.
    pub fn watched_gate(&self) -> GateId {
        if self.is_in_gate() { self.to_gate() } else { self.from_gate() }
    }

    /// The gate that it is compared with.
    pub(super) fn other_gate(&self) -> GateId {
        if self.is_in_gate() { self.from_gate() } else { self.to_gate() }
    }

    /// The model that is watched.
    pub fn model(&self) -> ModelId {
        ModelId::parse(&self.row.model_id).expect(PARSED)
    }

    /// The gate it comes from.
    pub fn from_gate(&self) -> GateId {
        GateId::parse(&self.row.from_gate).expect(PARSED)
    }

    /// The gate it is watched in.
    pub fn to_gate(&self) -> GateId {
        GateId::parse(&self.row.to_gate).expect(PARSED)
    }
}

const PARSED: &str = "every row's ids were parsed when it was made";

impl Posted for CanaryView {
    fn id(&self) -> &str {
        &self.row.canary_id
    }

    fn is_over(&self) -> bool {
        self.row.phase == Phase::Over
    }

    fn version(&self) -> i64 {
        self.row.version
    }
}
