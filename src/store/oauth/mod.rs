//! The tables of the daemon's own authorization server.

pub mod clients;
pub mod grants;
pub mod secrets;
