//! The decision rule: what a canary's metrics prove.
//!
//! Pure and deterministic: [`Evidence`] folds polls, and the same polls give the same verdict to the
//! last bit, on every machine. A breach is tested at every poll by evidence that may be looked at as
//! often as one likes (`betting` and `mixture`); conformance is tested once, when the window is
//! over. What is missing is never a success. `docs/canary-policy.md` explains the rule and has its
//! measured error rates.

mod betting;
mod counterfactual;
mod counts;
mod evidence;
mod feasibility;
mod limit;
mod mixture;
mod numerics;
mod prospect;
mod quality;
mod relative;
mod report;
mod rules;
mod scalars;
pub mod simulation;
#[cfg(test)]
mod tests;
mod track;
mod verdict;
mod words;

pub use self::counterfactual::{Condition, Counterfactual, Instead, counterfactual};
pub use self::evidence::{Evidence, Moment, Poll};
pub use self::feasibility::{Feasibility, MetricNeeds, feasibility};
pub use self::limit::{LATENCY_SHARE, Limit, REFUTED_AT_ZERO};
pub use self::quality::DataQuality;
pub use self::report::{
    BaselineReport, Conformance, CountsReport, Interval, IntervalMethod, MetricReport, MetricState,
    Report, SampleKind, ScalarsReport, Strength,
};
pub use self::rules::DEAD_AFTER;
pub use self::verdict::{Doubt, DoubtCode, Metric, RollBackReason, Verdict};
