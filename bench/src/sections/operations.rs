//! Operations over HTTP under wrk, beside the bare handler.
//!
//! Each round starts the bare handler and two daemons afresh (request log off and on) and loads
//! them one after the other; a ratio is taken within a round.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bench::{Bench, RequestLog};
use crate::disk::fdatasync_microseconds;
use crate::http::{Connection, post};
use crate::load::repeat;
use crate::plan::Plan;
use crate::report::{Bound, Goal, Section, Table, noise};
use crate::rpc::Call;
use crate::server::Server;
use crate::stats::{Sample, float};
use crate::wrk::Load;

/// The connection count at which goals are judged.
const JUDGED: u64 = 32;
/// Others, for the record.
const RECORDED: [u64; 2] = [1, 256];
const PROBE_EVERY: Duration = Duration::from_millis(20);
const LIVE_JOBS: u64 = 1_000;
const WARM_UP: u64 = 500;
/// With slower syncs the rate of durable writes says more of the disk than of the daemon.
const QUICK_SYNC_MICROSECONDS: f64 = 500.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Operation {
    Bare,
    ToolsList,
    ToolsListStateless,
    Status,
    StatusStateless,
    StatusOver,
    RunEval,
}

impl Operation {
    fn label(self) -> &'static str {
        match self {
            Self::Bare => "bare handler",
            Self::ToolsList => "tools/list",
            Self::ToolsListStateless => "tools/list, 2026-07-28",
            Self::StatusStateless => "status, 2026-07-28",
            Self::Status => "status, queued job",
            Self::StatusOver => "status, cancelled job",
            Self::RunEval => "run_eval, durable",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::Bare | Self::ToolsList => "tools_list.lua",
            Self::ToolsListStateless => "tools_list_stateless.lua",
            Self::StatusStateless => "status_stateless.lua",
            Self::Status | Self::StatusOver => "status.lua",
            Self::RunEval => "run_eval.lua",
        }
    }
}

/// The most processor time of an operation, in that of the bare handler.
const LIMITS: [(Operation, f64); 3] =
    [(Operation::ToolsList, 2.0), (Operation::Status, 2.5), (Operation::RunEval, 7.0)];
/// An operation in revision 2026-07-28, and as it is asked without any.
const STATELESS: [(Operation, Operation); 2] = [
    (Operation::ToolsListStateless, Operation::ToolsList),
    (Operation::StatusStateless, Operation::Status),
];
/// The most processor time of the first, in that of the second.
const STATELESS_LIMIT: f64 = 1.5;
/// The most that the request log adds to it.
const LOG_LIMIT: f64 = 1.0;
const LEAST_WRITES_A_SECOND: f64 = 10_000.0;

type Key = (u64, Operation, RequestLog);

/// One row of the table: an operation at one connection count.
#[derive(Debug, Default, Serialize)]
struct Figures {
    cpu_microseconds: Sample,
    ratio: Sample,
    per_second: Sample,
    p50_microseconds: Sample,
    p99_microseconds: Sample,
    operations: u64,
    faults: u64,
}

/// A server under load and what is asked of it.
struct Target<'a> {
    server: &'a Server,
    log: RequestLog,
    calls: Vec<(Operation, Option<Call>)>,
}

/// Measures all operations.
pub fn measure(bench: &Bench, plan: &Plan) -> Result<Section> {
    let Some(wrk) = &bench.wrk else { return Ok(Section::default()) };
    let mut rows = BTreeMap::new();
    let mut syncs = Sample::default();
    for round in 0..plan.rounds {
        eprintln!("operations: round {} of {}", round + 1, plan.rounds);
        syncs.push(fdatasync_microseconds(&bench.scratch)?);
        let judged = Round {
            connection_counts: &[JUDGED],
            seconds: plan.load_seconds,
            with_log: true,
            look_into_all: round == 0,
        };
        judged.run(bench, wrk, &mut rows)?;
    }
    for round in 0..plan.record_rounds {
        eprintln!("operations, for the record: round {} of {}", round + 1, plan.record_rounds);
        let recorded = Round {
            connection_counts: &RECORDED,
            seconds: plan.load_seconds.min(2),
            with_log: plan.record_with_log,
            look_into_all: false,
        };
        recorded.run(bench, wrk, &mut rows)?;
    }
    Ok(Section {
        tables: vec![table(&rows, &syncs)],
        goals: goals(&rows, &syncs),
        data: serde_json::json!({
            "fdatasync_microseconds": syncs,
            "operations": rows.iter().map(|((connections, operation, log), figures)| {
                let logged = *log == RequestLog::On;
                serde_json::json!({
                    "connections": connections, "operation": operation,
                    "request_log": logged, "figures": figures,
                })
            }).collect::<Vec<_>>(),
        }),
    })
}

/// Servers started afresh, and every operation on each of them.
struct Round<'a> {
    connection_counts: &'a [u64],
    seconds: u64,
    with_log: bool,
    look_into_all: bool,
}

