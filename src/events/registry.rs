//! Who follows what, and the rings there are.
//!
//! The topics of many things always have a ring; one thing has one while somebody follows it. An
//! event finds its rings by looking up its kind and its entity, however many readers there are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Waker;

use bytes::Bytes;
use futures_util::task::AtomicWaker;

use crate::events::admission::{Limits, SubscribeError};
use crate::events::ring::{Capacity, Ring};
use crate::events::topic::Topic;
use crate::ids::{Entity, EntityKind};

pub(super) type ReaderId = u64;

/// What others know of a reader: how to wake it, and what it was told.
pub(super) struct Seat {
    pub(super) waker: AtomicWaker,
    notices: AtomicU8,
    principal: Arc<str>,
}

/// It is time for a sign of life.
pub(super) const BEAT: u8 = 1;
/// Its key is no longer valid.
pub(super) const REVOKED: u8 = 2;

impl Seat {
    /// Takes note of something; the reader looks when it is next polled.
    pub(super) fn notify(&self, notice: u8) {
        self.notices.fetch_or(notice, Ordering::AcqRel);
    }

    /// Whether there is such a notice, which is then taken down.
    pub(super) fn take(&self, notice: u8) -> bool {
        // Almost always there is none, and a load leaves the others' caches alone.
        self.notices.load(Ordering::Acquire) & notice != 0
            && self.notices.fetch_and(!notice, Ordering::AcqRel) & notice != 0
    }

    pub(super) fn principal(&self) -> &str {
        &self.principal
    }
}

/// A reader's place: what is given back when it leaves.
pub(super) struct Place {
    pub(super) id: ReaderId,
    pub(super) seat: Arc<Seat>,
    /// Its topics in the order asked, each with its ring.
    pub(super) follows: Box<[(Topic, Arc<Ring>)]>,
}

/// A topic's ring and those who follow it.
struct Channel {
    ring: Arc<Ring>,
    readers: BTreeMap<ReaderId, Arc<Seat>>,
}

impl Channel {
    fn new(floor: i64, capacity: Capacity) -> Self {
        Self { ring: Arc::new(Ring::new(floor, capacity)), readers: BTreeMap::new() }
    }

    fn wake(&self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.readers.values().filter_map(|seat| seat.waker.take()));
    }
}

/// An event with its frames: under its own name, and under its kind's.
pub(super) struct Framed<'a> {
    pub(super) seq: i64,
    pub(super) entity: &'a Entity,
    pub(super) specific: Bytes,
    pub(super) general: Bytes,
}

pub(super) struct Registry {
    limits: Limits,
    everything: Channel,
    /// By kind, as `job/*`.
    each: [Channel; 3],
    /// By kind, as `jobs`.
    classes: [Channel; 3],
    entities: HashMap<Entity, Channel>,
    seats: BTreeMap<ReaderId, Arc<Seat>>,
    principals: HashMap<Arc<str>, usize>,
    next: ReaderId,
}

impl Registry {
    /// A registry whose rings know everything that comes after `head`.
    pub(super) fn new(head: i64, limits: Limits) -> Self {
        let capacity = Capacity { events: limits.ring_events, bytes: limits.ring_bytes };
        let channel = || Channel::new(head, capacity);
        Self {
            limits,
            everything: channel(),
            each: [channel(), channel(), channel()],
            classes: [channel(), channel(), channel()],
            entities: HashMap::new(),
            seats: BTreeMap::new(),
            principals: HashMap::new(),
            next: 0,
        }
    }

    /// How many readers there are.
    pub(super) fn readers(&self) -> usize {
        self.seats.len()
    }

