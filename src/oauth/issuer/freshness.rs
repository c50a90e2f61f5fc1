//! When are an issuer's keys asked for again, and how long do they serve? Pure.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// The age at which keys are asked for anew, while they still serve.
const FRESH: Duration = Duration::from_mins(10);

/// The age at which they no longer serve: a key that the issuer withdrew is refused after this at
/// the latest, whether the issuer answers or not.
const STALE: Duration = Duration::from_hours(1);

/// The least time between two requests to the issuer, whatever tokens come in.
pub(super) const FLOOR: Duration = Duration::from_secs(10);

/// What was fetched, and when.
#[derive(Debug)]
pub(super) struct Cache<K> {
    kept: Option<(Arc<K>, Instant)>,
    tried: Option<Instant>,
    /// Whether the latest attempt brought keys.
    succeeded: bool,
}

/// What there is to do with a token.
#[derive(Debug)]
pub(super) enum Step<K> {
    /// Judge it by these keys.
    Judge(Arc<K>),
    /// Judge it by these keys, and ask for newer ones meanwhile.
    JudgeAndRefresh(Arc<K>),
    /// Wait for keys.
    Fetch,
    /// Refuse it: its key is not published.
    UnknownKey,
    /// It cannot be judged; it may be after this time.
    Later(Duration),
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self { kept: None, tried: None, succeeded: false }
    }
}

impl<K> Cache<K> {
    /// Notes that the issuer is asked.
    pub(super) fn begins(&mut self, now: Instant) {
        self.tried = Some(now);
        self.succeeded = false;
    }

    /// Notes what it answered; nothing when it did not, or nothing of use.
    pub(super) fn ends(&mut self, keys: Option<K>, now: Instant) {
        self.succeeded = keys.is_some();
        if let Some(keys) = keys {
            self.kept = Some((Arc::new(keys), now));
        }
    }

    /// What to do with a token whose key is among the kept ones if `knows` says so.
    pub(super) fn step(&self, now: Instant, knows: impl FnOnce(&K) -> bool) -> Step<K> {
        let since = |then: Instant| now.saturating_duration_since(then);
        let wait = self.tried.and_then(|tried| FLOOR.checked_sub(since(tried)));
        let wait = wait.filter(|wait| !wait.is_zero());
        let kept = self.kept.as_ref().filter(|(_, fetched)| since(*fetched) < STALE);
        match (kept, wait) {
            (Some((keys, fetched)), wait) if knows(keys) => {
                if FRESH <= since(*fetched) && wait.is_none() {
                    Step::JudgeAndRefresh(Arc::clone(keys))
                } else {
                    Step::Judge(Arc::clone(keys))
                }
            }
            (_, None) => Step::Fetch,
            (Some(_), Some(_)) if self.succeeded => Step::UnknownKey,
            (_, Some(wait)) => Step::Later(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Seen {
        Judge,
        JudgeAndRefresh,
        Fetch,
        UnknownKey,
        Later(u64),
    }

    fn seen(cache: &Cache<&'static str>, at: Instant, key: &str) -> Seen {
        match cache.step(at, |kept| kept.contains(key)) {
            Step::Judge(_) => Seen::Judge,
            Step::JudgeAndRefresh(_) => Seen::JudgeAndRefresh,
            Step::Fetch => Seen::Fetch,
            Step::UnknownKey => Seen::UnknownKey,
            Step::Later(wait) => Seen::Later(wait.as_secs()),
        }
    }

    #[test]
    fn keys_serve_then_are_renewed_and_then_serve_no_longer() {
        let (mut cache, began) = (Cache::default(), Instant::now());
        let after = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(seen(&cache, began, "a"), Seen::Fetch);
        cache.begins(began);
        cache.ends(Some("a b"), began);
        for (at, expected) in [
            (0, Seen::Judge),
            (599, Seen::Judge),
            (600, Seen::JudgeAndRefresh),
            (3_599, Seen::JudgeAndRefresh),
            (3_600, Seen::Fetch),
        ] {
            assert_eq!(seen(&cache, after(at), "a"), expected, "{at}");
        }
        cache.begins(after(3_000));
        cache.ends(None, after(3_001));
        for (at, expected) in
            [(3_005, Seen::Judge), (3_010, Seen::JudgeAndRefresh), (3_600, Seen::Fetch)]
        {
            assert_eq!(seen(&cache, after(at), "a"), expected, "{at}");
        }
    }

    #[test]
    fn an_unknown_key_has_the_issuer_asked_once_in_a_while() {
        let (mut cache, began) = (Cache::default(), Instant::now());
        let after = |seconds| began + Duration::from_secs(seconds);
        cache.begins(began);
        cache.ends(Some("a"), began);
        assert_eq!(seen(&cache, after(1), "b"), Seen::UnknownKey);
        assert_eq!(seen(&cache, after(10), "b"), Seen::Fetch);
        cache.begins(after(10));
        cache.ends(Some("b"), after(11));
        assert_eq!(seen(&cache, after(11), "b"), Seen::Judge);
        assert_eq!(seen(&cache, after(11), "a"), Seen::UnknownKey, "it was withdrawn");
    }

    #[test]
    fn an_issuer_that_does_not_answer_is_left_alone_and_nobody_is_let_in() {
        let (mut cache, began) = (Cache::default(), Instant::now());
        let after = |seconds| began + Duration::from_secs(seconds);
        cache.begins(began);
        cache.ends(None, after(5));
        assert_eq!(seen(&cache, after(6), "a"), Seen::Later(4));
        assert_eq!(seen(&cache, after(10), "a"), Seen::Fetch);
        cache.begins(after(10));
        cache.ends(Some("a"), after(10));
        cache.begins(after(30));
        cache.ends(None, after(31));
        assert_eq!(seen(&cache, after(32), "b"), Seen::Later(8), "it may be new");
        assert_eq!(seen(&cache, after(32), "a"), Seen::Judge);
    }
}
