//! Forking, forgetting, and carrying conversations out of and into the daemon.

use std::ops::Range;
use std::sync::Arc;

use serde_json::json;

use crate::chat::Chat;
use crate::chat::bringing::{Add, Begin, End, bring_in};
use crate::chat::error::ChatError;
use crate::chat::event::{Body, Cost, Event, Note};
use crate::chat::forgetting;
use crate::chat::history::{Summary, summary_of};
use crate::chat::lines::parse;
use crate::chat::record::{self, Journal};
use crate::chat::room::{self, Room};
use crate::chat::sending::new_conversation;
use crate::chat::tokens::Tokenizer;
use crate::ids::ConversationId;
use crate::store::chat::conversations::{self, ConversationRow, Origin};
use crate::store::chat::events::{self, EventRow};
use crate::store::chat::parts::{self, EventSize};
use crate::store::chat::turns;
use crate::store::{Reader, StoreError, Subject, Transaction};

/// The longest conversation that is carried in, in bytes.
pub const LONGEST_IMPORT: usize = 16 * 1024 * 1024;

impl Chat {
    /// Begins a conversation that went as another did up to an event.
    ///
    /// # Errors
    /// There is no such conversation or event.
    pub async fn fork(
        &self,
        principal: &str,
        id: &ConversationId,
        seq: i64,
    ) -> Result<ConversationRow, ChatError> {
        let parent = self.find(principal, id).await?;
        if !(1..=parent.last_seq).contains(&seq) {
            return Err(ChatError::UnknownEvent(seq));
        }
        let key = parent.id.clone();
        let read = self.deps.store.read(move |conn| {
            let sizes = parts::copied(conn, &key, seq)?;
            Ok((sizes, summary_up_to(conn, &key, seq)?))
        });
        let (sizes, summary) = read.await?;
        let whole = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let copied = whole(sizes.len());
        let filled = room::parts(&sizes).into_iter().filter(|part| !part.is_empty());
        let some: Vec<Copied> = filled
            .map(|part| Copied {
                first_seq: sizes[part.start].seq,
                last_seq: sizes[part.end - 1].seq,
                before: whole(part.start),
                count: part.len(),
            })
            .collect();
        // Up to the same event, by the numbers that the copy has.
        let summed_up = |summary: &Summary| {
            whole(sizes.iter().take_while(|size| size.seq <= summary.to_seq).count())
        };
        let summary = summary.map(|summary| Summary { to_seq: summed_up(&summary), ..summary });
        let (by, session) = (principal.to_owned(), self.deps.session.clone());
        let (parent_id, title) = (parent.id.clone(), parent.title.clone());
        let begin = move |transaction: &mut Transaction<'_>| {
            let id = ConversationId::generate(transaction.id_prefix());
            let mut row =
                new_conversation(transaction, &id, (&by, session.as_deref()), Origin::Fork);
            row.title = record::title(&format!("{title} (fork)"));
            row.parent_id = Some(parent_id.clone());
            row.fork_seq = Some(seq);
            Ok(row)
        };
        let parent_id = parent.id.clone();
        let add = move |transaction: &mut Transaction<'_>, row: &ConversationRow, part: &Copied| {
            let places = (part.first_seq, part.last_seq);
            let ids = (parent_id.as_str(), row.id.as_str());
            let count = parts::copy(transaction, ids, places, part.before)?;
            // What is forgotten meanwhile leaves no hole.
            if count == part.count { Ok(()) } else { Err(StoreError::Stale) }
        };
        let end = move |transaction: &mut Transaction<'_>, row: &ConversationRow| {
            conversations::advance(transaction, &row.id, (0, copied))?;
            let note = Note::Forked { parent_id: parent.id.clone(), parent_seq: seq };
            let mut notes = vec![(Body::Note { note, text: None }, 0)];
            if let Some(Summary { text, tokens, to_seq }) = &summary {
                let cost = Cost::default();
                let note = Note::Summary { from_seq: 1, to_seq: *to_seq, cost };
                notes.push((Body::Note { note, text: Some(text.clone()) }, *tokens));
                conversations::sum_up(transaction, &row.id, copied + whole(notes.len()))?;
            }
            let journal = Journal { conversation_id: row.id.clone(), last_seq: copied };
            record::append(transaction, &journal, &notes)?;
            Ok(())
        };
        self.brought(some, begin, add, end).await
    }

    /// Has a conversation brought in, also if nobody waits for it any more.
    async fn brought<P: Clone + Send + Sync + 'static>(
        &self,
        parts: Vec<P>,
        begin: impl Begin,
        add: impl Add<P>,
        end: impl End,
    ) -> Result<ConversationRow, ChatError> {
        let store = self.deps.store.clone();
        let bring = tokio::spawn(async move { bring_in(&store, parts, begin, add, end).await });
        match bring.await {
            Ok(row) => Ok(row?),
            Err(_panicked) => Err(ChatError::Store(StoreError::Panicked)),
        }
    }

    /// Forgets a conversation with all that was said in it.
    ///
    /// # Errors
    /// There is none, or something is worked on in it.
    pub async fn clear(&self, principal: &str, id: &ConversationId) -> Result<(), ChatError> {
        self.find(principal, id).await?;
        let (key, by) = (id.to_string(), principal.to_owned());
        let feeds = Arc::clone(&self.deps.feeds);
        let write = self.deps.store.write(move |transaction| {
            if 0 < turns::count_open(transaction.reader(), &key)? {
                return Ok(false);
            }
            forgetting::remove(transaction, &key, &mut Room::new())?;
            let (feeds, gone) = (Arc::clone(&feeds), key.clone());
            transaction.after_commit(move || feeds.remove(&gone));
            let subject = Subject::Conversation(&key);
            let message = "The conversation was removed.".to_owned();
            let action = (by.as_str(), "conversation_removed");
            transaction.audit_subject(action, subject, &json!({}), message)?;
            Ok(true)
        });
        if !write.await? {
            return Err(ChatError::Busy);
        }
        // Nobody sees what is left.
        forgetting::try_to_go_on(&self.deps.store).await;
        Ok(())
    }

    /// Calls a conversation by another title.
    ///
    /// # Errors
    /// There is none.
    pub async fn entitle(
        &self,
        principal: &str,
        id: &ConversationId,
        title: &str,
    ) -> Result<(), ChatError> {
        self.find(principal, id).await?;
        let (key, title) = (id.to_string(), record::title(title));
        let write = self
            .deps
            .store
            .write(move |transaction| conversations::entitle(transaction, &key, &title));
        Ok(write.await?)
    }

    /// Begins a conversation with what lines of JSON say that happened.
    ///
    /// # Errors
    /// A line cannot be read; it is named.
    pub async fn import(&self, principal: &str, lines: &str) -> Result<ConversationRow, ChatError> {
        if LONGEST_IMPORT < lines.len() {
            let why = format!("a conversation to be imported has at most {LONGEST_IMPORT} bytes");
            return Err(ChatError::Invalid(why));
        }
        let model = self.deps.provider(None).model.model().to_owned();
        let lines = lines.to_owned();
        let parse = tokio::task::spawn_blocking(move || parse(&lines, Tokenizer::of(&model)));
        let (title, rows) = match parse.await {
            Ok(parsed) => parsed.map_err(ChatError::Invalid)?,
            Err(_panicked) => return Err(ChatError::Store(StoreError::Panicked)),
        };
        let (by, session) = (principal.to_owned(), self.deps.session.clone());
        let last_seq = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let begin = move |transaction: &mut Transaction<'_>| {
            let id = ConversationId::generate(transaction.id_prefix());
            let mut row =
                new_conversation(transaction, &id, (&by, session.as_deref()), Origin::Import);
            row.title.clone_from(&title);
            row.last_seq = last_seq;
            Ok(row)
        };
        let (some, rows) = (room::parts(&sizes_of(&rows)), Arc::new(rows));
        let add =
            move |transaction: &mut Transaction<'_>, row: &ConversationRow, part: &Range<usize>| {
                add_rows(transaction, row, &rows[part.clone()])
            };
        self.brought(some, begin, add, |_, _| Ok(())).await
    }
}

