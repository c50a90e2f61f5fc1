//! Which calls do the fragments of a stream make? Pure.
//!
//! Fragments carry an index, as a rule. Some servers give none, give every call the same, leave the
//! id out or repeat it; each of these is told apart from a fragment that goes on, and nothing else is
//! guessed: arguments stay the text that the model wrote.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;

use super::trouble::Trouble;
use super::words::ToolCall;

/// The most calls of one answer.
const MOST_CALLS: usize = 128;

/// The most bytes of all calls of one answer.
const LONGEST: usize = 1024 * 1024;

/// How often arguments are looked at whether they are whole.
const MOST_LOOKS: u8 = 16;

/// A part of a call.
#[derive(Debug, Default)]
pub(crate) struct Fragment<'a> {
    /// Which call it is of.
    pub index: Option<u64>,
    /// The call's id.
    pub id: Option<&'a str>,
    /// The tool's name, or more of it.
    pub name: Option<&'a str>,
    /// More of the arguments.
    pub arguments: Option<Cow<'a, str>>,
}

#[derive(Debug, Default)]
struct Slot {
    id: String,
    name: String,
    arguments: String,
    looks: u8,
}

/// The calls so far.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    slots: Vec<Slot>,
    by_index: BTreeMap<u64, usize>,
    bytes: usize,
}

impl Calls {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes a fragment in.
    pub fn add(&mut self, fragment: &Fragment<'_>) -> Result<(), Trouble> {
        let id = fragment.id.filter(|id| !id.is_empty());
        let name = fragment.name.filter(|name| !name.is_empty());
        let arguments = fragment.arguments.as_deref().unwrap_or_default();
        let lengths = [id, name, Some(arguments)].map(|part| part.map_or(0, str::len));
        self.bytes += lengths.iter().sum::<usize>();
        if LONGEST < self.bytes {
            return Err(Trouble::broken("it asks for calls that are longer than is read"));
        }
        let place = self.place(fragment.index, id, name, arguments)?;
        let slot = &mut self.slots[place];
        if let (Some(id), true) = (id, slot.id.is_empty()) {
            id.clone_into(&mut slot.id);
        }
        // Names come before arguments; after them, or with the id again, they are repeated.
        let is_repeated = name.is_some_and(|name| name == slot.name && id == Some(&*slot.id));
        if let (Some(name), true, false) = (name, slot.arguments.is_empty(), is_repeated) {
            slot.name.push_str(name);
        }
        slot.arguments.push_str(arguments);
        Ok(())
    }

    /// The slot that a fragment belongs to, a new one if it begins a call.
    fn place(
        &mut self,
        index: Option<u64>,
        id: Option<&str>,
        name: Option<&str>,
        arguments: &str,
    ) -> Result<usize, Trouble> {
        let known = match (index, id) {
            (Some(index), _) => self.by_index.get(&index).copied(),
            (None, Some(id)) => self.slots.iter().position(|slot| slot.id == id),
            (None, None) => self.slots.len().checked_sub(1),
        };
        if let Some(place) = known
            && !self.slots[place].is_followed_by(id, name, arguments)
        {
            return Ok(place);
        }
        if MOST_CALLS <= self.slots.len() {
            return Err(Trouble::broken(format!("it asks for more than {MOST_CALLS} calls")));
        }
        let place = self.slots.len();
        self.slots.push(Slot::default());
        if let Some(index) = index {
            self.by_index.insert(index, place);
        }
        Ok(place)
    }

    /// The calls, each with an id of its own: `seed` makes those that are missing.
    pub fn finish(self, seed: &str) -> Vec<ToolCall> {
        let mut taken = BTreeSet::new();
        let slots = self.slots.into_iter().filter(Slot::says_something);
        let calls = slots.enumerate().map(|(number, slot)| {
            let mut id = slot.id;
            let mut number = number;
            while id.is_empty() || taken.contains(&id) {
                id = format!("{seed}{number:03}");
                number += MOST_CALLS;
            }
            taken.insert(id.clone());
            // Some write nothing for a tool that takes nothing.
            let is_blank = slot.arguments.trim().is_empty();
            let arguments = if is_blank { "{}".to_owned() } else { slot.arguments };
            ToolCall { id, name: slot.name, arguments }
        });
        calls.collect()
    }
}

impl Slot {
    /// Whether a fragment in its place begins another call.
    fn is_followed_by(&mut self, id: Option<&str>, name: Option<&str>, arguments: &str) -> bool {
        let Some(name) = name else { return false };
        match id {
            // Some number every call 0, and some give each fragment a new id, but no name.
            Some(id) => !self.id.is_empty() && self.id != id,
            None if self.arguments.is_empty() => false,
            None => name != self.name || (arguments.starts_with('{') && self.is_whole()),
        }
    }

    fn is_whole(&mut self) -> bool {
        // Looking is as long as the arguments are, so it is not done again and again.
        if self.looks == MOST_LOOKS {
            return false;
        }
        self.looks += 1;
        serde_json::from_str::<IgnoredAny>(&self.arguments).is_ok()
    }

    fn says_something(&self) -> bool {
        !(self.id.is_empty() && self.name.is_empty() && self.arguments.is_empty())
    }
}
