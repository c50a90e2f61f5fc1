//! The daemon in the hands of those who run it: commands, process managers, and disks that fail.

mod backup;
mod chat_files;
mod commands;
mod disk;
mod probe;
mod skipping;
mod stopping;
mod telling;

use std::process::{Command, Output};

use crate::harness::PATIENCE;

/// Runs a command to its end.
async fn run(command: Command) -> Output {
    let output = tokio::process::Command::from(command).output();
    tokio::time::timeout(PATIENCE, output).await.expect("the command does not end").unwrap()
}

/// Checks how a command ended, and that it said why in one line; returns that line.
#[track_caller]
fn assert_refused(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    let line = said.strip_prefix("lukhas-mcp: ").unwrap_or_else(|| panic!("{said}"));
    assert_eq!(line.lines().count(), 1, "{said}");
    line.trim_end().to_owned()
}