/// Events that are copied at once.
#[derive(Debug, Clone)]
struct Copied {
    first_seq: i64,
    last_seq: i64,
    /// How many there are before them.
    before: i64,
    count: usize,
}

/// The newest summary of what a conversation had up to a place.
fn summary_up_to(conn: &mut Reader, id: &str, seq: i64) -> Result<Option<Summary>, StoreError> {
    for place in parts::summaries(conn, id)? {
        let summary = events::at(conn, id, place)?.map(Event::from_row).and_then(summary_of);
        if let Some(summary) = summary.filter(|summary| summary.to_seq <= seq) {
            return Ok(Some(summary));
        }
    }
    Ok(None)
}

/// How large rows are that come in.
pub(super) fn sizes_of(rows: &[EventRow]) -> Vec<EventSize> {
    let size = |row: &EventRow| EventSize {
        seq: row.seq,
        bytes: i64::try_from(row.content.as_ref().map_or(0, String::len)).unwrap_or(i64::MAX),
    };
    rows.iter().map(size).collect()
}

/// Adds rows to a conversation that comes in.
pub(super) fn add_rows(
    transaction: &mut Transaction<'_>,
    conversation: &ConversationRow,
    rows: &[EventRow],
) -> Result<(), StoreError> {
    for row in rows {
        let at = &row.timestamp;
        let timestamp = if at.is_empty() { &conversation.created_at } else { at };
        let row = EventRow {
            id: transaction.id_prefix().draw_id("evt"),
            conversation_id: conversation.id.clone(),
            timestamp: timestamp.clone(),
            ..row.clone()
        };
        events::append(transaction, &row)?;
    }
    Ok(())
}
