//! In which state is the connection to a server, and when is it tried again? Pure.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::chat::ConnectionSettings;

/// Where a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is being made, for the so-manieth time in a row.
    Connecting {
        /// 1 for the first.
        attempt: u32,
    },
    /// It stands, and everything that the server offers is known.
    Ready,
    /// It stands, and something is wrong.
    Degraded {
        /// What, in a sentence.
        why: String,
    },
    /// It does not stand, and is made again.
    Backoff {
        /// How often that failed in a row.
        attempt: u32,
        /// When it is tried again.
        until: Instant,
    },
    /// It was tried as often as the settings say. It is tried on at the longest wait, or when
    /// somebody asks for it.
    Failed {
        /// How often it failed in a row.
        attempt: u32,
        /// When it is tried again; never by itself if connections are not to be made again.
        until: Option<Instant>,
    },
    /// It was ended on purpose.
    Stopped,
}

impl State {
    /// All words for states.
    pub const WORDS: [&str; 6] =
        ["connecting", "ready", "degraded", "backoff", "failed", "stopped"];

    /// One word for it, for metrics and views.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Connecting { .. } => "connecting",
            Self::Ready => "ready",
            Self::Degraded { .. } => "degraded",
            Self::Backoff { .. } => "backoff",
            Self::Failed { .. } => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Whether something can be asked of the server.
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Ready | Self::Degraded { .. })
    }
}

/// The states of one connection, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    settings: ConnectionSettings,
    state: State,
    failures: u32,
    connected_at: Option<Instant>,
}

