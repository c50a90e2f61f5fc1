//! What must hold of the daemon's parsers for every input.
//!
//! The modules below [`repo`] and [`llm`] are the daemon's own source files; the others check them against
//! simpler or independent ways to the same result. A check panics with what it found.

pub mod answer;
pub mod llm;
pub mod patch;
pub mod path;
pub mod query;
pub mod repo;
