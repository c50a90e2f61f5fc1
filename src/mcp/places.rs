//! How many of something each principal has at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Places of which each principal may take some.
pub(super) struct Places {
    taken: Mutex<HashMap<String, usize>>,
    most: usize,
    most_each: usize,
}

/// A place; dropping it gives it back.
pub struct Place {
    places: Arc<Places>,
    principal: String,
}

impl Places {
    pub(super) fn new(most: usize, most_each: usize) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), most, most_each })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Takes one, if there is one.
    pub(super) fn take(self: &Arc<Self>, principal: &str) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = taken.get(principal).copied().unwrap_or(0);
        if self.most_each <= mine || self.most <= taken.values().sum::<usize>() {
            return None;
        }
        taken.insert(principal.to_owned(), mine + 1);
        drop(taken);
        Some(Place { places: Arc::clone(self), principal: principal.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = taken.get_mut(&self.principal) {
            *mine -= 1;
            if *mine == 0 {
                taken.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_are_shared_out() {
        let places = Places::new(3, 2);
        let (one, _other) = (places.take("a"), places.take("a"));
        assert!(one.is_some() && places.take("a").is_none());
        let _third = places.take("b").unwrap();
        assert!(places.take("b").is_none());
        drop(one);
        assert!(places.take("b").is_some());
        assert_eq!(places.taken(), 2);
        assert_eq!(places.taken.lock().unwrap().len(), 2);
    }
}