impl Machine {
    pub(super) fn new(settings: ConnectionSettings) -> Self {
        let state = State::Connecting { attempt: 1 };
        Self { settings, state, failures: 0, connected_at: None }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// How often it failed in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// A connection is about to be made.
    pub(super) fn connecting(&mut self) {
        self.connected_at = None;
        self.become_unless_stopped(State::Connecting { attempt: self.failures.saturating_add(1) });
    }

    /// It stands; `trouble` is what is wrong nevertheless.
    pub(super) fn connected(&mut self, now: Instant, trouble: Option<String>) {
        let state = trouble.map_or(State::Ready, |why| State::Degraded { why });
        self.connected_at.get_or_insert(now);
        self.become_unless_stopped(state);
    }

    /// It could not be made, or is gone. `chance` is between 0 and 1.
    pub(super) fn lost(&mut self, now: Instant, chance: f64) {
        // One that is lost as soon as it stands is not a new beginning.
        let stood = self.connected_at.take().map(|since| now.saturating_duration_since(since));
        if stood.is_some_and(|stood| self.settings.max_reconnect_delay <= stood) {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        let attempt = self.failures;
        let is_over = self.settings.max_reconnect_attempts <= attempt;
        let is_made_again = self.settings.auto_reconnect || stood.is_none();
        let until = now + self.wait(chance);
        self.become_unless_stopped(match (is_made_again, is_over) {
            (true, false) => State::Backoff { attempt, until },
            (_, true) if self.settings.auto_reconnect => {
                State::Failed { attempt, until: Some(until) }
            }
            _ => State::Failed { attempt, until: None },
        });
    }

    /// It is not to be made again.
    pub(super) fn stopped(&mut self) {
        self.state = State::Stopped;
    }

    fn become_unless_stopped(&mut self, state: State) {
        if self.state != State::Stopped {
            self.state = state;
        }
    }

    /// Twice as long as the time before up to the longest wait, and by chance up to a half shorter,
    /// so that servers that fell together do not all come back at once.
    fn wait(&self, chance: f64) -> Duration {
        let ConnectionSettings { initial_reconnect_delay, max_reconnect_delay, .. } = self.settings;
        let is_over = self.settings.max_reconnect_attempts <= self.failures;
        let doublings = self.failures.saturating_sub(1).min(20);
        let doubled = initial_reconnect_delay.saturating_mul(1 << doublings);
        let full = if is_over { max_reconnect_delay } else { doubled.min(max_reconnect_delay) };
        full.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(auto_reconnect: bool) -> ConnectionSettings {
        ConnectionSettings {
            max_reconnect_attempts: 5,
            initial_reconnect_delay: Duration::from_secs(1),
            max_reconnect_delay: Duration::from_secs(30),
            connection_timeout: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(10),
            auto_reconnect,
        }
    }

    fn wait_of(machine: &Machine, now: Instant) -> Option<Duration> {
        match machine.state() {
            State::Backoff { until, .. } | State::Failed { until: Some(until), .. } => {
                Some(*until - now)
            }
            _ => None,
        }
    }

    #[test]
    fn waits_double_and_after_the_last_try_it_is_tried_on_at_the_longest() {
        let (now, mut machine) = (Instant::now(), Machine::new(settings(true)));
        for (seconds, word) in [
            (1, "backoff"),
            (2, "backoff"),
            (4, "backoff"),
            (8, "backoff"),
            (30, "failed"),
            (30, "failed"),
        ] {
            machine.connecting();
            machine.lost(now, 0.0);
            assert_eq!(wait_of(&machine, now), Some(Duration::from_secs(seconds)));
            assert_eq!(machine.state().word(), word);
        }
        machine.connecting();
        machine.connected(now, None);
        assert_eq!(*machine.state(), State::Ready);
        machine.lost(now + Duration::from_mins(1), 0.0);
        assert!(matches!(machine.state(), State::Backoff { attempt: 1, .. }), "{machine:?}");
    }

    #[test]
    fn a_connection_that_falls_at_once_is_no_new_beginning() {
        let (now, mut machine) = (Instant::now(), Machine::new(settings(true)));
        for attempt in 1..=4 {
            machine.connecting();
            machine.connected(now, None);
            machine.lost(now + Duration::from_secs(29), 0.5);
            assert!(matches!(machine.state(), State::Backoff { attempt: a, .. } if *a == attempt));
        }
    }

    #[test]
    fn what_is_not_made_again_waits_for_somebody() {
        let (now, mut machine) = (Instant::now(), Machine::new(settings(false)));
        machine.connecting();
        machine.lost(now, 0.0);
        assert!(matches!(machine.state(), State::Backoff { .. }), "it never stood");
        machine.connecting();
        machine.connected(now, Some("it is slow".to_owned()));
        assert_eq!(machine.state().word(), "degraded");
        machine.lost(now, 0.0);
        assert!(matches!(machine.state(), State::Failed { until: None, .. }), "{machine:?}");
    }

    proptest! {
        /// Whatever happens: a wait is never longer than the longest, nothing comes after a stop,
        /// and no failure leaves the machine without a next try while connections are made again.
        #[test]
        fn there_is_always_a_next_try(events in prop::collection::vec((0..4_u8, 0.0..1.0_f64, 0..100_u64), 1..80)) {
            let mut now = Instant::now();
            let mut machine = Machine::new(settings(true));
            let mut stopped = false;
            for (event, chance, seconds) in events {
                now += Duration::from_secs(seconds);
                match event {
                    0 => machine.connecting(),
                    1 => machine.connected(now, None),
                    2 => machine.lost(now, chance),
                    _ if seconds < 5 => { machine.stopped(); stopped = true; }
                    _ => machine.connected(now, Some("slow".to_owned())),
                }
                if stopped {
                    prop_assert_eq!(machine.state(), &State::Stopped);
                    continue;
                }
                if let Some(wait) = wait_of(&machine, now) {
                    prop_assert!(wait <= Duration::from_secs(30), "{:?}", wait);
                }
                let stuck = matches!(machine.state(), State::Failed { until: None, .. });
                prop_assert!(!stuck);
                prop_assert_eq!(event == 2, matches!(machine.state(), State::Backoff { .. } | State::Failed { .. }));
            }
        }
    }
}
