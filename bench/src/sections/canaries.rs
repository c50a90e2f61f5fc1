//! A thousand running canaries: processor time, memory, restart; and a story among many.
//!
//! Each canary is watched by reading a page of a target in this process. What the reading alone
//! costs is measured by a program that only reads the same pages at the same pace.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bench::{Bench, RequestLog};
use crate::http::{Connection, post};
use crate::load::spread;
use crate::plan::Plan;
use crate::report::{Bound, Goal, Section, Table};
use crate::rpc::{Access, Call, tool};
use crate::server::{Readiness, Server};
use crate::stats::{Sample, float, percentile};

const CANARIES: u64 = 1_000;
/// Canaries before memory is first read: what the first of anything costs is not theirs.
const WARM_UP: u64 = 100;
const POLL_SECONDS: u64 = 5;
const RESTARTS: usize = 3;
const STORIES: u64 = 500;

/// A served model that counts for every gate, and the pages it was asked for.
struct Target {
    port: u16,
    pages: Arc<AtomicU64>,
}

impl Target {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let pages = Arc::<AtomicU64>::default();
        let (served, began) = (Arc::clone(&pages), Instant::now());
        spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = Arc::clone(&served);
                // Whoever hangs up has what it wanted.
                spawn(move || drop(serve(stream, &served, began)));
            }
        });
        Ok(Self { port, pages })
    }

    fn page(&self) -> String {
        format!("http://127.0.0.1:{}/$__gate/metrics", self.port)
    }

    fn served(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }
}

fn serve(mut stream: TcpStream, served: &AtomicU64, began: Instant) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut buffer)? {
                0 => return Ok(()),
                n => request.extend_from_slice(&buffer[..n]),
            }
        }
        let text = std::str::from_utf8(&request).context("a request is text")?;
        let gate = text.split('/').nth(1).context("a page has a gate")?;
        let page = page(gate, began.elapsed().as_millis());
        served.fetch_add(1, Ordering::Relaxed);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length:";
        stream.write_all(format!("{head} {}\r\n\r\n{page}", page.len()).as_bytes())?;
        request.clear();
    }
}

/// Fifty requests a second, of which one in a hundred fails and one in fifty is slow.
fn page(gate: &str, milliseconds: u128) -> String {
    let total = milliseconds / 20;
    let (failed, fast) = (total / 100, total - total / 50);
    let mut page = String::from("# TYPE http_requests_total counter\n");
    for (code, n) in [("200", total - failed), ("503", failed)] {
        let _ = writeln!(page, "http_requests_total{{gate=\"{gate}\",code=\"{code}\"}} {n}");
    }
    page.push_str("# TYPE http_request_duration_seconds histogram\n");
    for edge in ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"] {
        let n = if edge == "+Inf" { total } else { fast };
        let name = "http_request_duration_seconds_bucket";
        let _ = writeln!(page, "{name}{{gate=\"{gate}\",le=\"{edge}\"}} {n}");
    }
    page
}

/// A daemon that watches canaries by the pages of a target.
fn watching(bench: &Bench, target: &Target) -> Bench {
    let name = "http_requests_total{gate=$__gate";
    let more = [
        ("LUKHAS_SCRAPE_URL", target.page()),
        ("PROM_TOTAL", format!("{name}}}")),
        ("PROM_ERRORS", format!("{name},code=~\"5..\"}}")),
        ("PROM_BUCKET", "http_request_duration_seconds_bucket{gate=$__gate}".to_owned()),
    ];
    let mut bench = bench.clone();
    bench.daemon_environment.extend(more.map(|(name, value)| (name.to_owned(), value)));
    bench
}

/// Calls a tool and returns its structured content.
fn ask(
    connection: &mut Connection,
    access: &Access,
    (name, arguments): (&str, &Value),
) -> Result<Value> {
    let body = tool(1, name, arguments).to_string();
    let answer = connection.exchange(&post("/mcp", Some(&access.key), &body))?;
    ensure!(answer.status == 200, "{name}: HTTP status {}", answer.status);
    let body: Value = serde_json::from_slice(&answer.body).context("the answer is not JSON")?;
    let result = &body["result"];
    ensure!(result.is_object() && result["isError"] != true, "{name}: {body}");
    Ok(result["structuredContent"].clone())
}

