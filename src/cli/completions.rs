//! `completions`: what a shell needs to complete this program's command lines.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::cli::exit::Failure;
use crate::cli::remote::print_bytes;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, program: &mut Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(arguments.shell, program, env!("CARGO_PKG_NAME"), &mut script);
    print_bytes(&script)
}
