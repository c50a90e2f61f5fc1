//! Counting requests that were not let in, so that a flood of them is a few rows.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a request was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It presented no key.
    NoKey,
    /// It presented a key that is none of ours.
    WrongKey,
    /// It presented several.
    ManyKeys,
    /// It presented a ticket that was used, is too old, or is none of ours.
    StaleTicket,
    /// It presented a token of OAuth that is not good.
    WrongToken,
    /// It presented a token of OAuth that could not be judged.
    UnjudgedToken,
    /// It presented a token of OAuth that is for something else.
    NarrowToken,
}

impl Refusal {
    const ALL: [Self; 7] = [
        Self::NoKey,
        Self::WrongKey,
        Self::ManyKeys,
        Self::StaleTicket,
        Self::WrongToken,
        Self::UnjudgedToken,
        Self::NarrowToken,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::NoKey => "no key was presented",
            Self::WrongKey => "a wrong key was presented",
            Self::ManyKeys => "more than one key was presented",
            Self::StaleTicket => "a ticket was presented that opens nothing",
            Self::WrongToken => "a token of OAuth was presented that is not good",
            Self::UnjudgedToken => "a token of OAuth was presented that could not be judged",
            Self::NarrowToken => "a token of OAuth was presented whose scopes allow too little",
        }
    }
}

/// How many requests were refused for each reason since they were last taken.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; Refusal::ALL.len()]);

impl Refusals {
    /// Counts one.
    pub fn count(&self, refusal: Refusal) {
        self.0[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the reasons for which there are any, in words, with their numbers.
    pub(super) fn take(&self) -> Vec<(&'static str, u64)> {
        let taken = Refusal::ALL
            .map(|refusal| (refusal.as_str(), self.0[refusal as usize].swap(0, Ordering::Relaxed)));
        taken.into_iter().filter(|(_, count)| 0 < *count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_reason_and_taken_once() {
        let refusals = Refusals::default();
        for refusal in [Refusal::ManyKeys, Refusal::WrongKey, Refusal::WrongKey] {
            refusals.count(refusal);
        }
        let expected =
            vec![("a wrong key was presented", 2), ("more than one key was presented", 1)];
        assert_eq!(refusals.take(), expected);
        assert_eq!(refusals.take(), []);
    }
}
