//! What would have changed a verdict.

use serde::{Deserialize, Serialize};

use crate::canaries::rule::limit::{Limit, real};
use crate::canaries::rule::prospect::Prospect;
use crate::canaries::rule::report::{CountsReport, MetricReport, MetricState, Report};
use crate::canaries::rule::verdict::{DoubtCode, Metric, RollBackReason, Verdict};
use crate::canaries::rule::words::{bad_requests, goal, list, percent, plain};

/// What would have come instead of a verdict, and on which conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counterfactual {
    /// What would have come.
    pub instead: Instead,
    /// When, in seconds after the start.
    pub at_seconds: f64,
    /// All of these had to hold for a promotion; any one of them prevents it.
    pub conditions: Vec<Condition>,
    /// The same as a sentence.
    pub sentence: String,
}

/// What would have come instead of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Instead {
    /// It would have been promoted.
    Promoted,
    /// It would not have been promoted.
    NotPromoted,
}

/// One thing that would have had to be otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Condition {
    /// The share of bad requests.
    Share {
        /// Of which metric.
        metric: Metric,
        /// Where it had to be at most, or what it had to exceed to prevent a promotion.
        share: f64,
        /// The bad requests that this is, of those that came.
        bad: u64,
        /// The bad requests that there were.
        seen_bad: u64,
        /// The requests that came.
        requests: u64,
    },
    /// The numbers of a query.
    Samples {
        /// Of which metric.
        metric: Metric,
        /// Where each had to be at most, or what one had to exceed to prevent a promotion.
        target: f64,
    },
    /// Requests that did not come.
    Requests {
        /// Of which metric.
        metric: Metric,
        /// How many more.
        more: u64,
    },
    /// Polls that gave nothing, or nothing that counts.
    Data {
        /// Of which metric.
        metric: Metric,
        /// The share of polls that had to count.
        coverage: f64,
    },
}

/// What would have changed the verdict of this report; none while there is no verdict.
pub fn counterfactual(report: &Report) -> Option<Counterfactual> {
    let (instead, conditions) = match &report.verdict {
        Verdict::Continue => return None,
        Verdict::Promote => {
            let conditions = report.metrics.iter().filter_map(|metric| margin(report, metric));
            (Instead::NotPromoted, conditions.collect())
        }
        Verdict::RollBack { reason } => {
            let guilty = report.metrics.iter().filter(|metric| is_guilty(metric, *reason));
            let conditions = guilty.map(|metric| lack(report, metric, *reason));
            (Instead::Promoted, conditions.collect())
        }
        Verdict::Inconclusive { reasons } => {
            let of = |metric: Metric| report.metrics.iter().find(|report| report.metric == metric);
            let conditions = reasons
                .iter()
                .filter_map(|doubt| Some(doubted(report, of(doubt.metric)?, doubt.code)));
            let mut conditions: Vec<_> = conditions.collect();
            conditions.dedup();
            (Instead::Promoted, conditions)
        }
    };
    let at_seconds = report.window_seconds.max(report.elapsed_seconds);
    let sentence = sentence(report, instead, at_seconds, &conditions);
    Some(Counterfactual { instead, at_seconds, conditions, sentence })
}

fn is_guilty(metric: &MetricReport, reason: RollBackReason) -> bool {
    match reason {
        RollBackReason::ErrorRateBreach => metric.metric == Metric::ErrorRate,
        RollBackReason::LatencyBreach => metric.metric == Metric::LatencyP95,
        RollBackReason::NoData => metric.state == MetricState::Dead,
    }
}

fn lack(report: &Report, metric: &MetricReport, reason: RollBackReason) -> Condition {
    match reason {
        RollBackReason::NoData => data(report, metric),
        RollBackReason::ErrorRateBreach | RollBackReason::LatencyBreach => within(report, metric),
    }
}

fn doubted(report: &Report, metric: &MetricReport, code: DoubtCode) -> Condition {
    match (code, &metric.counts) {
        (DoubtCode::AboveTarget | DoubtCode::SharedWithBaseline, _) => within(report, metric),
        (DoubtCode::TooFewRequests | DoubtCode::NotProven, Some(counts)) => {
            let least = counts.conformance.min_requests.saturating_sub(counts.conformance.requests);
            let more = counts.conformance.requests_needed.unwrap_or(least).max(least);
            Condition::Requests { metric: metric.metric, more }
        }
        _ => data(report, metric),
    }
}

fn data(report: &Report, metric: &MetricReport) -> Condition {
    Condition::Data { metric: metric.metric, coverage: report.coverage_needed }
}

/// The metric within its target.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a u64")]
fn within(report: &Report, metric: &MetricReport) -> Condition {
    match &metric.counts {
        Some(counts) => {
            let allowed = libm::floor(counts.allowed * real(counts.requests)) as u64;
            share(metric, counts, prospect(report, counts).most_bad().unwrap_or(allowed))
        }
        None => Condition::Samples { metric: metric.metric, target: metric.target },
    }
}

fn share(metric: &MetricReport, counts: &CountsReport, bad: u64) -> Condition {
    Condition::Share {
        metric: metric.metric,
        share: counts.allowed,
        bad,
        seen_bad: counts.possibly_bad,
        requests: counts.requests,
    }
}

