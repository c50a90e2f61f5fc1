//! The library behind the `lukhas-mcp` daemon. `ARCHITECTURE.md` has the map.

pub mod cli;

pub mod app;
pub mod client;
pub mod score;
pub mod shipped;

pub mod http;
pub mod mcp;
pub mod prompts;
pub mod resources;
pub mod tools;

#[cfg(feature = "conformance")]
mod conformance;

pub mod audit;
pub mod canaries;
pub mod chat;
pub mod jobs;
pub mod legacy_state;
pub mod notifications;
pub mod oauth;
pub mod repo;
pub mod subscriptions;

pub mod mcp_servers;
pub mod models;

pub mod events;

pub mod adapters;
pub mod store;

pub mod board;
pub mod clock;
pub mod config;
pub mod ids;
pub mod supervision;
pub mod telemetry;
pub mod visible;

#[cfg(test)]
mod own_process;
