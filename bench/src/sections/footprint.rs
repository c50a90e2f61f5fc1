//! Start, memory and size of the daemon.

use std::fs;

use anyhow::{Context, Result};

use crate::bench::{Bench, RequestLog};
use crate::http::Connection;
use crate::load::repeat;
use crate::plan::Plan;
use crate::report::{Bound, Goal, Section, Table};
use crate::rpc::Call;
use crate::stats::{Sample, float};

/// Jobs in the table at a start; the first is the one that is judged.
const JOBS_AT_START: [u64; 2] = [1_000, 10_000];
const READS: u64 = 20_000;
const WARM_UP_JOBS: u64 = 500;
const MIB: f64 = 1024.0;

/// The figures and whether each is better small.
struct Findings {
    table: Table,
    data: serde_json::Map<String, serde_json::Value>,
}

impl Findings {
    fn add(&mut self, name: &str, sample: &Sample, digits: usize) {
        self.table.row([name.to_owned(), sample.show(digits)]);
        self.data.insert(name.to_owned(), serde_json::json!(sample.values));
    }
}

/// Measures starts, memory and size.
pub fn measure(bench: &Bench, plan: &Plan) -> Result<Section> {
    let Some(program) = &bench.daemon else { return Ok(Section::default()) };
    let table = Table::new("Start, memory, size", &["figure", "value"]);
    let mut findings = Findings { table, data: serde_json::Map::new() };
    let size = float(fs::metadata(program).context("the daemon's program")?.len());
    findings.add("binary, MB", &Sample::new(vec![size / 1e6]), 2);
    let idle = memory(bench, plan, &mut findings)?;
    let mut goals = vec![
        Goal::judge("idle RSS, MiB", Bound::AtMost(20.0), Some(idle.after_ready), None),
        Goal::judge("a queued job, KiB", Bound::AtMost(3.0), Some(idle.kib_a_job), None),
    ];
    for (index, jobs) in JOBS_AT_START.into_iter().enumerate() {
        let starts = start_times(bench, plan, jobs, &mut findings)?;
        if index == 0 {
            let name = format!("start to ready with {jobs} jobs, ms");
            goals.push(Goal::judge(&name, Bound::AtMost(50.0), starts.median(), None));
        }
    }
    Ok(Section { tables: vec![findings.table], goals, data: findings.data.into() })
}

struct Memory {
    after_ready: f64,
    kib_a_job: f64,
}

fn memory(bench: &Bench, plan: &Plan, findings: &mut Findings) -> Result<Memory> {
    eprintln!("memory: idle, after reads, with {} queued jobs", plan.queued_jobs);
    let server = bench.start_daemon("memory", RequestLog::Off)?.context("there is a daemon")?;
    let (port, access) = (server.port(), &bench.access);
    let after_ready = server.resident_kib()? / MIB;
    findings.add("RSS when ready, MiB", &Sample::new(vec![after_ready]), 1);
    let job = Call::RunEval.make(&mut Connection::open(port)?, access, 1)?;
    repeat(&Call::ToolsList, access, port, READS)?;
    repeat(&Call::Status(job), access, port, READS)?;
    let loaded = server.resident_kib()? / MIB;
    findings.add("RSS after 40,000 reads, MiB", &Sample::new(vec![loaded]), 1);
    // The writer's buffers and caches fill before jobs are counted.
    repeat(&Call::RunEval, access, port, WARM_UP_JOBS)?;
    let before = server.resident_kib()?;
    repeat(&Call::RunEval, access, port, plan.queued_jobs)?;
    let kib_a_job = (server.resident_kib()? - before) / float(plan.queued_jobs);
    let name = format!("a queued job, KiB (at most; over {} jobs)", plan.queued_jobs);
    findings.add(&name, &Sample::new(vec![kib_a_job]), 2);
    server.stop()?;
    Ok(Memory { after_ready, kib_a_job })
}

fn start_times(bench: &Bench, plan: &Plan, jobs: u64, findings: &mut Findings) -> Result<Sample> {
    eprintln!("starts with {jobs} jobs: {}", plan.starts);
    let first = bench.start_daemon("start", RequestLog::Off)?.context("there is a daemon")?;
    repeat(&Call::RunEval, &bench.access, first.port(), jobs)?;
    first.stop()?;
    let (mut ready, mut resident, mut stop) =
        (Sample::default(), Sample::default(), Sample::default());
    for _ in 0..plan.starts {
        let server =
            bench.restart_daemon("start", RequestLog::Off)?.context("there is a daemon")?;
        ready.push(server.ready_after().as_secs_f64() * 1e3);
        resident.push(server.resident_kib()? / MIB);
        stop.push(server.stop()?.as_secs_f64() * 1e3);
    }
    findings.add(&format!("start to ready with {jobs} jobs, ms"), &ready, 1);
    findings.add(&format!("RSS when ready with {jobs} jobs, MiB"), &resident, 1);
    findings.add(&format!("SIGTERM to exit with {jobs} jobs, ms"), &stop, 1);
    Ok(ready)
}
