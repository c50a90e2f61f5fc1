//! Models and the gates they stand in.
