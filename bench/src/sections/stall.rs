//! Readers that never read must not delay the others.

use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use super::cell::daemon_stream;
use crate::bench::{Bench, RequestLog};
use crate::plan::Plan;
use crate::report::{Bound, Goal, Section, Table, noise};
use crate::sse::fleet::{Fleet, LANES};
use crate::sse::stalled::Stalled;
use crate::stats::{Sample, count, float, percentile};

const READERS: usize = 1_000;
const STALLED: usize = 100;
/// More than the small kernel buffers of a stalled reader take.
const PRIMING_EVENTS: usize = 1_200;
/// A tail of some hundred events is not exact; a server that waits for a stalled reader is worse
/// than this by orders of magnitude.
const SLACK: f64 = 1.25;

#[derive(Debug, Default, Serialize)]
struct Figures {
    stalled: usize,
    p50_milliseconds: Sample,
    p99_milliseconds: Sample,
    #[serde(skip)]
    all_times: Vec<f64>,
    swallowed_kib: Sample,
    published_kib: Sample,
}

/// Measures with and without stalled readers, in turn.
pub fn measure(bench: &Bench, plan: &Plan) -> Result<Section> {
    let mut without = Figures::default();
    let mut with = Figures { stalled: STALLED, ..Figures::default() };
    for round in 0..plan.stall_rounds {
        eprintln!("stalled readers: round {} of {}", round + 1, plan.stall_rounds);
        for figures in [&mut without, &mut with] {
            run(bench, plan, figures)?;
        }
    }
    if without.all_times.is_empty() {
        return Ok(Section::default());
    }
    let doubt = noise(&without.p50_milliseconds).or_else(|| never_stalled(&with));
    let ratio = |percent| {
        let with = percentile(&with.all_times, percent)?;
        percentile(&without.all_times, percent).map(|without| with / without)
    };
    let goal = |percent| {
        let name = format!("{STALLED} stalled beside {READERS} readers: p{percent} ÷ without");
        Goal::judge(&name, Bound::AtMost(SLACK), ratio(percent), doubt.as_deref())
    };
    Ok(Section {
        tables: vec![table(&[&without, &with])],
        goals: vec![goal(50), goal(99)],
        data: serde_json::json!({ "stalled": [without, with] }),
    })
}

fn run(bench: &Bench, plan: &Plan, figures: &mut Figures) -> Result<()> {
    let Some(server) = bench.start_daemon("stall", RequestLog::Off)? else { return Ok(()) };
    let (request, way) = daemon_stream(bench);
    let stalled = Stalled::open(server.port(), &request, figures.stalled)?;
    let mut fleet = Fleet::open(server.port(), &request, READERS, way)?;
    let before = fleet.first_reader_bytes();
    for _ in 0..PRIMING_EVENTS / LANES {
        fleet.publish(LANES)?;
    }
    let mut times = Vec::new();
    let began = Instant::now();
    while began.elapsed() < plan.fan_out_window {
        times.extend(fleet.publish(1)?);
    }
    let milliseconds = |percent| percentile(&times, percent).map(|time| time / 1e3);
    figures.p50_milliseconds.push(milliseconds(50).context("no event was timed")?);
    figures.p99_milliseconds.push(milliseconds(99).context("no event was timed")?);
    figures.all_times.extend(times);
    figures.published_kib.push(float((fleet.first_reader_bytes() - before) / 1024));
    if figures.stalled > 0 {
        figures.swallowed_kib.push(float(stalled.swallowed_bytes()? / 1024));
    }
    Ok(())
}

/// Why the stalled readers proved nothing, if their kernel buffers took all there was.
fn never_stalled(figures: &Figures) -> Option<String> {
    let swallowed = figures.swallowed_kib.median()?;
    let published = figures.published_kib.median()?;
    (swallowed * 1.25 > published)
        .then(|| format!("the kernel buffers took {swallowed:.0} of {published:.0} KiB"))
}

fn table(rows: &[&Figures]) -> Table {
    let columns = [
        "readers",
        "stalled",
        "complete p50 ms",
        "p99 ms",
        "events",
        "KiB published",
        "KiB a stalled one took",
    ];
    let mut table = Table::new("Stalled readers, event by event", &columns);
    for figures in rows {
        table.row([
            READERS.to_string(),
            figures.stalled.to_string(),
            figures.p50_milliseconds.show(2),
            figures.p99_milliseconds.show(2),
            count(figures.all_times.len()).to_string(),
            figures.published_kib.show(0),
            figures.swallowed_kib.show(0),
        ]);
    }
    table
}
