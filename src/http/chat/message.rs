//! What does a client of the socket want? Pure.
//!
//! Members that are not known are passed over, as they always were; those that are known have to be
//! what they are to be.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::chat::Decision;
use crate::ids::{ApprovalId, ConversationId};
use crate::mcp_servers::ElicitationAnswer;

/// The longest that a client may say about a request, in bytes of JSON.
const LONGEST_METADATA: usize = 16 * 1024;

/// A message that costs little to read, in bytes.
const SHORT: usize = 4096;

/// How many things a page has that names no number.
const PAGE: u16 = 50;

/// How many things a page may have.
const LARGEST_PAGE: u16 = 200;

/// One message.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    /// What the client calls it.
    pub(super) request_id: Option<String>,
    /// What it calls what is to be done.
    pub(super) name: &'static str,
    /// What is to be done.
    pub(super) action: Action,
}

/// A message that cannot be understood.
#[derive(Debug, PartialEq)]
pub(super) struct Misunderstood {
    /// What the client calls it, if that can be told.
    pub(super) request_id: Option<String>,
    /// What was to be done, if it is something else than a request.
    pub(super) name: Option<&'static str>,
    /// Why.
    pub(super) refusal: Refusal,
}

/// A request to the model.
#[derive(Debug, PartialEq)]
pub(super) struct Ask {
    pub(super) text: String,
    pub(super) conversation_id: Option<ConversationId>,
    pub(super) streaming: Option<bool>,
    pub(super) provider: Option<String>,
    pub(super) metadata: Value,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    Chat(Ask),
    Cancel { conversation_id: Option<ConversationId> },
    Resume { conversation_id: ConversationId, after_seq: i64 },
    Approve { approval_id: ApprovalId, decision: Decision },
    Answer { conversation_id: Option<ConversationId>, id: String, answer: ElicitationAnswer },
    History { conversation_id: Option<ConversationId>, before: Option<i64>, limit: u16 },
    Conversations { after: Option<(String, String)>, limit: u16 },
    Approvals { conversation_id: Option<ConversationId> },
    Fork { conversation_id: ConversationId, seq: i64 },
    Clear { conversation_id: Option<ConversationId> },
    Rename { conversation_id: Option<ConversationId>, title: String },
    Search { query: String, conversation_id: Option<ConversationId>, limit: u16 },
    Prompts,
    ApplyPrompt { server: String, name: String, arguments: Map<String, Value> },
    Resources { of: Option<(String, String)> },
    Export { conversation_id: Option<ConversationId>, after_seq: i64 },
    Import { lines: String },
    Providers,
}

/// Every action there is.
pub(super) const ACTIONS: [&str; 18] = [
    "chat",
    "cancel",
    "resume",
    "approve",
    "answer",
    "history",
    "conversations",
    "approvals",
    "fork",
    "clear",
    "rename",
    "search",
    "prompts",
    "apply_prompt",
    "resources",
    "export",
    "import",
    "providers",
];

/// Reads a message.
pub(super) fn parse(text: &str) -> Result<Message, Misunderstood> {
    let nameless = |refusal| Misunderstood { request_id: None, name: None, refusal };
    let message: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let why = format!("the message is no JSON: line {line}, column {column}");
        nameless(Refusal::new("bad_json", why))
    })?;
    let Value::Object(message) = message else {
        let why = "a message must be a JSON object with action, request_id and payload";
        return Err(nameless(Refusal::invalid(why)));
    };
    let request_id = match message.get("request_id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if !id.is_empty() && id.len() <= 128 => Ok(Some(id.clone())),
        Some(_) => Err(Refusal::invalid("request_id must be a string of 1 to 128 bytes")),
    };
    let named = message.get("action").and_then(Value::as_str);
    let name = named.and_then(|named| ACTIONS.into_iter().find(|known| *known == named));
    let known_id = request_id.clone().ok().flatten();
    let fail = |refusal| Misunderstood {
        request_id: known_id.clone(),
        name: name.filter(|name| *name != "chat"),
        refusal,
    };
    let request_id = request_id.map_err(fail)?;
    let Some(name) = name else {
        let why = format!("action must be one of {}", ACTIONS.join(", "));
        return Err(fail(Refusal::invalid(why)));
    };
    let empty = Map::new();
    let payload = match message.get("payload") {
        None | Some(Value::Null) => Payload(&empty),
        Some(Value::Object(payload)) => Payload(payload),
        Some(_) => return Err(fail(Refusal::invalid("payload must be an object"))),
    };
    if matches!(name, "chat" | "cancel") && request_id.is_none() {
        return Err(fail(Refusal::invalid("request_id is missing")));
    }
    let action = action(name, &payload).map_err(|why| fail(Refusal::invalid(why)))?;
    Ok(Message { request_id, name, action })
}

/// What the client calls a message that is not to be read whole, if it is short.
pub(super) fn id_of(text: &str) -> Option<String> {
    let message: Value = serde_json::from_str(text.get(..SHORT).map_or(text, |_| "")).ok()?;
    message["request_id"].as_str().filter(|id| id.len() <= 128).map(str::to_owned)
}

