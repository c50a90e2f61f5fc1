//! How sure a share of right answers is.

/// The standard normal quantile that a two-sided 95 % interval takes.
const Z_95: f64 = 1.959_963_984_540_054;

/// So many of so many. There is at least one trial, and no more successes than trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proportion {
    successes: u32,
    trials: u32,
}

impl Proportion {
    /// `None` when there is no trial, or when there are more successes than trials.
    pub(super) fn new(successes: u32, trials: u32) -> Option<Self> {
        (trials > 0 && successes <= trials).then_some(Self { successes, trials })
    }

    /// The share, between 0 and 1.
    pub(super) fn value(self) -> f64 {
        f64::from(self.successes) / f64::from(self.trials)
    }

    /// The standard error of the share: sqrt(p(1 − p)/n).
    ///
    /// This is the standard error of the mean of n independent answers that are right or wrong, as
    /// in E. Miller, "Adding Error Bars to Evals: A Statistical Approach to Language Model
    /// Evaluations", arXiv:2411.00640 (2024), which follows from the variance p(1 − p) of a
    /// Bernoulli variable. It is 0 when all answers are right or all are wrong, which says less
    /// than it seems to: see [`Self::wilson_95`].
    pub(super) fn standard_error(self) -> f64 {
        let p = self.value();
        (p * (1.0 - p) / f64::from(self.trials)).sqrt()
    }

    /// The Wilson score interval at 95 %: (low, high).
    ///
    /// E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
    /// Journal of the American Statistical Association 22 (158), 1927, pp. 209–212. It stays
    /// within 0 and 1 and has a width at both ends, where p ± 1.96 standard errors has neither;
    /// with fewer than a few hundred samples it is the one to quote.
    pub(super) fn wilson_95(self) -> (f64, f64) {
        let n = f64::from(self.trials);
        let p = self.value();
        let z2 = Z_95 * Z_95;
        let centre = p + z2 / (2.0 * n);
        let reach = Z_95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z2 / n;
        // At the ends the exact bounds are 0 and 1; rounding would leave them beside.
        let low = if self.successes == 0 { 0.0 } else { (centre - reach) / scale };
        let high = if self.successes == self.trials { 1.0 } else { (centre + reach) / scale };
        (low.max(0.0), high.min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(successes: u32, trials: u32, stderr: f64, low: f64, high: f64) {
        let share = Proportion::new(successes, trials).unwrap();
        let (is_low, is_high) = share.wilson_95();
        assert!((share.standard_error() - stderr).abs() < 5e-5, "{}", share.standard_error());
        assert!((is_low - low).abs() < 5e-5, "low {is_low}");
        assert!((is_high - high).abs() < 5e-5, "high {is_high}");
    }

    #[test]
    fn the_figures_are_those_of_the_formulas() {
        // Worked by hand from the formulas, to four places.
        check(50, 100, 0.05, 0.4038, 0.5962);
        check(1, 10, 0.0949, 0.0179, 0.4042);
        check(0, 10, 0.0, 0.0, 0.2775);
        check(10, 10, 0.0, 0.7225, 1.0);
        check(1, 1, 0.0, 0.2065, 1.0);
    }

    #[test]
    fn there_is_no_share_of_nothing() {
        assert_eq!(Proportion::new(0, 0), None);
        assert_eq!(Proportion::new(2, 1), None);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_share_and_stays_within_0_and_1(
            trials in 1_u32..5000, part in 0.0_f64..=1.0,
        ) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=trials")]
            let successes = (f64::from(trials) * part) as u32;
            let share = Proportion::new(successes, trials).unwrap();
            let (low, high) = share.wilson_95();
            prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
            prop_assert!(low <= share.value() && share.value() <= high);
            prop_assert!(low < high);
            prop_assert!((0.0..=0.5).contains(&share.standard_error()));
        }

        #[test]
        fn the_interval_is_the_mirror_image_of_that_of_the_wrong_answers(
            trials in 1_u32..5000, part in 0.0_f64..=1.0,
        ) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=trials")]
            let successes = (f64::from(trials) * part) as u32;
            let (low, high) = Proportion::new(successes, trials).unwrap().wilson_95();
            let (wrong_low, wrong_high) =
                Proportion::new(trials - successes, trials).unwrap().wilson_95();
            prop_assert!((low - (1.0 - wrong_high)).abs() < 1e-12);
            prop_assert!((high - (1.0 - wrong_low)).abs() < 1e-12);
        }
    }
}
