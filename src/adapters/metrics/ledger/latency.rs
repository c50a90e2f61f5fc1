//! What the buckets of a histogram say about a target.

use std::collections::BTreeMap;

use crate::adapters::metrics::looked::{SeriesKey, is_same_edge};

/// Requests of one histogram by the upper edge of their bucket, in milliseconds; cumulative, edges
/// rising, the last one infinite.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram(Vec<(f64, f64)>);

/// How many requests there were, and how many missed a target.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Exceedance {
    pub(super) total: f64,
    /// Surely slower than the target.
    pub(super) bad: f64,
    /// Perhaps slower: in the bucket that the target lies in.
    pub(super) possibly_bad: f64,
}

impl Histogram {
    /// Puts buckets in order; `None` if the one that holds every request is missing.
    pub(super) fn new(mut buckets: Vec<(f64, f64)>) -> Option<Self> {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets.last().filter(|(edge, _)| *edge == f64::INFINITY)?;
        // A target that counts a request bucket by bucket may be scraped in between.
        let mut most: f64 = 0.0;
        for (_, count) in &mut buckets {
            most = most.max(*count);
            *count = most;
        }
        Some(Self(buckets))
    }

    fn total(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, count)| *count)
    }

    /// Requests that missed a target.
    pub(super) fn exceedance(&self, target_ms: f64) -> Exceedance {
        let total = self.total();
        let is_at = |edge: f64| is_same_edge(edge, target_ms);
        let within = self.0.iter().rfind(|(edge, _)| *edge < target_ms || is_at(*edge));
        let around = self.0.iter().find(|(edge, _)| target_ms < *edge || is_at(*edge));
        let surely_fast = within.map_or(0.0, |(_, count)| *count);
        let perhaps_fast = around.map_or(total, |(_, count)| *count);
        Exceedance { total, bad: total - perhaps_fast, possibly_bad: total - surely_fast }
    }

    /// The sum of histograms with the same edges; `None` where they differ.
    pub(super) fn sum(histograms: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut histograms = histograms.into_iter();
        let mut sum = histograms.next()?;
        for other in histograms {
            let edges = |histogram: &Self| histogram.0.iter().map(|b| b.0).collect::<Vec<_>>();
            if edges(&sum) != edges(&other) {
                return None;
            }
            for (mine, its) in sum.0.iter_mut().zip(&other.0) {
                mine.1 += its.1;
            }
        }
        Some(sum)
    }

    /// The 95th percentile in milliseconds, as Prometheus's `histogram_quantile` estimates it:
    /// evenly spread within a bucket, and the last finite edge for what lies above. `None` without
    /// requests, or without a finite edge.
    pub(super) fn p95_ms(&self) -> Option<f64> {
        let rank = 0.95 * self.total();
        if rank <= 0.0 {
            return None;
        }
        let place = self.0.iter().position(|(_, count)| rank <= *count)?;
        let (below, passed) = match place.checked_sub(1) {
            Some(index) => self.0[index],
            None => (0.0, 0.0),
        };
        let (edge, count) = self.0[place];
        if edge == f64::INFINITY {
            return (0 < place).then_some(below);
        }
        Some(below + (edge - below) * (rank - passed) / (count - passed))
    }
}

/// Parts counted buckets by histogram.
pub(super) fn by_histogram(
    buckets: impl Iterator<Item = (SeriesKey, f64, f64)>,
) -> Vec<Vec<(f64, f64)>> {
    let mut parted: BTreeMap<SeriesKey, Vec<(f64, f64)>> = BTreeMap::new();
    for (histogram, edge, count) in buckets {
        parted.entry(histogram).or_default().push((edge, count));
    }
    parted.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    fn histogram() -> Histogram {
        Histogram::new(vec![(INF, 100.0), (250.0, 60.0), (500.0, 90.0), (100.0, 40.0)]).unwrap()
    }

    #[test]
    fn a_target_on_an_edge_is_exact_and_one_between_is_bracketed() {
        let check = |target, bad, possibly_bad| {
            let expected = Exceedance { total: 100.0, bad, possibly_bad };
            assert_eq!(histogram().exceedance(target), expected, "{target}");
        };
        check(250.0, 40.0, 40.0);
        check(300.0, 10.0, 40.0);
        check(50.0, 60.0, 100.0);
        check(900.0, 0.0, 10.0);
        check(250.0 * (1.0 + 1e-12), 40.0, 40.0);
    }

    #[test]
    fn the_percentile_lies_within_its_bucket() {
        let spread = vec![(100.0, 90.0), (200.0, 100.0), (INF, 100.0)];
        assert_eq!(Histogram::new(spread).unwrap().p95_ms(), Some(150.0));
        assert_eq!(histogram().p95_ms(), Some(500.0), "above the last edge nothing is known");
        assert_eq!(Histogram::new(vec![(100.0, 0.0), (INF, 0.0)]).unwrap().p95_ms(), None);
        assert_eq!(Histogram::new(vec![(INF, 7.0)]).unwrap().p95_ms(), None);
    }

    #[test]
    fn histograms_that_differ_have_no_percentile_in_common() {
        let other = Histogram::new(vec![(1.0, 0.0), (INF, 1.0)]).unwrap();
        assert_eq!(Histogram::sum([histogram(), other]), None);
        let twice = Histogram::sum([histogram(), histogram()]).unwrap();
        assert_eq!(twice.exceedance(250.0).total.to_string(), "200");
        assert_eq!(Histogram::new(vec![(1.0, 0.0)]), None);
    }
}
