//! Simulated canaries, by which the error rates of the rule are measured.
//!
//! Requests come evenly. In every poll each is bad with a probability that is itself drawn from a
//! gamma distribution, so that trouble comes in bursts. The same seed gives the same canary.

use std::time::Duration;

use crate::adapters::metrics::{Measurement, Sample};
use crate::canaries::policy::Policy;
use crate::canaries::rule::evidence::{Evidence, Moment, Poll};
use crate::canaries::rule::numerics::{exp, ln, ln_one_plus};
use crate::canaries::rule::verdict::Verdict;

/// What comes to a canary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    /// Requests per second.
    pub requests_per_second: f64,
    /// The share of them that is bad, on average.
    pub bad_share: f64,
    /// The coefficient of variation of that share between polls; from 0 to 1.
    pub burstiness: f64,
}

/// The polls of one canary, without end: how many requests came, and how many of them were bad.
#[derive(Debug, Clone)]
pub struct Traffic {
    scenario: Scenario,
    poll_seconds: f64,
    due: f64,
    chance: Chance,
}

impl Traffic {
    /// The traffic of a canary that is polled every `poll_seconds`.
    pub fn new(scenario: Scenario, poll_seconds: f64, seed: u64) -> Self {
        Self { scenario, poll_seconds, due: 0.0, chance: Chance::new(seed) }
    }
}

impl Iterator for Traffic {
    type Item = (u64, u64);

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small, above 0")]
    fn next(&mut self) -> Option<Self::Item> {
        self.due += self.scenario.requests_per_second * self.poll_seconds;
        let total = self.due.floor();
        self.due -= total;
        let total = total as u64;
        let share =
            self.scenario.bad_share * self.chance.gamma_of_mean_one(self.scenario.burstiness);
        Some((total, self.chance.binomial(total, share)))
    }
}

/// How a simulated canary ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict; never `Continue`.
    pub verdict: Verdict,
    /// When it was given, after the start.
    pub after: Duration,
}

/// Watches one canary with counted errors to its end.
pub fn run(policy: &Policy, scenario: Scenario, seed: u64) -> Outcome {
    let mut evidence = Evidence::new(policy);
    let mut after = Duration::ZERO;
    let mut traffic = Traffic::new(scenario, policy.poll().as_secs_f64(), seed);
    loop {
        let (total, bad) = traffic.next().unwrap_or_default();
        after += policy.poll();
        let measured = Measurement {
            errors: Sample::Counts { total, bad, possibly_bad: bad },
            latency: Sample::NotAsked,
            latency_p95_ms: None,
            error_rate: None,
            warnings: Vec::new(),
        };
        evidence.observe(&Poll { elapsed: after, canary: &measured, baseline: None });
        let window_over = policy.window() < after + policy.poll();
        let verdict = evidence.verdict(Moment { elapsed: after, window_over });
        if verdict != Verdict::Continue {
            return Outcome { verdict, after };
        }
    }
}

/// How many canaries ended how.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Endings {
    /// All.
    pub runs: u32,
    /// Those promoted.
    pub promoted: u32,
    /// After how many seconds the others were rolled back during the window, in rising order.
    pub rolled_back_after: Vec<f64>,
}

impl Endings {
    /// Counts endings: of each, after how many seconds it was rolled back, or whether it was
    /// promoted.
    pub fn count(endings: impl Iterator<Item = Result<bool, f64>>) -> Self {
        let mut counted = Self::default();
        for ending in endings {
            counted.runs += 1;
            match ending {
                Ok(promoted) => counted.promoted += u32::from(promoted),
                Err(after) => counted.rolled_back_after.push(after),
            }
        }
        counted.rolled_back_after.sort_by(f64::total_cmp);
        counted
    }

    /// Watches canaries with the seeds `seeds`.
    pub fn of(policy: &Policy, scenario: Scenario, seeds: std::ops::Range<u64>) -> Self {
        Self::count(seeds.map(|seed| {
            let outcome = run(policy, scenario, seed);
            match outcome.verdict {
                Verdict::RollBack { .. } => Err(outcome.after.as_secs_f64()),
                verdict => Ok(verdict == Verdict::Promote),
            }
        }))
    }

    /// The share that was rolled back during the window.
    pub fn rolled_back(&self) -> f64 {
        let count = u32::try_from(self.rolled_back_after.len()).unwrap_or(u32::MAX);
        f64::from(count) / f64::from(self.runs.max(1))
    }

    /// The share that was promoted.
    pub fn promoted(&self) -> f64 {
        f64::from(self.promoted) / f64::from(self.runs.max(1))
    }

    /// After how many seconds half of those that were rolled back were.
    pub fn median_seconds(&self) -> Option<f64> {
        self.rolled_back_after.get(self.rolled_back_after.len() / 2).copied()
    }
}

/// Chance that can be repeated (`SplitMix64`).
#[derive(Debug, Clone)]
struct Chance {
    state: u64,
}

impl Chance {
    fn new(seed: u64) -> Self {
        let mut chance = Self { state: seed };
        // Seeds that follow one another would begin at places of one sequence.
        chance.state = chance.next() ^ seed.rotate_left(32);
        chance
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number between 0 and 1, both excluded.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// A number of the standard normal distribution (Box and Muller).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * ln(self.uniform())).sqrt();
        radius * libm::cos(core::f64::consts::TAU * self.uniform())
    }

    /// A number of the gamma distribution with mean 1 and this coefficient of variation, up to 1
    /// (Marsaglia and Tsang, 2000).
    fn gamma_of_mean_one(&mut self, variation: f64) -> f64 {
        if variation <= 0.0 {
            return 1.0;
        }
        let shape = (1.0 / (variation * variation)).max(1.0);
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x) * (1.0 + c * x) * (1.0 + c * x);
            if 0.0 < v && self.uniform() < exp(0.5 * x * x + d - d * v + d * ln(v)) {
                return d * v / shape;
            }
        }
    }

    /// How many of so many are bad, by skipping from one to the next.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, above 0"
    )]
    fn binomial(&mut self, total: u64, share: f64) -> u64 {
        if 1.0 <= share {
            return total;
        }
        if share <= 0.0 {
            return 0;
        }
        let good = ln_one_plus(-share);
        let (mut at, mut bad) = (0u64, 0);
        loop {
            let skipped = ln(self.uniform()) / good;
            at = at.saturating_add(skipped as u64).saturating_add(1);
            if total < at {
                return bad;
            }
            bad += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of what is drawn, within five standard errors.
    #[test]
    fn traffic_has_the_share_and_the_bursts_it_is_asked_for() {
        for burstiness in [0.0, 0.5, 1.0] {
            let scenario = Scenario { requests_per_second: 50.0, bad_share: 0.04, burstiness };
            let polls: Vec<f64> = Traffic::new(scenario, 5.0, 7)
                .take(20_000)
                .map(|(total, bad)| {
                    assert_eq!(total, 250);
                    f64::from(u32::try_from(bad).unwrap())
                })
                .collect();
            let count = 20_000.0;
            let mean = polls.iter().sum::<f64>() / count;
            let variance = polls.iter().map(|bad| (bad - mean).powi(2)).sum::<f64>() / count;
            // Var = np(1 − p) + n(n − 1)p²cv².
            let expected = 9.6 + 250.0 * 249.0 * 0.04 * 0.04 * burstiness * burstiness;
            assert!((mean - 10.0).abs() < 5.0 * (expected / count).sqrt(), "{mean}");
            assert!((variance / expected - 1.0).abs() < 0.1, "{variance} for {expected}");
        }
    }
}
