//! Medians, percentiles and spreads of what several rounds measured.

use std::time::Duration;

use serde::Serialize;

/// One figure as every round measured it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// One value a round, in the order of the rounds.
    pub values: Vec<f64>,
}

impl Sample {
    /// Takes the values of all rounds.
    pub fn new(values: Vec<f64>) -> Self {
        Self { values }
    }

    /// Adds one round's value.
    pub fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    /// The middle value; `None` before the first round.
    pub fn median(&self) -> Option<f64> {
        percentile(&self.values, 50)
    }

    /// The smallest and the largest value; `None` before the first round.
    pub fn range(&self) -> Option<(f64, f64)> {
        let first = *self.values.first()?;
        Some(
            self.values
                .iter()
                .fold((first, first), |(low, high), &value| (low.min(value), high.max(value))),
        )
    }

    /// How far the rounds lie apart, as a share of the median (0.1 = 10 %).
    pub fn spread(&self) -> Option<f64> {
        let (low, high) = self.range()?;
        let median = self.median()?;
        (median > 0.0).then(|| (high - low) / median)
    }

    /// `median (low–high)`, or a dash when nothing was measured.
    pub fn show(&self, digits: usize) -> String {
        match (self.median(), self.range()) {
            (Some(median), Some((low, high))) if self.values.len() > 1 => {
                format!("{median:.digits$} ({low:.digits$}–{high:.digits$})")
            }
            (Some(median), _) => format!("{median:.digits$}"),
            _ => "–".to_owned(),
        }
    }

    /// This figure over another of the same rounds, round by round.
    pub fn over(&self, base: &Self) -> Self {
        Self::new(self.values.iter().zip(&base.values).map(|(a, b)| a / b).collect())
    }

    /// This figure less another of the same rounds, round by round.
    pub fn minus(&self, base: &Self) -> Self {
        Self::new(self.values.iter().zip(&base.values).map(|(a, b)| a - b).collect())
    }
}

/// The nearest-rank percentile (`percent` from 1 to 100) of values in any order.
pub fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// The values that are not above the percentile.
pub fn up_to_percentile(values: &[f64], percent: usize) -> Vec<f64> {
    let Some(limit) = percentile(values, percent) else { return Vec::new() };
    values.iter().copied().filter(|value| *value <= limit).collect()
}

/// Welch's t of two samples of unequal variance; `None` if one has no two values, or nothing varies.
pub fn welch(a: &[f64], b: &[f64]) -> Option<f64> {
    let moments = |values: &[f64]| {
        let n = float(count(values.len()));
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (values.len() > 1).then(|| (mean, squares / (n - 1.0) / n))
    };
    let ((mean_a, error_a), (mean_b, error_b)) = (moments(a)?, moments(b)?);
    let error = (error_a + error_b).sqrt();
    (error > 0.0).then(|| (mean_a - mean_b) / error)
}

/// A count as a floating-point number.
#[expect(clippy::cast_precision_loss, reason = "counts here stay far below 2^53")]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// A length as a 64-bit count.
pub fn count(length: usize) -> u64 {
    // Sixty-four bits hold every length of the platforms this runs on.
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A span in microseconds.
pub fn microseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks_whatever_the_order() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(percentile(&values, 50), Some(3.0));
        assert_eq!(percentile(&values, 99), Some(5.0));
        assert_eq!(percentile(&values, 1), Some(1.0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn welchs_t_tells_samples_apart() {
        let (low, high) = ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]);
        // Means 2 and 4, variances 1 and 4 over three values each.
        let t = welch(&low, &high).unwrap();
        assert!((t + 2.0 / (5.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{t}");
        assert_eq!(welch(&low, &low), Some(0.0));
        assert_eq!(welch(&[1.0], &high), None);
        assert_eq!(welch(&[1.0, 1.0], &[1.0, 1.0]), None);
        assert_eq!(up_to_percentile(&[3.0, 1.0, 2.0, 9.0], 75), [3.0, 1.0, 2.0]);
    }

    #[test]
    fn a_spread_is_the_range_over_the_median() {
        let sample = Sample::new(vec![10.0, 12.0, 9.0]);
        assert_eq!(sample.spread(), Some(0.3));
        assert_eq!(sample.show(1), "10.0 (9.0–12.0)");
        assert_eq!(Sample::default().show(1), "–");
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let a = Sample::new(vec![20.0, 30.0]);
        let b = Sample::new(vec![10.0, 10.0]);
        assert_eq!(a.over(&b).values, vec![2.0, 3.0]);
    }
}
