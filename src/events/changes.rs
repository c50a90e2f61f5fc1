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

/// What one can follow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watchable {
    /// A job, a canary or a model, of which there are events.
    Entity(Entity),
    /// A file of the repository, by its path.
    File(String),
}

impl From<Entity> for Watchable {
    fn from(entity: Entity) -> Self {
        Self::Entity(entity)
    }
}

/// What changed since it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// What was followed and changed.
    pub followed: BTreeSet<Watchable>,
    /// Whether there is something new, or something that was asked for has become another.
    pub listing: bool,
}

impl Changed {
    fn is_empty(&self) -> bool {
        self.followed.is_empty() && !self.listing
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
    by_followed: HashMap<Watchable, Vec<Arc<Mark>>>,
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
    followed: BTreeSet<Watchable>,
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
            waiting.mark(&event.entity.clone().into());
        }
        if events.iter().any(|event| begins(&event.event_type)) {
            for mark in &waiting.for_listing {
                mark.set(|changed| changed.listing = true);
            }
        }
    }

    /// Marks those who wait for files with these paths, which came, changed or went.
    pub fn announce_files(&self, paths: impl IntoIterator<Item = String>) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let waiting = locked(&self.waiting);
        for path in paths {
            waiting.mark(&Watchable::File(path));
        }
    }
}

impl Waiting {
    /// Marks those who wait for this.
    fn mark(&self, followed: &Watchable) {
        for mark in self.by_followed.get(followed).into_iter().flatten() {
            mark.set(|changed| {
                changed.followed.insert(followed.clone());
            });
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
    pub fn add(&self, followed: Watchable) -> Result<(), TooMany> {
        let mut wanted = locked(&self.wanted);
        if wanted.followed.contains(&followed) {
            return Ok(());
        }
        if MOST_FOLLOWED <= wanted.followed.len() {
            return Err(TooMany);
        }
        let mut waiting = locked(&self.changes.waiting);
        waiting.by_followed.entry(followed.clone()).or_default().push(Arc::clone(&self.mark));
        self.changes.count.fetch_add(1, Ordering::AcqRel);
        wanted.followed.insert(followed);
        Ok(())
    }

    /// Waits for it no more.
    pub fn remove(&self, followed: &Watchable) {
        if locked(&self.wanted).followed.remove(followed) {
            self.forget(followed);
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
        changed.followed.retain(|one| wanted.followed.contains(one));
        changed
    }

    fn forget(&self, followed: &Watchable) {
        let mut waiting = locked(&self.changes.waiting);
        if let Some(marks) = waiting.by_followed.get_mut(followed) {
            marks.retain(|mark| !Arc::ptr_eq(mark, &self.mark));
            if marks.is_empty() {
                waiting.by_followed.remove(followed);
            }
        }
        self.changes.count.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        let wanted = std::mem::take(&mut *locked(&self.wanted));
        for one in &wanted.followed {
            self.forget(one);
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

    fn entity(topic: &str) -> Watchable {
        Entity::parse(topic).unwrap().into()
    }

    #[test]
    fn files_are_followed_by_their_paths() {
        let changes = Arc::new(Changes::default());
        changes.announce_files(["a".to_owned()]);
        let follow = changes.follow();
        follow.add(Watchable::File("a".to_owned())).unwrap();
        changes.announce_files(["b".to_owned(), "job/job_a".to_owned()]);
        assert_eq!(follow.changed().now_or_never(), None);
        changes.announce_files(["b".to_owned(), "a".to_owned()]);
        let told = follow.changed().now_or_never().unwrap();
        assert_eq!(told.followed, [Watchable::File("a".to_owned())].into());
    }

    #[test]
    fn who_waits_is_told_once_of_what_it_follows() {
        let changes = Arc::new(Changes::default());
        let follow = changes.follow();
        let job = entity("job/job_a");
        follow.add(job.clone()).unwrap();
        assert_eq!(follow.changed().now_or_never(), None);
        let (one, other) = (event("job/job_a", "running"), event("job/job_b", "queued"));
        changes.announce(&[&one, &other]);
        changes.announce(&[&one]);
        let told = follow.changed().now_or_never().unwrap();
        assert_eq!(told, Changed { followed: [job.clone()].into(), listing: false });
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
            follow.add(entity(&format!("job/job_{n}"))).unwrap();
        }
        assert_eq!(follow.add(entity("job/job_more")), Err(TooMany));
        follow.add_listing();
        drop(follow);
        assert_eq!(changes.count.load(Ordering::Acquire), 0);
        let waiting = locked(&changes.waiting);
        assert!(waiting.by_followed.is_empty() && waiting.for_listing.is_empty());
    }

    #[tokio::test]
    async fn a_mark_that_was_set_while_nobody_waited_is_found() {
        let changes = Arc::new(Changes::default());
        let follow = changes.follow();
        follow.add(entity("job/job_a")).unwrap();
        let (announcer, waiter) = tokio::join!(
            async {
                tokio::task::yield_now().await;
                changes.announce(&[&event("job/job_a", "completed")]);
            },
            follow.changed()
        );
        let () = announcer;
        assert_eq!(waiter.followed.len(), 1);
    }
}
