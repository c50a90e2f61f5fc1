//! Taking over what the earlier backend kept in its database, once.
//!
//! The file is read and left as it was. Every conversation in it becomes one of the daemon's, with
//! its events in their order; a row that cannot be understood is left out and counted.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::chat::call_ids::Renaming;
use crate::chat::copying::{add_rows, sizes_of};
use crate::chat::event::{Body, Event};
use crate::chat::lines::text_of;
use crate::chat::room::{self, Room};
use crate::chat::sending::new_conversation;
use crate::chat::tokens::{MESSAGE, Tokenizer};
use crate::chat::{bringing, forgetting, record};
use crate::clock::Timestamp;
use crate::config::chat::RepositorySettings;
use crate::ids::ConversationId;
use crate::store::chat::conversations::{self, ConversationRow, Origin};
use crate::store::chat::earlier::{EarlierDatabase, EarlierRow};
use crate::store::chat::events::{EventRow, EventType};
use crate::store::{Store, StoreError, Subject, Transaction, meta, sha256_hex};

/// The fact that says that it was done.
const DONE: &str = "earlier_chat";

/// Who takes over.
const ACTOR: &str = "system";

/// The most rows of one conversation; what comes after them is left out.
const MOST_EVENTS: i64 = 100_000;

/// The longest text of a row, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;

