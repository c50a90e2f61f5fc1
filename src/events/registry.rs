//! Who follows what, and the rings there are.
//!
//! The topics of many things always have a ring; one thing has one while somebody follows it. An
//! event finds its rings by looking up its kind and its entity, however many readers there are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Waker;
use std::thread::{self, ThreadId};

use bytes::Bytes;

use crate::events::admission::{Limits, SubscribeError};
use crate::events::bell::{Bell, Group};
use crate::events::ring::{Capacity, Ring};
use crate::events::seat::{ReaderId, Seat};
use crate::events::topic::Topic;
use crate::ids::{Entity, EntityKind};

/// A reader's place: what is given back when it leaves.
pub(super) struct Place {
    pub(super) id: ReaderId,
    pub(super) seat: Arc<Seat>,
    /// Its topics in the order asked.
    pub(super) follows: Box<[Follow]>,
}

/// A topic that a reader follows.
pub(super) struct Follow {
    pub(super) topic: Topic,
    pub(super) ring: Arc<Ring>,
    group: Arc<Group>,
}

/// A topic's ring and those who follow it.
struct Channel {
    ring: Arc<Ring>,
    /// Those who follow it, by the thread that serves them; none is empty.
    groups: Vec<Arc<Group>>,
}

impl Channel {
    fn new(floor: i64, capacity: Capacity) -> Self {
        Self { ring: Arc::new(Ring::new(floor, capacity)), groups: Vec::new() }
    }

    fn add(&mut self, bell: &Arc<Bell>, id: ReaderId, seat: &Arc<Seat>) -> Arc<Group> {
        let group = match self.groups.iter().find(|group| group.is_of(bell)) {
            Some(group) => Arc::clone(group),
            None => {
                let group = Group::new(bell);
                self.groups.push(Arc::clone(&group));
                group
            }
        };
        group.add(id, Arc::clone(seat));
        group
    }

    fn remove(&mut self, id: ReaderId, group: &Arc<Group>) {
        if group.remove(id) {
            self.groups.retain(|other| !Arc::ptr_eq(other, group));
        }
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
    bells: HashMap<ThreadId, Arc<Bell>>,
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
            bells: HashMap::new(),
            principals: HashMap::new(),
            next: 0,
        }
    }

    /// How many readers there are.
    pub(super) fn readers(&self) -> usize {
        self.seats.len()
    }

    /// How many there may be.
    pub(super) fn most_readers(&self) -> usize {
        self.limits.readers
    }

    /// Gives a reader that is served by this thread a place. `head` is the newest event that was
    /// published.
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
        // First, because it is what may panic.
        let bell = match self.bells.get(&thread::current().id()).filter(|bell| bell.is_heard()) {
            Some(bell) => Arc::clone(bell),
            None => {
                let bell = Bell::hang();
                self.bells.insert(thread::current().id(), Arc::clone(&bell));
                bell
            }
        };
        self.principals.insert(Arc::clone(&principal), open + 1);
        let seat = Arc::new(Seat::new(principal));
        let id = self.next;
        self.next += 1;
        self.seats.insert(id, Arc::clone(&seat));
        let follow = |topic: &Topic| {
            let channel = self.channel(topic, head);
            let group = channel.add(&bell, id, &seat);
            Follow { topic: topic.clone(), ring: Arc::clone(&channel.ring), group }
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
        if let Some(open) = self.principals.get_mut(seat.principal()) {
            *open -= 1;
            if *open == 0 {
                self.principals.remove(seat.principal());
            }
        }
        for Follow { topic, group, .. } in follows {
            match topic {
                Topic::Everything => self.everything.remove(*id, group),
                Topic::Each(kind) => self.each[*kind as usize].remove(*id, group),
                Topic::Class(kind) => self.classes[*kind as usize].remove(*id, group),
                Topic::Entity(entity) => {
                    if let Some(channel) = self.entities.get_mut(entity) {
                        channel.remove(*id, group);
                        if channel.groups.is_empty() {
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
            && always.all(|channel| channel.groups.is_empty())
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

    /// Has all woken who follow any of these events.
    pub(super) fn ring_followers(&self, events: &[Framed<'_>]) {
        let kinds = EntityKind::ALL.into_iter().filter(|kind| {
            let is_of_kind = |event: &Framed<'_>| event.entity.kind == *kind;
            events.iter().any(is_of_kind)
        });
        let of_kinds =
            kinds.flat_map(|kind| [&self.each[kind as usize], &self.classes[kind as usize]]);
        let of_entities = events.iter().filter_map(|event| self.entities.get(event.entity));
        let channels = std::iter::once(&self.everything).chain(of_kinds).chain(of_entities);
        channels.flat_map(|channel| &channel.groups).for_each(Group::ring);
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
