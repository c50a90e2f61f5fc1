//! The numbers of a policy that the evidence is held against.

use std::time::Duration;

use crate::canaries::policy::{OnNoData, Policy};
use crate::canaries::rule::numerics::ln;

/// After so many polls in a row without data a target counts as dead.
pub const DEAD_AFTER: u32 = 3;

/// So many scalar samples in a row above the target are a breach.
const BAD_IN_A_ROW: u64 = 3;

/// So many are enough when each is at least twice the target.
const FAR_IN_A_ROW: u32 = 2;

/// What every metric of a canary is held against. Times are in whole milliseconds, as they are
/// stored, so that a replay sees the same ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    pub(super) poll_ms: u64,
    pub(super) window_ms: u64,
    pub(super) warmup_ms: u64,
    pub(super) alpha: f64,
    pub(super) beta: f64,
    pub(super) tolerance: f64,
    pub(super) burstiness: f64,
    /// What the logarithm of the evidence against a metric must reach: ln(metrics / α).
    pub(super) breach_at: f64,
    /// What the logarithm of the evidence for it must reach: ln(1 / β).
    pub(super) proof_at: f64,
    pub(super) min_requests: u64,
    pub(super) coverage: f64,
    /// Set in mode `both`: how many times worse than its baseline a canary may be.
    pub(super) ratio: Option<f64>,
    pub(super) bad_in_a_row: u32,
    pub(super) far_in_a_row: u32,
    pub(super) dead_rolls_back: bool,
}

impl Rules {
    pub(super) fn of(policy: &Policy) -> Self {
        let targets = policy.targets();
        let asked = [targets.max_error_rate, targets.latency_p95_ms];
        let metrics = if asked.iter().all(Option::is_some) { 2.0 } else { 1.0 };
        let poll_ms = milliseconds(policy.poll()).max(1);
        let watched_ms =
            milliseconds(policy.window()).saturating_sub(milliseconds(policy.warmup()));
        // A short window must still be able to decide.
        let bad_in_a_row = (watched_ms / poll_ms / 2).clamp(1, BAD_IN_A_ROW);
        let bad_in_a_row = u32::try_from(bad_in_a_row).unwrap_or(1);
        Self {
            poll_ms,
            window_ms: milliseconds(policy.window()),
            warmup_ms: milliseconds(policy.warmup()),
            alpha: policy.alpha(),
            beta: policy.beta(),
            tolerance: policy.tolerance(),
            burstiness: policy.burstiness(),
            breach_at: ln(metrics / policy.alpha()),
            proof_at: -ln(policy.beta()),
            min_requests: policy.min_requests(),
            coverage: policy.coverage(),
            ratio: policy.ratio(),
            bad_in_a_row,
            far_in_a_row: bad_in_a_row.min(FAR_IN_A_ROW),
            dead_rolls_back: policy.on_no_data() == OnNoData::Rollback,
        }
    }

    /// How many polls there should have been in this time.
    pub(super) fn polls_in(&self, time_ms: u64) -> u64 {
        time_ms / self.poll_ms
    }

    /// Whether what was seen last at `last_ms` is recent enough at `now_ms`.
    pub(super) fn is_fresh(&self, last_ms: u64, now_ms: u64) -> bool {
        now_ms.saturating_sub(last_ms) <= self.poll_ms.saturating_mul(2)
    }
}

/// A time in whole milliseconds.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
