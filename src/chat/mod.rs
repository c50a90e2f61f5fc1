//! Conversations: what is said in them, what a model makes of it, and which tools it may call.
//!
//! [`Chat`] is the door. A request is accepted when its row is committed; from then on the
//! conversation's actor works on it, and is the only one that writes to the conversation's journal.
//!
//! # Invariants
//!
//! 1. What happens is one event of an append-only journal, and is sent on only after its commit; the
//!    words of an answer alone are sent on as they come, and are in the journal when it is over.
//! 2. A call of a tool is written down before it is made, and has exactly one result. One of which
//!    nobody knows the result is not made again, unless that does no harm.
//! 3. A call that is to be approved is made only after somebody's yes to that call was committed.
//! 4. Nobody sees or changes a conversation of somebody else. Questions whether a call is allowed
//!    are for everybody who may operate.

mod actor;
mod approving;
mod arguments;
mod ask;
mod bringing;
mod call_ids;
mod calls;
mod charging;
mod checkpoint;
mod compaction;
mod compose;
mod control;
mod copying;
mod deps;
mod earlier;
mod error;
mod event;
mod feed;
mod follower;
mod forgetting;
mod frame;
mod given_up;
mod history;
mod ledger;
mod line;
mod lines;
mod lost_answers;
mod machine;
mod own_tools;
mod patience;
mod prompt;
mod prompts;
mod reading;
mod record;
mod replay;
mod request;
mod retention;
mod room;
mod row;
mod sending;
mod servers;
mod start;
mod statistics;
mod supervisor;
mod sweeping;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod toolbox;
mod transcript;
mod turn;

use std::sync::Arc;

use actix::Addr;

pub use self::approving::{Approval, Decision};
use self::deps::ChatDeps;
pub use self::deps::Provider;
pub use self::earlier::{TakeOverError, TakenOver, take_over_once};
pub use self::error::ChatError;
pub use self::event::{Body, Cost, Ending, Event, Finish, Note, Outcome, ToolName};
pub use self::follower::Follower;
pub use self::frame::{Frame, Part, Piece, Place};
pub use self::prompts::{OfferedPrompt, OfferedResource};
pub use self::reading::{ConversationView, Conversations, Export, HistoryPage};
pub use self::request::{LONGEST_TEXT, Request};
pub use self::sending::{NewRequest, Sent};
pub use self::servers::{OwnTools, ServerTools};
pub use self::start::ChatParts;
pub use self::statistics::{SpentOn, StatisticsNow};
use self::supervisor::{ConversationSupervisor, Ping};
pub use self::sweeping::Swept;
pub use self::toolbox::{Caller as ToolCaller, Hints, Tool, ToolOutput, ToolRequest, ToolSource};
pub use self::transcript::{Said, Speaker, digest_of};
use crate::config::chat::ChatSettings;
use crate::mcp_servers::McpServers;
use crate::store::StoreError;
use crate::store::chat::approvals::{self, ApprovalStatus};

/// The door to conversations; cheap to clone.
#[derive(Clone)]
pub struct Chat {
    deps: Arc<ChatDeps>,
    supervisor: Addr<ConversationSupervisor>,
}

impl Chat {
    /// What conversations go by.
    pub fn settings(&self) -> &ChatSettings {
        &self.deps.settings
    }

    /// The providers that can be asked, by name, with the models that answer.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &Provider)> {
        self.deps.providers.iter().map(|(name, provider)| (name.as_str(), provider))
    }

    /// The other servers, if there are any.
    pub fn servers(&self) -> Option<&McpServers> {
        self.deps.servers.as_ref()
    }

    /// How many requests are worked on.
    pub fn under_way(&self) -> usize {
        self.deps.under_way()
    }

    /// What was asked and spent since the start.
    pub fn statistics(&self) -> StatisticsNow {
        self.deps.statistics.now()
    }

    /// How many questions whether a call is allowed there are, by what became of them.
    ///
    /// # Errors
    /// The store's.
    pub async fn count_approvals(&self) -> Result<Vec<(ApprovalStatus, i64)>, StoreError> {
        self.deps.store.read(approvals::count_by_status).await
    }

    /// How many followers there are.
    pub fn followers(&self) -> usize {
        self.deps.feeds.followers()
    }

    /// Waits until the supervisor of all conversations has a moment, which proves that it lives.
    ///
    /// # Errors
    /// It is gone.
    pub async fn ping(&self) -> Result<(), actix::MailboxError> {
        self.supervisor.send(Ping).await
    }
}
