//! Where is the newest catalogue?

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::mcp_servers::catalogue::{self, Catalogue, ListedTool, Pin, ServerTools};
use crate::mcp_servers::definition::ToolDefinition;
use crate::mcp_servers::server::Server;

/// Tools that are called in another way than over a connection: the daemon's own.
pub trait ToolSource: Send + Sync {
    /// Its tools, always in the same order.
    fn definitions(&self) -> Vec<ToolDefinition>;
}

/// One server's place in the catalogue.
pub(super) enum Place {
    /// What a server lists.
    Server(Arc<Server>),
    /// The daemon's own tools, under a server's name.
    Own(Arc<str>, Arc<dyn ToolSource>),
}

/// Makes catalogues and keeps the newest.
pub(super) struct Hub {
    places: Vec<Place>,
    published: watch::Sender<Arc<Catalogue>>,
    /// Held while one is made, so that an older one never takes the place of a newer.
    making: Mutex<u64>,
}

impl Hub {
    pub(super) fn new(places: Vec<Place>) -> Self {
        let hub = Self { places, published: watch::Sender::default(), making: Mutex::new(0) };
        hub.publish_after(|| ());
        hub
    }

    /// The newest.
    pub(super) fn newest(&self) -> Arc<Catalogue> {
        Arc::clone(&self.published.borrow())
    }

    /// Is told of each that comes.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Catalogue>> {
        self.published.subscribe()
    }

    /// Looks when no change is half made.
    pub(super) fn between<T>(&self, look: impl FnOnce() -> T) -> T {
        let _no_change = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        look()
    }

    /// Changes something of a server, and makes another one of what the servers list then. Who looks
    /// by [`Hub::between`] sees neither of it or both.
    pub(super) fn publish_after(&self, change: impl FnOnce()) {
        let mut generation = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        change();
        *generation += 1;
        let tools: Vec<ServerTools> = self.places.iter().map(Place::tools).collect();
        self.published.send_replace(Arc::new(catalogue::build(*generation, &tools)));
    }
}

impl Place {
    fn tools(&self) -> ServerTools {
        let (server, source) = match self {
            Self::Server(server) => return server.tools(),
            Self::Own(server, source) => (server, source),
        };
        let own = |definition| ListedTool {
            definition: Arc::new(definition),
            checker: None,
            pin: Pin::Own,
        };
        let tools = source.definitions().into_iter().map(own).collect();
        let (server, quarantined) = (Arc::clone(server), Vec::new());
        ServerTools { server, is_available: true, tools, quarantined }
    }
}
