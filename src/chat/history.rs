//! What was said before a request, as far as a model is shown it.

use crate::chat::event::{Body, Event, Note};
use crate::chat::{patience, prompt};
use crate::store::chat::excerpts::{self, Span};
use crate::store::chat::{conversations, events};
use crate::store::{Store, StoreError};

/// How many events are read at once.
const PAGE: i64 = 100;

/// The most events that are read, whatever their tokens are.
const MOST: usize = 20_000;

/// What was said before a request.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// Events of whole requests, the oldest first, that no summary stands for.
    pub(super) events: Vec<Event>,
    /// What stands for those before.
    pub(super) summary: Option<Summary>,
}

/// What stands for earlier events.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summary {
    /// Its words.
    pub(super) text: String,
    /// Its tokens.
    pub(super) tokens: u32,
    /// The last event that it stands for.
    pub(super) to_seq: i64,
}

impl History {
    /// Reads what was said before `seq`: the newest requests, until they have `most_tokens`, with
    /// `shown` characters of what a tool gave.
    pub(super) async fn before(
        store: &Store,
        conversation_id: &str,
        seq: i64,
        (most_tokens, shown): (u64, usize),
    ) -> Result<Self, StoreError> {
        let id = conversation_id.to_owned();
        let read = move |conn: &mut _| {
            let conversation = conversations::find(conn, &id)?;
            let summed_up = conversation.and_then(|conversation| conversation.summary_seq);
            let summary = match summed_up {
                Some(seq) => events::at(conn, &id, seq)?.map(Event::from_row).and_then(summary_of),
                None => None,
            };
            let from = summary.as_ref().map_or(0, |summary| summary.to_seq);
            let (mut newest_first, mut tokens, mut before) = (Vec::new(), 0u64, seq);
            loop {
                let bounds = (PAGE, prompt::characters_read(shown));
                let page = excerpts::read(conn, &id, Span::Before(before), bounds)?;
                let is_last = i64::try_from(page.len()).map_or(true, |read| read < PAGE);
                for excerpt in page {
                    before = excerpt.row.seq;
                    if before <= from {
                        break;
                    }
                    tokens += u64::try_from(excerpt.row.token_count).unwrap_or(0);
                    newest_first.push(prompt::of_excerpt(excerpt, shown));
                }
                let has_enough = most_tokens < tokens || MOST < newest_first.len();
                if is_last || before <= from + 1 || has_enough {
                    break;
                }
            }
            newest_first.reverse();
            let begins = newest_first.iter().position(prompt::begins_request);
            let events = newest_first.split_off(begins.unwrap_or(newest_first.len()));
            Ok(Self { events, summary })
        };
        patience::read(store, conversation_id, read).await
    }

    /// Its tokens, without those of the summary.
    pub(super) fn tokens(&self) -> u64 {
        prompt::tokens(&self.events)
    }
}

/// What a summary's event says.
pub(super) fn summary_of(event: Event) -> Option<Summary> {
    match event.body {
        Body::Note { note: Note::Summary { to_seq, .. }, text: Some(text) } => {
            Some(Summary { text, tokens: event.tokens, to_seq })
        }
        _ => None,
    }
}
