//! The figures of canaries: how many there are, what was seen, and how their evidence grows.

use std::sync::Arc;

use crate::canaries::rule::{CountsReport, MetricReport};
use crate::canaries::{CanaryFigures, CanaryView, DecisionReason};
use crate::clock::Timestamp;
use crate::http::Shared;
use crate::http::metrics::{Family, Kind, Sample, count, float, one};

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
    watched.sort_by_key(|view| std::cmp::Reverse(view.row.number));
    watched.truncate(SHOWN);
    families.push(phases(&watched));
    families.extend(evidence(&watched));
    families
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