/// Starts the canaries of gates with numbers from `first`.
fn start_canaries(server: &Server, access: &Access, first: u64, count: u64) -> Result<()> {
    let next = AtomicU64::new(first);
    spread(server.port(), count, |connection, _| {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let arguments = json!({
            "modelId": format!("m{n}:2"), "fromGate": "stage", "toGate": format!("g{n}"),
            "policy": {
                "windowSeconds": 86_400, "pollSeconds": POLL_SECONDS,
                "targets": { "latency_p95_ms": 250, "max_error_rate": 0.05 },
            },
        });
        ask(connection, access, ("start_canary", &arguments)).map(drop)
    })
}

/// Processor time over a while, in percent of one core, and the pages asked for in that time.
struct Load {
    percent: f64,
    pages: u64,
}

fn load_of(server: &Server, target: &Target, window: Duration) -> Result<Load> {
    let (cpu, pages, began) = (server.cpu_microseconds()?, target.served(), Instant::now());
    sleep(window);
    let cpu = server.cpu_microseconds()? - cpu;
    let percent = cpu / began.elapsed().as_secs_f64() / 1e4;
    Ok(Load { percent, pages: target.served() - pages })
}

/// The same pages at the same pace, read by a program that does nothing else.
fn reading_alone(bench: &Bench, target: &Target, window: Duration) -> Result<Load> {
    let own = std::env::current_exe().context("finding this program")?;
    let mut command = Command::new(own.with_file_name("bench-pages"));
    let port = crate::server::free_port()?;
    command
        .env("PORT", port.to_string())
        .env("PAGES", target.page())
        .env("COUNT", CANARIES.to_string())
        .env("SECONDS", POLL_SECONDS.to_string());
    let reader = Server::start(&mut command, "pages", port, &bench.scratch, Readiness::Answers)?;
    sleep(Duration::from_secs(2 * POLL_SECONDS));
    load_of(&reader, target, window)
}

/// Measures canaries and stories.
pub fn measure(bench: &Bench, plan: &Plan) -> Result<Section> {
    if bench.daemon.is_none() {
        return Ok(Section::default());
    }
    let target = Target::start()?;
    let bench = watching(bench, &target);
    let mut table = Table::new("Canaries", &["figure", "value"]);
    let mut data = serde_json::Map::new();
    let mut add = |name: &str, value: f64, digits: usize| {
        table.row([name.to_owned(), format!("{value:.digits$}")]);
        data.insert(name.to_owned(), json!(value));
    };

    eprintln!("canaries: reading alone, {} s", plan.canary_window.as_secs());
    let alone = reading_alone(&bench, &target, plan.canary_window)?;
    eprintln!("canaries: {CANARIES}, for {} s", plan.canary_window.as_secs());
    let server = bench.start_daemon("canaries", RequestLog::Off)?.context("there is a daemon")?;
    let settled = Duration::from_secs(3 * POLL_SECONDS);
    start_canaries(&server, &bench.access, CANARIES, WARM_UP)?;
    sleep(settled);
    let before = server.resident_kib()?;
    start_canaries(&server, &bench.access, 0, CANARIES)?;
    sleep(settled);
    let load = load_of(&server, &target, plan.canary_window)?;
    let kib = (server.resident_kib()? - before) / float(CANARIES);
    // A hundred more than a thousand are watched, and judged as so many.
    let share = float(CANARIES) / float(CANARIES + WARM_UP);
    let (all, reading) = (load.percent * share, alone.percent);
    add("1000 canaries, % of a core", all, 2);
    add("of that the reading of their pages, % of a core", reading, 2);
    add("pages a second", float(load.pages) * share / plan.canary_window.as_secs_f64(), 1);
    add(
        "µs CPU a poll",
        load.percent * 1e4 * plan.canary_window.as_secs_f64() / float(load.pages),
        0,
    );
    add("a canary of the first thousand, KiB", kib, 2);

    start_canaries(&server, &bench.access, CANARIES + WARM_UP, CANARIES)?;
    sleep(plan.canary_window);
    let further = (server.resident_kib()? - before) / float(CANARIES) - kib;
    eprintln!(
        "canaries: {all:.2} % of a core, {reading:.2} % of it to read; {kib:.2} and {further:.2} KiB each"
    );
    add("a canary of the second thousand, KiB", further, 2);
    let story = first_canary(&server, &bench.access)?;
    server.stop()?;
    let restarts = restarts(&bench)?;
    add("restart to ready with 2100 canaries, ms", restarts.median().unwrap_or(0.0), 1);

    let (p50, p99, rows) = stories(&bench, plan, &story)?;
    add("audit rows", float(rows), 0);
    add("why among them, p50 ms", p50, 2);
    add("why among them, p99 ms", p99, 2);
    let goals = vec![
        judged("1000 canaries besides reading, % of a core", 5.0, all - reading),
        judged("a canary of the first thousand, KiB", 8.0, kib),
        judged("why among 200,000 audit rows, p50 ms", 5.0, p50),
    ];
    Ok(Section { tables: vec![table], goals, data: data.into() })
}

