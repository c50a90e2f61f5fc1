//! How does one server stand, for all who ask?

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::clock::Timestamp;
use crate::config::chat::{ConnectionSettings, McpServerSettings, Transport};
use crate::mcp_servers::call::{Limits, Session};
use crate::mcp_servers::catalogue::{ListedTool, Pin, ServerTools};
use crate::mcp_servers::listing::Listing;
use crate::mcp_servers::machine::{Machine, State};
use crate::mcp_servers::redact::Redactor;

/// How a server stands, for who looks.
#[derive(Debug, Clone)]
pub struct ServerView {
    /// Its name.
    pub name: String,
    /// How it is reached: `stdio`, `http` or `builtin`.
    pub transport: &'static str,
    /// Where its connection stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// How often the connection failed in a row.
    pub failures: u32,
    /// What went wrong last, in a sentence.
    pub last_error: Option<String>,
    /// The revision of the protocol that is spoken.
    pub protocol_version: Option<String>,
    /// How many tools can be used.
    pub tools: usize,
    /// The tools that cannot, each with the reason.
    pub quarantined: Vec<(String, String)>,
    /// How many prompts there are.
    pub prompts: usize,
    /// How many resources there are.
    pub resources: usize,
    /// How many calls are under way.
    pub in_flight: usize,
}

/// One server.
pub(super) struct Server {
    pub(super) name: Arc<str>,
    pub(super) settings: McpServerSettings,
    pub(super) redactor: Redactor,
    /// Rung when its connection is to be made now.
    pub(super) wake: Notify,
    standing: Mutex<Standing>,
    moved: watch::Sender<()>,
}

struct Standing {
    machine: Machine,
    since: Timestamp,
    last_error: Option<String>,
    protocol_version: Option<String>,
    session: Option<Session>,
    listing: Arc<Listing>,
}

impl Server {
    pub(super) fn new(
        settings: McpServerSettings,
        connection: ConnectionSettings,
        since: Timestamp,
    ) -> Self {
        let redactor = match &settings.transport {
            Transport::Stdio { env, .. } => Redactor::new(env.values()),
            Transport::Http { headers, .. } => Redactor::new(headers.values()),
            Transport::Builtin => Redactor::default(),
        };
        let standing = Standing {
            machine: Machine::new(connection),
            since,
            last_error: None,
            protocol_version: None,
            session: None,
            listing: Arc::default(),
        };
        Self {
            name: settings.name.as_str().into(),
            settings,
            redactor,
            wake: Notify::new(),
            standing: Mutex::new(standing),
            moved: watch::Sender::new(()),
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        // Each change is whole.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the machine, and tells those who wait for that.
    fn step(&self, now: Timestamp, change: impl FnOnce(&mut Standing)) {
        let mut standing = self.standing();
        let before = standing.machine.state().word();
        change(&mut standing);
        if standing.machine.state().word() != before {
            standing.since = now;
        }
        drop(standing);
        self.moved.send_replace(());
    }

    pub(super) fn connecting(&self, now: Timestamp) {
        self.step(now, |standing| standing.machine.connecting());
    }

    /// It can be asked; `trouble` is what is wrong nevertheless.
    pub(super) fn connected(
        &self,
        now: Timestamp,
        session: Session,
        protocol_version: Option<String>,
        listing: Arc<Listing>,
    ) {
        self.step(now, |standing| {
            standing.machine.connected(Instant::now(), listing.trouble.clone());
            standing.last_error.clone_from(&listing.trouble);
            standing.session = Some(session);
            standing.protocol_version = protocol_version;
            standing.listing = listing;
        });
    }

    /// What it offers is this now.
    pub(super) fn lists(&self, now: Timestamp, listing: Arc<Listing>) {
        self.step(now, |standing| {
            if standing.machine.state().is_connected() {
                standing.machine.connected(Instant::now(), listing.trouble.clone());
                if listing.trouble.is_some() {
                    standing.last_error.clone_from(&listing.trouble);
                }
            }
            standing.listing = listing;
        });
    }

    /// Somebody agreed to a tool of this listing, if it is still the one.
    pub(super) fn agree(&self, listing: &Arc<Listing>, is_it: &dyn Fn(&ListedTool) -> bool) {
        let mut standing = self.standing();
        if Arc::ptr_eq(listing, &standing.listing) {
            let mut agreed = Listing::clone(listing);
            for tool in agreed.tools.iter_mut().filter(|tool| is_it(tool)) {
                tool.pin = Pin::Same;
            }
            standing.listing = Arc::new(agreed);
        }
    }

    /// It stands, and answers or does not.
    pub(super) fn answers(&self, now: Timestamp, trouble: Option<String>) {
        self.step(now, |standing| {
            if standing.machine.state().is_connected() {
                let trouble = trouble.or_else(|| standing.listing.trouble.clone());
                if trouble.is_some() {
                    standing.last_error.clone_from(&trouble);
                }
                standing.machine.connected(Instant::now(), trouble);
            }
        });
    }

    pub(super) fn lost(&self, now: Timestamp, why: String, chance: f64) {
        self.step(now, |standing| {
            standing.machine.lost(Instant::now(), chance);
            standing.session = None;
            standing.last_error = Some(why);
            if matches!(standing.machine.state(), State::Failed { .. }) {
                // Nobody knows any more what it offers.
                standing.listing = Arc::default();
            }
        });
    }

    pub(super) fn stopped(&self, now: Timestamp, why: Option<String>) {
        self.step(now, |standing| {
            standing.machine.stopped();
            standing.session = None;
            standing.listing = Arc::default();
            if why.is_some() {
                standing.last_error = why;
            }
        });
    }

    pub(super) fn state(&self) -> State {
        self.standing().machine.state().clone()
    }

    pub(super) fn session(&self) -> Option<Session> {
        self.standing().session.clone()
    }

    pub(super) fn listing(&self) -> Arc<Listing> {
        Arc::clone(&self.standing().listing)
    }

    /// Is rung when anything of it changed.
    pub(super) fn moved(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    pub(super) fn limits(&self) -> Limits {
        Limits { idle: self.settings.timeout, total: self.settings.max_timeout }
    }

    /// Its part of the catalogue.
    pub(super) fn tools(&self) -> ServerTools {
        let standing = self.standing();
        ServerTools {
            server: Arc::clone(&self.name),
            is_available: standing.session.is_some(),
            tools: standing.listing.tools.clone(),
            quarantined: standing.listing.quarantined.clone(),
        }
    }

    pub(super) fn view(&self) -> ServerView {
        let standing = self.standing();
        let Standing { machine, since, last_error, protocol_version, session, listing } =
            &*standing;
        ServerView {
            name: self.name.to_string(),
            transport: match self.settings.transport {
                Transport::Stdio { .. } => "stdio",
                Transport::Http { .. } => "http",
                Transport::Builtin => "builtin",
            },
            state: machine.state().clone(),
            since: *since,
            failures: machine.failures(),
            last_error: last_error.clone(),
            protocol_version: protocol_version.clone(),
            tools: listing.tools.len(),
            quarantined: listing.quarantined.clone(),
            prompts: listing.prompts.len(),
            resources: listing.resources.len(),
            in_flight: session.as_ref().map_or(0, |session| session.in_flight.count()),
        }
    }
}
