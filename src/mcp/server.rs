//! What comes in, and by which rules it is answered.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::config::Confirm;
use crate::mcp::answer::{self, Answer, Code};
use crate::mcp::envelope::{Envelope, Malformed, Message};
use crate::mcp::era::{agreed, check_stateless, falls_back, is_stateless};
use crate::mcp::fault::Fault;
use crate::mcp::followed::STREAM;
use crate::mcp::headers::Headers;
use crate::mcp::introduction::Varying;
use crate::mcp::listen::LISTEN;
use crate::mcp::lists::Lists;
use crate::mcp::meta::Meta;
use crate::mcp::methods::Asked;
use crate::mcp::places::Places;
use crate::mcp::seal::Seal;
use crate::mcp::session::Session;
use crate::mcp::sessions::Sessions;
use crate::mcp::stream::Outcome;
use crate::mcp::tool_list::ToolList;
use crate::mcp::version::Version;
use crate::prompts::Prompts;
use crate::resources::Resources;
use crate::tools::{CallCounts, Caller, Doors, Registry, Role, Tasks};

/// The method that introduces a client, and has no place in a batch.
pub(super) const INITIALIZE: &str = "initialize";

/// The most streams of subscriptions, and the most of one principal.
const LISTENERS: usize = 512;
const LISTENERS_EACH: usize = 64;

/// Answers messages.
pub struct Server {
    pub(super) registry: Arc<Registry>,
    pub(super) doors: Doors,
    pub(super) resources: Resources,
    pub(super) prompts: Prompts,
    pub(super) tool_list: ToolList,
    /// The schemas of tools that want arguments repeated in headers.
    pub(super) header_schemas: HashMap<String, Value>,
    pub(super) sessions: Sessions,
    pub(super) seal: Seal,
    pub(super) lists: Arc<Lists>,
    pub(super) varying: Varying,
    pub(super) confirm: Confirm,
    pub(super) listeners: Arc<Places>,
    /// Who has tasks, if any are given out.
    pub(super) tasks: Option<Arc<dyn Tasks>>,
}

/// What the operator decided about the protocol.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Before what somebody has to say yes.
    pub confirm: Confirm,
    /// Whether calls that begin long-running work answer with a task where the client wants it.
    pub gives_tasks: bool,
}

/// All tools; with those of the chat, where there is one.
pub fn registry(has_chat: bool) -> Arc<Registry> {
    let registry = Registry::new(has_chat);
    #[cfg(feature = "conformance")]
    let registry = registry.with(crate::conformance::tools());
    Arc::new(registry)
}

fn resources(doors: &Doors) -> Resources {
    let resources = Resources::new(doors.clone());
    #[cfg(feature = "conformance")]
    let resources = resources.with(crate::conformance::resources());
    resources
}

fn prompts(doors: &Doors) -> Prompts {
    let prompts = Prompts::new(doors.clone());
    #[cfg(feature = "conformance")]
    let prompts = prompts.with(crate::conformance::prompts());
    prompts
}

#[cfg(not(feature = "conformance"))]
fn tasks(doors: &Doors) -> Arc<dyn Tasks> {
    Arc::new(crate::tools::Work::new(doors.clone()))
}

#[cfg(feature = "conformance")]
fn tasks(doors: &Doors) -> Arc<dyn Tasks> {
    Arc::new(crate::conformance::LongWork::new(doors.clone()))
}

/// What there is to call stays the same while the daemon runs; the suite wants to see it change.
const VARYING: Varying =
    Varying { tools: cfg!(feature = "conformance"), prompts: cfg!(feature = "conformance") };

/// A body, who sent it, and what the transport knows about it.
pub struct Received {
    /// Who sent it.
    pub caller: Caller,
    /// What it says in its headers.
    pub headers: Headers,
    /// Whether the client takes a stream for an answer.
    pub accepts_events: bool,
    /// What was sent.
    pub body: Bytes,
}

