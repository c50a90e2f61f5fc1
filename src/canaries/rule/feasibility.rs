//! Whether a window can bring a verdict at all, said before it begins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canaries::policy::Policy;
use crate::canaries::rule::limit::{Burst, Kind, Limit, real};
use crate::canaries::rule::numerics::{ln, ln_one_plus};
use crate::canaries::rule::prospect::Prospect;
use crate::canaries::rule::verdict::Metric;
use crate::canaries::rule::words::plain;

/// How often a canary at twice its target may be missed, for the number of requests told.
const MISSED: f64 = 0.01;

/// What a verdict on counted requests needs, and whether the window gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Feasibility {
    /// What each metric needs.
    pub metrics: Vec<MetricNeeds>,
    /// Requests per second, if they are known.
    pub requests_per_second: Option<f64>,
    /// How long the window is, its warm-up aside, in seconds.
    pub window_seconds: f64,
    /// How long a canary at half its targets takes to prove that it meets them, in seconds.
    pub seconds_to_promote: Option<f64>,
    /// How long a canary at twice a target takes to be found on average, in seconds.
    pub seconds_to_find_double: Option<f64>,
    /// Whether the window is long enough for a promotion.
    pub can_promote: Option<bool>,
    /// Whether it is long enough to find twice a target.
    pub can_find_double: Option<bool>,
    /// All that in one sentence.
    pub sentence: String,
}

/// How many requests a verdict on one metric needs. With a known rate they are those of polls as
/// they will come, weighed for bursts; without it they count as independent, and are the fewest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricNeeds {
    /// Which.
    pub metric: Metric,
    /// Requests without which nothing is promoted, though none be bad.
    pub requests_if_none_bad: u64,
    /// Requests for a promotion when the share of bad ones is half of what is allowed.
    pub requests_at_half: Option<u64>,
    /// Requests that find twice the target on average: those of Wald's sequential test with the
    /// level α and 1 % missed. None where nothing or everything is allowed.
    pub requests_to_find_double: Option<u64>,
}

/// What a verdict under this policy needs, and whether the window gives it at so many requests per
/// second.
pub fn feasibility(policy: &Policy, requests_per_second: Option<f64>) -> Feasibility {
    let rate = requests_per_second.filter(|rate| rate.is_finite() && 0.0 < *rate);
    let limits =
        [(Metric::ErrorRate, policy.error_limit()), (Metric::LatencyP95, policy.latency_limit())];
    let metrics: Vec<_> = limits
        .into_iter()
        .filter_map(|(metric, limit)| Some(needs(policy, metric, limit?, rate)))
        .collect();
    let window_seconds = policy.window().saturating_sub(policy.warmup()).as_secs_f64();
    let poll = policy.poll().as_secs_f64();
    let seconds = |requests: Option<u64>| {
        let polls = libm::ceil(real(requests?) / rate? / poll);
        Some(polls * poll)
    };
    let to_promote = metrics.iter().map(|metric| metric.requests_at_half).max().flatten();
    let to_find = metrics.iter().filter_map(|metric| metric.requests_to_find_double).max();
    let (seconds_to_promote, seconds_to_find_double) = (seconds(to_promote), seconds(to_find));
    let fits = |seconds: Option<f64>| seconds.map(|seconds| seconds <= window_seconds);
    let mut feasibility = Feasibility {
        can_promote: fits(seconds_to_promote),
        can_find_double: fits(seconds_to_find_double),
        requests_per_second: rate,
        window_seconds,
        seconds_to_promote,
        seconds_to_find_double,
        sentence: String::new(),
        metrics,
    };
    feasibility.sentence = sentence(&feasibility, (to_promote, to_find));
    feasibility
}

fn needs(policy: &Policy, metric: Metric, limit: Limit, rate: Option<f64>) -> MetricNeeds {
    let per_poll = rate.map_or(1.0, |rate| rate * policy.poll().as_secs_f64());
    let weight = |share: f64| match limit.kind() {
        Kind::Share => Burst::new(policy.burstiness(), share).weight(per_poll),
        Kind::Zero | Kind::Everything => 1.0,
    };
    let prospect = |share| Prospect {
        limit,
        share,
        weight: weight(limit.refuted()),
        proof_at: -ln(policy.beta()),
        seen: 0,
        least: policy.min_requests(),
    };
    let none_bad = prospect(0.0).requests_needed();
    MetricNeeds {
        metric,
        requests_if_none_bad: none_bad.unwrap_or_else(|| policy.min_requests()),
        requests_at_half: prospect(limit.allowed() / 2.0).requests_needed(),
        requests_to_find_double: to_find_double(policy.alpha(), limit)
            .map(|independent| up(independent / weight(limit.allowed()))),
    }
}