    /// Gives a reader a place, and to each of its topics the ring. `head` is the newest event that
    /// was published.
    pub(super) fn admit(
        &mut self,
        principal: &str,
        topics: &[Topic],
        head: i64,
    ) -> Result<Place, SubscribeError> {
        if self.limits.readers <= self.seats.len() {
            return Err(SubscribeError::Full);
        }
        let (principal, open) = match self.principals.get_key_value(principal) {
            Some((principal, open)) => (Arc::clone(principal), *open),
            None => (principal.into(), 0),
        };
        if self.limits.readers_per_principal <= open {
            return Err(SubscribeError::PrincipalFull(open));
        }
        self.principals.insert(Arc::clone(&principal), open + 1);
        let seat =
            Arc::new(Seat { waker: AtomicWaker::new(), notices: AtomicU8::new(0), principal });
        let id = self.next;
        self.next += 1;
        self.seats.insert(id, Arc::clone(&seat));
        let follow = |topic: &Topic| {
            let channel = self.channel(topic, head);
            channel.readers.insert(id, Arc::clone(&seat));
            (topic.clone(), Arc::clone(&channel.ring))
        };
        let follows = topics.iter().map(follow).collect();
        Ok(Place { id, seat, follows })
    }

    fn channel(&mut self, topic: &Topic, head: i64) -> &mut Channel {
        match topic {
            Topic::Everything => &mut self.everything,
            Topic::Each(kind) => &mut self.each[*kind as usize],
            Topic::Class(kind) => &mut self.classes[*kind as usize],
            Topic::Entity(entity) => self.entities.entry(entity.clone()).or_insert_with(|| {
                let events = (self.limits.ring_events / 8).max(1);
                Channel::new(head, Capacity { events, bytes: self.limits.ring_bytes / 8 })
            }),
        }
    }

    /// Takes a reader's place back.
    pub(super) fn dismiss(&mut self, place: &Place) {
        let Place { id, seat, follows } = place;
        self.seats.remove(id);
        if let Some(open) = self.principals.get_mut(&seat.principal) {
            *open -= 1;
            if *open == 0 {
                self.principals.remove(&seat.principal);
            }
        }
        for (topic, _) in follows {
            match topic {
                Topic::Everything => drop(self.everything.readers.remove(id)),
                Topic::Each(kind) => drop(self.each[*kind as usize].readers.remove(id)),
                Topic::Class(kind) => drop(self.classes[*kind as usize].readers.remove(id)),
                Topic::Entity(entity) => {
                    if let Some(channel) = self.entities.get_mut(entity) {
                        channel.readers.remove(id);
                        if channel.readers.is_empty() {
                            self.entities.remove(entity);
                        }
                    }
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn keeps_nothing_for_readers(&self) -> bool {
        let mut always = self.each.iter().chain(&self.classes).chain([&self.everything]);
        self.seats.is_empty()
            && self.principals.is_empty()
            && self.entities.is_empty()
            && always.all(|channel| channel.readers.is_empty())
    }

    /// Puts an event into every ring it belongs to.
    pub(super) fn push(&self, event: &Framed<'_>) {
        let kind = event.entity.kind as usize;
        self.everything.ring.push(event.seq, event.specific.clone());
        fail::fail_point!("broadcast-half-pushed");
        self.each[kind].ring.push(event.seq, event.specific.clone());
        self.classes[kind].ring.push(event.seq, event.general.clone());
        if let Some(channel) = self.entities.get(event.entity) {
            channel.ring.push(event.seq, event.specific.clone());
        }
    }

    /// Collects the wakers of all who follow any of these events.
    pub(super) fn wake_followers(&self, events: &[Framed<'_>], wakers: &mut Vec<Waker>) {
        self.everything.wake(wakers);
        for kind in EntityKind::ALL {
            if events.iter().any(|event| event.entity.kind == kind) {
                self.each[kind as usize].wake(wakers);
                self.classes[kind as usize].wake(wakers);
            }
        }
        for event in events {
            if let Some(channel) = self.entities.get(event.entity) {
                channel.wake(wakers);
            }
        }
    }

    /// Collects the wakers of the readers that `choose` picks.
    pub(super) fn wake_chosen(
        &self,
        wakers: &mut Vec<Waker>,
        mut choose: impl FnMut(ReaderId, &Seat) -> bool,
    ) {
        let chosen = self.seats.iter().filter(|(id, seat)| choose(**id, seat));
        wakers.extend(chosen.filter_map(|(_, seat)| seat.waker.take()));
    }
}
