//! Numbers and metrics in sentences.

use crate::canaries::rule::verdict::Metric;

/// A number with at most this many decimals, without zeros at its end.
fn trimmed(number: f64, decimals: usize) -> String {
    let written = format!("{number:.decimals$}");
    if written.contains('.') {
        written.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        written
    }
}

/// A number of seconds or milliseconds.
pub(super) fn plain(number: f64) -> String {
    trimmed(number, 3)
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", trimmed(100.0 * share, 4))
}

/// What the bad requests of a metric are: "failed requests", "requests slower than 250 ms".
pub(super) fn bad_requests(metric: Metric, target: f64) -> String {
    match metric {
        Metric::ErrorRate => "failed requests".to_owned(),
        Metric::LatencyP95 => format!("requests slower than {} ms", plain(target)),
    }
}

/// The target of a scalar: "an error rate of at most 2 %".
pub(super) fn goal(metric: Metric, target: f64) -> String {
    match metric {
        Metric::ErrorRate => format!("an error rate of at most {}", percent(target)),
        Metric::LatencyP95 => format!("a latency of at most {} ms", plain(target)),
    }
}

/// Several parts of a sentence: "a, b and c".
pub(super) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_needless_digits() {
        assert_eq!(percent(0.02), "2 %");
        assert_eq!(percent(0.001), "0.1 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.1 + 0.2), "30 %");
        assert_eq!(plain(300.0), "300");
        assert_eq!(plain(1.666), "1.666");
    }
}