fn action(name: &str, payload: &Payload<'_>) -> Result<Action, String> {
    Ok(match name {
        "chat" => Action::Chat(ask(payload)?),
        "cancel" => Action::Cancel { conversation_id: payload.conversation()? },
        "resume" => Action::Resume {
            conversation_id: payload.needed_conversation()?,
            after_seq: payload.number("after_seq", 0)?.unwrap_or(0),
        },
        "approve" => Action::Approve {
            approval_id: ApprovalId::parse(payload.needed("approval_id")?)
                .map_err(|error| format!("payload.{error}"))?,
            decision: Decision::parse(payload.needed("decision")?)
                .ok_or("payload.decision must be once, always or deny")?,
        },
        "answer" => Action::Answer {
            conversation_id: payload.conversation()?,
            id: payload.needed("elicitation_id")?.to_owned(),
            answer: answer(payload)?,
        },
        "history" => Action::History {
            conversation_id: payload.conversation()?,
            before: payload.number("before", 1)?,
            limit: payload.limit()?,
        },
        "conversations" => {
            Action::Conversations { after: cursor(payload)?, limit: payload.limit()? }
        }
        "approvals" => Action::Approvals { conversation_id: payload.conversation()? },
        "fork" => Action::Fork {
            conversation_id: payload.needed_conversation()?,
            seq: payload.number("seq", 1)?.ok_or("payload.seq is missing")?,
        },
        "clear" => Action::Clear { conversation_id: payload.conversation()? },
        "rename" => Action::Rename {
            conversation_id: payload.conversation()?,
            title: payload.needed("title")?.to_owned(),
        },
        "search" => Action::Search {
            query: payload.needed("query")?.to_owned(),
            conversation_id: payload.conversation()?,
            limit: payload.limit()?,
        },
        "prompts" => Action::Prompts,
        "apply_prompt" => Action::ApplyPrompt {
            server: payload.needed("server")?.to_owned(),
            name: payload.needed("name")?.to_owned(),
            arguments: payload.object("arguments")?,
        },
        "resources" => Action::Resources {
            of: match (payload.text("server")?, payload.text("uri")?) {
                (Some(server), Some(uri)) => Some((server.to_owned(), uri.to_owned())),
                (None, None) => None,
                _ => return Err("payload.server and payload.uri go together".to_owned()),
            },
        },
        "export" => Action::Export {
            conversation_id: payload.conversation()?,
            after_seq: payload.number("after_seq", 0)?.unwrap_or(0),
        },
        "import" => Action::Import { lines: payload.needed("lines")?.to_owned() },
        "providers" => Action::Providers,
        other => unreachable!("{other} is listed and not read"),
    })
}

fn ask(payload: &Payload<'_>) -> Result<Ask, String> {
    let metadata = payload.object("metadata")?;
    let metadata = if metadata.is_empty() { Value::Null } else { Value::Object(metadata) };
    if LONGEST_METADATA < metadata.to_string().len() {
        return Err(format!("payload.metadata must have at most {LONGEST_METADATA} bytes"));
    }
    Ok(Ask {
        text: payload.needed("text")?.to_owned(),
        conversation_id: payload.conversation()?,
        streaming: match payload.value("streaming") {
            None => None,
            Some(Value::Bool(streaming)) => Some(*streaming),
            Some(_) => return Err("payload.streaming must be true, false or null".to_owned()),
        },
        provider: payload.text("provider")?.map(str::to_owned),
        metadata,
    })
}

fn answer(payload: &Payload<'_>) -> Result<ElicitationAnswer, String> {
    match payload.needed("action")? {
        "accept" => Ok(ElicitationAnswer::Accept(match payload.value("content") {
            None => Map::new(),
            Some(Value::Object(content)) => content.clone(),
            Some(_) => return Err("payload.content must be an object".to_owned()),
        })),
        "decline" => Ok(ElicitationAnswer::Decline),
        "cancel" => Ok(ElicitationAnswer::Cancel),
        _ => Err("payload.action must be accept, decline or cancel".to_owned()),
    }
}

/// Where a list of conversations goes on, as the page before said it.
fn cursor(payload: &Payload<'_>) -> Result<Option<(String, String)>, String> {
    let Some(after) = payload.text("after")? else { return Ok(None) };
    let (updated_at, id) =
        after.split_once(' ').ok_or("payload.after must be what data.next of a page was")?;
    Ok(Some((updated_at.to_owned(), id.to_owned())))
}

/// The members of a payload; `null` is absent.
struct Payload<'a>(&'a Map<String, Value>);

impl<'a> Payload<'a> {
    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("payload.{name} must be a string")),
        }
    }

    fn needed(&self, name: &str) -> Result<&'a str, String> {
        self.text(name)?.ok_or_else(|| format!("payload.{name} is missing"))
    }

    fn number(&self, name: &str, least: i64) -> Result<Option<i64>, String> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.as_i64().filter(|number| least <= *number);
        let wrong = || format!("payload.{name} must be a whole number, {least} or more");
        number.map(Some).ok_or_else(wrong)
    }

    fn limit(&self) -> Result<u16, String> {
        let limit = self.number("limit", 1)?.map(u16::try_from);
        match limit {
            None => Ok(PAGE),
            Some(Ok(limit)) if limit <= LARGEST_PAGE => Ok(limit),
            Some(_) => Err(format!("payload.limit must be 1 to {LARGEST_PAGE}")),
        }
    }

    fn object(&self, name: &str) -> Result<Map<String, Value>, String> {
        match self.value(name) {
            None => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object.clone()),
            Some(_) => Err(format!("payload.{name} must be an object")),
        }
    }

    fn conversation(&self) -> Result<Option<ConversationId>, String> {
        let Some(id) = self.text("conversation_id")? else { return Ok(None) };
        ConversationId::parse(id).map(Some).map_err(|error| format!("payload.{error}"))
    }

    fn needed_conversation(&self) -> Result<ConversationId, String> {
        self.conversation()?.ok_or_else(|| "payload.conversation_id is missing".to_owned())
    }
}

#[cfg(test)]
mod tests;
