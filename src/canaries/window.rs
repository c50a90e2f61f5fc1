//! The clock of a canary's window: when to look next, when it is over, and when time passed that
//! nobody observed.

use std::time::Duration;

use crate::canaries::rule::Moment;

/// How far the wall clock may run backwards before it is taken for a jump: a clock that is set
/// right by the network moves by less.
const BACKWARDS: time::Duration = time::Duration::seconds(2);

/// How long a window is and how often it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// From the start to the decision.
    pub(super) length: Duration,
    /// Between two looks.
    pub(super) poll: Duration,
}

/// Why time cannot be counted as observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interruption {
    /// More time passed since the last look than may.
    Gap,
    /// The wall clock was set.
    ClockJump,
}

impl Window {
    /// The longest time between two looks in which what was counted is still believed: three looks
    /// or a quarter of the window, whichever is longer.
    pub(super) fn longest_gap(self) -> Duration {
        (self.poll * 3).max(self.length / 4)
    }

    /// Whether the window is over.
    pub(super) fn is_over(self, elapsed: Duration) -> bool {
        self.length <= elapsed
    }

    /// Where this moment is in the window.
    pub(super) fn moment(self, elapsed: Duration) -> Moment {
        Moment { elapsed, window_over: self.is_over(elapsed) }
    }

    /// When the next look is due, on the window's clock: at the next multiple of the interval, and
    /// at the window's end.
    pub(super) fn next_look(self, elapsed: Duration) -> Duration {
        let poll = self.poll.as_millis().max(1);
        let next = (elapsed.as_millis() / poll + 1) * poll;
        let next = Duration::from_millis(u64::try_from(next).unwrap_or(u64::MAX));
        if elapsed < self.length { next.min(self.length) } else { next }
    }

    /// Judges the time between two looks: by the wall clock, and by the monotonic one where the
    /// daemon ran all the while.
    pub(super) fn interruption(
        self,
        wall: time::Duration,
        ran: Option<Duration>,
    ) -> Option<Interruption> {
        let longest = time::Duration::try_from(self.longest_gap()).unwrap_or(time::Duration::MAX);
        let ran = ran.map(|ran| time::Duration::try_from(ran).unwrap_or(time::Duration::MAX));
        if wall < -BACKWARDS {
            return Some(Interruption::ClockJump);
        }
        if longest < ran.unwrap_or(wall) {
            return Some(Interruption::Gap);
        }
        // The machine may have slept, which the monotonic clock does not see, or the clock was set:
        // nobody can tell, and neither was observed.
        (longest < (wall - ran.unwrap_or(wall)).abs()).then_some(Interruption::ClockJump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIVE_MINUTES: Window =
        Window { length: Duration::from_mins(5), poll: Duration::from_secs(5) };
    const SHORT: Window = Window { length: Duration::from_secs(20), poll: Duration::from_secs(5) };

    #[test]
    fn a_gap_is_three_looks_or_a_quarter_of_the_window() {
        assert_eq!(FIVE_MINUTES.longest_gap(), Duration::from_secs(75));
        assert_eq!(SHORT.longest_gap(), Duration::from_secs(15));
        let judge = |wall| FIVE_MINUTES.interruption(time::Duration::seconds(wall), None);
        assert_eq!(judge(75), None);
        assert_eq!(judge(76), Some(Interruption::Gap));
        assert_eq!(judge(-1), None);
        assert_eq!(judge(-3), Some(Interruption::ClockJump));
    }

    #[test]
    fn a_clock_that_was_set_is_noticed_while_the_daemon_runs() {
        let judge = |wall, ran| {
            SHORT.interruption(time::Duration::seconds(wall), Some(Duration::from_secs(ran)))
        };
        assert_eq!(judge(5, 5), None);
        assert_eq!(judge(3600, 5), Some(Interruption::ClockJump));
        assert_eq!(judge(-3595, 5), Some(Interruption::ClockJump));
        assert_eq!(judge(5, 16), Some(Interruption::Gap));
    }

    proptest! {
        #[test]
        fn looks_come_at_least_once_an_interval_and_one_at_the_end(
            elapsed in 0_u64..400_000,
            poll in 200_u64..20_000,
        ) {
            let poll = Duration::from_millis(poll);
            let window = Window { length: Duration::from_mins(5), poll };
            let elapsed = Duration::from_millis(elapsed);
            let next = window.next_look(elapsed);
            prop_assert!(elapsed < next && next <= elapsed + poll);
            prop_assert!(window.is_over(elapsed) || next <= window.length);
        }
    }
}