/// Wald's expected number of independent requests: ((1 − m) ln((1 − m)/α) + m ln(m/(1 − α))) over
/// what one of them tells on average, the relative entropy of twice the share to the share.
fn to_find_double(alpha: f64, limit: Limit) -> Option<f64> {
    if limit.kind() != Kind::Share {
        return None;
    }
    let allowed = limit.allowed();
    let double = Limit::new(allowed, 2.0).refuted();
    let told = double * ln(double / allowed)
        + (1.0 - double) * (ln_one_plus(-double) - ln_one_plus(-allowed));
    let wanted = (1.0 - MISSED) * ln((1.0 - MISSED) / alpha) + MISSED * ln(MISSED / (1.0 - alpha));
    Some(wanted / told)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, above 0")]
fn up(requests: f64) -> u64 {
    libm::ceil(requests) as u64
}

fn sentence(known: &Feasibility, (to_promote, to_find): (Option<u64>, Option<u64>)) -> String {
    let none_bad = known.metrics.iter().map(|metric| metric.requests_if_none_bad).max();
    let none_bad = none_bad.unwrap_or(0);
    let window = plain(known.window_seconds);
    let Some(rate) = known.requests_per_second else {
        let half = to_promote
            .map_or(String::new(), |half| format!(", and at least {half} at half the targets"));
        let find = to_find
            .map_or(String::new(), |find| format!("; to find twice a target takes about {find}"));
        return format!(
            "A promotion needs at least {none_bad} requests within {window} s if none is \
             bad{half}{find}."
        );
    };
    let rate = plain(rate);
    let promote = known.seconds_to_promote.map_or(String::new(), |seconds| {
        format!("a canary at half its targets needs {} s to be promoted", plain(seconds))
    });
    let find = known.seconds_to_find_double.map_or(String::new(), |seconds| {
        format!(", one at twice a target about {} s to be found", plain(seconds))
    });
    let can = match (known.can_promote, known.can_find_double) {
        (Some(false), _) => "too short for a promotion",
        (_, Some(false)) => "too short to find twice a target for sure",
        _ => "long enough",
    };
    format!("At {rate} requests per second {promote}{find}; the window of {window} s is {can}.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::canaries::rule::tests::policy;

    #[test]
    fn walds_numbers_are_those_of_the_textbook() {
        // (ln 99)(0.98) over the relative entropy, by hand.
        for (allowed, requests) in
            [(0.05, 218.0), (0.02, 568.0), (0.01, 1_151.0), (0.005, 2_316.0), (0.001, 11_642.0)]
        {
            let ours = to_find_double(0.01, Limit::new(allowed, 2.0)).unwrap();
            assert!((ours - requests).abs() < 1.0, "{allowed}: {ours}");
        }
    }

    #[test]
    fn a_window_is_told_whether_it_can() {
        let two = policy(json!({"targets": {"max_error_rate": 0.02}}));
        let fast = feasibility(&two, Some(50.0));
        assert_eq!((fast.can_promote, fast.can_find_double), (Some(true), Some(true)));
        let slow = feasibility(&two, Some(0.1));
        assert_eq!((slow.can_promote, slow.can_find_double), (Some(false), Some(false)));
        assert!(slow.sentence.ends_with("is too short for a promotion."), "{}", slow.sentence);
        let unknown = feasibility(&two, None);
        assert_eq!(
            unknown.sentence,
            "A promotion needs at least 97 requests within 300 s if none is bad, and at least 220 \
             at half the targets; to find twice a target takes about 568."
        );
    }

    #[test]
    fn targets_of_nothing_and_of_everything_have_their_needs() {
        for rate in [0.0, 1.0] {
            let policy = policy(json!({"targets": {"max_error_rate": rate}}));
            for requests in [None, Some(5.0), Some(f64::NAN)] {
                let feasibility = feasibility(&policy, requests);
                assert!(!feasibility.sentence.contains("NaN"), "{}", feasibility.sentence);
                assert_eq!(feasibility.metrics[0].requests_to_find_double, None);
            }
        }
    }
}
