//! How often, and how fast, a failing actor may come back.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How stubborn supervision is.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    /// Restarts allowed within `window`; one more and the actor is given up.
    pub max_restarts: usize,
    /// The span over which restarts are counted.
    pub window: Duration,
    /// The wait before the first restart; it doubles with each further one in the window.
    pub first_delay: Duration,
    /// The longest wait.
    pub max_delay: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            max_restarts: 5,
            window: Duration::from_mins(1),
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(10),
        }
    }
}

/// One actor's restarts so far.
#[derive(Debug)]
pub struct Restarts {
    policy: RestartPolicy,
    recent: VecDeque<Instant>,
}

impl Restarts {
    /// An actor that was never restarted.
    pub fn new(policy: RestartPolicy) -> Self {
        Self { policy, recent: VecDeque::new() }
    }

    /// Grants a restart at `now` and says how long to wait before it, or gives the actor up.
    ///
    /// `jitter` between 0 and 1 shortens the wait by up to a quarter, so that actors which failed
    /// together do not come back together.
    pub fn grant(&mut self, now: Instant, jitter: f64) -> Option<Duration> {
        let window = self.policy.window;
        self.recent.retain(|&at| now.duration_since(at) < window);
        let restarts = self.recent.len();
        if self.policy.max_restarts <= restarts {
            return None;
        }
        self.recent.push_back(now);
        let doublings = u32::try_from(restarts).unwrap_or(u32::MAX);
        let delay = self.policy.first_delay.saturating_mul(2u32.saturating_pow(doublings));
        Some(delay.min(self.policy.max_delay).mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RestartPolicy = RestartPolicy {
        max_restarts: 3,
        window: Duration::from_mins(1),
        first_delay: Duration::from_secs(1),
        max_delay: Duration::from_secs(3),
    };

    #[test]
    fn delays_double_up_to_the_cap_then_the_actor_is_given_up() {
        let now = Instant::now();
        let mut restarts = Restarts::new(POLICY);
        let granted: Vec<_> = (0..4).map(|_| restarts.grant(now, 0.0)).collect();
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(granted, [seconds(1), seconds(2), seconds(3), None]);
    }

    #[test]
    fn a_quiet_window_forgives() {
        let start = Instant::now();
        let mut restarts = Restarts::new(POLICY);
        for _ in 0..3 {
            restarts.grant(start, 0.0);
        }
        assert_eq!(restarts.grant(start + POLICY.window, 0.0), Some(POLICY.first_delay));
    }

    #[test]
    fn jitter_only_shortens() {
        let mut restarts = Restarts::new(POLICY);
        assert_eq!(restarts.grant(Instant::now(), 1.0), Some(Duration::from_millis(750)));
    }
}
