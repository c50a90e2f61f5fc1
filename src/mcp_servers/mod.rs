//! Which other MCP servers are there, and how are their tools, prompts and resources reached?
//!
//! A server is somebody else's program, on this machine or elsewhere. [`McpServers`] is the one door
//! to all of them: behind it an actor for each server keeps a connection, and a [`Catalogue`] says
//! at any time which tools there are.
//!
//! # Invariants
//!
//! 1. A call that may have been done is never told as one that was not, and never repeated.
//! 2. A tool is called only as it was agreed to: another definition waits for somebody's yes.
//! 3. A name leads to one tool and back; a tool that cannot have one, or whose schema is none, is
//!    refused by itself and visibly.
//! 4. A program's processes are ended with its connection, all of them, by whichever daemon comes to
//!    it first.
//! 5. A server sees its own environment and headers, gets no model to use and no files, and asks the
//!    user only where the settings let it.
//! 6. Whatever a server says is bounded: in length, in number, in what it costs to look at.

mod actor;
mod call;
mod catalogue;
mod connection;
mod definition;
mod elicitation;
mod error;
mod flow;
mod handler;
mod hub;
mod in_flight;
mod lines;
mod listing;
mod machine;
mod names;
mod offers;
mod output;
mod process;
mod redact;
mod requests;
mod schema;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::ArbiterHandle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::error;

pub use self::call::{CallOptions, OnProgress};
pub use self::catalogue::{Catalogue, CatalogueEntry, Pin, Quarantined, ToolRef};
pub use self::definition::{Hints, ToolDefinition};
pub use self::elicitation::{Elicitation, ElicitationAnswer, Elicitor, NobodyToAsk, Wanted};
pub use self::error::{Lost, NotSent, ToolCallError};
pub use self::hub::ToolSource;
pub use self::in_flight::Progress;
pub use self::machine::State;
pub use self::offers::{
    PromptArgument, PromptDefinition, PromptMessage, PromptRole, ResourceDefinition,
};
pub use self::output::ToolOutput;
pub use self::server::ServerView;

use self::actor::{Keeper, Office};
use self::hub::{Hub, Place};
use self::server::Server;
use crate::clock::Clock;
use crate::config::chat::{McpServersSettings, Transport};
use crate::store::Store;
use crate::supervision::{Ended, Supervision};

/// What the servers need from the rest of the daemon.
pub struct McpServersDeps {
    /// Where processes and pins are written down.
    pub store: Store,
    /// Tells the time for people.
    pub clock: Arc<dyn Clock>,
    /// Keeps the actors alive.
    pub supervision: Supervision,
    /// The thread on which the actors work. Programs end with it, so it must live as long as the
    /// daemon.
    pub arbiter: ArbiterHandle,
    /// The daemon's own program.
    pub daemon: PathBuf,
    /// The daemon's own tools, for the servers that are built in.
    pub own: Arc<dyn ToolSource>,
}

/// All servers; cheap to clone.
#[derive(Clone)]
pub struct McpServers {
    servers: Arc<Vec<Arc<Server>>>,
    hub: Arc<Hub>,
    store: Store,
    stop: CancellationToken,
    /// How many actors there are.
    alive: Arc<watch::Sender<usize>>,
}

impl McpServers {
    /// Ends what an earlier daemon left running, and then keeps a connection to each server. It does
    /// not wait for them.
    pub async fn start(settings: McpServersSettings, deps: McpServersDeps) -> Self {
        if let Err(why) = process::reap_leftovers(&deps.store, None).await {
            error!(%why, "something of an earlier daemon's MCP servers may still run");
        }
        let McpServersSettings { servers, connection } = settings;
        let (mut places, mut reached) = (Vec::new(), Vec::new());
        for server in servers {
            if matches!(server.transport, Transport::Builtin) {
                places.push(Place::Own(server.name.as_str().into(), Arc::clone(&deps.own)));
                continue;
            }
            let server = Arc::new(Server::new(server, connection, deps.clock.now()));
            places.push(Place::Server(Arc::clone(&server)));
            reached.push(server);
        }
        let (hub, stop) = (Arc::new(Hub::new(places)), CancellationToken::new());
        let office = Arc::new(Office {
            store: deps.store.clone(),
            clock: deps.clock,
            daemon: deps.daemon,
            connection,
            hub: Arc::clone(&hub),
            stop: stop.clone(),
        });
        let alive = Arc::new(watch::Sender::new(reached.len()));
        for server in &reached {
            let keeper = Keeper::new(Arc::clone(&office), Arc::clone(server));
            let (alive, server) = (Arc::clone(&alive), Arc::clone(server));
            let office = Arc::clone(&office);
            let on_end = move |ended| {
                if let Ended::GaveUp(last) = ended {
                    error!(server = &*server.name, last, "a server is not kept until a restart");
                    let why = "the daemon gave up on it".to_owned();
                    let now = office.clock.now();
                    office.hub.publish_after(|| server.stopped(now, Some(why)));
                }
                alive.send_modify(|alive| *alive = alive.saturating_sub(1));
            };
            deps.supervision.start_on(&deps.arbiter, "MCP server", keeper, on_end);
        }
        Self { servers: Arc::new(reached), hub, store: deps.store, stop, alive }
    }

    /// The newest catalogue. A turn keeps the one it began with.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.hub.newest()
    }

    /// Is told of each catalogue that comes.
    pub fn catalogues(&self) -> watch::Receiver<Arc<Catalogue>> {
        self.hub.watch()
    }

    /// How the servers stand, in the order of the settings. The newest catalogue is not older.
    pub fn states(&self) -> Vec<ServerView> {
        self.hub.between(|| self.servers.iter().map(|server| server.view()).collect())
    }

    /// Has a connection that waits be made now, and says whether there is such a server.
    pub fn retry(&self, server: &str) -> bool {
        let found = self.server(server);
        if let Some(server) = found {
            server.wake.notify_one();
        }
        found.is_some()
    }

    /// Ends all connections, and all programs with all that they started. Answers whether that was
    /// done within `longest`.
    pub async fn stop(&self, longest: Duration) -> bool {
        self.stop.cancel();
        let mut alive = self.alive.subscribe();
        let done = alive.wait_for(|alive| *alive == 0);
        tokio::time::timeout(longest, done).await.is_ok()
    }

    fn server(&self, name: &str) -> Option<&Arc<Server>> {
        self.servers.iter().find(|server| &*server.name == name)
    }
}
