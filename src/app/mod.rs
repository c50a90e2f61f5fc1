//! Putting the daemon together, running it, and taking it down in order.

mod audit_trail;
mod chat;
mod chat_listener;
mod going_down;
mod housekeeping;
mod listener;
mod oauth;
mod parts;
mod registry;
mod repository;
mod serving;
mod shipped_evals;
mod signals;
mod subscriptions;
mod supervisor_notice;
mod taking_over;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_web::dev::Server;
use actix_web::web;
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use self::audit_trail::AuditTrail;
use self::parts::Parts;
pub use self::registry::RegistrySetupError;
pub use self::signals::Signals;
use crate::adapters::llm::ConnectError;
use crate::adapters::metrics::SourceError;
use crate::adapters::outbound::OutboundError;
use crate::adapters::webhook::WebhookError;
use crate::canaries::{Canaries, CanaryError};
use crate::chat::TakeOverError;
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::config::chat::ChatSettings;
use crate::events::{Hub, HubError, Outlet};
use crate::http::{ChatDoor, Lifecycle, Phase, RequestLog, Shared};
use crate::jobs::Jobs;
use crate::legacy_state::ImportError;
use crate::mcp;
use crate::mcp_servers::McpServers;
use crate::notifications::Bell;
use crate::repo::RepoError;
use crate::repo::root::RootError;
use crate::store::{Database, OpenError, Publish, Store, StoreDeps, StoreError};
use crate::subscriptions::EventBells;
use crate::supervision::{Ended, RestartPolicy, Supervision};
use crate::tools::{Doors, Infrastructure, Links};

