//! The tables of the chat: conversations, what was said in them, and what it took.

pub mod approvals;
pub(super) mod behalf;
pub mod conversations;
pub mod earlier;
pub mod events;
pub mod excerpts;
pub mod excess;
pub mod partials;
pub mod parts;
pub mod reading;
pub(super) mod schema;
pub mod turns;
pub mod usage;
