//! How is a program ended with all that it started, by whoever started it and by a later daemon?

use std::io;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::mark::signal_marked;
use crate::adapters::process::{ProcessIdentity, time_since_boot};

/// How often it is looked whether something is left.
const LOOK: Duration = Duration::from_millis(20);

/// How long what was killed may take to be gone.
const KILLED: Duration = Duration::from_secs(5);

/// A program of which something may be left.
#[derive(Debug, Clone)]
pub struct Leftover {
    pub(super) token: String,
    pub(super) identity: Option<ProcessIdentity>,
}

impl Leftover {
    /// What was written down of it: its mark, and who its first process is if that was known.
    pub fn new(token: String, identity: Option<&str>) -> Self {
        let identity = identity.and_then(|text| serde_json::from_str(text).ok());
        Self { token, identity }
    }

    /// Sends a signal, if there is one, to all that is left, and says whether that is anything.
    fn signal(&self, signal: Option<Signal>) -> io::Result<bool> {
        // A stopped process hears of it when it goes on.
        let signals: Vec<Signal> = signal.into_iter().flat_map(|one| [one, Signal::CONT]).collect();
        let session = self.identity.as_ref().map(|identity| identity.signal_session(&signals));
        let marked = signal_marked(&self.token, signal)?;
        Ok(session.transpose()?.unwrap_or(false) || marked != 0)
    }
}

/// Ends what is left of programs: asks, waits for at most `asked`, and kills. Answers how many of
/// them there was something left of.
///
/// Blocks.
///
/// # Errors
/// The kernel does not say what is left, or something cannot be ended.
pub fn reap(leftovers: &[Leftover], asked: Duration) -> io::Result<usize> {
    let mut left = Vec::new();
    for leftover in leftovers {
        if leftover.signal(Some(Signal::TERM))? {
            left.push(leftover);
        }
    }
    let found = left.len();
    wait(&mut left, asked, None)?;
    wait(&mut left, KILLED, Some(Signal::KILL))?;
    if left.is_empty() { Ok(found) } else { Err(io::ErrorKind::TimedOut.into()) }
}

/// Waits until nothing is left, sending a signal again and again to what there is: something may
/// be starting more of itself just now.
fn wait(left: &mut Vec<&Leftover>, longest: Duration, signal: Option<Signal>) -> io::Result<()> {
    let deadline = time_since_boot() + longest;
    loop {
        let mut still = Vec::new();
        for leftover in left.drain(..) {
            if leftover.signal(signal)? {
                still.push(leftover);
            }
        }
        *left = still;
        if left.is_empty() || deadline < time_since_boot() {
            return Ok(());
        }
        thread::park_timeout(LOOK);
    }
}
