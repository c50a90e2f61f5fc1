//! How often somebody may ask: a token bucket for each key, else for each peer.
//!
//! Time is the monotonic clock's, so that nobody gains or loses by a change of the wall clock.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// How many buckets are kept: the least recently used go first, and they are the fullest.
const BUCKETS: NonZeroUsize = NonZeroUsize::new(10_000).expect("10,000 is not 0");

/// Whose bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    /// A verified key, by its place in the list of keys.
    Key(usize),
    /// Who has a good token of OAuth, by the first half of the name's digest.
    Token([u8; 16]),
    /// Somebody without one, by address; an IPv6 peer by its /64, which is one customer's.
    Peer(IpAddr),
    /// The same at a page that is for everybody.
    Visitor(IpAddr),
    /// The same where tokens are to be had.
    TokenClient(IpAddr),
}

/// The address that stands for a peer.
fn customer(address: Option<IpAddr>) -> IpAddr {
    let address = address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Asker {
    pub(super) fn peer(address: Option<IpAddr>) -> Self {
        Self::Peer(customer(address))
    }

    /// Somebody who needs no key at this path. Behind a proxy all have one address: who only looks
    /// must not keep those from tokens who came for one, and who guesses must keep off neither.
    pub(super) fn without_key(address: Option<IpAddr>, path: &str) -> Self {
        let address = customer(address);
        if path.starts_with("/oauth/") {
            Self::TokenClient(address)
        } else {
            Self::Visitor(address)
        }
    }
}

impl Asker {
    /// Who has a token that says this is who it is.
    pub(super) fn token(principal: &str) -> Self {
        let digest = Sha256::digest(principal.as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self::Token(half)
    }
}

/// The buckets.
#[derive(Debug)]
pub struct RateLimiter {
    capacity: f64,
    per_second: f64,
    buckets: Mutex<LruCache<Asker, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimiter {
    /// At most `bucket` requests at once, refilled evenly over `window`.
    pub fn new(bucket: u32, window: Duration) -> Self {
        let capacity = f64::from(bucket);
        Self {
            capacity,
            per_second: capacity / window.as_secs_f64(),
            buckets: Mutex::new(LruCache::new(BUCKETS)),
        }
    }

    /// Takes `requests` from somebody's bucket, or says how long to wait until they are there.
    pub(super) fn take(&self, asker: Asker, requests: usize, now: Instant) -> Result<(), Duration> {
        let wanted = u32::try_from(requests).map_or(f64::MAX, f64::from).min(self.capacity);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket { tokens: self.capacity, at: now };
        let bucket = buckets.get_or_insert_mut(asker, || full);
        let elapsed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + elapsed * self.per_second).min(self.capacity);
        bucket.at = now;
        if bucket.tokens < wanted {
            return Err(Duration::from_secs_f64((wanted - bucket.tokens) / self.per_second));
        }
        bucket.tokens -= wanted;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn peer(address: &str) -> Asker {
        Asker::peer(Some(address.parse().unwrap()))
    }

    #[test]
    fn the_sixty_first_request_waits_for_its_token_and_others_do_not() {
        let limiter = RateLimiter::new(60, WINDOW);
        let now = Instant::now();
        for _ in 0..60 {
            limiter.take(Asker::Key(0), 1, now).unwrap();
        }
        let wait = limiter.take(Asker::Key(0), 1, now).unwrap_err();
        assert!((wait.as_secs_f64() - 1.0 / 6.0).abs() < 1e-9, "{wait:?}");
        limiter.take(Asker::Key(1), 1, now).unwrap();
        limiter.take(Asker::Key(0), 1, now + wait).unwrap();
    }

    #[test]
    fn a_peer_is_its_network_however_it_is_written() {
        assert_eq!(peer("::ffff:10.1.2.3"), peer("10.1.2.3"));
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8:0:1::1"), peer("2001:db8::1"));
    }

    #[test]
    fn a_batch_costs_its_members_but_never_more_than_the_bucket() {
        let limiter = RateLimiter::new(10, WINDOW);
        let now = Instant::now();
        limiter.take(Asker::Key(0), 7, now).unwrap();
        limiter.take(Asker::Key(0), 7, now).unwrap_err();
        limiter.take(Asker::Key(1), 1000, now).unwrap();
        limiter.take(Asker::Key(1), 1, now).unwrap_err();
    }

    #[test]
    fn who_looks_or_guesses_keeps_nobody_from_tokens() {
        let limiter = RateLimiter::new(2, WINDOW);
        let (now, proxy) = (Instant::now(), "10.0.0.1".parse().ok());
        let at = |path| Asker::without_key(proxy, path);
        for asker in [at("/"), Asker::peer(proxy)] {
            limiter.take(asker, 2, now).unwrap();
            limiter.take(asker, 1, now).unwrap_err();
        }
        assert_eq!(at("/mcp/server-card"), at("/"));
        limiter.take(at("/oauth/token"), 2, now).unwrap();
        limiter.take(at("/oauth/register"), 1, now).unwrap_err();
    }

    #[test]
    fn a_flood_of_strangers_takes_bounded_memory() {
        let limiter = RateLimiter::new(10, WINDOW);
        for n in 0..50_000u32 {
            limiter
                .take(Asker::peer(Some(IpAddr::from(n.to_be_bytes()))), 1, Instant::now())
                .unwrap();
        }
        assert_eq!(limiter.buckets.lock().unwrap().len(), BUCKETS.get());
    }
}
