//! The command line: one file a command.

mod audit;
mod backup;
mod check;
mod completions;
mod config;
mod demo;
mod exit;
mod healthcheck;
mod man;
mod migrate;
mod probe;
mod remote;
mod score;
mod serve;
mod settings;
mod terminal;
mod version;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::exit::Failure;
use self::settings::SettingsFlags;
use crate::adapters::child::{EXEC_SERVER, exec_server};
use crate::adapters::local::exec_run;

/// Supervises evals and their runs as one daemon that speaks MCP.
#[derive(Debug, Parser)]
#[command(name = "lukhas-mcp", version, after_help = exit::HELP)]
struct Cli {
    #[command(flatten)]
    flags: SettingsFlags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon; this is what happens without a command.
    Serve,
    /// Start a daemon in a scratch directory, run the shipped eval, tell its story, and go on.
    Demo,
    /// Look at settings, database, evals and port, and say what is wrong.
    Check,
    /// Check that what was recorded is as it was written.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Show settings.
    #[command(subcommand)]
    Config(config::Command),
    /// Bring the database's schema up to date.
    Migrate(migrate::Arguments),
    /// Copy the database, while it is in use or not.
    Backup(backup::Arguments),
    /// Ask a running daemon whether it is well.
    Healthcheck(healthcheck::Arguments),
    /// Run an eval on a running daemon and check that its events come as promised.
    Probe(probe::Arguments),
    #[command(flatten)]
    Remote(remote::Command),
    /// Compare predictions with references, as the shipped evals do.
    Score(score::Arguments),
    /// Print the completions of a shell.
    Completions(completions::Arguments),
    /// Print the manual page, or write those of all commands.
    Man(man::Arguments),
    /// Say which version this is.
    Version(version::Arguments),
}

/// Runs the program with these arguments, the first of which is its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // What the daemon starts to start a run: it is not for people, and nothing else comes first.
    if let [_, command, directory] = arguments.as_slice()
        && command == "exec-run"
    {
        let Err(error) = exec_run(Path::new(directory));
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    // The same for the programs of MCP servers.
    if let [_, command, rest @ ..] = arguments.as_slice()
        && command == EXEC_SERVER
    {
        let Err(error) = exec_server(rest);
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and go to standard output.
            drop(error.print());
            return if error.use_stderr() { exit::USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    match execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                eprintln!("lukhas-mcp: {failure}");
            }
            failure.code()
        }
    }
}

fn execute(cli: Cli) -> Result<(), Failure> {
    let flags = cli.flags;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(flags),
        Command::Demo => demo::run(&flags),
        Command::Check => check::run(flags),
        Command::Audit(command) => audit::run(flags, &command),
        Command::Config(command) => config::run(flags, &command),
        Command::Migrate(arguments) => migrate::run(flags, &arguments),
        Command::Backup(arguments) => backup::run(flags, &arguments),
        Command::Healthcheck(arguments) => healthcheck::run(flags, &arguments),
        Command::Probe(arguments) => probe::run(flags, &arguments),
        Command::Remote(command) => remote::run(flags, &command),
        Command::Score(arguments) => score::run(arguments),
        Command::Completions(arguments) => completions::run(&arguments, &mut Cli::command()),
        Command::Man(arguments) => man::run(&arguments, Cli::command()),
        Command::Version(arguments) => {
            version::run(&arguments);
            Ok(())
        }
    }
}

/// The current directory.
fn current_directory() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| Failure::other("find the current directory", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
