//! Who runs next: first come, first served for each principal, and the principals in turn.
//!
//! Somebody who asks for ten thousand evals at once keeps nobody else waiting for all of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

/// Places for what runs, and a fair queue for what waits.
#[derive(Debug)]
pub struct FairQueue<I> {
    places: usize,
    running: HashSet<I>,
    /// Whose turn it is; each principal with somebody waiting is in it once.
    turns: VecDeque<Box<str>>,
    waiting: HashMap<Box<str>, VecDeque<I>>,
    waiting_count: usize,
}

impl<I: Clone + Eq + Hash> FairQueue<I> {
    /// A queue for this many places; with none, everything waits.
    pub fn new(places: usize) -> Self {
        Self {
            places,
            running: HashSet::new(),
            turns: VecDeque::new(),
            waiting: HashMap::new(),
            waiting_count: 0,
        }
    }

    /// Asks for a place and says whether it is there at once. Otherwise the item waits.
    pub fn ask(&mut self, item: I, principal: &str) -> bool {
        if self.running.contains(&item) {
            return true;
        }
        if self.waiting_count == 0 && self.running.len() < self.places {
            self.running.insert(item);
            return true;
        }
        let line = self.waiting.entry(principal.into()).or_default();
        if line.is_empty() {
            self.turns.push_back(principal.into());
        }
        line.push_back(item);
        self.waiting_count += 1;
        false
    }

    /// Takes a place for what runs already, whether there is one or not.
    pub fn occupy(&mut self, item: I) {
        self.running.insert(item);
    }

    /// Gives an item's place or its turn back, and names those that may run now.
    pub fn leave(&mut self, item: &I) -> Vec<I> {
        if !self.running.remove(item) {
            self.remove_waiting(item);
        }
        let mut granted = Vec::new();
        while self.running.len() < self.places {
            let Some(next) = self.next() else { break };
            self.running.insert(next.clone());
            granted.push(next);
        }
        granted
    }

    fn next(&mut self) -> Option<I> {
        let principal = self.turns.pop_front()?;
        let line = self.waiting.get_mut(&principal)?;
        let item = line.pop_front()?;
        self.waiting_count -= 1;
        if line.is_empty() {
            self.waiting.remove(&principal);
        } else {
            self.turns.push_back(principal);
        }
        Some(item)
    }

    fn remove_waiting(&mut self, item: &I) {
        let mut emptied = None;
        for (principal, line) in &mut self.waiting {
            let before = line.len();
            line.retain(|other| other != item);
            if line.len() < before {
                self.waiting_count -= before - line.len();
                emptied = line.is_empty().then(|| principal.clone());
                break;
            }
        }
        if let Some(principal) = emptied {
            self.waiting.remove(&principal);
            self.turns.retain(|other| *other != principal);
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting_count
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.running.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn principals_take_turns() {
        let mut queue = FairQueue::new(1);
        assert!(queue.ask("a1", "a"));
        for (item, principal) in [("a2", "a"), ("a3", "a"), ("b1", "b"), ("b2", "b")] {
            assert!(!queue.ask(item, principal));
        }
        let mut order = vec!["a1"];
        while let Some(next) = queue.leave(order.last().unwrap()).first() {
            order.push(next);
        }
        assert_eq!(order, ["a1", "a2", "b1", "a3", "b2"]);
    }

    #[test]
    fn no_place_means_that_everything_waits() {
        let mut queue = FairQueue::new(0);
        assert!(!queue.ask(1, "a"));
        assert_eq!(queue.leave(&2), Vec::<i32>::new());
        assert_eq!((queue.waiting(), queue.running()), (1, 0));
    }

    #[test]
    fn what_runs_already_keeps_its_place_beyond_the_limit() {
        let mut queue = FairQueue::new(1);
        queue.occupy(1);
        queue.occupy(2);
        assert!(!queue.ask(3, "a"));
        assert_eq!(queue.leave(&1), Vec::<i32>::new());
        assert_eq!(queue.leave(&2), [3]);
    }

    proptest! {
        #[test]
        fn everything_that_asks_runs_once_and_never_too_many(
            places in 1usize..4,
            asks in proptest::collection::vec((0u8..5, any::<bool>()), 1..80),
        ) {
            let mut queue = FairQueue::new(places);
            let mut ran = Vec::new();
            let mut gone = HashSet::new();
            for (n, (principal, leaves)) in asks.iter().enumerate() {
                if queue.ask(n, &principal.to_string()) {
                    ran.push(n);
                }
                if *leaves {
                    let out = n / 2;
                    gone.insert(out);
                    ran.extend(queue.leave(&out));
                }
                prop_assert!(queue.running() <= places);
            }
            while let Some(&runs) = ran.iter().find(|n| queue.running.contains(n)) {
                ran.extend(queue.leave(&runs));
            }
            prop_assert_eq!(queue.waiting(), 0);
            let once: HashSet<_> = ran.iter().copied().collect();
            prop_assert_eq!(once.len(), ran.len());
            for n in 0..asks.len() {
                prop_assert!(once.contains(&n) || gone.contains(&n), "{} never ran", n);
            }
        }
    }
}
