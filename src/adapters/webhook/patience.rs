//! How long a delivery is tried, and how often: pure.

use std::time::Duration;

/// The longest wait after the first failure; it doubles with each further one.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait of all.
const LONGEST: Duration = Duration::from_mins(5);

/// When a transition is skipped that could not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Not before it is so old.
    pub give_up: Duration,
    /// Nor before so many attempts of this run of the daemon, however old it is: a clock that jumps
    /// ahead, or a daemon that was away, must not cost one.
    pub least_attempts: u32,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again after this.
    Retry(Duration),
    /// Go on to the next transition.
    Skip,
}

impl Patience {
    /// Decides after `attempts` failures in this run for a transition that happened `age` ago.
    /// `jitter` is between 0 and 1.
    pub fn after_failure(self, attempts: u32, age: time::Duration, jitter: f64) -> Next {
        let is_old = age.is_positive() && self.give_up <= age.unsigned_abs();
        if is_old && self.least_attempts <= attempts {
            return Next::Skip;
        }
        let longest = FIRST.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
        Next::Retry(longest.min(LONGEST).mul_f64(jitter.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_DAY: Patience = Patience { give_up: Duration::from_hours(24), least_attempts: 8 };

    #[test]
    fn waits_grow_and_are_drawn_from_all_of_the_span() {
        let wait = |attempts, jitter| A_DAY.after_failure(attempts, time::Duration::ZERO, jitter);
        assert_eq!(wait(1, 1.0), Next::Retry(FIRST));
        assert_eq!(wait(1, 0.0), Next::Retry(Duration::ZERO));
        assert_eq!(wait(4, 1.0), Next::Retry(Duration::from_secs(4)));
        assert_eq!(wait(u32::MAX, 1.0), Next::Retry(LONGEST));
        assert_eq!(wait(u32::MAX, 0.5), Next::Retry(LONGEST / 2));
    }

    #[test]
    fn only_what_is_old_and_was_tried_often_is_skipped() {
        let skips = |attempts, hours| {
            A_DAY.after_failure(attempts, time::Duration::hours(hours), 0.0) == Next::Skip
        };
        assert!(skips(8, 24));
        assert!(!skips(8, 23));
        assert!(!skips(7, 1_000));
        assert!(!skips(1_000, -48));
    }
}
