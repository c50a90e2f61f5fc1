//! Dispatch: which message gets which answer.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tracing::error;

use crate::mcp::answer::{self, Answer, Code};
use crate::mcp::envelope::{Envelope, Malformed, Message};
use crate::mcp::version::{LATEST, Version};
use crate::tools::{
    Call, CallCounts, CallResult, Caller, Doors, Effect, Registry, Role, Silent, ToolError,
};

/// The most messages in a batch: a batch must not be a way around the rate limit.
const BATCH: usize = 50;

/// The method that would introduce a client, and has no place in a batch.
const INITIALIZE: &str = "initialize";

/// Answers messages.
pub struct Server {
    registry: Registry,
    doors: Doors,
    tools_list: ToolsList,
}

/// What `tools/list` answers, by who asks; made once.
struct ToolsList {
    read: Bytes,
    operate: Bytes,
}

impl ToolsList {
    fn of(registry: &Registry) -> Self {
        let list = |role| json!({ "tools": registry.describe(role) }).to_string().into();
        Self { read: list(Role::Read), operate: list(Role::Operate) }
    }

    fn shown_to(&self, role: Role) -> &Bytes {
        match role {
            Role::Read => &self.read,
            Role::Operate => &self.operate,
        }
    }
}

#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeParams {
    #[serde(default)]
    protocol_version: Option<String>,
}

#[derive(Deserialize)]
struct ListParams {
    #[serde(default)]
    cursor: Option<String>,
}

impl Server {
    /// A server for all tools.
    pub fn new(doors: Doors) -> Self {
        let registry = Registry::default();
        let tools_list = ToolsList::of(&registry);
        Self { registry, doors, tools_list }
    }

    /// The names of all tools, in the order of `tools/list`.
    pub fn tool_names(&self) -> Vec<&'static str> {
        self.registry.names()
    }

    /// What `tools/list` gives to who may do everything.
    pub fn tools(&self) -> Vec<serde_json::Value> {
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

    /// Whether a body asks for something that only the role operate may do. Of what cannot be read,
    /// nothing is done.
    pub fn asks_for_change(&self, body: &[u8]) -> bool {
        let changes = |text: &str| {
            let Ok(envelope) = Envelope::read(text) else { return false };
            let Ok(Message::Request { method, params, .. }) = envelope.check() else {
                return false;
            };
            let call = read::<CallParams<'_>>(params).ok().flatten();
            let effect = call.and_then(|call| self.registry.effect_of(&call.name));
            method == "tools/call" && effect.is_some_and(|effect| effect != Effect::Reads)
        };
        if first_byte(body) == Some(b'[') {
            let members = serde_json::from_slice::<Vec<&RawValue>>(body).unwrap_or_default();
            return members.iter().any(|member| changes(member.get()));
        }
        std::str::from_utf8(body).is_ok_and(changes)
    }

    /// Answers a body. `version` is the protocol header as it came.
    pub async fn answer(&self, caller: &Caller, version: Option<&str>, body: &[u8]) -> Answer {
        let served = match version.map(|text| (text, Version::parse(text))) {
            None => None,
            Some((_, Some(version))) => Some(version),
            Some((_, None)) => {
                let all = Version::ALL.map(Version::as_str).join(", ");
                let why = format!("MCP-Protocol-Version is not supported; supported are {all}");
                return Answer::bad(answer::error(None, Code::InvalidRequest, &why));
            }
        };
        let Ok(text) = std::str::from_utf8(body) else {
            let why = "the body must be JSON in UTF-8";
            return Answer::bad(answer::error(None, Code::Parse, why));
        };
        if first_byte(body) == Some(b'[') {
            return self.batch(caller, served, text).await;
        }
        self.one(caller, served.unwrap_or(Version::V20250326), text).await
    }

    async fn one(&self, caller: &Caller, version: Version, text: &str) -> Answer {
        let envelope = match Envelope::read(text) {
            Ok(envelope) => envelope,
            Err(error) => return Answer::bad(unreadable(&error)),
        };
        match envelope.check() {
            Err(Malformed { id, why }) => Answer::bad(answer::error(id, Code::InvalidRequest, why)),
            Ok(Message::Notification) => Answer::accepted(),
            Ok(Message::Response) => {
                let why = "a response was sent, and nothing was asked";
                Answer::bad(answer::error(None, Code::InvalidRequest, why))
            }
            Ok(Message::Request { id, method, params }) => {
                self.request(caller, version, id.get(), &method, params).await
            }
        }
    }

    async fn batch(&self, caller: &Caller, version: Option<Version>, text: &str) -> Answer {
        let refuse = |code, why: &str| Answer::bad(answer::error(None, code, why));
        if !matches!(version, None | Some(Version::V20250326)) {
            return refuse(Code::InvalidRequest, "only 2025-03-26 has batches; send one message");
        }
        let members: Vec<&RawValue> = match serde_json::from_str(text) {
            Ok(members) => members,
            Err(error) => return refuse(Code::Parse, &format!("the body is not JSON: {error}")),
        };
        if members.is_empty() || BATCH < members.len() {
            let why = format!("a batch must have 1 to {BATCH} messages");
            return refuse(Code::InvalidRequest, &why);
        }
        let introduces = |member: &&RawValue| {
            Envelope::read(member.get()).map(Envelope::check).is_ok_and(|message| {
                matches!(message, Ok(Message::Request { method, .. }) if method == INITIALIZE)
            })
        };
        if members.iter().any(introduces) {
            return refuse(Code::InvalidRequest, "initialize must not be in a batch");
        }
        let (mut answers, mut statuses) = (Vec::new(), Vec::new());
        for member in members {
            let answer = self.one(caller, Version::V20250326, member.get()).await;
            statuses.push(answer.status);
            if !answer.body.is_empty() {
                answers.push(answer.body);
            }
        }
        // What one member did is answered, whatever became of the others.
        let refused = statuses.iter().all(|status| matches!(status, 400 | 503));
        let status = if refused { statuses.into_iter().max().unwrap_or(400) } else { 200 };
        if answers.is_empty() {
            return Answer::accepted();
        }
        Answer { status, body: joined(&answers) }
    }

    async fn request(
        &self,
        caller: &Caller,
        version: Version,
        id: &str,
        method: &str,
        params: Option<&RawValue>,
    ) -> Answer {
        if params.is_some_and(|params| !params.get().starts_with(['{', '['])) {
            let why = "params must be an object";
            return Answer::bad(answer::error(Some(id), Code::InvalidRequest, why));
        }
        match method {
            "tools/call" => self.call(caller, version, id, params).await,
            "tools/list" => match read::<ListParams>(params) {
                Ok(Some(ListParams { cursor: Some(_) })) => {
                    invalid_params(id, "cursor is not one of this server: there is one page")
                }
                Ok(_) => Answer::ok(answer::result(id, self.tools_list.shown_to(caller.role))),
                Err(why) => invalid_params(id, &why),
            },
            "ping" => Answer::ok(answer::result(id, b"{}")),
            INITIALIZE => match read::<InitializeParams>(params) {
                Ok(params) => Answer::ok(answer::result(id, &initialized(params))),
                Err(why) => invalid_params(id, &why),
            },
            other => {
                let shown: String = other.chars().filter(|c| !c.is_control()).take(64).collect();
                let why = format!("unknown method {shown}");
                Answer::ok(answer::error(Some(id), Code::MethodNotFound, &why))
            }
        }
    }

    async fn call(
        &self,
        caller: &Caller,
        version: Version,
        id: &str,
        params: Option<&RawValue>,
    ) -> Answer {
        let call = match read::<CallParams<'_>>(params) {
            Ok(Some(call)) => call,
            Ok(None) => return invalid_params(id, "params must have name and arguments"),
            Err(why) => return invalid_params(id, &why),
        };
        let made = Call { doors: &self.doors, caller, client: &Silent };
        let outcome = self.registry.call(made, &call.name, call.arguments);
        match outcome.await {
            Ok(result) => Answer::ok(answer::result(id, &result.into_bytes())),
            Err(error) => failure(version, id, &error),
        }
    }
}

