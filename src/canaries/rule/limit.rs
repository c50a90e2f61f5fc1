//! The share of bad requests that a target allows, and the share that a promotion refutes.

use crate::canaries::rule::numerics::{ln, ln_one_plus};

/// A 95th percentile is within its target when at most this share of requests is slower.
pub const LATENCY_SHARE: f64 = 0.05;

/// With a target of zero, the share that a promotion refutes.
pub const REFUTED_AT_ZERO: f64 = 0.001;

/// From here on a target allows everything.
const EVERYTHING: f64 = 1.0 - 1e-9;

/// What a target says about the share of bad requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    allowed: f64,
    refuted: f64,
}

/// The three ways in which a share of bad requests is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// No bad request is allowed.
    Zero,
    /// Some are.
    Share,
    /// All are.
    Everything,
}

impl Limit {
    /// The limit of a target that allows the share `allowed`, between 0 and 1, when a promotion is
    /// to refute `tolerance` times that share. Near 1 the refuted share is half-way to 1.
    pub fn new(allowed: f64, tolerance: f64) -> Self {
        let refuted = if allowed == 0.0 {
            REFUTED_AT_ZERO
        } else {
            (allowed * tolerance).min(f64::midpoint(allowed, 1.0))
        };
        Self { allowed, refuted }
    }

    /// The share that is allowed.
    pub fn allowed(&self) -> f64 {
        self.allowed
    }

    /// The share that a promotion refutes.
    pub fn refuted(&self) -> f64 {
        self.refuted
    }

    pub(super) fn kind(&self) -> Kind {
        if self.allowed == 0.0 {
            Kind::Zero
        } else if self.allowed < EVERYTHING {
            Kind::Share
        } else {
            Kind::Everything
        }
    }

    /// The number of requests, none of them bad, below which the refuted share cannot be refuted at
    /// the level `beta`: ln(1/β) / −ln(1 − refuted).
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 10^10")]
    pub fn fewest_requests(&self, beta: f64) -> u64 {
        match self.kind() {
            Kind::Everything => 1,
            Kind::Zero | Kind::Share => {
                libm::ceil(ln(beta) / ln_one_plus(-self.refuted)).max(1.0) as u64
            }
        }
    }
}

/// How many independent requests those of a poll are worth, when the share of bad ones varies from
/// poll to poll with the coefficient of variation `burstiness` around `share`: the design effect of
/// cluster samples, n / (1 + (n − 1)ρ) with ρ = burstiness² · share / (1 − share).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Burst {
    correlation: f64,
}

impl Burst {
    pub(super) fn new(burstiness: f64, share: f64) -> Self {
        let correlation = if share < 1.0 {
            (burstiness * burstiness * share / (1.0 - share)).min(1.0)
        } else {
            1.0
        };
        Self { correlation }
    }

    /// What each of `requests` requests of one poll counts.
    pub(super) fn weight(self, requests: f64) -> f64 {
        if requests <= 1.0 { 1.0 } else { 1.0 / (1.0 + (requests - 1.0) * self.correlation) }
    }
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "counts above 2^53 need no last digit")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_near_one_refutes_less_than_one() {
        for allowed in [0.000_001, 0.02, 0.5, 0.9, 0.999_999] {
            let limit = Limit::new(allowed, 2.0);
            assert!(allowed < limit.refuted() && limit.refuted() < 1.0, "{allowed}");
        }
        assert_eq!(Limit::new(1.0, 2.0).kind(), Kind::Everything);
    }

    #[test]
    fn a_poll_is_worth_as_much_as_its_bursts_allow() {
        let burst = Burst::new(1.0, 0.02);
        assert!((burst.weight(1.0) - 1.0).abs() < 1e-12);
        let worth = 250.0 * burst.weight(250.0);
        assert!((worth - 41.107).abs() < 0.001, "{worth}");
        // However many come in one poll, they are worth 1/ρ at most.
        let worth = 1e15 * burst.weight(1e15);
        assert!((worth - 49.0).abs() < 0.001, "{worth}");
    }
}
