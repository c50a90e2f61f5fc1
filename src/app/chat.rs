//! Starting the chat: the models, the other servers, and the tools of both sides.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parts::Parts;
use super::{AppError, report, system, taking_over};
use crate::adapters::llm;
use crate::chat::{Chat, ChatParts, Provider, ServerTools};
use crate::config::chat::ChatSettings;
use crate::mcp_servers::{McpServers, McpServersDeps};
use crate::tools::{Registry, ToolsForChat};

/// The chat before its own tools can be called.
pub(super) struct Started {
    pub(super) chat: Chat,
    pub(super) servers: McpServers,
    pub(super) tools: Arc<ToolsForChat>,
}

/// Starts the chat, if there is one.
pub(super) async fn start(
    parts: &Parts<'_>,
    settings: Option<&ChatSettings>,
    registry: &Arc<Registry>,
) -> Result<Option<Started>, AppError> {
    let Some(settings) = settings else { return Ok(None) };
    let mut providers = BTreeMap::new();
    for (name, provider) in &settings.llm.providers {
        // The active one has its key, or the settings were refused; the others may lack theirs.
        if !provider.lacks_its_key() {
            let model = llm::connect(provider.clone(), parts.clock)?;
            let prices = provider.prices;
            providers.insert(name.clone(), Provider { model, prices });
        }
    }
    taking_over::conversations(parts, settings).await?;
    let tools = Arc::new(ToolsForChat::new(Arc::clone(registry)));
    let daemon = std::env::current_exe().map_err(system("find the daemon's own binary"))?;
    let servers = McpServers::start(
        settings.mcp.clone(),
        McpServersDeps {
            store: parts.store.clone(),
            clock: Arc::clone(parts.clock),
            supervision: parts.supervision.clone(),
            arbiter: parts.arbiter.clone(),
            daemon,
            own: Arc::clone(&tools) as _,
        },
    )
    .await;
    let source = ServerTools::new(servers.clone(), Arc::clone(&tools) as _, &settings.mcp);
    let chat = Chat::start(ChatParts {
        store: parts.store.clone(),
        clock: Arc::clone(parts.clock),
        supervision: parts.supervision.clone(),
        arbiter: parts.arbiter.clone(),
        settings: Arc::new(settings.clone()),
        providers,
        sources: vec![Arc::new(source)],
        servers: Some(servers.clone()),
        on_end: report("conversations", parts.failed),
    });
    Ok(Some(Started { chat: chat.await?, servers, tools }))
}
