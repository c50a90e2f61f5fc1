//! Conversations, as tools: there only where the chat is on.

mod approvals;
mod commands;
mod conversations;
mod send_message;

use crate::chat::{Chat, ChatError};
use crate::tools::typed::{AnyTool, typed};
use crate::tools::{Doors, Tool, ToolError};

/// The names of all of them.
pub(super) const NAMES: &[&str] = &[
    send_message::SendMessage::NAME,
    conversations::ListConversations::NAME,
    conversations::ReadConversation::NAME,
    conversations::SearchConversations::NAME,
    commands::CancelMessage::NAME,
    commands::RenameConversation::NAME,
    commands::ForkConversation::NAME,
    commands::RemoveConversation::NAME,
    approvals::ListApprovals::NAME,
    approvals::DecideApproval::NAME,
    approvals::AnswerQuestion::NAME,
];

/// All of them, in the order in which clients see them.
pub(super) fn all() -> Vec<Box<dyn AnyTool>> {
    vec![
        typed::<send_message::SendMessage>(),
        typed::<conversations::ListConversations>(),
        typed::<conversations::ReadConversation>(),
        typed::<conversations::SearchConversations>(),
        typed::<commands::CancelMessage>(),
        typed::<commands::RenameConversation>(),
        typed::<commands::ForkConversation>(),
        typed::<commands::RemoveConversation>(),
        typed::<approvals::ListApprovals>(),
        typed::<approvals::DecideApproval>(),
        typed::<approvals::AnswerQuestion>(),
    ]
}

/// The door to conversations.
fn door(doors: &Doors) -> Result<&Chat, ToolError> {
    let off = || {
        let why = "the chat is off; set chat.config to the path of a config.yaml";
        ToolError::Refused(why.to_owned())
    };
    doors.chat.as_ref().ok_or_else(off)
}

impl From<ChatError> for ToolError {
    fn from(error: ChatError) -> Self {
        let what = error.to_string();
        match error {
            ChatError::Invalid(_) => Self::InvalidArguments(what),
            ChatError::Busy | ChatError::QueueFull(..) => Self::Overloaded(what),
            ChatError::Store(error) => error.into(),
            ChatError::UnknownConversation(_)
            | ChatError::UnknownRequest(_)
            | ChatError::UnknownApproval(_)
            | ChatError::UnknownElicitation(_)
            | ChatError::UnknownEvent(_)
            | ChatError::UnknownProvider(..)
            | ChatError::Decided { .. }
            | ChatError::Conflict
            | ChatError::Over(_) => Self::Refused(what),
        }
    }
}