/// What was taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// Conversations that came in.
    pub conversations: usize,
    /// Their events.
    pub events: usize,
    /// Rows that were left out: those that cannot be understood, and the pieces of answers that are
    /// there whole.
    pub left_out: usize,
}

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// The file is not what the earlier backend wrote.
    #[error(
        "the earlier chat backend's database cannot be read ({0}); move it aside, or remove \
         chat.service.repository.path"
    )]
    Unreadable(#[source] StoreError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A conversation that is to come in.
struct Coming {
    id: ConversationId,
    was: String,
    events: Vec<EventRow>,
    left_out: usize,
}

/// Takes the database over that the settings name, if there is one and that was not done before.
/// All in it becomes the conversations of `owner`. `model` says how tokens are counted.
///
/// Where conversations are not kept, nothing is taken over, and it may be later.
///
/// # Errors
/// The file is there and cannot be read, or the store failed. The next start goes on then.
pub async fn take_over_once(
    store: &Store,
    settings: &RepositorySettings,
    owner: &str,
    model: &str,
) -> Result<Option<TakenOver>, TakeOverError> {
    let Some(path) = &settings.earlier_database else { return Ok(None) };
    let is_kept = settings.is_persistent && !settings.clear_on_startup;
    if !is_kept || store.read(|conn| meta::find(conn, DONE)).await?.is_some() {
        return Ok(None);
    }
    let Some((mut database, ids, lost)) = open(path).await? else { return Ok(None) };
    // What came in half when an earlier start ended comes in anew.
    forgetting::clear_up(store).await?;
    let tokenizer = Tokenizer::of(model);
    let mut taken = TakenOver { left_out: lost, ..TakenOver::default() };
    let (mut batch, mut room) = (Vec::new(), Room::new());
    for was in ids {
        let coming;
        (database, coming) = read(database, was, tokenizer).await?;
        taken.left_out += coming.left_out;
        let sizes = sizes_of(&coming.events);
        let parts = room::parts(&sizes);
        if 1 < parts.len() {
            bring_in_parts(store, (coming, parts), owner, &mut taken).await?;
            continue;
        }
        if !room.take(&sizes) {
            bring_in(store, std::mem::take(&mut batch), owner, &mut taken).await?;
            room = Room::new();
            room.take(&sizes);
        }
        batch.push(coming);
    }
    bring_in(store, batch, owner, &mut taken).await?;
    store.record(|transaction| meta::set(transaction, DONE, "taken over")).await?;
    Ok(Some(taken))
}

type Opened = (EarlierDatabase, Vec<String>, usize);

async fn open(path: &Path) -> Result<Option<Opened>, TakeOverError> {
    let path = path.to_owned();
    blocking(move || {
        let Some(mut database) = EarlierDatabase::open(&path)? else { return Ok(None) };
        let (ids, lost) = database.conversations()?;
        Ok(Some((database, ids, lost)))
    })
    .await
}

async fn read(
    mut database: EarlierDatabase,
    was: String,
    tokenizer: Tokenizer,
) -> Result<(EarlierDatabase, Coming), TakeOverError> {
    blocking(move || {
        let rows = database.rows(&was, MOST_EVENTS)?;
        Ok((database, understood(was, rows, tokenizer)))
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, TakeOverError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(TakeOverError::Unreadable),
        Err(_panicked) => Err(TakeOverError::Unreadable(StoreError::Panicked)),
    }
}

/// What the rows of a conversation say that happened, in their order.
fn understood(was: String, rows: Vec<Option<EarlierRow>>, tokenizer: Tokenizer) -> Coming {
    let all = rows.len();
    let mut rows: Vec<(EventType, Option<Timestamp>, EarlierRow)> =
        rows.into_iter().flatten().filter_map(readable).collect();
    if rows.iter().all(|(_, _, row)| row.seq.is_some()) {
        rows.sort_by_key(|(_, _, row)| row.seq);
    } else {
        // Without places, and where times are the same or missing, as they were written.
        let mut newest = None;
        for (_, at, _) in &mut rows {
            newest = at.or(newest);
            *at = newest;
        }
        rows.sort_by_key(|(_, at, _)| *at);
    }
    let mut events = Vec::with_capacity(rows.len());
    let (mut stamp, mut renaming) = (String::new(), Renaming::default());
    for (event_type, at, row) in rows {
        if let Some(at) = at {
            stamp = at.to_string();
        }
        let seq = i64::try_from(events.len() + 1).unwrap_or(i64::MAX);
        events.push(event(row, (event_type, seq, stamp.clone()), &mut renaming, tokenizer));
    }
    // Times that are missing at the beginning are those of the first that is known.
    let first = events.iter().find(|event| !event.timestamp.is_empty());
    let first = first.map(|event| event.timestamp.clone()).unwrap_or_default();
    for event in events.iter_mut().take_while(|event| event.timestamp.is_empty()) {
        event.timestamp.clone_from(&first);
    }
    let left_out = all - events.len();
    Coming { id: id_of(&was), was, events, left_out }
}

/// What kind of event a row is, and when it happened; nothing if it is none that can be kept.
fn readable(row: EarlierRow) -> Option<(EventType, Option<Timestamp>, EarlierRow)> {
    let texts = [&row.content, &row.tool_calls, &row.usage, &row.extra];
    if texts.into_iter().flatten().any(|text| LONGEST < text.len()) {
        return None;
    }
    // `meta` was for pieces of answers, which were put together when they had ended.
    let event_type = EventType::parse(&row.event_type).filter(|kind| *kind != EventType::Meta)?;
    let at = row.timestamp.as_deref().and_then(moment);
    Some((event_type, at, row))
}

/// A time with or without an offset; without one it is meant in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim().replacen(' ', "T", 1);
    Timestamp::parse(&text).or_else(|_| Timestamp::parse(&format!("{text}Z"))).ok()
}

/// A row as one that the daemon itself would have written.
fn event(
    row: EarlierRow,
    (event_type, seq, timestamp): (EventType, i64, String),
    renaming: &mut Renaming,
    tokenizer: Tokenizer,
) -> EventRow {
    let counted = row.token_count.and_then(|tokens| u32::try_from(tokens).ok());
    let mut event = Event::from_row(EventRow {
        id: String::new(),
        conversation_id: String::new(),
        seq,
        timestamp,
        event_type,
        role: None,
        content: row.content.map(said),
        tool_calls: row.tool_calls,
        tool_call_id: row.tool_call_id,
        model: row.model,
        usage: row.usage,
        extra: row.extra,
        token_count: 0,
        request_id: None,
    });
    event.tokens = match (&event.body, counted) {
        (Body::Note { .. } | Body::ToolCall { .. }, _) => 0,
        (_, Some(tokens)) if 0 < tokens => tokens.saturating_add(MESSAGE),
        (
            Body::UserMessage { text, .. }
            | Body::AssistantMessage { text, .. }
            | Body::ToolResult { text, .. }
            | Body::SystemUpdate { text },
            _,
        ) => tokenizer.count_message(text),
    };
    renaming.rename(&mut event.body);
    event.to_row(String::new(), "")
}

/// What was said: the texts of a list of parts, or the text itself. A text that only looks like a
/// list is a text.
fn said(content: String) -> String {
    if !content.starts_with('[') {
        return content;
    }
    match serde_json::from_str::<Value>(&content) {
        Ok(Value::Array(parts))
            if !parts.is_empty() && parts.iter().all(|part| part["type"].is_string()) =>
        {
            text_of(&Value::Array(parts)).unwrap_or(content)
        }
        _ => content,
    }
}

/// What the conversation is called here: as it was, or by a digest of that where it cannot be.
fn id_of(was: &str) -> ConversationId {
    ConversationId::parse(was).unwrap_or_else(|_unusual| {
        let digest = sha256_hex(was.as_bytes());
        ConversationId::parse(&format!("earlier-{digest}")).expect("hexadecimal digits are allowed")
    })
}

async fn bring_in(
    store: &Store,
    batch: Vec<Coming>,
    owner: &str,
    taken: &mut TakenOver,
) -> Result<(), TakeOverError> {
    let (batch, owner) = (Arc::new(batch), owner.to_owned());
    let bring = store.record(move |transaction| {
        let mut came_in = (0, 0);
        for coming in batch.iter().filter(|coming| !coming.events.is_empty()) {
            if bring_in_one(transaction, coming, &owner)? {
                came_in = (came_in.0 + 1, came_in.1 + coming.events.len());
            }
        }
        Ok(came_in)
    });
    let (conversations, events) = bring.await?;
    taken.conversations += conversations;
    taken.events += events;
    Ok(())
}

/// Brings one in that is too long for one transaction.
async fn bring_in_parts(
    store: &Store,
    (coming, parts): (Coming, Vec<Range<usize>>),
    owner: &str,
    taken: &mut TakenOver,
) -> Result<(), TakeOverError> {
    let id = coming.id.clone();
    if store.read(move |conn| conversations::find(conn, id.as_str())).await?.is_some() {
        return Ok(());
    }
    let (coming, owner) = (Arc::new(coming), owner.to_owned());
    let (first, some, all) = (Arc::clone(&coming), Arc::clone(&coming), Arc::clone(&coming));
    let begin = move |transaction: &mut Transaction<'_>| Ok(row_of(transaction, &first, &owner));
    let add =
        move |transaction: &mut Transaction<'_>, row: &ConversationRow, part: &Range<usize>| {
            add_rows(transaction, row, &some.events[part.clone()])
        };
    let end = move |transaction: &mut Transaction<'_>, row: &ConversationRow| {
        tell(transaction, row, &all)
    };
    bringing::bring_in(store, parts, begin, add, end).await?;
    taken.conversations += 1;
    taken.events += coming.events.len();
    Ok(())
}

