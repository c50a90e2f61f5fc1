//! Who waits for something to change, without wanting to be told what happened.
//!
//! A [`Follow`] is marked by the broadcast actor and looked at by whoever waits. It holds names and
//! no events, so that nobody who is slow costs memory: what changed twice is marked once.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::ids::Entity;
use crate::store::events::CommittedEvent;

/// The most things that one may follow.
pub const MOST_FOLLOWED: usize = 256;

/// What changed since it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// The things that were followed and changed.
    pub entities: BTreeSet<Entity>,
    /// Whether there is something new, or something that was asked for has become another.
    pub listing: bool,
}

impl Changed {
    fn is_empty(&self) -> bool {
        self.entities.is_empty() && !self.listing
    }
}

/// Everybody who waits.
#[derive(Default)]
pub struct Changes {
    waiting: Mutex<Waiting>,
    /// How many wait, so that publishing costs nothing while nobody does.
    count: AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    by_entity: HashMap<Entity, Vec<Arc<Mark>>>,
    for_listing: Vec<Arc<Mark>>,
}

#[derive(Default)]
struct Mark {
    changed: Mutex<Changed>,
    rung: Notify,
}

impl Mark {
    fn set(&self, set: impl FnOnce(&mut Changed)) {
        set(&mut locked(&self.changed));
        self.rung.notify_one();
    }
}

/// One who waits; dropping it ends that.
pub struct Follow {
    changes: Arc<Changes>,
    wanted: Mutex<Wanted>,
    mark: Arc<Mark>,
}

#[derive(Default)]
struct Wanted {
    entities: BTreeSet<Entity>,
    listing: bool,
}

/// More things than one may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {MOST_FOLLOWED} things can be followed at once")]
pub struct TooMany;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is done under these locks can leave them half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Changes {
    /// Begins to wait for nothing; see [`Follow::add`] and [`Follow::add_listing`].
    pub fn follow(self: &Arc<Self>) -> Follow {
        Follow { changes: Arc::clone(self), wanted: Mutex::default(), mark: Arc::default() }
    }

    /// Marks those who wait for what these events are about.
    pub(super) fn announce(&self, events: &[&CommittedEvent]) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let waiting = locked(&self.waiting);
        for event in events {
            for mark in waiting.by_entity.get(&event.entity).into_iter().flatten() {
                mark.set(|changed| {
                    changed.entities.insert(event.entity.clone());
                });
            }
        }
        if events.iter().any(|event| begins(&event.event_type)) {
            for mark in &waiting.for_listing {
                mark.set(|changed| changed.listing = true);
            }
        }
    }
}

/// Whether an event is the first about something, as far as its name says.
fn begins(event_type: &str) -> bool {
    matches!(event_type, "queued" | "started" | "promoted")
}

impl Follow {
    /// Waits for this one as well.
    ///
    /// # Errors
    /// It would be more than [`MOST_FOLLOWED`].
    pub fn add(&self, entity: Entity) -> Result<(), TooMany> {
        let mut wanted = locked(&self.wanted);
        if wanted.entities.contains(&entity) {
            return Ok(());
        }
        if MOST_FOLLOWED <= wanted.entities.len() {
            return Err(TooMany);
        }
        let mut waiting = locked(&self.changes.waiting);
        waiting.by_entity.entry(entity.clone()).or_default().push(Arc::clone(&self.mark));
        self.changes.count.fetch_add(1, Ordering::AcqRel);
        wanted.entities.insert(entity);
        Ok(())
    }

    /// Waits for it no more.
    pub fn remove(&self, entity: &Entity) {
        if locked(&self.wanted).entities.remove(entity) {
            self.forget(entity);
        }
    }

    /// Waits for new things as well.
    pub fn add_listing(&self) {
        if !std::mem::replace(&mut locked(&self.wanted).listing, true) {
            locked(&self.changes.waiting).for_listing.push(Arc::clone(&self.mark));
            self.changes.count.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// What changed since this was asked last, or since it was added; waits until something did.
    /// What is asked before this waits is never missed: add first, then look, then wait.
    pub async fn changed(&self) -> Changed {
        loop {
            let changed = self.take();
            if !changed.is_empty() {
                return changed;
            }
            self.mark.rung.notified().await;
        }
    }

    /// What is marked and still wanted.
    fn take(&self) -> Changed {
        let mut changed = std::mem::take(&mut *locked(&self.mark.changed));
        let wanted = locked(&self.wanted);
        changed.entities.retain(|entity| wanted.entities.contains(entity));
        changed
    }

    fn forget(&self, entity: &Entity) {
        let mut waiting = locked(&self.changes.waiting);
        if let Some(marks) = waiting.by_entity.get_mut(entity) {
            marks.retain(|mark| !Arc::ptr_eq(mark, &self.mark));
            if marks.is_empty() {
                waiting.by_entity.remove(entity);
            }
        }
        self.changes.count.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        let wanted = std::mem::take(&mut *locked(&self.wanted));
        for entity in &wanted.entities {
            self.forget(entity);
        }
        if wanted.listing {
            let mut waiting = locked(&self.changes.waiting);
            waiting.for_listing.retain(|mark| !Arc::ptr_eq(mark, &self.mark));
            self.changes.count.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn event(topic: &str, event_type: &str) -> CommittedEvent {
        let entity = Entity::parse(topic).unwrap();
        CommittedEvent { seq: 1, entity, event_type: event_type.into(), payload: "{}".into() }
    }

    #[test]
    fn who_waits_is_told_once_of_what_it_follows() {
        let changes = Arc::new(Changes::default());
        let follow = changes.follow();
        let job = Entity::parse("job/job_a").unwrap();
        follow.add(job.clone()).unwrap();
        assert_eq!(follow.changed().now_or_never(), None);
        let (one, other) = (event("job/job_a", "running"), event("job/job_b", "queued"));
        changes.announce(&[&one, &other]);
        changes.announce(&[&one]);
        let told = follow.changed().now_or_never().unwrap();
        assert_eq!(told, Changed { entities: [job.clone()].into(), listing: false });
        assert_eq!(follow.changed().now_or_never(), None);
        follow.remove(&job);
        changes.announce(&[&one]);
        assert_eq!(follow.changed().now_or_never(), None);
        follow.add_listing();
        changes.announce(&[&other]);
        assert!(follow.changed().now_or_never().unwrap().listing);
    }

    #[test]
    fn who_left_leaves_nothing() {
        let changes = Arc::new(Changes::default());
        let follow = changes.follow();
        for n in 0..MOST_FOLLOWED {
            follow.add(Entity::parse(&format!("job/job_{n}")).unwrap()).unwrap();
        }
        assert_eq!(follow.add(Entity::parse("job/job_more").unwrap()), Err(TooMany));
        follow.add_listing();
        drop(follow);
        assert_eq!(changes.count.load(Ordering::Acquire), 0);
        let waiting = locked(&changes.waiting);
        assert!(waiting.by_entity.is_empty() && waiting.for_listing.is_empty());
    }

    #[tokio::test]
    async fn a_mark_that_was_set_while_nobody_waited_is_found() {
        let changes = Arc::new(Changes::default());
        let follow = changes.follow();
        follow.add(Entity::parse("job/job_a").unwrap()).unwrap();
        let (announcer, waiter) = tokio::join!(
            async {
                tokio::task::yield_now().await;
                changes.announce(&[&event("job/job_a", "completed")]);
            },
            follow.changed()
        );
        let () = announcer;
        assert_eq!(waiter.entities.len(), 1);
    }
}
