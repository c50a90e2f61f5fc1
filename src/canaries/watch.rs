//! Asking the source of metrics, and keeping the ledgers by which counters become counts.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adapters::metrics::{
    Counters, Look, Looked, Measurement, MetricsSource, Needs, NotOffered, Sample, Seen, Series,
};
use crate::canaries::CanaryDeps;
use crate::canaries::policy::{Mode, Policy};
use crate::canaries::start::NewCanary;
use crate::canaries::view::CanaryView;
use crate::clock::Timestamp;
use crate::ids::{GateId, ModelId};

/// What a selector of failed requests that matches nothing may mean.
const NO_FAILURES: &str = "no failed request was ever counted here: if that is because PROM_ERRORS \
     matches the wrong series, no failure will be seen";

/// The ledgers of a canary, stored with each measurement.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Ledgers {
    canary: Counters,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    baseline: Option<Counters>,
}

/// What a look amounts to.
pub(super) struct Counted {
    pub(super) canary: Measurement,
    pub(super) baseline: Option<Measurement>,
    pub(super) counters_json: String,
}

/// The numbers that a policy has targets for.
pub(super) fn needs(policy: &Policy) -> Needs {
    let targets = policy.targets();
    Needs { errors: targets.max_error_rate.is_some(), latency_target_ms: targets.latency_p95_ms }
}

pub(super) fn look_at(policy: &Policy, model: ModelId, gate: GateId, lookback: Duration) -> Look {
    let (window, poll) = (policy.query_window(), policy.poll());
    Look { model, gate, needs: needs(policy), window, poll, lookback }
}

/// Reads where the counters stand, for the ledgers to begin with.
pub(super) async fn base(deps: &CanaryDeps, view: &CanaryView) -> String {
    look(deps, view, Ledgers::default()).await.counters_json
}

/// Looks, and counts on from where the ledgers stand.
pub(super) async fn count(deps: &CanaryDeps, view: &CanaryView) -> Counted {
    // Counters that cannot be read are begun anew: what they missed is not counted.
    let stored = view.row.counters_json.as_deref().map(serde_json::from_str);
    let ledgers = stored.and_then(Result::ok).unwrap_or_default();
    look(deps, view, ledgers).await
}

async fn look(deps: &CanaryDeps, view: &CanaryView, mut ledgers: Ledgers) -> Counted {
    let Some(source) = &deps.source else {
        let why = NotOffered::Source.to_string();
        return Counted {
            canary: blind(&view.policy, &why),
            baseline: None,
            counters_json: written(&ledgers),
        };
    };
    let now = deps.clock.now();
    let compared = view.policy.mode() == Mode::Both;
    let (canary, baseline) = tokio::join!(
        measure(
            source,
            &view.policy,
            (view.model(), view.watched_gate()),
            &mut ledgers.canary,
            now
        ),
        async {
            if !compared {
                return None;
            }
            let subject = (view.model(), view.other_gate());
            let counters = ledgers.baseline.get_or_insert_default();
            Some(measure(source, &view.policy, subject, counters, now).await)
        },
    );
    Counted { canary, baseline, counters_json: written(&ledgers) }
}

async fn measure(
    source: &Arc<dyn MetricsSource>,
    policy: &Policy,
    (model, gate): (ModelId, GateId),
    counters: &mut Counters,
    now: Timestamp,
) -> Measurement {
    let lookback = counters.lookback(policy.poll(), now.unix_ms());
    let look = look_at(policy, model, gate, lookback);
    let looked = source.look(&look).await;
    counters.absorb(&look, &looked)
}

/// What is measured when nobody can be asked.
fn blind(policy: &Policy, why: &str) -> Measurement {
    let gap = |asked| {
        if asked { Sample::Error { why: why.to_owned() } } else { Sample::NotAsked }
    };
    let needs = needs(policy);
    Measurement {
        errors: gap(needs.errors),
        latency: gap(needs.latency_target_ms.is_some()),
        latency_p95_ms: None,
        error_rate: None,
        warnings: Vec::new(),
    }
}

fn written(ledgers: &Ledgers) -> String {
    serde_json::to_string(ledgers).expect("numbers and strings are JSON")
}

/// What can be seen of a canary before it begins.
pub(super) struct Glance {
    /// How many requests come in, if that can be told.
    pub(super) requests_per_second: Option<f64>,
    /// What its evidence will lack, each a sentence without its full stop.
    pub(super) caveats: Vec<String>,
}

/// Looks once without counting.
pub(super) async fn glance(source: &dyn MetricsSource, new: &NewCanary, now: Timestamp) -> Glance {
    let lookback = Counters::default().lookback(new.policy.poll(), now.unix_ms());
    let look = look_at(&new.policy, new.model.clone(), new.watched_gate(), lookback);
    let looked = source.look(&look).await;
    let mut caveats = looked.warnings.clone();
    if let Seen::NoData(why) | Seen::Error(why) = &looked.errors {
        caveats.push(format!("errors: {why}"));
    }
    if let Seen::NoData(why) | Seen::Error(why) = &looked.latency {
        caveats.push(format!("latency: {why}"));
    }
    if let Seen::Counters(counters) = &looked.errors
        && counters.failed.is_empty()
        && !counters.total.is_empty()
    {
        caveats.push(NO_FAILURES.to_owned());
    }
    let target = new.policy.targets().latency_p95_ms;
    caveats.extend(target.and_then(|target| looked.latency_caveat(target)));
    Glance { requests_per_second: requests_per_second(&looked), caveats }
}

/// The rate of requests over the samples that one look gave, where it gave several of a series.
fn requests_per_second(looked: &Looked) -> Option<f64> {
    let Seen::Counters(counters) = &looked.errors else { return None };
    let rates: Vec<f64> = counters.total.iter().filter_map(rate_of).collect();
    (!rates.is_empty()).then(|| rates.iter().sum())
}

#[expect(clippy::cast_precision_loss, reason = "a span of minutes in milliseconds")]
fn rate_of(series: &Series) -> Option<f64> {
    let (first, last) = (series.samples.first()?, series.samples.last()?);
    let seconds = (last.at_ms - first.at_ms) as f64 / 1000.0;
    let grown: f64 = series
        .samples
        .windows(2)
        .map(|pair| {
            // After a restart the counter begins at 0.
            if pair[1].value < pair[0].value {
                pair[1].value
            } else {
                pair[1].value - pair[0].value
            }
        })
        .sum();
    (0.0 < seconds).then(|| grown / seconds)
}
