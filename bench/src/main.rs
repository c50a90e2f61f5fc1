//! Measures the daemon beside a bare actix handler and nginx nchan, in one session.
//!
//! What is measured and how is in `README.md`; `bench/run` builds and starts this.

mod bench;
mod disk;
mod http;
mod load;
mod machine;
mod options;
mod plan;
mod proc;
mod report;
mod rpc;
mod sections;
mod server;
mod sse;
mod stats;
mod wrk;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::bench::Bench;
use crate::options::{Options, Part};
use crate::plan::Plan;
use crate::report::Report;
use crate::sections::{canaries, fan_out, footprint, keys, operations, stall};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(report) => ExitCode::from(report.exit_code()),
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<Report> {
    machine::raise_open_files()?;
    let bench = options.bench()?;
    let plan = options.plan();
    let mut report = Report {
        machine: machine::facts(&bench, &options.revision)?,
        skipped: skipped(&bench),
        ..Report::default()
    };
    for part in options.parts() {
        let outcome = match part {
            Part::Operations => operations::measure(&bench, &plan),
            Part::FanOut => fan_out::measure(&bench, &plan),
            Part::Stall => stall::measure(&bench, &plan),
            Part::Footprint => footprint::measure(&bench, &plan),
            Part::Keys => keys::measure(&bench, &plan),
            Part::Canaries => canaries::measure(&bench, &plan),
        };
        match outcome {
            Ok(section) => report.sections.push(section),
            Err(error) => report.failed.push(format!("{part:?}: {error:#}")),
        }
    }
    publish(&report, &plan, options)?;
    Ok(report)
}

/// Says which tool or program is missing, what is not measured without it, and how to get it.
fn skipped(bench: &Bench) -> Vec<String> {
    let hints = [
        (
            bench.daemon.is_none(),
            "the daemon: no program found; build it with `cargo build --release`, or name it with \
             --daemon",
        ),
        (bench.wrk.is_none(), "operations: wrk is not installed; `apt-get install wrk`"),
        (
            bench.nginx.is_none(),
            "nchan, the peer of the event streams: not installed; \
             `apt-get install nginx libnginx-mod-nchan`",
        ),
    ];
    hints.into_iter().filter(|(missing, _)| *missing).map(|(_, hint)| hint.to_owned()).collect()
}

fn publish(report: &Report, plan: &Plan, options: &Options) -> Result<()> {
    let markdown = report.markdown();
    println!("{markdown}");
    let results: PathBuf = options.home.join("results");
    fs::create_dir_all(&results).context("making the directory for results")?;
    let base = results.join(&options.name);
    fs::write(base.with_extension("md"), markdown).context("writing the Markdown")?;
    let data = serde_json::json!({ "plan": plan, "report": report });
    fs::write(base.with_extension("json"), serde_json::to_vec_pretty(&data)?)
        .context("writing the values")?;
    println!("Results: bench/results/{0}.md, bench/results/{0}.json", options.name);
    Ok(())
}
