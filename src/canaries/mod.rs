//! Canaries: models that are watched in a gate until their evidence decides.

pub mod policy;
pub mod rule;
