//! Commands for a daemon that runs, here or far away: one file a command.
//!
//! Each asks with the caller's key and prints what came: with `--json` the tool's own answer on one
//! line, otherwise words and tables for people. Data goes to standard output, words about what is
//! going on go to standard error.

mod answers;
mod approvals;
mod call;
mod canaries;
mod canary_commands;
mod cancel;
mod chat;
mod client_config;
mod connection;
mod evidence;
mod jobs;
mod logs;
mod mcp_stdio;
mod models;
mod promote;
mod report;
mod run_eval;
mod search;
mod session;
mod start_canary;
mod status;
mod thing;
mod wait;
mod watch;
mod why;

use clap::{Args, Subcommand};

use self::connection::ConnectionFlags;
use self::session::Session;
pub(super) use self::session::print_bytes;
use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;

/// A command that asks a daemon.
pub(super) trait Ask {
    /// Asks, and prints the answer.
    async fn ask(&self, session: &Session) -> Result<(), Failure>;
}

/// A command with the flags that say which daemon it is for.
#[derive(Debug, Args)]
pub(super) struct To<A: Args> {
    #[command(flatten)]
    arguments: A,
    #[command(flatten)]
    connection: ConnectionFlags,
}

impl<A: Args + Ask> To<A> {
    fn run(&self, flags: SettingsFlags) -> Result<(), Failure> {
        let session = Session::open(flags, &self.connection)?;
        actix::System::new().block_on(self.arguments.ask(&session))
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show on one screen what runs on a daemon and what needs attention.
    Status(To<status::Arguments>),
    /// List jobs, newest first.
    Jobs(To<jobs::Arguments>),
    /// List canaries, newest first.
    Canaries(To<canaries::Arguments>),
    /// List models and the gates they stand in, or what one model went through.
    Models(To<models::Arguments>),
    /// Follow what happens, as it happens.
    Watch(To<watch::Arguments>),
    /// Tell the story of a job, a canary, a model, a file or a commit.
    Why(To<why::Arguments>),
    /// Start an eval.
    RunEval(To<run_eval::Arguments>),
    /// Print the end of what a job wrote.
    Logs(To<logs::Arguments>),
    /// Cancel a job.
    Cancel(To<cancel::Arguments>),
    /// Put a model into a gate on probation.
    StartCanary(To<start_canary::Arguments>),
    /// End a canary and put its gate back.
    Abort(To<canary_commands::Abort>),
    /// Stop the clock of a canary.
    Pause(To<canary_commands::Pause>),
    /// Let the clock of a paused canary run on.
    Resume(To<canary_commands::Resume>),
    /// Say yes to what a canary or a conversation waits for.
    Approve(To<approvals::Approve>),
    /// Say no to a call that a conversation wants to make.
    Deny(To<approvals::Deny>),
    /// List the calls that conversations want to make and somebody has to allow.
    Approvals(To<approvals::List>),
    /// Talk with the daemon's assistant.
    Chat(To<chat::Arguments>),
    /// Promote a canary without waiting for its evidence.
    PromoteNow(To<canary_commands::PromoteNow>),
    /// Put a model into a gate.
    Promote(To<promote::Arguments>),
    /// Put back what stood in a gate before a model.
    Rollback(To<promote::Rollback>),
    /// Search files, jobs, canaries, tasks and models.
    Search(To<search::Arguments>),
    /// Download the report of a job, a canary or a model.
    Report(To<report::Arguments>),
    /// Call any tool with arguments in JSON.
    Call(To<call::Arguments>),
    /// Connect a client that speaks MCP over standard input and output only.
    McpStdio(mcp_stdio::Arguments),
    /// Print what is put where, so that a client finds a daemon.
    ClientConfig(client_config::Arguments),
}

pub(super) fn run(flags: SettingsFlags, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Status(command) => command.run(flags),
        Command::Jobs(command) => command.run(flags),
        Command::Canaries(command) => command.run(flags),
        Command::Models(command) => command.run(flags),
        Command::Watch(command) => command.run(flags),
        Command::Why(command) => command.run(flags),
        Command::RunEval(command) => command.run(flags),
        Command::Logs(command) => command.run(flags),
        Command::Cancel(command) => command.run(flags),
        Command::StartCanary(command) => command.run(flags),
        Command::Abort(command) => command.run(flags),
        Command::Pause(command) => command.run(flags),
        Command::Resume(command) => command.run(flags),
        Command::Approve(command) => command.run(flags),
        Command::Deny(command) => command.run(flags),
        Command::Approvals(command) => command.run(flags),
        Command::Chat(command) => command.run(flags),
        Command::PromoteNow(command) => command.run(flags),
        Command::Promote(command) => command.run(flags),
        Command::Rollback(command) => command.run(flags),
        Command::Search(command) => command.run(flags),
        Command::Report(command) => command.run(flags),
        Command::Call(command) => command.run(flags),
        Command::McpStdio(arguments) => mcp_stdio::run(flags, arguments),
        Command::ClientConfig(arguments) => client_config::run(flags, arguments),
    }
}
