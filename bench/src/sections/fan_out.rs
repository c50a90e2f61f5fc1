//! Events to many readers: the daemon beside nginx nchan, event by event and in bursts.
//!
//! Each round starts each server afresh with a fleet of its own, so that no reader of an earlier
//! round weighs on it. nchan's events are padded to the daemon's length on the wire.

use anyhow::Result;
use serde::Serialize;

use super::cell::{self, Cell, Kind, Pace};
use crate::bench::{Bench, RequestLog};
use crate::plan::Plan;
use crate::report::{Bound, Goal, Section, Table, noise};
use crate::sse::fleet::{Completeness, LANES};
use crate::stats::{Sample, count, float, percentile};

/// The fleet for which goals are judged.
const JUDGED: usize = 1_000;
const MOST_KIB_A_READER: f64 = 24.0;
/// The length of the daemon's event when there is no daemon to ask.
const USUAL_EVENT_BYTES: f64 = 235.0;
const DAEMON: &str = "daemon";
const NCHAN: &str = "nchan";

/// One server at one size of fleet.
#[derive(Debug, Serialize)]
struct Row {
    server: &'static str,
    readers: usize,
    kib_a_reader: Sample,
    event_bytes: Sample,
    single: Figures,
    bursts: Figures,
    books: Completeness,
    broken_rounds: Vec<String>,
}

/// One way of publishing.
#[derive(Debug, Default, Serialize)]
struct Figures {
    in_flight: usize,
    deliveries_a_second: Sample,
    cpu_microseconds_a_delivery: Sample,
    complete_p50_microseconds: Sample,
    #[serde(skip)]
    all_times: Vec<f64>,
}

impl Figures {
    fn add(&mut self, pace: Pace) {
        self.deliveries_a_second.push(pace.deliveries_a_second);
        self.cpu_microseconds_a_delivery.push(pace.cpu_microseconds_a_delivery);
        let p50 = percentile(&pace.complete_microseconds, 50);
        self.complete_p50_microseconds.values.extend(p50);
        self.all_times.extend(pace.complete_microseconds);
    }
}

impl Row {
    fn new(server: &'static str, readers: usize) -> Self {
        let figures = |in_flight| Figures { in_flight, ..Figures::default() };
        Self {
            server,
            readers,
            kib_a_reader: Sample::default(),
            event_bytes: Sample::default(),
            single: figures(1),
            bursts: figures(LANES),
            books: Completeness::default(),
            broken_rounds: Vec::new(),
        }
    }

    fn add(&mut self, cell: Cell) {
        self.kib_a_reader.push(cell.kib_a_reader);
        self.event_bytes.push(cell.event_bytes);
        self.single.add(cell.single);
        self.bursts.add(cell.bursts);
    }

    /// Writes a broken round down and hands on a whole one.
    fn keep(&mut self, outcome: Option<Result<Cell>>) -> Option<Cell> {
        match outcome? {
            Ok(cell) => {
                self.books.add(&cell.books);
                Some(cell)
            }
            Err(error) => {
                eprintln!("{}, {} readers: {error:#}", self.server, self.readers);
                self.broken_rounds.push(format!("{error:#}"));
                None
            }
        }
    }
}

/// Measures every size of fleet.
pub fn measure(bench: &Bench, plan: &Plan) -> Result<Section> {
    let mut rows = Vec::new();
    for &readers in &plan.readers {
        let mut daemon = Row::new(DAEMON, readers);
        let mut nchan = Row::new(NCHAN, readers);
        for round in 0..plan.rounds {
            eprintln!("fan-out, {readers} readers: round {} of {}", round + 1, plan.rounds);
            run_round(bench, plan, &mut daemon, &mut nchan)?;
        }
        rows.extend([daemon, nchan]);
    }
    rows.retain(|row| !row.kib_a_reader.values.is_empty() || !row.broken_rounds.is_empty());
    Ok(Section {
        tables: vec![table(&rows)],
        goals: goals(&rows),
        data: serde_json::json!({ "fan_out": rows }),
    })
}

