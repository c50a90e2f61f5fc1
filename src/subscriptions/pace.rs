//! How often strangers' hosts are asked whether they want to be told: pure.
//!
//! Whoever may subscribe can have the daemon post one small message to any public host. A host is
//! asked so rarely that this is no way to bother anybody.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// How often a host is asked within [`SPAN`].
pub(super) const MOST: usize = 20;

/// How many hosts are asked within it.
const HOSTS: usize = 1_024;

/// The time in which that is counted.
const SPAN: Duration = Duration::from_mins(1);

/// When which host was asked.
#[derive(Debug, Default)]
pub(super) struct Pace(HashMap<Box<str>, VecDeque<Instant>>);

impl Pace {
    /// Whether a host may be asked now, which then counts.
    pub(super) fn admits(&mut self, host: &str, now: Instant) -> bool {
        self.0.retain(|_, asked| {
            while asked.front().is_some_and(|at| SPAN <= now.duration_since(*at)) {
                asked.pop_front();
            }
            !asked.is_empty()
        });
        let is_known = self.0.contains_key(host);
        if !is_known && HOSTS <= self.0.len() {
            return false;
        }
        let asked = self.0.entry(host.into()).or_default();
        let admitted = asked.len() < MOST;
        if admitted {
            asked.push_back(now);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_so_often_in_a_minute() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for n in 0..MOST {
            assert!(pace.admits("one", at(n as u64)));
        }
        assert!(!pace.admits("one", at(59)));
        assert!(pace.admits("other", at(59)));
        assert!(pace.admits("one", at(60)));
        assert!(!pace.admits("one", at(60)));
        assert!(pace.admits("one", at(61)));
        assert!(pace.admits("third", at(1_000)));
        assert_eq!(pace.0.len(), 1);
    }

    #[test]
    fn only_so_many_hosts_are_remembered() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!((0..HOSTS).all(|n| pace.admits(&n.to_string(), now)));
        assert!(!pace.admits("more", now));
        assert!(pace.admits("more", now + SPAN));
    }
}
