//! The evidence of a canary in sentences.

use crate::canaries::numbers::{count, milliseconds, percent, seconds};
use crate::canaries::rule::{CountsReport, Metric, MetricReport, MetricState, ScalarsReport};

/// What was seen of a metric, and what it proves.
pub(super) fn of_metric(report: &MetricReport) -> String {
    let seen = match (&report.counts, &report.scalars) {
        (Some(counts), _) => counted(report, counts),
        (_, Some(scalars)) => queried(report, scalars),
        (None, None) => format!("Nothing was seen of {}", report.metric.words()),
    };
    let quality = &report.quality;
    let missing = u64::from(quality.polls.saturating_sub(quality.with_data));
    let gaps = if missing == 0 {
        String::new()
    } else {
        format!("; {} of {} looks gave nothing", count(missing), count(quality.polls.into()))
    };
    format!("{seen}{gaps}.")
}

fn counted(report: &MetricReport, counts: &CountsReport) -> String {
    let (bad, requests) = (count(counts.possibly_bad), count(counts.requests));
    let what = match report.metric {
        Metric::ErrorRate => format!("{bad} of {requests} requests failed"),
        Metric::LatencyP95 => {
            format!("{bad} of {requests} requests took longer than {}", milliseconds(report.target))
        }
    };
    let Some(estimate) = counts.estimate else {
        return format!(
            "No request came in, so that nothing is known of {}",
            report.metric.words()
        );
    };
    let interval = &counts.interval;
    format!(
        "{what}: {}, surely between {} and {}, where {} is allowed; {}",
        percent(estimate),
        percent(interval.low),
        percent(interval.high),
        percent(counts.allowed),
        evidence(report.state, counts),
    )
}

/// The evidence as odds: against the target, or for it.
fn evidence(state: MetricState, counts: &CountsReport) -> String {
    let against = |log_e: f64| {
        let needed = odds(counts.breach_at);
        format!("the evidence that the target is broken is {}, and {needed} is needed", odds(log_e))
    };
    let proof = &counts.conformance;
    match (state, counts.log_e, proof.log_e) {
        (MetricState::Conforms, _, Some(log_e)) => format!(
            "the evidence that it is below {} is {}, and {} is needed",
            percent(proof.refuted),
            odds(log_e),
            odds(proof.proof_at),
        ),
        (_, Some(log_e), _) => against(log_e),
        (MetricState::Breach, None, _) => "none is allowed".to_owned(),
        (_, None, _) => "none was bad".to_owned(),
    }
}

fn queried(report: &MetricReport, scalars: &ScalarsReport) -> String {
    let number = |value: f64| match report.metric {
        Metric::ErrorRate => percent(value),
        Metric::LatencyP95 => milliseconds(value),
    };
    let (last, worst) = (number(scalars.last), number(scalars.worst));
    format!(
        "{} of {} values of {} were worse than {}, the worst {worst}, the last {last}, each over \
         {}; this is weak evidence",
        count(scalars.bad.into()),
        count(scalars.samples.into()),
        report.metric.words(),
        number(report.target),
        seconds(scalars.window_seconds),
    )
}

/// A likelihood ratio from its natural logarithm, as odds.
fn odds(log_ratio: f64) -> String {
    const MILLION: f64 = 13.815_510_557_964_274;
    if MILLION < log_ratio {
        return "more than 1,000,000 to 1".to_owned();
    }
    let ratio = libm::exp(log_ratio);
    if ratio < 1.0 {
        return "less than 1 to 1".to_owned();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to a million")]
    let whole = ratio.round() as u64;
    format!("{} to 1", count(whole))
}
