//! The functions that the rule reckons with. They come from `libm`, whose results have the same bits
//! on every machine, so that a decision can be repeated from what was stored.

/// Where the continued fraction ends although it has not settled; only some 10^8 bad requests near the
/// limit come so far.
const MOST_TERMS: u32 = 20_000;

/// What Lentz's method puts in the place of zero.
const TINY: f64 = 1e-300;

pub(super) fn ln(x: f64) -> f64 {
    libm::log(x)
}

pub(super) fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// ln(1 + x) without loss for small `x`.
pub(super) fn ln_one_plus(x: f64) -> f64 {
    libm::log1p(x)
}

/// ln(1 − e^x) for x ≤ 0, finite even for 0.
fn ln_one_minus_exp(x: f64) -> f64 {
    let x = x.min(-f64::MIN_POSITIVE);
    if -core::f64::consts::LN_2 < x {
        libm::log(-libm::expm1(x))
    } else {
        libm::log1p(-libm::exp(x))
    }
}

/// ln of the sum of the numbers whose logarithms these are.
pub(super) fn ln_sum_exp(logarithms: &[f64]) -> f64 {
    let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    let sum: f64 = logarithms.iter().map(|logarithm| exp(logarithm - largest)).sum();
    largest + ln(sum)
}

/// The logarithm of the mean of two numbers whose logarithms these are.
pub(super) fn ln_mean_exp(one: f64, other: f64) -> f64 {
    ln_sum_exp(&[one, other]) - core::f64::consts::LN_2
}

/// ln B(a, b), for positive `a` and `b`.
pub(super) fn ln_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

/// The logarithms of the probabilities that a Beta(a, b) variable is at most `x`, and above it, for
/// 0 < x < 1.
pub(super) fn ln_beta_tails(a: f64, b: f64, x: f64) -> (f64, f64) {
    let front = a * ln(x) + b * ln_one_plus(-x) - ln_beta(a, b);
    if x < (a + 1.0) / (a + b + 2.0) {
        let below = (front + ln(beta_fraction(a, b, x)) - ln(a)).min(0.0);
        (below, ln_one_minus_exp(below))
    } else {
        let above = (front + ln(beta_fraction(b, a, 1.0 - x)) - ln(b)).min(0.0);
        (ln_one_minus_exp(above), above)
    }
}

/// The continued fraction of the incomplete beta function (NIST DLMF 8.17.22), by the modified
/// method of Lentz. It settles quickly for x < (a + 1) / (a + b + 2).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut numerator = 1.0;
    let mut denominator = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = denominator;
    for term in 1..=MOST_TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        denominator = 1.0 / away_from_zero(1.0 + even * denominator);
        numerator = away_from_zero(1.0 + even / numerator);
        fraction *= denominator * numerator;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        denominator = 1.0 / away_from_zero(1.0 + odd * denominator);
        numerator = away_from_zero(1.0 + odd / numerator);
        let step = denominator * numerator;
        fraction *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction.max(TINY)
}

#[cfg(test)]
mod tests {
    use super::*;

    // ln P(X <= x) and ln P(X > x) of Beta(a, b), by mpmath.betainc with 50 digits.
    const REFERENCE: &[(f64, f64, f64, f64, f64)] = &[
        (1.0, 15.666_7, 0.02, -1.304_485_472_660_52, -0.316_509_754_731_382),
        (8.0, 300.0, 0.02, -1.293_619_695_233_35, -0.320_585_760_641_637),
        (40.0, 1500.0, 0.02, -2.803_445_081_436_51, -0.062_514_892_677_361_1),
        (120.0, 2800.0, 0.02, -28.170_805_031_164_4, -5.828_741_889_988_2e-13),
        (30.0, 2950.0, 0.02, -7.288_619_421_187_52e-6, -11.829_200_053_995_5),
        (1.0, 49.0, 0.04, -0.145_369_994_970_779, -2.000_277_731_492_5),
        (3.0, 1000.0, 0.04, -1.571_961_701_806_97e-15, -34.086_452_063_918_7),
        (1.5, 0.052_6, 0.9, -2.428_343_493_562_52, -0.092_315_733_355_248_5),
        (700.0, 14000.0, 0.05, -0.093_323_628_356_446_5, -2.417_980_904_811_02),
        (5.0, 5.0, 0.5, -core::f64::consts::LN_2, -core::f64::consts::LN_2),
        (2.0, 3000.0, 0.001, -0.221_706_554_279_365, -1.615_206_639_630_71),
        (250.0, 100.0, 0.6, -12.462_625_541_462_1, -3.868_577_818_689_48e-6),
    ];

    #[test]
    fn the_tails_agree_with_what_was_reckoned_to_fifty_digits() {
        for &(a, b, x, below, above) in REFERENCE {
            let (ours_below, ours_above) = ln_beta_tails(a, b, x);
            for (ours, theirs) in [(ours_below, below), (ours_above, above)] {
                let off = (ours - theirs).abs() / theirs.abs().max(1e-3);
                assert!(off < 1e-8, "Beta({a}, {b}) at {x}: {ours} for {theirs}");
            }
        }
    }

    #[test]
    fn sums_of_small_and_large_numbers_stay_finite() {
        assert!((ln_sum_exp(&[-2_000.0, -2_000.0]) - (-2_000.0 + 2.0f64.ln())).abs() < 1e-9);
        assert!((ln_sum_exp(&[900.0, -900.0]) - 900.0).abs() < 1e-9);
        assert!((ln_mean_exp(3.0, 3.0) - 3.0).abs() < 1e-12);
        assert!(ln_one_minus_exp(0.0).is_finite());
    }
}
