//! The daemon as its users see it: the real binary, real processes, real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod abuse;
mod architecture;
mod canaries;
mod canary_rates;
mod chat;
mod cockpit;
mod conforming;
mod crash;
mod database;
mod dice;
mod docs;
mod edits_killed;
mod evidence;
mod fault_server;
mod golden;
mod harness;
mod hook;
mod jobs;
mod ledger;
mod mcp;
mod mcp_servers;
mod metrics;
mod models;
mod mounts;
mod notifications;
mod oauth;
mod operations;
mod outbound;
mod pack;
mod repository;
mod runner;
mod subscriptions;
mod supervision;
mod terminal;
mod traces;
mod waiting;
