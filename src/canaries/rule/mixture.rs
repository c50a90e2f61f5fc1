//! Likelihood ratios of counts: many shares at once, weighed by a beta distribution, against one.
//!
//! The ratio for a share θ against the share q is on average 1 + (p − q)(θ − q) / (q(1 − q)) for
//! requests that are bad with probability p. Where all θ are above q it is at most 1 on average for
//! every p ≤ q, and where all are below, for every p ≥ q; so the mixture of such ratios reaches 1/α
//! with probability α at most (Ville's inequality). This is the mixture sequential probability ratio
//! test (Robbins; Johari and others) with a truncated weight, so that it holds for one side.

use crate::canaries::rule::numerics::{ln, ln_beta, ln_beta_tails, ln_one_plus};

/// Requests and the bad ones among them, weighed for bursts and so not whole.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Weighed {
    pub(super) requests: f64,
    pub(super) bad: f64,
}

impl Weighed {
    pub(super) fn add(&mut self, requests: f64, bad: f64, weight: f64) {
        self.requests += requests * weight;
        self.bad += bad * weight;
    }

    fn good(self) -> f64 {
        (self.requests - self.bad).max(0.0)
    }
}

/// A beta distribution of shares.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Weight {
    a: f64,
    b: f64,
}

impl Weight {
    /// The one whose density falls from 0 on, with this mean, between 0 and 1.
    fn with_mean(mean: f64) -> Self {
        Self { a: 1.0, b: 1.0 / mean - 1.0 }
    }

    fn after(self, seen: Weighed) -> Self {
        Self { a: self.a + seen.bad, b: self.b + seen.good() }
    }

    fn ln_norm(self) -> f64 {
        ln_beta(self.a, self.b)
    }
}

fn ln_likelihood(seen: Weighed, share: f64) -> f64 {
    seen.bad * ln(share) + seen.good() * ln_one_plus(-share)
}

fn ln_ratio(weight: Weight, seen: Weighed, share: f64, side: impl Fn((f64, f64)) -> f64) -> f64 {
    let after = weight.after(seen);
    let tail = |weight: Weight| side(ln_beta_tails(weight.a, weight.b, share));
    after.ln_norm() - weight.ln_norm() + tail(after) - tail(weight) - ln_likelihood(seen, share)
}

/// The logarithm of the evidence that the share of bad requests is above `allowed`, for
/// 0 < allowed < 1: shares above it, with mean 3·allowed before they are cut off, against it.
pub(super) fn ln_breach(seen: Weighed, allowed: f64) -> f64 {
    let mean = (3.0 * allowed).min(f64::midpoint(allowed, 1.0));
    ln_ratio(Weight::with_mean(mean), seen, allowed, |(_, above)| above)
}

/// The logarithm of the evidence that the share is below `refuted`, for 0 < allowed < refuted < 1:
/// shares below it, with mean `allowed` before they are cut off, against it.
pub(super) fn ln_conformance(seen: Weighed, allowed: f64, refuted: f64) -> f64 {
    ln_ratio(Weight::with_mean(allowed), seen, refuted, |(below, _)| below)
}

/// The shares that 1 in 1/α observers at most would wrongly exclude, however often they look: those
/// against which the whole mixture has not won 1/α (Robbins' confidence sequence).
pub(super) fn confidence_sequence(seen: Weighed, allowed: f64, alpha: f64) -> (f64, f64) {
    let weight = Weight::with_mean((3.0 * allowed).min(f64::midpoint(allowed, 1.0)));
    let won = weight.after(seen).ln_norm() - weight.ln_norm() + ln(alpha);
    let excluded = |share: f64| ln_likelihood(seen, share) < won;
    let top = if seen.requests > 0.0 { (seen.bad / seen.requests).clamp(0.0, 1.0) } else { 0.5 };
    (boundary(0.0, top, &excluded), boundary(1.0, top, &excluded))
}

/// Where between `outside` and `inside` exclusion begins. The likelihood falls to both sides of its
/// top, so there is one such place at most.
fn boundary(outside: f64, inside: f64, excluded: &impl Fn(f64) -> bool) -> f64 {
    let (mut outside, mut inside) = (outside, inside);
    for _ in 0..60 {
        let middle = f64::midpoint(outside, inside);
        if middle <= 0.0 || 1.0 <= middle {
            break;
        }
        if excluded(middle) {
            outside = middle;
        } else {
            inside = middle;
        }
    }
    // What lies at the very edge was never excluded.
    if (inside - outside).abs() < 1e-15 && (outside <= 0.0 || 1.0 <= outside) {
        outside
    } else {
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // (requests, bad, ln breach, ln conformance) at 0.02 and 0.04, by mpmath with 50 digits.
    const REFERENCE: &[(f64, f64, f64, f64)] = &[
        (41.0, 1.5, -0.248_658_577_319_81, -0.689_275_805_516_344),
        (250.0, 5.0, -1.650_018_557_267_61, 0.749_016_567_381_107),
        (600.0, 24.0, 3.303_460_259_705_05, -2.333_256_013_701_88),
        (2400.0, 48.0, -2.824_578_579_910_38, 13.345_564_542_024_7),
        (2400.0, 110.0, 27.884_150_546_371_8, -4.037_385_577_154_83),
        (100.0, 0.0, -1.999_177_178_236_8, 3.113_158_314_818_17),
        (1200.0, 18.0, -3.233_244_749_377_91, 11.289_716_597_224),
    ];

    #[test]
    fn both_ratios_agree_with_what_was_reckoned_to_fifty_digits() {
        for &(requests, bad, breach, conformance) in REFERENCE {
            let seen = Weighed { requests, bad };
            let off = (ln_breach(seen, 0.02) - breach).abs();
            assert!(off < 1e-7, "breach at {bad} of {requests}: {off}");
            let off = (ln_conformance(seen, 0.02, 0.04) - conformance).abs();
            assert!(off < 1e-7, "conformance at {bad} of {requests}: {off}");
        }
    }

    #[test]
    fn without_requests_there_is_no_evidence() {
        let nothing = Weighed::default();
        assert!(ln_breach(nothing, 0.02).abs() < 1e-12);
        assert!(ln_conformance(nothing, 0.02, 0.04).abs() < 1e-12);
    }

    #[test]
    fn an_interval_holds_the_estimate_and_shrinks() {
        let mut widths = Vec::new();
        for requests in [10.0, 100.0, 1_000.0, 10_000.0] {
            let seen = Weighed { requests, bad: 0.02 * requests };
            let (low, high) = confidence_sequence(seen, 0.02, 0.01);
            assert!(low < 0.02 && 0.02 < high, "{low} {high}");
            widths.push(high - low);
        }
        assert!(widths.is_sorted_by(|wider, narrower| narrower < wider), "{widths:?}");
        let (low, high) = confidence_sequence(Weighed { requests: 50.0, bad: 0.0 }, 0.02, 0.01);
        assert!(low.abs() < 1e-12 && high < 0.3, "{low} {high}");
        let (low, high) = confidence_sequence(Weighed { requests: 50.0, bad: 50.0 }, 0.02, 0.01);
        assert!(0.4 < low && (high - 1.0).abs() < 1e-12, "{low} {high}");
    }
}
