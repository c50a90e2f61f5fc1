//! The figures of canaries: how many there are, what was seen, and how their evidence grows.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::canaries::rule::{CountsReport, MetricReport};
use crate::canaries::{CanaryFigures, CanaryView, DecisionReason};
use crate::clock::Timestamp;
use crate::http::Shared;
use crate::http::metrics::{Family, Kind, Sample, count, float, one};
use crate::store::canaries::Phase;

/// How many canaries have figures of their own; further ones are only counted.
const SHOWN: usize = 200;

pub(super) async fn families(shared: &Shared) -> Vec<Family> {
    let now = shared.canaries.figures();
    let labelled = |name, help, label, values: [(&str, u64); 3]| Family {
        name,
        help,
        kind: Kind::Counter,
        samples: values
            .map(|(value, n)| Sample { labels: vec![(label, value.to_owned())], value: float(n) })
            .into(),
    };
    let mut families = vec![
        labelled(
            "canary_looks",
            "Looks at the metrics of canaries by the quality of what was seen",
            "data_quality",
            [
                ("ok", now.looks_ok),
                ("degraded", now.looks_degraded),
                ("missing", now.looks_missing),
            ],
        ),
        one(
            "canary_look_seconds",
            "Time spent asking for the metrics of canaries",
            Kind::Counter,
            float(now.look_microseconds) / 1e6,
        ),
        labelled(
            "canary_decisions",
            "Decisions about canaries",
            "decision",
            [
                ("promoted", now.promotions),
                ("rolled_back", now.rollbacks),
                ("asked", now.questions),
            ],
        ),
        one(
            "canary_decision_seconds",
            "Time from the start of the window to the decision, all together",
            Kind::Counter,
            float(now.decision_milliseconds) / 1e3,
        ),
        decision_reasons(&now),
    ];
    // The database may be out of reach; then there are no such figures, and no wrong ones.
    if let Ok(counts) = shared.canaries.count_by_status().await {
        let samples = counts.into_iter().map(|(status, n)| Sample {
            labels: vec![("status", status.as_str().to_owned())],
            value: count(n),
        });
        families.push(Family {
            name: "canaries",
            help: "Canaries in the database by status",
            kind: Kind::Gauge,
            samples: samples.collect(),
        });
    }
    if let Ok(at) = shared.canaries.last_rollback().await {
        let sample = |at: Timestamp| Sample {
            labels: Vec::new(),
            value: float(at.unix_ms().unsigned_abs()) / 1e3,
        };
        families.push(Family {
            name: "canary_last_rollback_timestamp_seconds",
            help: "When a canary was rolled back last, in Unix time",
            kind: Kind::Gauge,
            samples: at.map(sample).into_iter().collect(),
        });
    }
    let mut watched = shared.canaries.watched();
    let shown = first_by(&mut watched, |view| urgency(view.row.phase, view.row.number));
    families.push(phases(shown));
    families.extend(evidence(first_by(&mut watched, |view| Reverse(view.row.number))));
    families
}

/// Those that have figures, in an order that says which.
fn first_by<T, K: Ord>(watched: &mut [T], key: impl Fn(&T) -> K) -> &[T] {
    watched.sort_by_key(key);
    let shown = watched.len().min(SHOWN);
    &watched[..shown]
}

/// The first are those that an alert is about, and of them the oldest; however many newer ones are
/// watched without trouble, they hide none of these.
fn urgency(phase: Phase, number: i64) -> (u8, i64) {
    match phase {
        Phase::Entering | Phase::Promoting | Phase::RollingBack => (0, number),
        Phase::AwaitingStart | Phase::AwaitingApproval | Phase::Paused => (1, number),
        Phase::Observing | Phase::Over => (2, -number),
    }
}

