//! Canaries: models that are watched in a gate until their evidence decides.
