//! The outside world, as traits; one module for each thing that stands behind one.

pub mod callback;
pub mod child;
pub mod collector;
mod eval;
pub mod git;
pub mod llm;
pub mod local;
pub mod mcp_http;
pub mod metrics;
pub mod outbound;
mod process;
pub mod registry;
pub mod webhook;

pub use self::eval::{
    EvalOrchestrator, EvalPlan, EvalResult, ExternalRef, FailureReason, LogStream, LogTail, Metric,
    RunFailure, RunProgress, RunRequest, RunStatus, RunnerError,
};
