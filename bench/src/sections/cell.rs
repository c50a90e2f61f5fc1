//! One server with a fleet of readers of its own: what one round of it measures.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bench::Bench;
use crate::http::get;
use crate::server::Server;
use crate::sse::fleet::{Completeness, Fleet, LANES};
use crate::sse::publisher::Way;
use crate::stats::{count, float, percentile};

const WARM_UP_EVENTS: usize = 16;
/// nginx answers, and begins streams, before all its workers have found one another; what is
/// published meanwhile does not reach every reader. The daemon is given the same time.
const SETTLE: Duration = Duration::from_millis(250);

/// Which server, and how its events are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Kind {
    /// The daemon; a job is an event.
    Daemon,
    /// nginx with nchan; events are padded to so many bytes on the wire.
    Nchan {
        /// Bytes of an event, the transfer coding included.
        event_bytes: f64,
    },
}

/// What one round found.
#[derive(Debug)]
pub struct Cell {
    /// Memory added by the open streams, for each.
    pub kib_a_reader: f64,
    /// Length of an event on the wire.
    pub event_bytes: f64,
    /// One event at a time: the next when every reader has the last.
    pub single: Pace,
    /// As many at once as there are publishers.
    pub bursts: Pace,
    /// Whether all arrived.
    pub books: Completeness,
}

/// What one way of publishing found.
#[derive(Debug)]
pub struct Pace {
    /// Deliveries in a second.
    pub deliveries_a_second: f64,
    /// The server's processor time for one delivery.
    pub cpu_microseconds_a_delivery: f64,
    /// For each event, from its request to the last reader.
    pub complete_microseconds: Vec<f64>,
}

/// The request that opens a stream of the daemon, and the way to publish.
pub fn daemon_stream(bench: &Bench) -> (Vec<u8>, Way) {
    let request = get("/sse?topic=jobs", Some(&bench.access.key), "text/event-stream");
    (request, Way::RunEval(bench.access.clone()))
}

/// Opens the readers, publishes in both ways and closes the books.
pub fn run(
    bench: &Bench,
    server: &Server,
    kind: Kind,
    readers: usize,
    window: Duration,
) -> Result<Cell> {
    let (request, way) = match kind {
        Kind::Daemon => daemon_stream(bench),
        Kind::Nchan { .. } => (get("/sse", None, "text/event-stream"), Way::Body { padding: 0 }),
    };
    sleep(SETTLE);
    let before = server.resident_kib()?;
    let mut fleet = Fleet::open(server.port(), &request, readers, way).context("opening")?;
    sleep(SETTLE);
    let mut event_bytes = event_length(&mut fleet).context("first event")?;
    if let Kind::Nchan { event_bytes: wanted } = kind {
        fleet.set_way(Way::Body { padding: whole(wanted - event_bytes) });
        event_bytes = event_length(&mut fleet).context("second event")?;
    }
    let kib_a_reader = (server.resident_kib()? - before) / float(count(readers));
    let single = drive(server, &mut fleet, 1, readers, window).context("event by event")?;
    let bursts = drive(server, &mut fleet, LANES, readers, window).context("bursts")?;
    Ok(Cell { kib_a_reader, event_bytes, single, bursts, books: fleet.completeness() })
}

/// Publishes one event and says how many bytes it was on the wire.
fn event_length(fleet: &mut Fleet) -> Result<f64> {
    let before = fleet.first_reader_bytes();
    fleet.publish(1)?;
    Ok(float(fleet.first_reader_bytes() - before))
}

fn drive(
    server: &Server,
    fleet: &mut Fleet,
    in_flight: usize,
    readers: usize,
    window: Duration,
) -> Result<Pace> {
    for _ in 0..WARM_UP_EVENTS.div_ceil(in_flight) {
        fleet.publish(in_flight)?;
    }
    let mut times = Vec::new();
    let cpu = server.cpu_microseconds()?;
    let began = Instant::now();
    while began.elapsed() < window {
        times.extend(fleet.publish(in_flight)?);
    }
    let elapsed = began.elapsed().as_secs_f64();
    let cpu = server.cpu_microseconds()? - cpu;
    let deliveries = float(count(times.len()) * count(readers));
    percentile(&times, 50).context("no event was timed")?;
    Ok(Pace {
        deliveries_a_second: deliveries / elapsed,
        cpu_microseconds_a_delivery: cpu / deliveries,
        complete_microseconds: times,
    })
}

/// A small non-negative figure as a length.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a difference of two short lengths, and never below zero"
)]
fn whole(value: f64) -> usize {
    value.max(0.0) as usize
}
