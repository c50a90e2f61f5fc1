//! The operator's terminal: the commands that ask a running daemon, as people and scripts use them.

mod chat;
mod client_config;
mod commands;
mod hostile;
mod pages;
mod refusals;
mod report;
mod stand_in;
mod unsteady;
mod waiting;
mod watching;

use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{Daemon, Home, PATIENCE};

/// A person at a terminal, with a daemon's address in the environment.
struct Operator<'a> {
    home: &'a Home,
    daemon: &'a Daemon,
}

impl Operator<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.env("LUKHAS_MCP_URL", &self.daemon.url);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        run(self.command(arguments)).await
    }

    /// What a command that goes well prints.
    async fn print(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the same command prints with `--json`: one line.
    async fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.print(&[arguments, &["--json"]].concat()).await;
        assert_eq!(printed.matches('\n').count(), 1, "{printed}");
        serde_json::from_str(&printed).unwrap()
    }
}

/// Runs a command to its end.
async fn run(command: Command) -> Output {
    let output = tokio::process::Command::from(command).output();
    tokio::time::timeout(PATIENCE, output).await.expect("the command does not end").unwrap()
}

/// Checks how a command ended, and returns the last line that it said.
#[track_caller]
fn ended(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    let line = said.lines().last().unwrap_or_default();
    line.strip_prefix("lukhas-mcp: ").unwrap_or_else(|| panic!("{said}")).to_owned()
}
