//! The actor that keeps the connection to one server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::config::chat::ConnectionSettings;
use crate::mcp_servers::connection::{Connection, Maker, NoConnection};
use crate::mcp_servers::hub::Hub;
use crate::mcp_servers::listing::{self, Listing, Raw};
use crate::mcp_servers::machine::State;
use crate::mcp_servers::server::Server;
use crate::store::Store;
use crate::supervision::jitter;

/// How long after a change a list is read, so that several changes are one.
const SETTLE: Duration = Duration::from_millis(100);

/// When a list that could not be read is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// How soon a list is read again at the earliest.
const BETWEEN: Duration = Duration::from_secs(1);

/// What the actors of all servers have in common.
pub(super) struct Office {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    /// The daemon's own program.
    pub(super) daemon: PathBuf,
    pub(super) connection: ConnectionSettings,
    pub(super) hub: Arc<Hub>,
    pub(super) stop: CancellationToken,
}

/// Keeps one connection.
pub(super) struct Keeper {
    office: Arc<Office>,
    server: Arc<Server>,
    /// Its own: an actor that nobody can reach is not begun again after a failure, and nobody else
    /// has anything to say to it.
    address: Option<Addr<Self>>,
}

impl Keeper {
    pub(super) fn new(office: Arc<Office>, server: Arc<Server>) -> Self {
        Self { office, server, address: None }
    }
}

impl Actor for Keeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.address = Some(ctx.address());
        let work = Work { office: Arc::clone(&self.office), server: Arc::clone(&self.server) };
        let work = async move { work.run().await };
        ctx.spawn(work.into_actor(self).map(|(), _, ctx| ctx.stop()));
    }
}

/// After a failure it begins with a new connection; what is left of the old one is ended by that.
impl Supervised for Keeper {
    fn restarting(&mut self, _: &mut Self::Context) {
        let why = "the daemon failed to keep the connection".to_owned();
        let now = self.office.clock.now();
        self.office.hub.publish_after(|| self.server.lost(now, why, jitter()));
    }
}

struct Work {
    office: Arc<Office>,
    server: Arc<Server>,
}

impl Work {
    async fn run(&self) {
        let mut earlier = false;
        while !self.office.stop.is_cancelled() {
            self.server.connecting(self.office.clock.now());
            let maker = Maker {
                server: &self.server,
                store: &self.office.store,
                daemon: &self.office.daemon,
                settings: self.office.connection,
                earlier,
                stop: &self.office.stop,
            };
            // Never dropped half-way: that would leave a program behind until the next start.
            let why = match Box::pin(maker.make()).await {
                Ok(connection) => {
                    earlier = false;
                    let why = Box::pin(self.keep(&connection)).await;
                    let ended_itself = connection.session.over.is_cancelled();
                    let ended = connection.end().await.filter(|_| ended_itself);
                    ended.map_or(why, |status| format!("its program ended ({status})"))
                }
                Err(error) => {
                    // The next time it is tried in the other way.
                    let is_unclear =
                        matches!(error, NoConnection::Handshake(_) | NoConnection::TimedOut(_));
                    earlier = !earlier && is_unclear;
                    error.to_string()
                }
            };
            if self.office.stop.is_cancelled() {
                break;
            }
            warn!(server = &*self.server.name, why, "an MCP server is not connected");
            let now = self.office.clock.now();
            self.office.hub.publish_after(|| self.server.lost(now, why, jitter()));
            self.rest().await;
        }
        let now = self.office.clock.now();
        self.office.hub.publish_after(|| self.server.stopped(now, None));
    }

    /// Waits until the connection is to be made again.
    async fn rest(&self) {
        let until = match self.server.state() {
            State::Backoff { until, .. } => Some(until),
            State::Failed { until, .. } => until,
            _ => Some(Instant::now()),
        };
        let in_time = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = in_time => {}
            () = self.server.wake.notified() => {}
            () = self.office.stop.cancelled() => {}
        }
    }

    /// Uses a connection until it is gone, and says why it is.
    async fn keep(&self, connection: &Connection) -> String {
        let server = &self.server;
        tokio::select! {
            why = connection.gone() => why,
            () = self.office.stop.cancelled() => "the daemon stops".to_owned(),
            why = self.keep_listed(connection) => why,
            why = connection.keep_asking(self.office.connection.ping_timeout, |trouble| {
                server.answers(self.office.clock.now(), trouble);
            }) => why,
            () = connection.listen() => "nothing is heard of it".to_owned(),
        }
    }

    /// Reads what the server offers, and again whenever that changed.
    async fn keep_listed(&self, connection: &Connection) -> String {
        let (server, office) = (&self.server, &self.office);
        let mut is_known = false;
        loop {
            let patience = office.connection.connection_timeout;
            let raw = listing::read(connection.peer(), &connection.capabilities, patience).await;
            let unread = raw.unread();
            let listing = match &unread {
                // What was known is better than what could not be read, a dying connection's most
                // of all.
                Some(_) if is_known => {
                    Listing { trouble: unread.clone(), ..Listing::clone(&server.listing()) }
                }
                _ => match self.judged(raw).await {
                    Ok(listing) => listing,
                    Err(why) => return why,
                },
            };
            let listing = Arc::new(listing);
            let (now, tools) = (office.clock.now(), listing.tools.len());
            if is_known {
                office.hub.publish_after(|| server.lists(now, listing));
            } else {
                let version = Some(connection.version.to_string());
                info!(server = &*server.name, version, tools, "an MCP server is connected");
                let session = connection.session.clone();
                office.hub.publish_after(|| server.connected(now, session, version, listing));
                is_known = true;
            }
            let read = Instant::now();
            let again = if unread.is_some() { AGAIN } else { Duration::MAX };
            drop(timeout(again, connection.changed.notified()).await);
            // Named by the server, because tests of others run in the same process.
            fail::fail_point!("mcp-list-changed", &*server.name == "breaks", |why| {
                why.unwrap_or_default()
            });
            sleep(SETTLE).await;
            sleep_until(read + BETWEEN).await;
        }
    }

    async fn judged(&self, raw: Raw) -> Result<Listing, String> {
        let server = &self.server;
        let mut listing = listing::judge(raw, server.listing()).await?;
        let pinned = listing::pin(&mut listing, &self.office.store, &server.name).await;
        pinned.map_err(|_| "what was agreed to of its tools cannot be read".to_owned())?;
        Ok(listing)
    }
}
