//! A source of metrics that shows what a test says: requests that come in evenly, of which a share
//! fails or is slow, and a target that dies, hangs or warns.

use std::sync::Mutex;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::adapters::metrics::{
    Bucket, ErrorCounters, Look, Looked, MetricsSource, Offer, Offers, Past, PastError, Point,
    Seen, Series, SeriesKey,
};
use crate::clock::{Clock as _, SystemClock, Timestamp};

/// What the target is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Behaviour {
    /// This share of its requests fails.
    Failing(f64),
    /// It is gone.
    Dead,
    /// It never answers.
    Hanging,
    /// It answers, and what it says is not the whole truth.
    Warning,
}

#[derive(Debug)]
struct State {
    behaviour: Behaviour,
    at: Instant,
    total: f64,
    failed: f64,
}

/// The source.
#[derive(Debug)]
pub(crate) struct ScriptedSource {
    requests_per_second: f64,
    state: Mutex<State>,
}

impl ScriptedSource {
    pub(crate) fn new(requests_per_second: f64, behaviour: Behaviour) -> Self {
        let state = State { behaviour, at: Instant::now(), total: 1e6, failed: 1e5 };
        Self { requests_per_second, state: Mutex::new(state) }
    }

    /// Has the target be otherwise from now on.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        let mut state = self.state.lock().unwrap();
        self.go_on(&mut state);
        state.behaviour = behaviour;
    }

    fn go_on(&self, state: &mut State) {
        let now = Instant::now();
        let requests = (now - state.at).as_secs_f64() * self.requests_per_second;
        state.at = now;
        let share = match state.behaviour {
            Behaviour::Failing(share) => share,
            Behaviour::Dead => return,
            Behaviour::Hanging | Behaviour::Warning => 0.0,
        };
        state.total += requests;
        state.failed += requests * share;
    }
}

fn series(name: &str, at_ms: i64, value: f64) -> Series {
    let process = SeriesKey::of([("instance", "one")]);
    let samples = vec![Point { at_ms, value: value.floor() }];
    Series { key: SeriesKey::of([("__name__", name)]), process, samples }
}

#[async_trait]
impl MetricsSource for ScriptedSource {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn offers(&self) -> Offers {
        Offers { errors: Offer::Counts, latency: Offer::Counts }
    }

    async fn look(&self, look: &Look) -> Looked {
        let at_ms = SystemClock.now().unix_ms();
        let (behaviour, total, failed) = {
            let mut state = self.state.lock().unwrap();
            self.go_on(&mut state);
            (state.behaviour, state.total, state.failed)
        };
        let mut warnings = Vec::new();
        match behaviour {
            Behaviour::Hanging => {
                tokio::time::sleep(look.poll / 2).await;
                let why = || "it did not answer in time".to_owned();
                let (errors, latency) = (Seen::Error(why()), Seen::Error(why()));
                return Looked { at_ms, errors, latency, warnings };
            }
            Behaviour::Dead => {
                let why = || "no series matches".to_owned();
                let (errors, latency) = (Seen::NoData(why()), Seen::NoData(why()));
                return Looked { at_ms, errors, latency, warnings };
            }
            Behaviour::Warning => warnings.push("the answer is partial".to_owned()),
            Behaviour::Failing(_) => {}
        }
        let errors = ErrorCounters {
            total: vec![series("requests", at_ms, total)],
            failed: vec![series("failed", at_ms, failed)],
        };
        let histogram = SeriesKey::of([("__name__", "latency")]);
        let bucket = |name, upper_edge_ms, value| Bucket {
            series: series(name, at_ms, value),
            histogram,
            upper_edge_ms,
        };
        let latency = vec![bucket("le250", 250.0, total), bucket("le+Inf", f64::INFINITY, total)];
        Looked { at_ms, errors: Seen::Counters(errors), latency: Seen::Counters(latency), warnings }
    }

    async fn history(&self, _: &Look, _: Past) -> Result<Vec<(Timestamp, Looked)>, PastError> {
        Err(PastError::NoPast("a script"))
    }
}
