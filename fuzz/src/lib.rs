//! What must hold of the daemon's parsers for every input.
//!
//! The modules below [`repo`] are the daemon's own source files; the others check them against
//! simpler or independent ways to the same result. A check panics with what it found.

pub mod patch;
pub mod path;
pub mod repo;
