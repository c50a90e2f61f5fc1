//! `config`: the settings, as they are and as they could be.

use clap::Subcommand;

use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::config::{render_example, render_json, render_print};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print every setting with its value and where that came from; secrets are masked.
    Print {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a commented file with every setting.
    Example,
}

pub(super) fn run(flags: SettingsFlags, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Print { json: false } => print!("{}", render_print(&flags.load_with_chat()?)),
        Command::Print { json: true } => println!("{}", render_json(&flags.load_with_chat()?)),
        Command::Example => print!("{}", render_example()),
    }
    Ok(())
}
