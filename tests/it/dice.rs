//! Chance that can be repeated: a test prints its seed, and takes it from the environment.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// A small generator (`SplitMix64`); the same seed gives the same throws.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Seeded by `LUKHAS_SEED`, else by chance; prints the seed either way.
    pub fn new() -> Self {
        let seed = std::env::var("LUKHAS_SEED").ok().map(|seed| seed.parse().unwrap());
        let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 32);
        println!("LUKHAS_SEED={seed}");
        Self { state: seed }
    }

    /// Dice of their own for somebody else, who then throws whenever they like.
    pub fn split(&mut self) -> Self {
        Self { state: self.next() }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number of the range.
    pub fn between(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// So many milliseconds.
    pub fn milliseconds(&mut self, range: Range<u64>) -> std::time::Duration {
        std::time::Duration::from_millis(self.between(range))
    }

    /// Whether a throw with `sides` sides shows a one.
    pub fn one_in(&mut self, sides: u64) -> bool {
        self.between(0..sides) == 0
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.between(0..from.len() as u64);
        &from[usize::try_from(index).unwrap()]
    }
}

/// A port that nobody listens on, below those that the system gives to outgoing connections.
///
/// No other test is given it, although nobody listens there while a daemon is killed and started
/// again. Of other processes' tests that holds for the first sixteen.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() * 16;
    let next = || 10_000 + (first + GIVEN.fetch_add(1, Ordering::Relaxed)) % 22_000;
    std::iter::repeat_with(next)
        .take(22_000)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

#[test]
fn nobody_is_given_the_port_of_somebody_else() {
    let ports: BTreeSet<u16> = (0..50).map(|_| free_port()).collect();
    assert_eq!(ports.len(), 50);
}
