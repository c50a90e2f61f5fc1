//! `lukhas-mcp score`: how good are a model's recorded answers?
//!
//! Predictions are compared with references by id, each under a [`Rule`], and counted. [`score`]
//! does it on readers, without files or time; [`run()`] does it on files, with progress on standard
//! output and the result put in its place whole. `docs/evals.md` is the page for users.
//!
//! # Invariants
//! 1. A sample without a prediction is incorrect, never left out.
//! 2. What is wrong with the inputs is found before the first sample is scored, so there is a
//!    result for all samples or for none.
//! 3. No comparison backtracks: patterns run on the `regex` crate, with a size limit, so that one
//!    search takes time linear in the prediction. Only the last match of a pattern takes a search
//!    for each match before it, which for some patterns is quadratic.

mod config;
mod error;
mod input;
mod normalise;
mod number;
mod report;
mod rule;
mod run;
mod scoring;
mod statistics;

#[cfg(test)]
mod tests;

pub use self::config::{Config, SampleRules};
pub use self::error::{ConfigFault, Input, LineFault, RuleFault, ScoreError};
pub use self::report::{Interval, Metric, Outcome, Report, SampleReport};
pub use self::rule::{Comparison, Mode, Numeric, Pattern, Pick, Rule};
pub use self::run::{Arguments, run};
pub use self::scoring::{Progress, score};
