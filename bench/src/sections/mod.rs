//! The parts of the benchmark, one file each.

pub mod canaries;
mod cell;
pub mod fan_out;
pub mod footprint;
pub mod keys;
pub mod operations;
pub mod stall;
