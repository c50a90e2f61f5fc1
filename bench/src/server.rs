//! A server under test: started on a free port, awaited, measured, and ended for certain.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::http::{Connection, get};
use crate::proc::{cpu_microseconds, resident_kib};

const READY_WITHIN: Duration = Duration::from_mins(1);
const STOPPED_WITHIN: Duration = Duration::from_secs(5);
/// Short beside the milliseconds that a start takes.
const READY_POLL: Duration = Duration::from_micros(200);

/// What the first answer of a started server must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Any answer to `GET /`.
    Answers,
    /// 200 to `GET /readyz`.
    Readyz,
}

/// A running server. It is ended when this is dropped.
///
/// A file named after the process stands in `running/` of the scratch directory meanwhile, so
/// that `bench/run` can end what an interrupted benchmark left.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    ready_after: Duration,
    marker: PathBuf,
    log: PathBuf,
}

impl Server {
    /// Starts `command` and waits until it answers. Its output goes to `name.log`.
    pub fn start(
        command: &mut Command,
        name: &str,
        port: u16,
        scratch: &Path,
        readiness: Readiness,
    ) -> Result<Self> {
        let log = scratch.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log)?;
        let running = scratch.join("running");
        fs::create_dir_all(&running)?;
        let began = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let marker = running.join(child.id().to_string());
        let mut server = Self { child, port, ready_after: Duration::ZERO, marker, log };
        fs::write(&server.marker, name)?;
        server.await_readiness(readiness, began + READY_WITHIN)?;
        server.ready_after = began.elapsed();
        Ok(server)
    }

    /// The loopback port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From the start of the process to the first good answer.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Processor time so far, in microseconds.
    pub fn cpu_microseconds(&self) -> Result<f64> {
        cpu_microseconds(self.child.id())
    }

    /// Resident memory, in KiB.
    pub fn resident_kib(&self) -> Result<f64> {
        resident_kib(self.child.id())
    }

    /// Asks it to end (SIGTERM) and says how long that took.
    pub fn stop(mut self) -> Result<Duration> {
        let began = Instant::now();
        self.signal(Signal::TERM);
        while began.elapsed() < STOPPED_WITHIN {
            if self.child.try_wait()?.is_some() {
                return Ok(began.elapsed());
            }
            sleep(Duration::from_millis(1));
        }
        bail!("{} did not end within {STOPPED_WITHIN:?} of SIGTERM", self.log.display())
    }

    fn await_readiness(&mut self, readiness: Readiness, deadline: Instant) -> Result<()> {
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at once ({status}): {}", self.last_words());
            }
            if is_ready(self.port, readiness) {
                return Ok(());
            }
            sleep(READY_POLL);
        }
        bail!("the server was not ready within {READY_WITHIN:?}: {}", self.last_words())
    }

    fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
    }

    fn signal(&self, signal: Signal) {
        // A process that has ended already needs no signal.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _gone = kill_process(pid, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // nginx ends its workers on SIGTERM only, so ask first.
            self.signal(Signal::TERM);
            let deadline = Instant::now() + STOPPED_WITHIN;
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
                sleep(Duration::from_millis(1));
            }
            let _ended = self.child.kill();
            let _reaped = self.child.wait();
        }
        let _removed = fs::remove_file(&self.marker);
    }
}

fn is_ready(port: u16, readiness: Readiness) -> bool {
    let path = if readiness == Readiness::Readyz { "/readyz" } else { "/" };
    let answer = Connection::open(port).and_then(|mut one| one.exchange(&get(path, None, "*/*")));
    answer.is_ok_and(|answer| readiness == Readiness::Answers || answer.status == 200)
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a port")?;
    Ok(listener.local_addr()?.port())
}
