//! How many sockets may there be, of all and of one?

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The sockets that are open.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    all: usize,
    of: HashMap<String, usize>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// All are taken.
    Full,
    /// This principal has as many as it may.
    PrincipalFull(usize),
}

/// A place; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    principal: String,
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.lock().all
    }

    /// Takes a place, if there are fewer than `most`, and fewer than `most_of_one` of this one's.
    pub(super) fn take(
        self: &Arc<Self>,
        principal: &str,
        (most, most_of_one): (usize, usize),
    ) -> Result<Place, NoPlace> {
        let mut open = self.lock();
        if most <= open.all {
            return Err(NoPlace::Full);
        }
        let own = open.of.get(principal).copied().unwrap_or(0);
        if most_of_one <= own {
            return Err(NoPlace::PrincipalFull(own));
        }
        open.all += 1;
        open.of.insert(principal.to_owned(), own + 1);
        Ok(Place { places: Arc::clone(self), principal: principal.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.lock();
        open.all -= 1;
        if let Some(own) = open.of.get_mut(&self.principal) {
            *own -= 1;
            if *own == 0 {
                open.of.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_and_given_back() {
        let places = Arc::<Places>::default();
        let limits = (3, 2);
        let one = places.take("a", limits).unwrap();
        let two = places.take("a", limits).unwrap();
        assert_eq!(places.take("a", limits).unwrap_err(), NoPlace::PrincipalFull(2));
        let three = places.take("b", limits).unwrap();
        assert_eq!(places.take("c", limits).unwrap_err(), NoPlace::Full);
        drop((one, three));
        assert_eq!(places.open(), 1);
        drop((places.take("a", limits).unwrap(), two));
        assert_eq!(places.open(), 0);
        assert!(places.lock().of.is_empty());
    }
}
