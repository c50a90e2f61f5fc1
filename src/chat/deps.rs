//! What every conversation needs from the rest of the daemon.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use crate::adapters::llm::LanguageModel;
use crate::chat::control::Control;
use crate::chat::feed::Feeds;
use crate::chat::statistics::Statistics;
use crate::chat::tokens::Tokenizer;
use crate::chat::toolbox::Toolbox;
use crate::clock::Clock;
use crate::config::chat::{ChatSettings, Prices, ToolNotificationSettings};
use crate::ids::ConversationId;
use crate::mcp_servers::McpServers;
use crate::store::Store;
use crate::supervision::Supervision;

/// A model that can be asked, and what that costs.
#[derive(Clone)]
pub struct Provider {
    /// The model.
    pub model: Arc<dyn LanguageModel>,
    /// What its tokens cost, if that is known.
    pub prices: Option<Prices>,
}

/// What every conversation needs from the rest of the daemon.
pub(super) struct ChatDeps {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) supervision: Supervision,
    pub(super) settings: Arc<ChatSettings>,
    pub(super) providers: BTreeMap<String, Provider>,
    pub(super) toolbox: Toolbox,
    pub(super) servers: Option<McpServers>,
    pub(super) feeds: Arc<Feeds>,
    pub(super) statistics: Arc<Statistics>,
    pub(super) telling: Arc<ToolNotificationSettings>,
    /// When it began, from which common beats are counted.
    pub(super) started: Instant,
    /// What names conversations that are forgotten after this start; `None` where they are kept.
    pub(super) session: Option<String>,
    /// The requests that are worked on.
    controls: Mutex<HashMap<ConversationId, Arc<Control>>>,
}

impl ChatDeps {
    pub(super) fn new(
        (store, clock, supervision): (Store, Arc<dyn Clock>, Supervision),
        settings: Arc<ChatSettings>,
        providers: BTreeMap<String, Provider>,
        (toolbox, servers, session): (Toolbox, Option<McpServers>, Option<String>),
    ) -> Self {
        let telling = Arc::new(settings.tool_notifications.clone());
        let (feeds, controls) = (Arc::default(), Mutex::default());
        let statistics = Arc::new(Statistics::of(providers.keys()));
        Self {
            store,
            clock,
            supervision,
            settings,
            providers,
            toolbox,
            servers,
            feeds,
            statistics,
            telling,
            started: Instant::now(),
            session,
            controls,
        }
    }

    /// The provider of this name, or the usual one.
    pub(super) fn provider(&self, name: Option<&str>) -> &Provider {
        let named = name.and_then(|name| self.providers.get(name));
        named.unwrap_or_else(|| &self.providers[&self.settings.llm.active])
    }

    /// How many tokens a message has where `model` reads it.
    pub(super) async fn count_message(&self, model: &str, text: String) -> u32 {
        let tokenizer = Tokenizer::of(model);
        let length = text.len();
        let count = tokio::task::spawn_blocking(move || tokenizer.count_message(&text)).await;
        // Without a count, the most that it can be.
        count.unwrap_or_else(|_panicked| u32::try_from(length).unwrap_or(u32::MAX))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ConversationId, Arc<Control>>> {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets others reach the request that is worked on in a conversation.
    pub(super) fn put_control(&self, id: &ConversationId, control: Arc<Control>) {
        self.lock().insert(id.clone(), control);
    }

    /// The request is over.
    pub(super) fn take_control(&self, id: &ConversationId) {
        self.lock().remove(id);
    }

    /// The request that is worked on in a conversation.
    pub(super) fn control(&self, id: &ConversationId) -> Option<Arc<Control>> {
        self.lock().get(id).cloned()
    }

    /// How many requests are worked on.
    pub(super) fn under_way(&self) -> usize {
        self.lock().len()
    }
}