/// Why the daemon did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed at the start.
    #[error("the daemon could not start: {0}")]
    Store(#[from] StoreError),
    /// The event stream could not be started.
    #[error("the daemon could not start: {0}")]
    Events(#[from] HubError),
    /// The source of metrics cannot be used as it is set.
    #[error(transparent)]
    Metrics(#[from] SourceError),
    /// The canaries of an earlier run cannot be taken up.
    #[error("the daemon could not start: {0}")]
    Canaries(#[from] CanaryError),
    /// The directory of the repository cannot be used.
    #[error("{0}; set LUKHAS_REPO_ROOT to the directory of a repository")]
    Root(#[from] RootError),
    /// The repository's unfinished changes cannot be settled.
    #[error("the daemon could not start: {0}")]
    Repository(#[from] RepoError),
    /// The earlier server's state is there and cannot be used.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The earlier chat's database is there and cannot be used.
    #[error(transparent)]
    TakeOver(#[from] TakeOverError),
    /// The registry cannot be used as it is configured.
    #[error(transparent)]
    Registry(#[from] RegistrySetupError),
    /// A provider of models cannot be called as it is set.
    #[error(transparent)]
    Provider(#[from] ConnectError),
    /// A webhook cannot be called.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// The collector of traces cannot be called.
    #[error("traces cannot be sent: {0}")]
    Collector(OutboundError),
    /// The issuer of tokens cannot be asked for its keys.
    #[error("the issuer of tokens cannot be used: {0}")]
    Issuer(#[from] OutboundError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {why}; free the port, or set PORT to another")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        why: std::io::Error,
    },
    /// The address for sockets cannot be listened on.
    #[error(
        "cannot listen on {address} for the chat: {why}; free the port, or set \
         chat.websocket.host and chat.websocket.port in config.yaml to another"
    )]
    BindChat {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        why: std::io::Error,
    },
    /// Something the daemon needs from the system is not to be had.
    #[error("the daemon could not start: {what}: {why}")]
    System {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        why: std::io::Error,
    },
    /// A part that the daemon cannot do without kept failing.
    #[error("the {0} actor failed again and again; the daemon ends to be started anew")]
    GaveUp(&'static str),
}

/// The daemon, listening but not yet serving.
pub struct Application {
    address: SocketAddr,
    server: Server,
    lifecycle: Lifecycle,
    events: Arc<Hub>,
    store: Store,
    jobs: Jobs,
    canaries: Canaries,
    trail: AuditTrail,
    servers: Option<McpServers>,
    failures: mpsc::UnboundedReceiver<&'static str>,
    shutdown_deadline: Duration,
}

impl Application {
    /// Opens the database, starts the actors, takes up what was left and binds the port.
    ///
    /// Must be called inside an actix system. `chat` is what conversations go by, if there are any;
    /// `files` are those that the settings came from, which
    /// may hold secrets.
    ///
    /// # Errors
    /// Whatever keeps the daemon from starting; nothing was changed then but what a start changes.
    #[expect(clippy::too_many_lines, reason = "one part after the other, each with what it needs")]
    pub async fn start(
        settings: &Settings,
        chat: Option<&ChatSettings>,
        files: &[PathBuf],
    ) -> Result<Self, AppError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let supervision = Supervision::new(RestartPolicy::default());
        let (failed, failures) = mpsc::unbounded_channel();

        let outlet = Outlet::default();
        let bell = Arc::<Bell>::default();
        let bells = Arc::<EventBells>::default();
        let publish = bells.hung_on(bell.hung_on(outlet.publish()));
        let on_end = report("database", &failed);
        let store = open_store(settings, &clock, &supervision, publish, on_end)?;
        taking_over::state(&store, settings).await?;
        let actors = Arbiter::new().handle();
        let parts = Parts {
            settings,
            store: &store,
            clock: &clock,
            supervision: &supervision,
            arbiter: &actors,
            failed: &failed,
        };
        let events = parts.events(outlet).await?;
        let subscriptions = subscriptions::start(&parts, &events, bells).await?;
        let jobs = parts.jobs().await?;
        let models = parts.models()?;
        let canaries = parts.canaries(&models).await?;
        let repo = repository::open(&parts, files, events.changes()).await?;
        let notifications = webhooks::start(&parts, bell).await?;
        let trail = AuditTrail::start(
            (&store, &clock),
            settings,
            (&supervision, &actors),
            report("audit keeper", &failed),
        );
        let oauth = oauth::server(&parts).await?;

        let (address, listener) = listener::bind(settings.server.address())?;
        trail.begin(settings).await?;
        let lifecycle = Lifecycle::default();
        let request_log = if settings.log.requests {
            Some(RequestLog::start().map_err(system("start the request log"))?)
        } else {
            None
        };
        let sockets = chat_listener::bind(chat.map(|chat| &chat.websocket))?;
        let trails = (request_log.as_ref(), &trail.refusals);
        let gate = parts.gate(trails, oauth.clone(), sockets.place.clone())?;
        let registry = mcp::registry(chat.is_some());
        let chat = chat::start(&parts, chat, &registry).await?;
        parts.housekeeping(housekeeping::Parts {
            jobs: jobs.clone(),
            audit: trail.audit.clone(),
            oauth,
            chat: chat.as_ref().map(|started| started.chat.clone()),
        });
        let doors = Doors {
            jobs: jobs.clone(),
            models,
            canaries: canaries.clone(),
            audit: trail.audit.clone(),
            repo: repo.clone(),
            subscriptions,
            chat: chat.as_ref().map(|started| started.chat.clone()),
            links: Links::new(settings.server.public_base_url.as_ref(), address),
            infrastructure: Infrastructure {
                store: store.clone(),
                supervision: supervision.clone(),
                clock: Arc::clone(&clock),
                started: clock.now(),
                read_only: settings.repo.read_only,
                job_ttl: settings.store.job_ttl,
                events: Arc::clone(&events),
                notifications: notifications.clone(),
            },
        };
        if let Some(chat) = &chat {
            chat.tools.open(doors.clone());
            chat.chat.take_up().await?;
        }
        let door = web::Data::new(ChatDoor::new(
            doors.chat.clone(),
            events.clone(),
            Arc::clone(&clock),
            sockets.place.addresses.clone(),
        ));
        let shared = web::Data::new(Shared {
            server: Arc::new(mcp::Server::new(
                doors.clone(),
                registry,
                mcp::Policy { confirm: settings.mcp.confirm, gives_tasks: settings.mcp.give_tasks },
            )),
            doors,
            events: events.clone(),
            audit: trail.audit.clone(),
            exports: trail.exports.clone(),
            anchors: Arc::clone(&trail.anchors),
            notifications,
            store: store.clone(),
            jobs: jobs.clone(),
            canaries: canaries.clone(),
            repo,
            supervision,
            lifecycle: lifecycle.clone(),
            clock,
            request_log,
        });
        let server = serving::serve(settings, (listener, sockets), (shared, door), gate)?;
        let shutdown_deadline = settings.server.shutdown_deadline;
        Ok(Self {
            address,
            server,
            lifecycle,
            events,
            store,
            jobs,
            canaries,
            trail,
            servers: chat.map(|started| started.servers),
            failures,
            shutdown_deadline,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until a signal comes, then ends in order: nothing new, streams told, what is in
    /// flight finished, the log moved into the database.
    ///
    /// # Errors
    /// [`AppError::GaveUp`] when a part that the daemon cannot do without kept failing.
    pub async fn run(mut self, mut signals: Signals) -> Result<(), AppError> {
        let handle = self.server.handle();
        let mut server = actix::spawn(self.server);
        self.lifecycle.enter(Phase::Ready);
        supervisor_notice::ready(self.address);
        let watched =
            (self.store.clone(), self.events.clone(), self.jobs.clone(), self.canaries.clone());
        let watchdog = actix::spawn(supervisor_notice::watchdog(watched));
        let outcome = tokio::select! {
            signal = signals.first() => {
                info!(signal, "the daemon goes down");
                Ok(())
            }
            Some(actor) = self.failures.recv() => Err(AppError::GaveUp(actor)),
            ended = &mut server => {
                error!(outcome = ?ended, "the listener ended by itself");
                Err(AppError::GaveUp("http"))
            }
        };
        watchdog.abort();
        supervisor_notice::stopping();
        signals.second_ends_at_once();
        going_down::drain(&handle, &self.lifecycle, &self.events, self.shutdown_deadline).await;
        if let Some(servers) = &self.servers
            && !servers.stop(self.shutdown_deadline).await
        {
            warn!("some MCP servers were not over by the deadline; the next start ends them");
        }
        going_down::settle(&self.trail, &self.store, self.shutdown_deadline).await;
        outcome
    }
}

/// Opens the database, brings it up to date and starts its writer.
fn open_store(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    supervision: &Supervision,
    publish: Publish,
    on_end: Box<dyn FnOnce(Ended) + Send>,
) -> Result<Store, AppError> {
    let database = Database::at(&settings.store.db)?;
    let migrated = Store::prepare(&database)?;
    for migration in &migrated.applied {
        info!(migration, "the schema was brought up to date");
    }
    let (clock, supervision) = (Arc::clone(clock), supervision.clone());
    let arbiter = Arbiter::new().handle();
    Ok(Store::start(database, StoreDeps { clock, publish, supervision, arbiter, on_end }))
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> AppError {
    move |why| AppError::System { what, why }
}

/// Tells the daemon that a part it cannot do without is gone.
fn report(
    actor: &'static str,
    failed: &mpsc::UnboundedSender<&'static str>,
) -> Box<dyn FnOnce(Ended) + Send> {
    let failed = failed.clone();
    Box::new(move |ended| {
        if let Ended::GaveUp(_) = ended {
            // Nobody listens only when the daemon goes down already.
            let _ = failed.send(actor);
        }
    })
}
