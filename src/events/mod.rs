//! Telling clients what was committed.
//!
//! The store hands each committed event to the broadcast actor, which frames it once and puts it
//! into the rings of its topics. A stream is a [`Reader`]: a cursor into those rings, which falls
//! back on the log in the database wherever they do not reach back far enough.
//!
//! # Invariants
//!
//! 1. Nothing is told that is not in the database.
//! 2. A reader gets every event of its topics after its cursor, in rising order, each once. What is
//!    no longer kept is announced as a gap, never passed over in silence.
//! 3. A reader that reads slowly, or not at all, delays neither publishing nor another reader.

mod admission;
mod bell;
mod broadcast;
mod changes;
mod frame;
mod hub;
mod reader;
mod registry;
mod replay;
mod resume;
mod ring;
mod seat;
mod statistics;
mod topic;

pub use self::admission::{Limits, SubscribeError};
pub use self::broadcast::{Broadcast, Outlet};
pub use self::changes::{Changed, Changes, Follow, MOST_FOLLOWED, TooMany, Watchable};
pub use self::frame::{HEARTBEAT, SHUTDOWN, Told, told};
pub use self::hub::{Hub, HubDeps, HubError, Stand};
pub use self::reader::Reader;
pub use self::resume::{InvalidEventId, Resume};
pub use self::statistics::StatisticsNow;
pub use self::topic::{TopicError, Topics};

#[cfg(test)]
mod tests;
