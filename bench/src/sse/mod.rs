//! Thousands of event-stream readers in one thread, and the books that are kept of what they got.
//!
//! # Invariants
//! Every reader is compared byte by byte with the one sequence of frames in the [`ledger`]: the
//! same frames, each once, in the same order, with ids that rise strictly.

mod chunked;
pub mod fleet;
pub mod ledger;
pub mod publisher;
mod reader;
pub mod stalled;
