//! Bets against the claim that the mean of what is seen is at most its limit.
//!
//! Each poll shows a share X of bad requests, 0 ≤ X ≤ 1. A gambler who stakes the fraction f bets on
//! X being above the limit q and then owns 1 + (f/q)(X − q) times what was owned before. While the
//! mean of X is at most q, whatever came before, nobody grows richer on average, so the wealth
//! reaches 1/α with probability α at most, however often one looks (Ville's inequality). Several
//! gamblers with fixed fractions share the stake. Waudby-Smith and Ramdas, "Estimating means of
//! bounded random variables by betting" (JRSS B, 2024).

use crate::canaries::rule::numerics::{ln, ln_one_plus, ln_sum_exp};

/// The fractions that are staked.
const FRACTIONS: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.95];

/// What the gamblers own by now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Bets {
    log_wealth: [f64; FRACTIONS.len()],
}

impl Bets {
    /// Settles one poll: `share` of its requests were bad, and the claim allows `limit`, which is
    /// above 0.
    pub(super) fn settle(&mut self, share: f64, limit: f64) {
        for (wealth, fraction) in self.log_wealth.iter_mut().zip(FRACTIONS) {
            *wealth += ln_one_plus(fraction / limit * (share - limit));
        }
    }

    /// The logarithm of what they own together, where each began with one seventh.
    pub(super) fn log_wealth(&self) -> f64 {
        ln_sum_exp(&self.log_wealth) - ln(7.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_won_where_the_claim_holds_exactly() {
        let mut bets = Bets::default();
        assert!(bets.log_wealth().abs() < 1e-12);
        for _ in 0..1_000 {
            bets.settle(0.02, 0.02);
        }
        assert!(bets.log_wealth().abs() < 1e-12);
    }

    #[test]
    fn four_bad_in_a_hundred_win_against_two() {
        let mut bets = Bets::default();
        for _ in 0..9 {
            bets.settle(0.04, 0.02);
        }
        // mean over f of (1 + f)^9, reckoned by hand: 1.1951, 1.5513, 2.3579, 5.1598, 20.661,
        // 118.588, 408.18.
        assert!((bets.log_wealth() - (557.69f64 / 7.0).ln()).abs() < 1e-3, "{bets:?}");
    }

    #[test]
    fn no_poll_ruins_or_overflows() {
        let mut bets = Bets::default();
        for _ in 0..1_000_000 {
            bets.settle(0.0, 0.000_001);
        }
        assert!(bets.log_wealth().is_finite());
        for _ in 0..1_000_000 {
            bets.settle(1.0, 0.000_001);
        }
        assert!(bets.log_wealth().is_finite());
    }
}