/// How a tool's failure is answered.
fn failure(version: Version, id: &str, error: &ToolError) -> Answer {
    let why = error.to_string();
    let as_result = || Answer::ok(answer::result(id, &CallResult::failure(&why).into_bytes()));
    match error {
        ToolError::Refused(_)
        | ToolError::InputRequired { .. }
        | ToolError::MissingCapability(_) => as_result(),
        ToolError::InvalidArguments(_) if version.reports_arguments_as_results() => as_result(),
        ToolError::UnknownTool(_) | ToolError::InvalidArguments(_) => invalid_params(id, &why),
        ToolError::Overloaded(_) => {
            Answer { status: 503, body: answer::error(Some(id), Code::Overloaded, &why) }
        }
        ToolError::Failed { source, .. } => {
            // Logged here, once, because the client is told nothing of it.
            error!(error = format!("{source:#}"), "a tool failed");
            as_result()
        }
    }
}

fn invalid_params(id: &str, why: &str) -> Answer {
    Answer::ok(answer::error(Some(id), Code::InvalidParams, why))
}

/// Reads params that must be an object; a struct would also take an array, by position.
fn read<'a, T: Deserialize<'a>>(params: Option<&'a RawValue>) -> Result<Option<T>, String> {
    let Some(params) = params else { return Ok(None) };
    if !params.get().starts_with('{') {
        return Err("params must be an object".to_owned());
    }
    match serde_json::from_str(params.get()) {
        Ok(read) => Ok(Some(read)),
        Err(error) => {
            let error = error.to_string();
            let why = error.rsplit_once(" at line ").map_or(error.as_str(), |(why, _)| why);
            Err(format!("params: {why}"))
        }
    }
}

fn initialized(params: Option<InitializeParams>) -> Bytes {
    let asked = params.and_then(|params| params.protocol_version);
    let version = asked.as_deref().and_then(Version::parse).unwrap_or(LATEST);
    let answer = json!({
        "protocolVersion": version.as_str(),
        "capabilities": { "tools": { "listChanged": false } },
        "serverInfo": {
            "name": env!("CARGO_PKG_NAME"),
            "title": "lukhas-mcp",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "instructions": "Find files with search and read them with fetch; change them with \
            apply_patch and commit them with git_commit. Run evals with run_eval, follow them with \
            status, and ask why for the story of a job, a canary, a model, a file or a commit.",
    });
    answer.to_string().into()
}

/// A body that is not JSON, or is JSON and no message.
fn unreadable(error: &serde_json::Error) -> Bytes {
    let code = if error.is_data() { Code::InvalidRequest } else { Code::Parse };
    answer::error(None, code, &format!("the body is not a JSON-RPC message: {error}"))
}

fn joined(answers: &[Bytes]) -> Bytes {
    let mut out = BytesMut::with_capacity(answers.iter().map(|body| body.len() + 1).sum());
    out.put_u8(b'[');
    for (n, body) in answers.iter().enumerate() {
        if 0 < n {
            out.put_u8(b',');
        }
        out.put_slice(body);
    }
    out.put_u8(b']');
    out.freeze()
}

fn first_byte(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}