impl Server {
    /// A server for all tools of a registry.
    pub fn new(
        doors: Doors,
        registry: Arc<Registry>,
        Policy { confirm, gives_tasks }: Policy,
    ) -> Self {
        let tasks = gives_tasks.then(|| tasks(&doors));
        let tool_list = ToolList::of(&registry);
        let header_schemas = registry
            .describe(Role::Operate)
            .into_iter()
            .filter(|tool| tool["inputSchema"].to_string().contains("x-mcp-header"))
            .filter_map(|tool| {
                Some((tool["name"].as_str()?.to_owned(), tool["inputSchema"].clone()))
            })
            .collect();
        Self {
            registry,
            resources: resources(&doors),
            prompts: prompts(&doors),
            doors,
            tool_list,
            header_schemas,
            sessions: Sessions::default(),
            seal: Seal::new(Instant::now()),
            lists: Arc::default(),
            varying: VARYING,
            confirm,
            listeners: Places::new(LISTENERS, LISTENERS_EACH),
            tasks,
        }
    }

    /// The names of all tools, in the order of `tools/list`.
    pub fn tool_names(&self) -> Vec<&'static str> {
        self.registry.names()
    }

    /// What `tools/list` gives to who may do everything.
    pub fn tools(&self) -> Vec<Value> {
        self.registry.describe(Role::Operate)
    }

    /// How often each tool was called.
    pub fn call_counts(&self) -> impl Iterator<Item = CallCounts> + '_ {
        self.registry.call_counts()
    }

    /// How many requests a body asks for, for the rate limit: the members of a batch, else one.
    pub fn weight(body: &[u8]) -> usize {
        if first_byte(body) != Some(b'[') {
            return 1;
        }
        serde_json::from_slice::<Vec<&RawValue>>(body).map_or(1, |batch| batch.len().max(1))
    }

    /// Answers a body.
    pub async fn receive(self: &Arc<Self>, received: Received) -> Outcome {
        let Ok(text) = std::str::from_utf8(&received.body) else {
            let why = "the body must be JSON in UTF-8";
            return bad(&received.headers, None, Code::Parse, why);
        };
        if first_byte(&received.body) == Some(b'[') {
            return Outcome::Whole(self.batch(&received, text).await);
        }
        let message = match Envelope::read(text) {
            Err(error) => {
                let (code, why) = unreadable(&error);
                return bad(&received.headers, None, code, &why);
            }
            Ok(envelope) => match envelope.check() {
                Err(Malformed { id, why }) => {
                    return bad(&received.headers, id, Code::InvalidRequest, why);
                }
                Ok(message) => message,
            },
        };
        match message {
            Message::Notification { method, params } => {
                Outcome::Whole(self.notified(&received, &method, params))
            }
            Message::Response { id, result } => {
                Outcome::Whole(self.responded(&received, id, result))
            }
            Message::Request { id, method, params } => {
                self.requested(&received, id.get(), &method, params).await
            }
        }
    }

    /// Finds the rules for a request, and has it carried out by them.
    async fn requested(
        self: &Arc<Self>,
        received: &Received,
        id: &str,
        method: &str,
        params: Option<&RawValue>,
    ) -> Outcome {
        let Received { caller, headers, .. } = received;
        let whole = Outcome::Whole;
        if let Some(refusal) = no_object(id, params) {
            return whole(refusal);
        }
        let meta = Meta::of(params);
        let silent = Meta::default();
        if method == INITIALIZE && falls_back(params, meta.as_ref().unwrap_or(&silent)) {
            return whole(self.initialize(received, id, params, &silent));
        }
        if is_stateless(headers, method, meta.as_ref().unwrap_or(&silent)) {
            let checked = meta.and_then(|meta| {
                let version = check_stateless(headers, method, params, &meta)?;
                Ok((version, meta))
            });
            let (version, meta) = match checked {
                Ok(checked) => checked,
                Err(fault) => return whole(answer::answer(Version::V20260728, id, Err(fault))),
            };
            let asked =
                Asked { caller, version, meta: &meta, headers, session: None, method, params };
            let span = self.span(asked, id);
            return self.respond(asked, id, received.accepts_events).instrument(span).await;
        }
        let Ok(agreed) = agreed(headers) else { return whole(not_served(Some(id))) };
        // What an earlier revision says about itself is a wish, and is not worth a refusal.
        let meta = meta.unwrap_or_default();
        if method == INITIALIZE {
            return whole(self.initialize(received, id, params, &meta));
        }
        let session = match self.session(received) {
            Ok(session) => session,
            Err(refusal) => return whole(refusal),
        };
        let version = agreed.or(session.as_ref().map(|session| session.version));
        let version = version.unwrap_or(Version::V20250326);
        let session = session.as_ref();
        let asked = Asked { caller, version, meta: &meta, headers, session, method, params };
        let span = self.span(asked, id);
        self.respond(asked, id, received.accepts_events).instrument(span).await
    }

    /// Answers a request, or begins a stream for it.
    async fn respond(
        self: &Arc<Self>,
        asked: Asked<'_>,
        id: &str,
        accepts_events: bool,
    ) -> Outcome {
        match asked.method {
            LISTEN if asked.version.is_stateless() => self.listen(asked, id).await,
            STREAM => self.stream_events(asked, id, accepts_events).await,
            _ => self.carry_out(asked, id, accepts_events).await,
        }
    }

    /// The session that a request names; nothing if it names none.
    ///
    /// # Errors
    /// There is none, or it is somebody else's, which is the same to who asks.
    pub(super) fn session(&self, received: &Received) -> Result<Option<Arc<Session>>, Answer> {
        let Some(header) = &received.headers.session else { return Ok(None) };
        let found =
            header.text().and_then(|id| self.sessions.find(id, &received.caller, Instant::now()));
        found.map(Some).ok_or_else(|| {
            let why = "there is no such session any more; send initialize to begin another";
            Answer::with_status(404, answer::error(None, Code::InvalidRequest, why))
        })
    }

    pub(super) fn notified(
        &self,
        received: &Received,
        method: &str,
        params: Option<&RawValue>,
    ) -> Answer {
        if is_stateless(&received.headers, method, &Meta::default()) {
            return Answer::accepted();
        }
        if agreed(&received.headers).is_err() {
            return not_served(None);
        }
        let session = match self.session(received) {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        if let (Some(session), "notifications/cancelled") = (session, method)
            && let Some(id) = params.and_then(cancelled)
        {
            session.cancel(id);
        }
        Answer::accepted()
    }

    pub(super) fn responded(
        &self,
        received: &Received,
        id: Option<&RawValue>,
        result: Option<&RawValue>,
    ) -> Answer {
        let refuse = || {
            let why = "a response was sent, and nothing was asked";
            Answer::bad(answer::error(None, Code::InvalidRequest, why))
        };
        if is_stateless(&received.headers, "", &Meta::default()) {
            return refuse();
        }
        match self.session(received) {
            Ok(Some(session)) => {
                let id = id.and_then(|id| serde_json::from_str::<String>(id.get()).ok());
                let result = result.and_then(|result| serde_json::from_str(result.get()).ok());
                session.answered(&id.unwrap_or_default(), result);
                Answer::accepted()
            }
            Ok(None) => refuse(),
            Err(refusal) => refusal,
        }
    }
}

