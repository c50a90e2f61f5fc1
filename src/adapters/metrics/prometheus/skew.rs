//! How far a server's clock is from ours: samples carry its time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::api::{Data, When, ask};
use crate::adapters::outbound::Outbound;
use crate::clock::Clock;

/// How long a measured difference is used.
const KEPT: Duration = Duration::from_mins(1);

/// The difference that is warned of.
const TOLERATED_MS: i64 = 2_000;

/// The difference, measured now and then; canaries share it.
#[derive(Debug, Default)]
pub(super) struct Skew {
    last: Mutex<Option<(Instant, Difference)>>,
}

/// A server's clock against ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// By how much the server's clock is ahead; negative if it is behind.
    pub(super) ahead_ms: i64,
}

impl Difference {
    pub(super) fn warning(self) -> Option<String> {
        let side = if 0 < self.ahead_ms { "ahead of" } else { "behind" };
        let seconds = self.ahead_ms.unsigned_abs().div_ceil(1_000);
        (TOLERATED_MS < self.ahead_ms.abs())
            .then(|| format!("the clock of Prometheus is {seconds} s {side} the daemon's"))
    }
}

impl Skew {
    /// Measures it if that was long ago. A server that does not answer has the difference it had:
    /// its silence shows elsewhere.
    pub(super) async fn measured(
        &self,
        outbound: &Outbound,
        clock: &dyn Clock,
        limit: Duration,
    ) -> Difference {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, difference)) = last
            && at.elapsed() < KEPT
        {
            return difference;
        }
        let asked_ms = clock.now().unix_ms();
        let reply = ask(outbound, "time()", When::Now, limit).await;
        let middle_ms = asked_ms.midpoint(clock.now().unix_ms());
        let server_ms = reply.ok().and_then(|reply| match reply.data {
            Data::Number(point) => seconds_to_ms(point.value),
            Data::Series(found) => seconds_to_ms(found.first()?.samples.first()?.value),
        });
        let Some(server_ms) = server_ms else {
            return last.map(|(_, difference)| difference).unwrap_or_default();
        };
        let difference = Difference { ahead_ms: server_ms.saturating_sub(middle_ms) };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), difference));
        difference
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn seconds_to_ms(seconds: f64) -> Option<i64> {
    let milliseconds = seconds * 1_000.0;
    (0.0..=9e15).contains(&milliseconds).then_some(milliseconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_difference_is_warned_of() {
        let warning = |ahead_ms| Difference { ahead_ms }.warning();
        assert_eq!(warning(2_000), None);
        assert_eq!(warning(2_500).unwrap(), "the clock of Prometheus is 3 s ahead of the daemon's");
        assert_eq!(warning(-9_000).unwrap(), "the clock of Prometheus is 9 s behind the daemon's");
    }
}
