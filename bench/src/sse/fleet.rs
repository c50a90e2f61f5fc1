//! A fleet of readers and a few publishers in one thread on one epoll.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use serde::Serialize;

use super::ledger::Ledger;
use super::publisher::{Publisher, Way};
use super::reader::{Reader, Visit};
use crate::http::{PATIENCE, loopback};
use crate::stats::{count, microseconds};

/// Publishers, and with them the most events in flight.
pub const LANES: usize = 8;

const BLOCK: usize = 64 * 1024;
const EVENTS_AT_ONCE: usize = 1024;
const OPEN_WITHIN: Duration = Duration::from_mins(1);
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Whether every reader got every event, once and in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// Events published and acknowledged.
    pub published: u64,
    /// Deliveries expected: one to each reader of each event.
    pub expected: u64,
    /// Deliveries made.
    pub delivered: u64,
    /// Events delivered that nobody published, or twice, or with an id that did not rise.
    pub wrong: u64,
}

impl Completeness {
    /// Whether nothing was lost, doubled or out of order.
    pub fn is_perfect(&self) -> bool {
        self.faults() == 0
    }

    /// Deliveries missing or too many, and wrong events.
    pub fn faults(&self) -> u64 {
        self.expected.abs_diff(self.delivered) + self.wrong
    }

    /// Adds the books of another fleet.
    pub fn add(&mut self, other: &Self) {
        self.published += other.published;
        self.expected += other.expected;
        self.delivered += other.delivered;
        self.wrong += other.wrong;
    }
}

/// Connected readers and publishers.
pub struct Fleet {
    epoll: OwnedFd,
    readers: Vec<Reader>,
    publishers: Vec<Publisher>,
    ledger: Ledger,
    way: Way,
    block: Vec<u8>,
    ready: Vec<epoll::Event>,
    delivered: usize,
    answered: Vec<Option<String>>,
    published: u64,
    unknown: u64,
}

impl Fleet {
    /// Opens `size` readers with `request` and waits until every stream has begun.
    pub fn open(port: u16, request: &[u8], size: usize, way: Way) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut fleet = Self {
            epoll,
            readers: Vec::with_capacity(size),
            publishers: Vec::with_capacity(LANES),
            ledger: Ledger::new(size),
            way,
            block: vec![0; BLOCK],
            ready: Vec::with_capacity(EVENTS_AT_ONCE),
            delivered: 0,
            answered: vec![None; LANES],
            published: 0,
            unknown: 0,
        };
        for _ in 0..size {
            fleet.add_reader(port, request)?;
        }
        for lane in 0..LANES {
            let publisher = Publisher::open(port, lane)?;
            let token = epoll::EventData::new_u64(count(size + lane));
            epoll::add(&fleet.epoll, publisher.stream(), token, epoll::EventFlags::IN)?;
            fleet.publishers.push(publisher);
        }
        let deadline = Instant::now() + OPEN_WITHIN;
        while !fleet.readers.iter().all(Reader::is_open) {
            ensure!(Instant::now() < deadline, "not every stream began within {OPEN_WITHIN:?}");
            fleet.turn()?;
        }
        Ok(fleet)
    }

    /// Publishes `burst` events at once, waits until every reader has them all, and says how long
    /// each took from its request to the last reader, in microseconds.
    pub fn publish(&mut self, burst: usize) -> Result<Vec<f64>> {
        let expected = (self.ledger.events() + burst) * self.readers.len();
        let mut sent = Vec::with_capacity(burst);
        for lane in 0..burst {
            self.answered[lane] = None;
            sent.push(Instant::now());
            self.publishers[lane].send(&self.way)?;
        }
        let deadline = Instant::now() + PATIENCE;
        while self.delivered < expected || self.answered[..burst].iter().any(Option::is_none) {
            if Instant::now() > deadline {
                let lacking = expected.saturating_sub(self.delivered);
                bail!("{lacking} deliveries were missing after {PATIENCE:?}");
            }
            self.turn()?;
        }
        let mut times = Vec::with_capacity(burst);
        for (lane, sent) in sent.iter().enumerate() {
            self.published += 1;
            let identity = self.answered[lane].take().context("the answer is there")?;
            match self.ledger.completed(&identity) {
                Some(at) => times.push(microseconds(at.saturating_duration_since(*sent))),
                None => self.unknown += 1,
            }
        }
        Ok(times)
    }

    /// Bytes the first reader has received.
    pub fn first_reader_bytes(&self) -> u64 {
        self.readers.first().map_or(0, Reader::received_bytes)
    }

    /// Changes the way events are published.
    pub fn set_way(&mut self, way: Way) {
        self.way = way;
    }

    /// The books so far.
    pub fn completeness(&self) -> Completeness {
        let delivered = self.readers.iter().map(|reader| count(reader.events())).sum();
        Completeness {
            published: self.published,
            expected: self.published * count(self.readers.len()),
            delivered,
            wrong: self.unknown
                + self.ledger.unordered
                + self.ledger.repeated
                + count(self.ledger.anonymous()),
        }
    }

    fn add_reader(&mut self, port: u16, request: &[u8]) -> Result<()> {
        let index = count(self.readers.len());
        let mut stream = TcpStream::connect_timeout(&loopback(port), PATIENCE)
            .with_context(|| format!("opening reader {index}"))?;
        stream.write_all(request)?;
        stream.set_nonblocking(true)?;
        let token = epoll::EventData::new_u64(index);
        epoll::add(&self.epoll, &stream, token, epoll::EventFlags::IN)?;
        self.readers.push(Reader::new(stream));
        Ok(())
    }

    /// Serves every socket that has something, or waits a tick for one.
    fn turn(&mut self) -> Result<()> {
        self.ready.clear();
        epoll::wait(&self.epoll, spare_capacity(&mut self.ready), Some(&TICK))?;
        for event in &self.ready {
            let token = usize::try_from(event.data.u64()).context("a token is an index")?;
            if let Some(reader) = self.readers.get_mut(token) {
                match reader.visit(&mut self.block, &mut self.ledger)? {
                    Visit::Idle => {}
                    Visit::Events(events) => self.delivered += events,
                    Visit::Closed => bail!("the server closed the stream of reader {token}"),
                }
            } else {
                let lane = token - self.readers.len();
                if let Some(identity) = self.publishers[lane].answer(&self.way)? {
                    self.answered[lane] = Some(identity);
                }
            }
        }
        Ok(())
    }
}
