//! `man`: the manual pages, made from the same definitions as `--help`.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::cli::exit::Failure;
use crate::cli::remote::print_bytes;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Write the pages of all commands into this directory, instead of printing the first
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, program: Command) -> Result<(), Failure> {
    match &arguments.directory {
        Some(directory) => std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::generate_to(program, directory))
            .map_err(|error| Failure::other("write the manual pages", &error)),
        None => {
            let mut page = Vec::new();
            Man::new(program)
                .render(&mut page)
                .map_err(|error| Failure::other("write the manual page", &error))?;
            print_bytes(&page)
        }
    }
}