/// Answers whether it came in; an earlier start may have brought it in.
fn bring_in_one(
    transaction: &mut Transaction<'_>,
    coming: &Coming,
    owner: &str,
) -> Result<bool, StoreError> {
    if conversations::find(transaction.reader(), coming.id.as_str())?.is_some() {
        return Ok(false);
    }
    let row = row_of(transaction, coming, owner);
    conversations::insert(transaction, &row)?;
    add_rows(transaction, &row, &coming.events)?;
    tell(transaction, &row, coming)?;
    Ok(true)
}

fn row_of(transaction: &Transaction<'_>, coming: &Coming, owner: &str) -> ConversationRow {
    let rows = &coming.events;
    let mut row = new_conversation(transaction, &coming.id, (owner, None), Origin::Import);
    let at = |row: Option<&EventRow>| row.map(|row| row.timestamp.clone());
    let at = |row| at(row).filter(|at: &String| !at.is_empty());
    row.created_at = at(rows.first()).unwrap_or(row.created_at);
    row.updated_at = at(rows.last()).unwrap_or(row.updated_at);
    row.last_seq = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let first = rows.iter().find(|row| row.event_type == EventType::UserMessage);
    let first = first.and_then(|row| row.content.as_deref());
    row.title = record::title(first.unwrap_or_default());
    row
}

fn tell(
    transaction: &mut Transaction<'_>,
    row: &ConversationRow,
    coming: &Coming,
) -> Result<(), StoreError> {
    let Coming { id, was, events: rows, left_out } = coming;
    let message = format!(
        "The conversation came from the earlier backend's database, with {} events.",
        rows.len()
    );
    let was = (was != id.as_str()).then_some(was);
    let told = json!({ "events": rows.len(), "leftOut": left_out, "was": was });
    let subject = Subject::Conversation(&row.id);
    transaction.audit_subject((ACTOR, "conversation_imported"), subject, &told, message)?;
    Ok(())
}
