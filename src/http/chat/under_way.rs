//! Which requests of a socket are not over? Pure.

use std::collections::HashSet;

use crate::ids::ConversationId;

/// The most that a socket may have under way.
pub(super) const MOST: usize = 16;

/// The requests that were made over a socket and are not over.
#[derive(Debug, Default)]
pub(super) struct UnderWay(HashSet<(ConversationId, String)>);

impl UnderWay {
    /// Whether there is room for one more.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MOST
    }

    pub(super) fn begin(&mut self, conversation: &ConversationId, request_id: &str) {
        self.0.insert((conversation.clone(), request_id.to_owned()));
    }

    pub(super) fn end(&mut self, conversation: &ConversationId, request_id: &str) {
        self.0.remove(&(conversation.clone(), request_id.to_owned()));
    }

    /// The conversation in which a request of this name is under way.
    pub(super) fn conversation_of(&self, request_id: &str) -> Option<&ConversationId> {
        let mut found = self.0.iter().filter(|(_, id)| id == request_id);
        match (found.next(), found.next()) {
            (Some((conversation, _)), None) => Some(conversation),
            // Of several, nobody can say which is meant.
            _ => None,
        }
    }

    /// A conversation is no more.
    pub(super) fn forget(&mut self, conversation: &ConversationId) {
        self.0.retain(|(other, _)| other != conversation);
    }
}
