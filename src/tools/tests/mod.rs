//! What tests of tools, and of what stands above them, have in common.

pub(crate) mod bench;
