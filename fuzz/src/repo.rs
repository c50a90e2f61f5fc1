//! The daemon's parsers, as they are.

#[path = "../../src/repo/names.rs"]
mod names;
#[path = "../../src/repo/patch/mod.rs"]
pub mod patch;
#[path = "../../src/repo/path.rs"]
pub mod path;
