//! The resources that one client wants to hear of, and what it is told when they change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::events::{Changed, Changes, Follow, TooMany, Watchable};

/// The longest address.
const URI_LENGTH: usize = 1_024;

/// The resources that one client wants to hear of.
pub(super) struct Watched {
    follow: Follow,
    /// As the client spelt them, by what they are about.
    uris: Mutex<BTreeMap<Watchable, BTreeSet<String>>>,
}

/// What a client is to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// These resources changed.
    pub(super) updated: Vec<String>,
    /// There are others than before.
    pub(super) listing: bool,
    /// What changed.
    pub(super) followed: BTreeSet<Watchable>,
}

impl Watched {
    pub(super) fn new(changes: &Arc<Changes>) -> Self {
        Self { follow: changes.follow(), uris: Mutex::default() }
    }

    fn uris(&self) -> MutexGuard<'_, BTreeMap<Watchable, BTreeSet<String>>> {
        // Each change is whole before anything in it can panic.
        self.uris.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants to hear of a resource about this.
    pub(super) fn add(&self, uri: &str, followed: Watchable) -> Result<(), TooMany> {
        if URI_LENGTH < uri.len() {
            return Err(TooMany);
        }
        let mut uris = self.uris();
        self.follow.add(followed.clone())?;
        let spelt = uris.entry(followed).or_default();
        // The same thing has few spellings that anybody needs.
        if 8 <= spelt.len() && !spelt.contains(uri) {
            return Err(TooMany);
        }
        spelt.insert(uri.to_owned());
        Ok(())
    }

    /// Wants to hear of it no more.
    pub(super) fn remove(&self, uri: &str, followed: &Watchable) {
        let mut uris = self.uris();
        if let Some(spelt) = uris.get_mut(followed) {
            spelt.remove(uri);
            if spelt.is_empty() {
                uris.remove(followed);
                self.follow.remove(followed);
            }
        }
    }

    /// Wants to hear of this, which has no address.
    pub(super) fn add_silently(&self, followed: Watchable) -> Result<(), TooMany> {
        self.follow.add(followed)
    }

    /// Wants to hear of it no more, unless a resource is about it.
    pub(super) fn remove_silent(&self, followed: &Watchable) {
        if !self.uris().contains_key(followed) {
            self.follow.remove(followed);
        }
    }

    /// Wants to hear of new resources.
    pub(super) fn add_listing(&self) {
        self.follow.add_listing();
    }

    /// Waits until there is something to tell.
    pub(super) async fn told(&self) -> Told {
        let Changed { followed, listing } = self.follow.changed().await;
        let uris = self.uris();
        let updated = followed.iter().filter_map(|one| uris.get(one)).flatten().cloned().collect();
        Told { updated, listing, followed }
    }
}
