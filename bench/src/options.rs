//! The command line.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};

use crate::bench::Bench;
use crate::machine::{find_nchan, find_program};
use crate::plan::Plan;
use crate::rpc::Access;

/// A key of the benchmark's own daemons, which live for seconds on loopback.
const KEY: &str = "benchmark-key-of-no-value";

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The tool list, a status, a new job over HTTP.
    Operations,
    /// Event streams to many readers, beside nchan.
    FanOut,
    /// Readers that never read.
    Stall,
    /// Start, memory, size.
    Footprint,
    /// The time to refuse a wrong key.
    Keys,
    /// A thousand running canaries, and a story among many.
    Canaries,
}

/// Measures the daemon beside a bare actix handler and nginx nchan, in one session.
#[derive(Debug, Parser)]
#[command(name = "bench/run", version)]
pub struct Options {
    /// A look, within three minutes
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Also ten thousand readers, within fifteen minutes
    #[arg(long)]
    full: bool,
    /// The daemon's program [default: ../target/release/lukhas-mcp beside bench/]
    #[arg(long, value_name = "PATH")]
    daemon: Option<PathBuf>,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// The task of the jobs that are launched
    #[arg(long, default_value = "smollm2.quick")]
    task: String,
    /// The config of the jobs that are launched
    #[arg(long, default_value = "default")]
    config: String,
    /// The daemon's repository root [default: an empty directory]
    #[arg(long, value_name = "DIR")]
    repository: Option<PathBuf>,
    /// More environment for the daemon
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    daemon_env: Vec<(String, String)>,
    /// Databases and logs go here; on the disk that is to be measured
    #[arg(long, value_name = "DIR", default_value = "target/scratch")]
    scratch: PathBuf,
    /// The bench/ directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub home: PathBuf,
    /// Name of the files under bench/results
    #[arg(long, default_value = "latest")]
    pub name: String,
    /// What the report calls the measured revision
    #[arg(long, default_value = "unknown")]
    pub revision: String,
}

impl Options {
    /// How much is measured.
    pub fn plan(&self) -> Plan {
        if self.quick {
            Plan::quick()
        } else if self.full {
            Plan::full()
        } else {
            Plan::standard()
        }
    }

    /// What is measured.
    pub fn parts(&self) -> Vec<Part> {
        if self.only.is_empty() { Part::value_variants().to_vec() } else { self.only.clone() }
    }

    /// Where everything is. Fails if a path that was named does not exist.
    pub fn bench(&self) -> Result<Bench> {
        fs::create_dir_all(&self.scratch).context("making the scratch directory")?;
        let home = self.home.canonicalize().context("the bench/ directory")?;
        let daemon = match &self.daemon {
            Some(named) => Some(named.canonicalize().context("the program named by --daemon")?),
            None => home.join("../target/release/lukhas-mcp").canonicalize().ok(),
        };
        let repository = self.repository.as_ref().map(|path| path.canonicalize()).transpose();
        Ok(Bench {
            scratch: self.scratch.canonicalize().context("the scratch directory")?,
            daemon,
            daemon_environment: self.daemon_env.clone(),
            repository: repository.context("the directory named by --repository")?,
            wrk: find_program("wrk"),
            nginx: find_nchan(),
            scripts: home.join("wrk"),
            access: Access {
                key: KEY.to_owned(),
                task: self.task.clone(),
                config: self.config.clone(),
            },
        })
    }
}

fn name_and_value(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => bail!("expected NAME=VALUE, got {text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
        let options =
            Options::parse_from(["run", "--only", "stall,fan-out", "--daemon-env", "A=b"]);
        assert_eq!(options.parts(), [Part::Stall, Part::FanOut]);
        assert_eq!(options.daemon_env, [("A".to_owned(), "b".to_owned())]);
    }
}