fn run_round(bench: &Bench, plan: &Plan, daemon: &mut Row, nchan: &mut Row) -> Result<()> {
    let (readers, window) = (daemon.readers, plan.fan_out_window);
    let server = bench.start_daemon("fan-out", RequestLog::Off)?;
    let outcome = server.map(|server| cell::run(bench, &server, Kind::Daemon, readers, window));
    let mut own = daemon.keep(outcome);
    let event_bytes = own.as_ref().map_or(USUAL_EVENT_BYTES, |cell| cell.event_bytes);
    let kind = Kind::Nchan { event_bytes };
    let outcome =
        bench.start_nchan()?.map(|server| cell::run(bench, &server, kind, readers, window));
    let mut peer = nchan.keep(outcome);
    // Ratios pair the rounds, so a round counts for both servers or for neither.
    if bench.daemon.is_some() && bench.nginx.is_some() && (own.is_none() || peer.is_none()) {
        (own, peer) = (None, None);
    }
    if let Some(cell) = own {
        daemon.add(cell);
    }
    if let Some(cell) = peer {
        nchan.add(cell);
    }
    Ok(())
}

fn table(rows: &[Row]) -> Table {
    let columns = [
        "server",
        "readers",
        "in flight",
        "deliveries/s",
        "µs CPU/delivery",
        "complete p50 ms",
        "p99 ms",
        "KiB/reader",
        "B/event",
        "delivered",
    ];
    let mut table = Table::new("Event streams", &columns);
    for row in rows {
        for figures in [&row.single, &row.bursts] {
            let p50 = Sample::new(
                figures.complete_p50_microseconds.values.iter().map(|time| time / 1e3).collect(),
            );
            let p99 = percentile(&figures.all_times, 99);
            table.row([
                row.server.to_owned(),
                row.readers.to_string(),
                figures.in_flight.to_string(),
                figures.deliveries_a_second.show(0),
                figures.cpu_microseconds_a_delivery.show(2),
                p50.show(2),
                p99.map_or_else(|| "–".to_owned(), |time| format!("{:.2}", time / 1e3)),
                row.kib_a_reader.show(1),
                row.event_bytes.show(0),
                delivered(row),
            ]);
        }
    }
    table
}

fn delivered(row: &Row) -> String {
    let books = &row.books;
    let text = if books.is_perfect() {
        "all, in order".to_owned()
    } else {
        format!("{} of {}, {} wrong", books.delivered, books.expected, books.wrong)
    };
    match row.broken_rounds.len() {
        0 => text,
        broken => format!("{text}; {broken} rounds broke off"),
    }
}

fn goals(rows: &[Row]) -> Vec<Goal> {
    let find = |server| rows.iter().find(|row| row.server == server && row.readers == JUDGED);
    let daemon = find(DAEMON);
    let both = daemon.zip(find(NCHAN));
    let mut goals = Vec::new();
    for (name, pick) in [("event by event", single as fn(&Row) -> &Figures), ("bursts", bursts)] {
        let mut add = |what: &str, bound, figure: fn(&Figures) -> &Sample| {
            let name = format!("{JUDGED} readers, {name}: {what} ÷ nchan");
            let own = daemon.map(|daemon| figure(pick(daemon)));
            let ratio = both.map(|(daemon, nchan)| figure(pick(daemon)).over(figure(pick(nchan))));
            let doubt = own.and_then(noise);
            goals.push(Goal::judge(
                &name,
                bound,
                ratio.and_then(|it| it.median()),
                doubt.as_deref(),
            ));
        };
        add("deliveries/s", Bound::AtLeast(1.0), |figures| &figures.deliveries_a_second);
        add("time to the last reader", Bound::AtMost(1.0), |figures| {
            &figures.complete_p50_microseconds
        });
        add("CPU a delivery", Bound::AtMost(1.0), |figures| &figures.cpu_microseconds_a_delivery);
    }
    let memory = daemon.and_then(|row| row.kib_a_reader.median());
    goals.push(Goal::judge("KiB a reader", Bound::AtMost(MOST_KIB_A_READER), memory, None));
    let own = || rows.iter().filter(|row| row.server == DAEMON);
    let lost = own().map(|row| row.books.faults()).sum();
    let lost = own().next().map(|_| float(lost));
    goals.push(Goal::judge("deliveries lost or wrong", Bound::AtMost(0.0), lost, None));
    let broken: usize = own().map(|row| row.broken_rounds.len()).sum();
    let broken = own().next().map(|_| float(count(broken)));
    goals.push(Goal::judge("rounds that broke off", Bound::AtMost(0.0), broken, None));
    goals
}

fn single(row: &Row) -> &Figures {
    &row.single
}

fn bursts(row: &Row) -> &Figures {
    &row.bursts
}
