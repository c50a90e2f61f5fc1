//! `list_conversations`, `read_conversation`, `search_conversations`: what was said.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::ConversationId;
use crate::store::chat::conversations::ConversationRow;
use crate::tools::chat::door;
use crate::tools::page::{cursor_after, entry_before};
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

/// The list that cursors of conversations belong to.
const LIST: &str = "conversations";

/// A conversation.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conversation {
    #[serde(rename = "conversationId")]
    id: String,
    title: String,
    /// How it came to be: `chat`, `api`, `import` or `fork`.
    origin: &'static str,
    /// The conversation that it began as.
    parent_id: Option<String>,
    /// Its newest event.
    last_seq: i64,
    created_at: String,
    updated_at: String,
    prompt_tokens: i64,
    completion_tokens: i64,
    /// In the currency of the prices of the settings.
    cost: f64,
}

/// A conversation, as answers show it.
pub(super) fn shown(row: ConversationRow) -> Conversation {
    #[expect(clippy::cast_precision_loss, reason = "a price for people to read")]
    let cost = row.cost_micros as f64 / 1e6;
    Conversation {
        id: row.id,
        title: row.title,
        origin: row.origin.as_str(),
        parent_id: row.parent_id,
        last_seq: row.last_seq,
        created_at: row.created_at,
        updated_at: row.updated_at,
        prompt_tokens: row.prompt_tokens,
        completion_tokens: row.completion_tokens,
        cost,
    }
}

pub(super) struct ListConversations;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListArguments {
    /// How many, 1 to 100; 20 when absent.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u16>,
    /// The `nextCursor` of the page before; absent for the first page.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListAnswer {
    conversations: Vec<Conversation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A number that has to lie between two others.
fn within(tool: &str, given: Option<u16>, usual: u16, most: u16) -> Result<u16, ToolError> {
    let limit = given.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ToolError::InvalidArguments(format!("{tool}: limit must be between 1 and {most}")))
}

#[async_trait]
impl Tool for ListConversations {
    const NAME: &'static str = "list_conversations";
    const TITLE: &'static str = "List conversations";
    const DESCRIPTION: &'static str =
        "Lists the caller's conversations, the one in which something last happened first.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = ListArguments;
    type Answer = ListAnswer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: ListArguments,
    ) -> Result<Reply<ListAnswer>, ToolError> {
        let limit = within(Self::NAME, arguments.limit, 20, 100)?;
        let after = match arguments.cursor {
            None => None,
            Some(cursor) => {
                let wrong = |_| {
                    let why = "list_conversations: cursor is none that this tool gave; leave it \
                               out for the first page";
                    ToolError::InvalidArguments(why.to_owned())
                };
                let last = entry_before(LIST, &cursor).map_err(wrong)?;
                last.split_once(' ').map(|(at, id)| (at.to_owned(), id.to_owned()))
            }
        };
        let page = door(doors)?.conversations(&caller.principal, after, limit).await?;
        let last = page.rows.last().filter(|_| page.has_more);
        let next_cursor =
            last.map(|row| cursor_after(LIST, &format!("{} {}", row.updated_at, row.id)));
        let conversations = page.rows.into_iter().map(shown).collect();
        Ok(Reply::Answer(ListAnswer { conversations, next_cursor }))
    }
}

pub(super) struct ReadConversation;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReadArguments {
    /// The conversation.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,128}$"))]
    conversation_id: ConversationId,
    /// Only what happened before this event; the newest when absent.
    #[schemars(range(min = 1))]
    before_seq: Option<i64>,
    /// How many events, 1 to 200; 50 when absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReadAnswer {
    conversation: Conversation,
    /// What happened, the oldest first: `seq`, `timestamp`, `type`, and what belongs to the type.
    events: Vec<Map<String, Value>>,
    /// Whether there is more before it.
    has_earlier: bool,
}

#[async_trait]
impl Tool for ReadConversation {
    const NAME: &'static str = "read_conversation";
    const TITLE: &'static str = "Read a conversation";
    const DESCRIPTION: &'static str = "Reads what happened in a conversation of the caller's: what \
        was said, which tools were called with what result, who allowed it, and what it took.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = ReadArguments;
    type Answer = ReadAnswer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: ReadArguments,
    ) -> Result<Reply<ReadAnswer>, ToolError> {
        let limit = within(Self::NAME, arguments.limit, 50, 200)?;
        let (chat, id) = (door(doors)?, &arguments.conversation_id);
        let row = chat.find(&caller.principal, id).await?;
        let page = chat.history(&caller.principal, id, arguments.before_seq, limit).await?;
        let event = |event: &crate::chat::Event| match event.to_json(None, id.as_str()) {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let events = page.events.iter().map(event).collect();
        let conversation = shown(row);
        let has_earlier = page.has_earlier;
        Ok(Reply::Answer(ReadAnswer { conversation, events, has_earlier }))
    }
}

pub(super) struct SearchConversations;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SearchArguments {
    /// Words that were said; the last may be a beginning.
    #[schemars(length(min = 1, max = 1_000))]
    query: String,
    /// Only in this conversation.
    #[schemars(with = "Option<String>", regex(pattern = r"^[A-Za-z0-9_.:-]{1,128}$"))]
    conversation_id: Option<ConversationId>,
    /// How many places, 1 to 50; 10 when absent.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u16>,
}

/// A place where something was said.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Place {
    conversation_id: String,
    title: String,
    seq: i64,
    timestamp: String,
    role: Option<String>,
    /// The words around, with what was found between `⟦` and `⟧`.
    snippet: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SearchAnswer {
    hits: Vec<Place>,
}

#[async_trait]
impl Tool for SearchConversations {
    const NAME: &'static str = "search_conversations";
    const TITLE: &'static str = "Search conversations";
    const DESCRIPTION: &'static str =
        "Finds where words were said in the caller's conversations, the newest place first.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = SearchArguments;
    type Answer = SearchAnswer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: SearchArguments,
    ) -> Result<Reply<SearchAnswer>, ToolError> {
        let limit = within(Self::NAME, arguments.limit, 10, 50)?;
        let conversation = arguments.conversation_id.as_ref();
        let chat = door(doors)?;
        let hits = chat.search(&caller.principal, conversation, &arguments.query, limit).await?;
        let place = |hit: crate::store::chat::events::Hit| Place {
            conversation_id: hit.conversation_id,
            title: hit.title,
            seq: hit.seq,
            timestamp: hit.timestamp,
            role: hit.role,
            snippet: hit.snippet,
        };
        Ok(Reply::Answer(SearchAnswer { hits: hits.into_iter().map(place).collect() }))
    }
}