/// The requests that came, as so many of which a promotion is asked.
fn prospect(report: &Report, counts: &CountsReport) -> Prospect {
    let conformance = &counts.conformance;
    let requests = conformance.requests;
    let weight = conformance.weighed_requests / real(requests.max(1));
    Prospect {
        limit: Limit::new(counts.allowed, report.tolerance),
        share: 0.0,
        weight: if requests == 0 { 1.0 } else { weight },
        proof_at: conformance.proof_at,
        seen: requests,
        least: conformance.min_requests,
    }
}

/// How much more the metric of a promoted canary would have borne.
fn margin(report: &Report, metric: &MetricReport) -> Option<Condition> {
    match &metric.counts {
        Some(counts) => Some(share(metric, counts, prospect(report, counts).most_bad()?)),
        None => metric
            .scalars
            .as_ref()
            .map(|_| Condition::Samples { metric: metric.metric, target: metric.target }),
    }
}

fn sentence(report: &Report, instead: Instead, at: f64, conditions: &[Condition]) -> String {
    let target = |metric: Metric| {
        let found = report.metrics.iter().find(|report| report.metric == metric);
        found.map_or(0.0, |report| report.target)
    };
    let told: Vec<_> = conditions
        .iter()
        .map(|condition| match (instead, condition) {
            (Instead::Promoted, condition) => wanted(condition, target),
            (Instead::NotPromoted, condition) => feared(condition, target),
        })
        .collect();
    let at = plain(at);
    match instead {
        Instead::Promoted => format!("It would have been promoted at T+{at} s {}.", list(&told)),
        Instead::NotPromoted => format!("It would not have been promoted {}.", told.join(", or ")),
    }
}

fn wanted(condition: &Condition, target: impl Fn(Metric) -> f64) -> String {
    match *condition {
        Condition::Share { metric, share, bad, seen_bad, requests } => {
            let kind = bad_requests(metric, target(metric));
            format!("with at most {} {kind} ({bad} of {requests}, not {seen_bad})", percent(share))
        }
        Condition::Samples { metric, target } => {
            format!("with {} at every poll", goal(metric, target))
        }
        Condition::Requests { metric, more } => {
            format!("with {more} more requests of that kind for {}", metric.words())
        }
        Condition::Data { metric, coverage } => {
            format!(
                "with data for {} up to the end in {} of the polls",
                metric.words(),
                percent(coverage)
            )
        }
    }
}

fn feared(condition: &Condition, target: impl Fn(Metric) -> f64) -> String {
    match *condition {
        Condition::Share { metric, bad, seen_bad, requests, .. } => {
            let kind = bad_requests(metric, target(metric));
            format!("with more than {bad} {kind} of {requests}, where there were {seen_bad}")
        }
        Condition::Samples { metric, target } => {
            format!("without {} at every poll that counts", goal(metric, target))
        }
        Condition::Requests { metric, .. } | Condition::Data { metric, .. } => {
            format!("without data for {}", metric.words())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::adapters::metrics::{Measurement, Sample};
    use crate::canaries::policy::Policy;
    use crate::canaries::rule::tests::{
        Script, counts, errors, measured, nothing, policy, scalar, two_percent,
    };

    fn told(policy: &Policy, seen: &Measurement) -> String {
        let mut script = Script::new(policy);
        assert_eq!(counterfactual(&script.report()), None);
        script.go_on(seen);
        counterfactual(&script.report()).unwrap().sentence
    }

    #[test]
    fn every_verdict_says_what_would_have_changed_it() {
        let both = policy(json!({"targets": {"max_error_rate": 0.02, "latency_p95_ms": 250}}));
        for (policy, seen, sentence) in [
            (
                two_percent(),
                errors(counts(250, 25)),
                "It would have been promoted at T+300 s with at most 2 % failed requests (10 of \
                 500, not 50).",
            ),
            (
                both.clone(),
                measured(counts(250, 2), counts(250, 50)),
                "It would have been promoted at T+300 s with at most 5 % requests slower than 250 \
                 ms (37 of 750, not 150).",
            ),
            (
                both.clone(),
                measured(counts(250, 2), scalar(600.0, 0)),
                "It would have been promoted at T+300 s with a latency of at most 250 ms at every \
                 poll.",
            ),
            (
                two_percent(),
                errors(nothing()),
                "It would have been promoted at T+300 s with data for the error rate up to the end \
                 in 80 % of the polls.",
            ),
            (
                two_percent(),
                errors(counts(250, 2)),
                "It would not have been promoted with more than 300 failed requests of 15000, where \
                 there were 120.",
            ),
            (
                both,
                measured(counts(250, 2), scalar(200.0, 60_000)),
                "It would not have been promoted with more than 300 failed requests of 15000, where \
                 there were 120, or without a latency of at most 250 ms at every poll that counts.",
            ),
        ] {
            assert_eq!(told(&policy, &seen), sentence);
        }
        let few =
            told(&two_percent(), &errors(Sample::Counts { total: 1, bad: 0, possibly_bad: 0 }));
        assert!(few.starts_with("It would have been promoted at T+300 s with "), "{few}");
        assert!(few.ends_with(" more requests of that kind for the error rate."), "{few}");
    }

    /// What is said of a promotion is true of the rule: one bad request more, and it is none.
    #[test]
    fn the_margin_of_a_promotion_is_where_it_ends() {
        let verdict = |last_bad: u64| {
            let mut script = Script::new(&two_percent());
            for _ in 0..59 {
                script.see(&errors(counts(250, 5)));
            }
            script.see(&errors(counts(250, last_bad)))
        };
        assert_eq!(verdict(5), Verdict::Promote);
        assert!(matches!(verdict(6), Verdict::Inconclusive { .. }));
    }
}