fn judged(name: &str, most: f64, measured: f64) -> Goal {
    Goal::judge(name, Bound::AtMost(most), Some(measured), None)
}

fn first_canary(server: &Server, access: &Access) -> Result<String> {
    let mut connection = Connection::open(server.port())?;
    let listed = ask(&mut connection, access, ("list_canaries", &json!({ "limit": 1 })))?;
    let first = &listed["canaries"][0];
    ensure!(first["status"] == "RUNNING", "a canary is no more: {first}");
    Ok(first["canaryId"].as_str().context("a canary has an id")?.to_owned())
}

fn restarts(bench: &Bench) -> Result<Sample> {
    let mut ready = Sample::default();
    for _ in 0..RESTARTS {
        let server =
            bench.restart_daemon("canaries", RequestLog::Off)?.context("there is a daemon")?;
        ready.push(server.ready_after().as_secs_f64() * 1e3);
        server.stop()?;
    }
    Ok(ready)
}

/// Fills the audit with jobs that are asked for and cancelled, and times `why` of a canary.
fn stories(bench: &Bench, plan: &Plan, canary: &str) -> Result<(f64, f64, u64)> {
    eprintln!("canaries: a story among {} audit rows", plan.audit_rows);
    let server = bench.restart_daemon("canaries", RequestLog::Off)?.context("there is a daemon")?;
    let access = &bench.access;
    let mut connection = Connection::open(server.port())?;
    let job = Call::RunEval.make(&mut connection, access, 1)?;
    Call::CancelJob(job.clone()).make(&mut connection, access, 2)?;
    let facts = ask(&mut connection, access, ("why", &json!({ "id": job })))?;
    let a_job = facts["facts"].as_array().map_or(1, Vec::len).max(1) as u64;
    let jobs = plan.audit_rows.div_ceil(a_job);
    spread(server.port(), jobs, |connection, id| {
        let job = Call::RunEval.make(connection, access, id)?;
        Call::CancelJob(job).make(connection, access, id).map(drop)
    })?;
    // Nothing but the question is measured; a connection that was idle for so long is closed.
    connection = Connection::open(server.port())?;
    let mut times = Vec::new();
    for _ in 0..STORIES {
        let began = Instant::now();
        let told = ask(&mut connection, access, ("why", &json!({ "id": canary })))?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!(told["id"] == canary, "why answered {}", told["id"]);
    }
    let at = |percent| percentile(&times, percent).unwrap_or(0.0);
    Ok((at(50), at(99), jobs * a_job))
}
