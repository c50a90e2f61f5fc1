//! The chat over HTTP: the socket, a conversation as a stream of events, and the completions API.
//!
//! # Invariants
//!
//! 1. Who may not read a conversation is told of it as of one that there is not.
//! 2. Frames of a conversation are read from its journal as fast as their reader takes them; there
//!    is no queue between the two.
//! 3. A frame that carries `action` answers that action; all others are of a request.

mod actions;
mod completions;
mod door;
mod following;
mod handshake;
mod hearing;
mod incoming;
mod message;
mod outlet;
mod place;
mod places;
mod protocols;
mod refusal;
mod socket;
#[cfg(test)]
mod tests;
mod topic;
mod under_way;
mod views;

pub(super) use self::completions::{model, models, post as complete};
pub use self::door::ChatDoor;
pub(super) use self::handshake::get as open;
pub(super) use self::place::PATH;
pub use self::place::SocketPlace;
pub(super) use self::protocols::{ShownSecret, shown};
pub(super) use self::topic::{TOPIC, get as follow};