impl Round<'_> {
    fn run(&self, bench: &Bench, wrk: &Path, rows: &mut BTreeMap<Key, Figures>) -> Result<()> {
        let yardstick = bench.start_bare()?;
        let quiet = bench.start_daemon("quiet", RequestLog::Off)?;
        let logging =
            if self.with_log { bench.start_daemon("logging", RequestLog::On)? } else { None };
        let calls = vec![(Operation::Bare, None)];
        let mut targets = vec![Target { server: &yardstick, log: RequestLog::Off, calls }];
        for (server, log) in [(&quiet, RequestLog::Off), (&logging, RequestLog::On)] {
            if let Some(server) = server {
                targets.push(Target { server, log, calls: prepare(bench, server)? });
            }
        }
        for &connections in self.connection_counts {
            self.load(bench, wrk, &targets, connections, rows)?;
        }
        Ok(())
    }

    /// Writes come last, so that reads see the same table in every round; the daemons take turns
    /// at each operation.
    fn load(
        &self,
        bench: &Bench,
        wrk: &Path,
        targets: &[Target<'_>],
        connections: u64,
        rows: &mut BTreeMap<Key, Figures>,
    ) -> Result<()> {
        let mut bare_cpu = None;
        for at in 0..targets.iter().map(|target| target.calls.len()).max().unwrap_or(0) {
            for target in targets {
                let Some((operation, request)) = target.calls.get(at) else { continue };
                let on_server =
                    Run { bench, wrk, target, operation: *operation, call: request.as_ref() };
                let figures = rows.entry((connections, *operation, target.log)).or_default();
                if self.look_into_all && request.is_some() && target.log == RequestLog::Off {
                    figures.faults += on_server.look_into_all(connections)?;
                }
                let cpu = on_server.measure(connections, self.seconds, figures)?;
                // The bare handler is the first target, so it comes first.
                let base = *bare_cpu.get_or_insert(cpu);
                figures.ratio.push(cpu / base);
            }
        }
        Ok(())
    }
}

/// Makes the jobs that are asked for, and warms up.
fn prepare(bench: &Bench, server: &Server) -> Result<Vec<(Operation, Option<Call>)>> {
    let access = &bench.access;
    let mut connection = Connection::open(server.port())?;
    repeat(&Call::RunEval, access, server.port(), LIVE_JOBS)?;
    let live = Call::RunEval.make(&mut connection, access, 1)?;
    let over = Call::RunEval.make(&mut connection, access, 2)?;
    Call::CancelJob(over.clone())
        .make(&mut connection, access, 3)
        .context("cancelling a job, so that there is one that is over")?;
    let calls = [
        (Operation::ToolsList, Call::ToolsList),
        (Operation::ToolsListStateless, Call::ToolsList),
        (Operation::Status, Call::Status(live.clone())),
        (Operation::StatusStateless, Call::Status(live)),
        (Operation::StatusOver, Call::Status(over)),
        (Operation::RunEval, Call::RunEval),
    ];
    for (operation, call) in &calls {
        repeat(call, access, server.port(), WARM_UP)
            .with_context(|| format!("warming up {}", operation.label()))?;
    }
    Ok(calls.into_iter().map(|(operation, call)| (operation, Some(call))).collect())
}

/// One operation on one server.
struct Run<'a> {
    bench: &'a Bench,
    wrk: &'a Path,
    target: &'a Target<'a>,
    operation: Operation,
    call: Option<&'a Call>,
}

impl Run<'_> {
    /// Loads the server, adds the figures and returns the processor time of one operation.
    fn measure(&self, connections: u64, seconds: u64, figures: &mut Figures) -> Result<f64> {
        let script = self.bench.scripts.join(self.operation.script());
        let load = self.load(&script, connections, seconds, false);
        let finished = AtomicBool::new(false);
        let before = self.target.server.cpu_microseconds()?;
        let (outcome, probes) = scope(|scope| {
            let asking = scope.spawn(|| self.probe(&finished));
            let outcome = load.run();
            finished.store(true, Ordering::Relaxed);
            // A panic in the prober is a fault of this program: pass it on.
            let probes = asking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (outcome, probes)
        });
        let (asked, wrong) = probes?;
        let outcome = outcome?;
        let operations = outcome.requests + asked;
        let cpu = (self.target.server.cpu_microseconds()? - before) / float(operations);
        figures.cpu_microseconds.push(cpu);
        figures.per_second.push(float(outcome.requests) * 1e6 / float(outcome.duration_us));
        figures.p50_microseconds.push(float(outcome.p50_us));
        figures.p99_microseconds.push(float(outcome.p99_us));
        figures.operations += operations;
        figures.faults += outcome.bad_status + outcome.socket_errors + wrong;
        Ok(cpu)
    }

    /// One second under the same load with every body looked into: the wrong ones.
    fn look_into_all(&self, connections: u64) -> Result<u64> {
        let script = self.bench.scripts.join(self.operation.script());
        let outcome = self.load(&script, connections, 1, true).run()?;
        Ok(outcome.wrong + outcome.bad_status + outcome.socket_errors)
    }

    fn load<'a>(
        &'a self,
        script: &'a Path,
        connections: u64,
        seconds: u64,
        look: bool,
    ) -> Load<'a> {
        let access = &self.bench.access;
        let mut settings = vec![
            ("LUKHAS_KEY", access.key.clone()),
            ("LUKHAS_TASK", access.task.clone()),
            ("LUKHAS_CONFIG", access.config.clone()),
            ("LUKHAS_CHECK", if look { "1" } else { "" }.to_owned()),
        ];
        if let Some(Call::Status(job)) = self.call {
            settings.push(("LUKHAS_JOB", job.clone()));
        }
        let port = self.target.server.port();
        Load { program: self.wrk, script, settings, port, connections, seconds }
    }

    /// While wrk loads the server, asks the same now and then and looks into each answer.
    /// Returns how many it asked and how many of the answers were wrong.
    fn probe(&self, stop: &AtomicBool) -> Result<(u64, u64)> {
        let access = &self.bench.access;
        let plain = post("/mcp", None, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
        let mut connection = Connection::open(self.target.server.port())?;
        let (mut asked, mut wrong) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            asked += 1;
            let right = match self.call {
                Some(call) => call.make(&mut connection, access, asked).map(drop),
                None => connection.exchange(&plain).map(drop),
            };
            if let Err(error) = right {
                if wrong == 0 {
                    eprintln!("{}: wrong answer under load: {error:#}", self.operation.label());
                }
                wrong += 1;
                connection = Connection::open(self.target.server.port())?;
            }
            sleep(PROBE_EVERY);
        }
        Ok((asked, wrong))
    }
}