fn decision_reasons(now: &CanaryFigures) -> Family {
    let sample = |made: &DecisionReason| Sample {
        labels: vec![("decision", made.decision.to_owned()), ("reason", made.reason.clone())],
        value: float(made.times),
    };
    Family {
        name: "canary_decision_reasons",
        help: "Decisions about canaries by their reason",
        kind: Kind::Counter,
        samples: now.reasons.iter().map(sample).collect(),
    }
}

/// Where each canary that is not over stands; one that stays in a phase can be told from the time.
fn phases(watched: &[Arc<CanaryView>]) -> Family {
    let sample = |view: &Arc<CanaryView>| Sample {
        labels: vec![
            ("canary", view.row.canary_id.clone()),
            ("model", view.row.model_id.clone()),
            ("gate", view.row.to_gate.clone()),
            ("phase", view.row.phase.as_str().to_owned()),
        ],
        value: 1.0,
    };
    Family {
        name: "canary_phase",
        help: "1, for the phase of each canary that is not over",
        kind: Kind::Gauge,
        samples: watched.iter().map(sample).collect(),
    }
}

/// The evidence of the canaries that are watched.
fn evidence(watched: &[Arc<CanaryView>]) -> [Family; 5] {
    let reports: Vec<_> = watched
        .iter()
        .filter_map(|view| Some((view, view.report()?)))
        .flat_map(|(view, report)| report.metrics.into_iter().map(move |metric| (view, metric)))
        .collect();
    let family = |name, help, value: fn(&CountsReport) -> Option<f64>| {
        let sample = |(view, metric): &(&Arc<CanaryView>, MetricReport)| {
            let value = value(metric.counts.as_ref()?)?;
            let labels = vec![
                ("canary", view.row.canary_id.clone()),
                ("metric", metric.metric.code().to_owned()),
            ];
            Some(Sample { labels, value })
        };
        Family {
            name,
            help,
            kind: Kind::Gauge,
            samples: reports.iter().filter_map(sample).collect(),
        }
    };
    [
        family("canary_requests", "Requests that were counted", |counts| {
            Some(float(counts.requests))
        }),
        family(
            "canary_breach_evidence",
            "Natural logarithm of the evidence that the target is broken",
            |counts| counts.log_e,
        ),
        family(
            "canary_breach_evidence_needed",
            "Natural logarithm of the evidence at which a canary is rolled back",
            |counts| Some(counts.breach_at),
        ),
        family(
            "canary_proof_evidence",
            "Natural logarithm of the evidence that the target is met",
            |counts| counts.conformance.log_e,
        ),
        family(
            "canary_proof_evidence_needed",
            "Natural logarithm of the evidence at which the target counts as met",
            |counts| Some(counts.conformance.proof_at),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_in_trouble_is_shown_however_many_newer_ones_there_are() {
        let observing = (4..1000).map(|number| (Phase::Observing, number));
        let first =
            [(Phase::Paused, 1), (Phase::Observing, 2), (Phase::RollingBack, 3)].into_iter();
        let mut watched: Vec<_> = first.chain(observing).collect();
        let shown = first_by(&mut watched, |(phase, number)| urgency(*phase, *number));
        assert_eq!(shown.len(), SHOWN);
        assert_eq!(
            shown[..3],
            [(Phase::RollingBack, 3), (Phase::Paused, 1), (Phase::Observing, 999)]
        );
        let shown = first_by(&mut watched, |(_, number)| Reverse(*number));
        assert_eq!((shown.len(), shown[0]), (SHOWN, (Phase::Observing, 999)));
    }

    #[test]
    fn of_many_in_trouble_the_oldest_are_shown() {
        let mut watched: Vec<_> = (0..1000).rev().collect();
        let shown = first_by(&mut watched, |number| urgency(Phase::RollingBack, *number));
        assert_eq!((shown.len(), shown[0], shown[SHOWN - 1]), (SHOWN, 0, 199));
        let few = first_by(&mut watched[..2], |number| urgency(Phase::Entering, *number));
        assert_eq!(few, [0, 1]);
    }
}
