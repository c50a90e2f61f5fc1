//! Saying whether calls are allowed, and answering what servers ask.

use serde_json::Value;

use crate::chat::Chat;
use crate::chat::error::ChatError;
use crate::chat::record::{self, Said};
use crate::chat::supervisor::Answered;
use crate::clock::Timestamp;
use crate::ids::{ApprovalId, ConversationId};
use crate::mcp_servers::ElicitationAnswer;
use crate::store::chat::approvals::{self, ApprovalRow, ApprovalStatus};
use crate::supervision::deliver;

/// What somebody says to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// This call may be made.
    Once,
    /// This call and all of this tool in this conversation, as long as the tool stays what it is.
    Always,
    /// It may not.
    Deny,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 3] = [Self::Once, Self::Always, Self::Deny];

    /// As the wire spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Always => "always",
            Self::Deny => "deny",
        }
    }

    /// Reads it as the wire spells it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == text)
    }
}

/// A question whether a call is allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Its row.
    pub row: ApprovalRow,
}

impl Approval {
    /// What the call is to be given.
    pub fn arguments(&self) -> Value {
        serde_json::from_str(&self.row.arguments_json).unwrap_or_default()
    }
}

impl Chat {
    /// The questions that nobody has answered and that are not too old, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn approvals(
        &self,
        conversation: Option<&ConversationId>,
        limit: u16,
    ) -> Result<Vec<Approval>, ChatError> {
        let id = conversation.map(ToString::to_string);
        let read =
            self.deps.store.read(move |conn| approvals::pending(conn, id.as_deref(), limit.into()));
        let now = self.deps.clock.now();
        let is_young = |row: &ApprovalRow| {
            Timestamp::parse(&row.expires_at).is_ok_and(|expires| now < expires)
        };
        Ok(read.await?.into_iter().filter(is_young).map(|row| Approval { row }).collect())
    }

    /// Says whether a call is allowed.
    ///
    /// # Errors
    /// There is no such question, or it was answered, or it is too late.
    pub async fn decide(
        &self,
        principal: &str,
        id: &ApprovalId,
        decision: Decision,
    ) -> Result<Approval, ChatError> {
        let (key, by, supervisor) = (id.to_string(), principal.to_owned(), self.supervisor.clone());
        let write = self.deps.store.write(move |transaction| {
            let Some(row) = approvals::find(transaction.reader(), &key)? else {
                return Ok(None);
            };
            let now = transaction.now();
            let is_late = Timestamp::parse(&row.expires_at).is_ok_and(|expires| expires <= now);
            if row.status != ApprovalStatus::Pending || is_late {
                return Ok(Some((row, false)));
            }
            let status = match decision {
                Decision::Once | Decision::Always => ApprovalStatus::Allowed,
                Decision::Deny => ApprovalStatus::Denied,
            };
            let said = Said { status, always: decision == Decision::Always, by: &by };
            record::decide(transaction, &row, said)?;
            let decided = approvals::find(transaction.reader(), &key)?;
            if let Ok(conversation) = ConversationId::parse(&row.conversation_id) {
                let supervisor = supervisor.clone();
                transaction.after_commit(move || {
                    deliver(&supervisor, Answered(conversation));
                });
            }
            Ok(decided.map(|row| (row, true)))
        });
        match write.await? {
            Some((row, true)) => Ok(Approval { row }),
            Some((row, false)) => {
                let status = match row.status {
                    ApprovalStatus::Pending => ApprovalStatus::Expired,
                    status => status,
                };
                Err(ChatError::Decided { id: id.clone(), status: status.as_str() })
            }
            None => Err(ChatError::UnknownApproval(id.clone())),
        }
    }

    /// Answers what a server asked during a call.
    ///
    /// # Errors
    /// Nobody waits for the answer.
    pub async fn answer(
        &self,
        principal: &str,
        conversation: &ConversationId,
        elicitation_id: &str,
        answer: ElicitationAnswer,
    ) -> Result<(), ChatError> {
        self.find(principal, conversation).await?;
        let control = self.deps.control(conversation);
        if control.is_some_and(|control| control.answer(elicitation_id, answer)) {
            Ok(())
        } else {
            Err(ChatError::UnknownElicitation(elicitation_id.to_owned()))
        }
    }
}

impl From<crate::ids::InvalidId> for ChatError {
    fn from(error: crate::ids::InvalidId) -> Self {
        Self::Invalid(error.to_string())
    }
}