fn table(rows: &BTreeMap<Key, Figures>, syncs: &Sample) -> Table {
    let title = format!("Operations (fdatasync of a 4 KiB append: {} µs)", syncs.show(0));
    let columns =
        ["operation", "conns", "log", "µs CPU/op", "÷ bare", "req/s", "p50 µs", "p99 µs", "faults"];
    let mut table = Table::new(&title, &columns);
    for ((connections, operation, log), figures) in rows {
        table.row([
            operation.label().to_owned(),
            connections.to_string(),
            if *log == RequestLog::On { "on" } else { "off" }.to_owned(),
            figures.cpu_microseconds.show(1),
            figures.ratio.show(2),
            figures.per_second.show(0),
            figures.p50_microseconds.show(0),
            figures.p99_microseconds.show(0),
            figures.faults.to_string(),
        ]);
    }
    table
}

fn goals(rows: &BTreeMap<Key, Figures>, syncs: &Sample) -> Vec<Goal> {
    let find = |operation, log| rows.get(&(JUDGED, operation, log));
    let off = |operation| find(operation, RequestLog::Off);
    let noise = off(Operation::Bare).and_then(|bare| noise(&bare.cpu_microseconds));
    // Wrong answers may be cheap ones, so an operation that gave any proves nothing.
    let doubt = |operation| {
        let faults = |log| find(operation, log).map_or(0, |figures| figures.faults);
        let faults = faults(RequestLog::Off) + faults(RequestLog::On);
        (faults > 0).then(|| format!("invalid, {faults} faults")).or_else(|| noise.clone())
    };
    let mut goals = Vec::new();
    for (operation, limit) in LIMITS {
        let ratio = off(operation).and_then(|figures| figures.ratio.median());
        let name = format!("{}: CPU ÷ bare", operation.label());
        goals.push(Goal::judge(&name, Bound::AtMost(limit), ratio, doubt(operation).as_deref()));
    }
    let slow_disk = syncs.median().filter(|sync| *sync > QUICK_SYNC_MICROSECONDS);
    let rate_doubt = slow_disk
        .map(|sync| format!("a sync takes {sync:.0} µs here"))
        .or_else(|| doubt(Operation::RunEval));
    let rate = off(Operation::RunEval).and_then(|figures| figures.per_second.median());
    let bound = Bound::AtLeast(LEAST_WRITES_A_SECOND);
    goals.push(Goal::judge("run_eval, durable: a second", bound, rate, rate_doubt.as_deref()));
    for (operation, _) in LIMITS {
        let pair = find(operation, RequestLog::On).zip(off(operation));
        let added = pair.and_then(|(on, off)| on.ratio.minus(&off.ratio).median());
        let name = format!("{}: the log adds, ÷ bare", operation.label());
        let bound = Bound::AtMost(LOG_LIMIT);
        goals.push(Goal::judge(&name, bound, added, doubt(operation).as_deref()));
    }
    for (stateless, lenient) in STATELESS {
        let pair = off(stateless).zip(off(lenient));
        let ratio = pair.and_then(|(with, without)| with.ratio.over(&without.ratio).median());
        let name = format!("{} ÷ {}", stateless.label(), lenient.label());
        let doubt = doubt(stateless).or_else(|| doubt(lenient));
        goals.push(Goal::judge(&name, Bound::AtMost(STATELESS_LIMIT), ratio, doubt.as_deref()));
    }
    let faults = rows.values().map(|figures| figures.faults).sum();
    goals.push(Goal::judge("wrong answers", Bound::AtMost(0.0), Some(float(faults)), None));
    goals
}
