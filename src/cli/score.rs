//! `score`: compare predictions with references.

use std::path::PathBuf;

use clap::Args;

use crate::cli::exit::Failure;
use crate::score;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What is right: one JSON object a line, with `id` and `reference`.
    #[arg(long, value_name = "FILE")]
    references: PathBuf,
    /// What the model said: one JSON object a line, with `id` and `prediction`.
    #[arg(long, value_name = "FILE")]
    predictions: PathBuf,
    /// How to compare: a JSON object.
    #[arg(long, value_name = "FILE")]
    configuration: PathBuf,
    /// Where to write the result.
    #[arg(long, value_name = "FILE")]
    result: PathBuf,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { references, predictions, configuration: config, result } = arguments;
    score::run(&score::Arguments { references, predictions, config, result })
        .map_err(|error| Failure::new(error.to_string()))
}