pub(super) fn no_object(id: &str, params: Option<&RawValue>) -> Option<Answer> {
    let is_wrong = params.is_some_and(|params| !params.get().starts_with(['{', '[']));
    is_wrong.then(|| {
        let why = "params must be an object";
        Answer::bad(answer::error(Some(id), Code::InvalidRequest, why))
    })
}

pub(super) fn not_served(id: Option<&str>) -> Answer {
    let all = Version::ALL.map(Version::as_str).join(", ");
    let why = format!("MCP-Protocol-Version is not supported; supported are {all}");
    Answer::bad(answer::error(id, Code::InvalidRequest, &why))
}

/// Refuses what is no message. Later revisions have no id where none could be read, and earlier
/// ones null.
fn bad(headers: &Headers, id: Option<&str>, code: Code, why: &str) -> Outcome {
    let body = match id {
        None if headers.is_later() => answer::error_without_id(code, why),
        id => answer::error(id, code, why),
    };
    Outcome::Whole(Answer::bad(body))
}

/// The id in the params of a cancellation, as it was written.
fn cancelled(params: &RawValue) -> Option<&str> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Cancelled<'a> {
        #[serde(borrow)]
        request_id: &'a RawValue,
    }
    let cancelled: Cancelled<'_> = serde_json::from_str(params.get()).ok()?;
    Some(cancelled.request_id.get())
}

/// A body that is not JSON, or is JSON and no message.
pub(super) fn unreadable(error: &serde_json::Error) -> (Code, String) {
    let code = if error.is_data() { Code::InvalidRequest } else { Code::Parse };
    (code, format!("the body is not a JSON-RPC message: {error}"))
}

fn first_byte(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// The answer to a request that failed through a fault of ours.
pub(super) fn at_fault(version: Version, id: &str) -> Answer {
    let why = "the request failed through a fault of the server".to_owned();
    let mut answer = answer::answer(version, id, Err(Fault::Internal(why)));
    answer.status = 500;
    answer
}
