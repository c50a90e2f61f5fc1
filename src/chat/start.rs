//! Opening the door: what is forgotten at a start, and what is taken up.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::ArbiterHandle;

use crate::chat::Chat;
use crate::chat::deps::{ChatDeps, Provider};
use crate::chat::forgetting;
use crate::chat::own_tools::ConversationTools;
use crate::chat::supervisor::{ConversationSupervisor, TakeUp};
use crate::chat::toolbox::{ToolSource, Toolbox};
use crate::clock::Clock;
use crate::config::chat::ChatSettings;
use crate::ids::ConversationId;
use crate::mcp_servers::McpServers;
use crate::store::chat::conversations::{self, Forgotten};
use crate::store::chat::turns;
use crate::store::{Store, StoreError};
use crate::supervision::{Ended, Supervision, deliver};

/// The most conversations that are forgotten in one transaction.
const AT_ONCE: i64 = 100;

/// What the chat needs from the rest of the daemon.
pub struct ChatParts {
    /// The truth.
    pub store: Store,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who keeps the actors alive.
    pub supervision: Supervision,
    /// The thread on which the actors live.
    pub arbiter: ArbiterHandle,
    /// What conversations go by.
    pub settings: Arc<ChatSettings>,
    /// The providers, by name; the active one is among them.
    pub providers: BTreeMap<String, Provider>,
    /// The tools of everybody else.
    pub sources: Vec<Arc<dyn ToolSource>>,
    /// The other servers, if there are any.
    pub servers: Option<McpServers>,
    /// Called when the supervisor of all conversations cannot be kept alive.
    pub on_end: Box<dyn FnOnce(Ended) + Send>,
}

impl Chat {
    /// Forgets what is not to be kept, and opens the door. Nothing is worked on yet.
    ///
    /// # Errors
    /// What is to be forgotten cannot be.
    pub async fn start(parts: ChatParts) -> Result<Self, StoreError> {
        let ChatParts {
            store,
            clock,
            supervision,
            arbiter,
            settings,
            providers,
            sources,
            servers,
            on_end,
        } = parts;
        let repository = &settings.repository;
        let forgotten =
            if repository.clear_on_startup { Forgotten::All } else { Forgotten::OfEarlierSessions };
        let find = move |conn: &mut _| conversations::to_forget(conn, forgotten, AT_ONCE);
        forgetting::remove_all(&store, find).await?;
        let session =
            (!repository.is_persistent).then(|| crate::ids::IdPrefix::draw().draw_id("session"));
        let own =
            ConversationTools::new(store.clone(), servers.clone(), session.clone(), &settings.mcp);
        let toolbox = Toolbox::new(Arc::new(own), sources);
        let deps = Arc::new(ChatDeps::new(
            (store, clock, supervision.clone()),
            settings,
            providers,
            (toolbox, servers, session),
        ));
        let actor = ConversationSupervisor::new(Arc::clone(&deps));
        let supervisor = supervision.start_on(&arbiter, "conversations", actor, on_end);
        Ok(Self { deps, supervisor })
    }

    /// Takes up what an earlier run of the daemon left.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn take_up(&self) -> Result<(), StoreError> {
        let left_over = self.deps.store.read(turns::conversations_with_open).await?;
        let ids = left_over.iter().filter_map(|id| ConversationId::parse(id).ok()).collect();
        deliver(&self.supervisor, TakeUp(ids));
        Ok(())
    }
}
