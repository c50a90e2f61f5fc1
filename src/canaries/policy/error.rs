//! Why a policy is refused, in one sentence that names the field.

use crate::models::InvalidRule;

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// No target is set.
    #[error("targets must set latency_p95_ms, max_error_rate or both")]
    NoTarget,
    /// The share of failed requests is no share, or smaller than any canary can show.
    #[error("targets.max_error_rate must be 0, or between 0.000001 and 1")]
    ErrorRate,
    /// The latency is none.
    #[error("targets.latency_p95_ms must be a number above 0, up to 86400000")]
    Latency,
    /// A number is outside its range.
    #[error("{field} must be between {least} and {most}")]
    Range {
        /// Which.
        field: &'static str,
        /// The smallest that is allowed.
        least: f64,
        /// The largest that is allowed.
        most: f64,
    },
    /// A number is too small.
    #[error("{field} must be at least {least}")]
    Least {
        /// Which.
        field: &'static str,
        /// The smallest that is allowed.
        least: u64,
    },
    /// A number is infinite or none.
    #[error("{field} must be a finite number")]
    Number {
        /// Which.
        field: &'static str,
    },
    /// Something is longer than the window it is part of.
    #[error("{field} must not be longer than windowSeconds")]
    LongerThanWindow {
        /// Which.
        field: &'static str,
    },
    /// Nothing would count within the window.
    #[error("warmupSeconds must leave at least one poll of the window")]
    Warmup,
    /// A setting has no meaning beside another.
    #[error("{field} has a meaning only with {with}")]
    Meaningless {
        /// Which.
        field: &'static str,
        /// What it needs.
        with: &'static str,
    },
    /// What is required of evals cannot be met by any.
    #[error(transparent)]
    Requires(#[from] InvalidRule),
}
