//! When a server that fails is left alone, and when it is tried again.
//!
//! Closed, every call is let through. Failures that come close together open it: for a while nobody
//! is let through. Then one call is, as a probe, and it decides: success closes, failure opens for
//! longer.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Failures within [`WINDOW`] that open it.
const FAILURES: usize = 5;

/// The span in which failures are counted.
const WINDOW: Duration = Duration::from_secs(30);

/// The shortest and the longest wait before a probe.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The state of one server.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
}

#[derive(Debug)]
enum State {
    Closed {
        failures: VecDeque<Instant>,
    },
    /// `openings` counts how often it opened since it was closed last, this time included.
    Open {
        until: Instant,
        openings: u32,
    },
    Probing {
        openings: u32,
    },
}

/// Whether a server is called, for who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It was not called yet.
    Unused,
    /// It is.
    Closed,
    /// It failed too often, and is left alone for a while.
    Open,
    /// One call finds out whether it is well again.
    Probing,
}

impl BreakerState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Unused, Self::Closed, Self::Open, Self::Probing];

    /// The state in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Probing => "probing",
        }
    }
}

/// How a call was let through. It must be given back with what became of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Ordinary,
    /// On this call depends whether others are let through.
    Probe,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Failure,
    /// Nobody waited for it to end.
    Abandoned,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self { state: State::Closed { failures: VecDeque::new() } }
    }

    /// Lets a call through, or says how long nobody is let through.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Admission, Duration> {
        match self.state {
            State::Closed { .. } => Ok(Admission::Ordinary),
            State::Open { until, openings } if until <= now => {
                self.state = State::Probing { openings };
                Ok(Admission::Probe)
            }
            State::Open { until, .. } => Err(until.duration_since(now)),
            State::Probing { .. } => Err(SHORTEST_WAIT),
        }
    }

    /// Whether calls are let through, and after how long one will be where none is.
    pub(super) fn look(&self, now: Instant) -> (BreakerState, Option<Duration>) {
        match self.state {
            State::Closed { .. } => (BreakerState::Closed, None),
            State::Open { until, .. } => {
                (BreakerState::Open, Some(until.saturating_duration_since(now)))
            }
            State::Probing { .. } => (BreakerState::Probing, None),
        }
    }

    /// Takes note of what became of a call; `jitter` between 0 and 1 draws the next wait.
    ///
    /// A call that was let through before it opened says nothing about the server of now.
    pub(super) fn note(&mut self, call: Admission, outcome: Outcome, now: Instant, jitter: f64) {
        match (&mut self.state, call, outcome) {
            (State::Closed { failures }, Admission::Ordinary, Outcome::Failure) => {
                failures.retain(|&at| now.duration_since(at) < WINDOW);
                failures.push_back(now);
                if FAILURES <= failures.len() {
                    self.state = opened(1, now, jitter);
                }
            }
            (State::Probing { openings }, Admission::Probe, Outcome::Failure) => {
                let openings = openings.saturating_add(1);
                self.state = opened(openings, now, jitter);
            }
            (State::Probing { .. }, Admission::Probe, Outcome::Success) => *self = Self::new(),
            (State::Probing { openings }, Admission::Probe, Outcome::Abandoned) => {
                // The next call is the probe.
                self.state = State::Open { until: now, openings: *openings };
            }
            _ => {}
        }
    }
}

fn opened(openings: u32, now: Instant, jitter: f64) -> State {
    State::Open { until: now + wait(openings, jitter), openings }
}

/// Full jitter: anything between the shortest wait and a ceiling that doubles.
fn wait(openings: u32, jitter: f64) -> Duration {
    let ceiling = SHORTEST_WAIT.saturating_mul(2u32.saturating_pow(openings)).min(LONGEST_WAIT);
    SHORTEST_WAIT + ceiling.saturating_sub(SHORTEST_WAIT).mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn failed(breaker: &mut Breaker, times: usize, now: Instant) {
        for _ in 0..times {
            let call = breaker.admit(now).unwrap();
            breaker.note(call, Outcome::Failure, now, 0.0);
        }
    }

    #[test]
    fn five_failures_in_half_a_minute_open_it_and_a_probe_closes_it() {
        let start = Instant::now();
        let mut breaker = Breaker::new();
        failed(&mut breaker, 5, start);
        assert_eq!(breaker.admit(start), Err(SHORTEST_WAIT));
        assert_eq!(breaker.look(start), (BreakerState::Open, Some(SHORTEST_WAIT)));
        let later = start + SHORTEST_WAIT;
        assert_eq!(breaker.admit(later), Ok(Admission::Probe));
        assert!(breaker.admit(later).is_err(), "one probe at a time");
        assert_eq!(breaker.look(later), (BreakerState::Probing, None));
        breaker.note(Admission::Probe, Outcome::Success, later, 0.0);
        assert_eq!(breaker.admit(later), Ok(Admission::Ordinary));
        assert_eq!(breaker.look(later), (BreakerState::Closed, None));
    }

    #[test]
    fn failures_far_apart_do_not_open_it() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new();
        for _ in 0..50 {
            failed(&mut breaker, 1, now);
            now += Duration::from_secs(8);
        }
        assert_eq!(breaker.admit(now), Ok(Admission::Ordinary));
    }

    #[test]
    fn an_abandoned_probe_leaves_room_for_the_next() {
        let start = Instant::now();
        let mut breaker = Breaker::new();
        failed(&mut breaker, 5, start);
        let later = start + LONGEST_WAIT;
        assert_eq!(breaker.admit(later), Ok(Admission::Probe));
        breaker.note(Admission::Probe, Outcome::Abandoned, later, 0.0);
        assert_eq!(breaker.admit(later), Ok(Admission::Probe));
    }

    #[test]
    fn waits_grow_to_half_a_minute() {
        assert_eq!(wait(1, 1.0), Duration::from_secs(1));
        assert_eq!(wait(3, 1.0), Duration::from_secs(4));
        assert_eq!(wait(1_000, 1.0), LONGEST_WAIT);
        assert_eq!(wait(1_000, 0.0), SHORTEST_WAIT);
    }

    proptest! {
        /// Whatever happens, at most one probe is out while it is not closed, refusals say a wait
        /// within bounds, and after the longest wait somebody is let through.
        #[test]
        fn it_neither_floods_nor_locks_up(
            steps in proptest::collection::vec((0u64..40_000, 0u8..4, 0.0f64..1.0), 1..200)
        ) {
            let mut now = Instant::now();
            let mut breaker = Breaker::new();
            let mut out: Vec<Admission> = Vec::new();
            for (milliseconds, what, jitter) in steps {
                now += Duration::from_millis(milliseconds);
                let outcome = match what {
                    0 => Outcome::Success,
                    1 => Outcome::Failure,
                    2 => Outcome::Abandoned,
                    _ => {
                        match breaker.admit(now) {
                            Ok(call) => out.push(call),
                            Err(wait) => prop_assert!(wait <= LONGEST_WAIT),
                        }
                        let probes = out.iter().filter(|call| **call == Admission::Probe).count();
                        prop_assert!(probes <= 1);
                        continue;
                    }
                };
                if let Some(call) = out.pop() {
                    breaker.note(call, outcome, now, jitter);
                }
            }
            for call in out {
                breaker.note(call, Outcome::Abandoned, now, 0.5);
            }
            prop_assert!(breaker.admit(now + LONGEST_WAIT).is_ok());
        }
    }
}
