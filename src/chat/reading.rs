//! Looking at conversations: lists, history, search, and following.

use std::sync::Arc;

use serde_json::json;

use crate::chat::error::ChatError;
use crate::chat::follower::Follower;
use crate::chat::frame::{Frame, Place};
use crate::chat::line;
use crate::chat::{Chat, Event};
use crate::ids::ConversationId;
use crate::store::chat::conversations::{self, ConversationFilter, ConversationRow};
use crate::store::chat::events::{self, Hit, SearchScope};
use crate::store::chat::reading::{self, Most};
use crate::store::chat::turns::{self, TurnRow};

/// The most of what happened that is read at once, in bytes; one event may be longer.
const LONGEST_PAGE: usize = 1024 * 1024;

/// The most events that are carried out at once.
const MOST_EXPORTED: usize = 1_000;

/// How many words of a query are looked for, and the longest of them in characters.
const MOST_WORDS: usize = 16;
const LONGEST_WORD: usize = 64;

/// A conversation, with the requests that are not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationView {
    /// Its row.
    pub row: ConversationRow,
    /// Its newest requests, the newest first.
    pub turns: Vec<TurnRow>,
}

/// A page of conversations, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversations {
    /// The conversations.
    pub rows: Vec<ConversationRow>,
    /// Whether there are more.
    pub has_more: bool,
}

/// A page of what happened in a conversation, the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryPage {
    /// What happened.
    pub events: Vec<Event>,
    /// Whether there is more before it.
    pub has_earlier: bool,
}

/// Lines of a conversation that is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// What it is, where it begins, and what happened: each a line of JSON.
    pub lines: String,
    /// The place after which there is more.
    pub next: Option<i64>,
}

impl Chat {
    /// A conversation of somebody's.
    ///
    /// # Errors
    /// There is none.
    pub async fn find(
        &self,
        principal: &str,
        id: &ConversationId,
    ) -> Result<ConversationRow, ChatError> {
        let key = id.to_string();
        let found = self.deps.store.read(move |conn| conversations::find(conn, &key)).await?;
        found
            .filter(|conversation| conversation.owner == principal)
            .ok_or_else(|| ChatError::UnknownConversation(id.clone()))
    }

    /// A conversation of somebody's, with its newest requests.
    ///
    /// # Errors
    /// There is none.
    pub async fn view(
        &self,
        principal: &str,
        id: &ConversationId,
    ) -> Result<ConversationView, ChatError> {
        let row = self.find(principal, id).await?;
        let key = id.to_string();
        let turns = self.deps.store.read(move |conn| turns::newest(conn, &key, 20)).await?;
        Ok(ConversationView { row, turns })
    }

    /// Somebody's conversations, the newest first, after one of them: its `updated_at` and its id.
    ///
    /// # Errors
    /// The store's.
    pub async fn conversations(
        &self,
        principal: &str,
        after: Option<(String, String)>,
        limit: u16,
    ) -> Result<Conversations, ChatError> {
        let session = self.deps.session.clone();
        let filter = ConversationFilter { owner: principal.to_owned(), session, after };
        let most = usize::from(limit);
        let read = move |conn: &mut _| conversations::list(conn, &filter, i64::from(limit) + 1);
        let mut rows = self.deps.store.read(read).await?;
        let has_more = most < rows.len();
        rows.truncate(most);
        Ok(Conversations { rows, has_more })
    }

    /// What happened in a conversation before a place, or last.
    ///
    /// # Errors
    /// There is no such conversation.
    pub async fn history(
        &self,
        principal: &str,
        id: &ConversationId,
        before: Option<i64>,
        limit: u16,
    ) -> Result<HistoryPage, ChatError> {
        self.find(principal, id).await?;
        let key = id.to_string();
        let before = before.unwrap_or(i64::MAX);
        let most = Most { rows: limit.into(), bytes: LONGEST_PAGE };
        let read = move |conn: &mut _| reading::before(conn, &key, before, most);
        let page = self.deps.store.read(read).await?;
        let events = page.rows.into_iter().rev().map(Event::from_row).collect();
        Ok(HistoryPage { events, has_earlier: page.has_more })
    }

    /// A conversation as lines of JSON, after a place: what it is, where that is the beginning, and
    /// then what happened, the oldest first.
    ///
    /// # Errors
    /// There is none.
    pub async fn export(
        &self,
        principal: &str,
        id: &ConversationId,
        after: i64,
    ) -> Result<Export, ChatError> {
        let row = self.find(principal, id).await?;
        let key = id.to_string();
        let read = self.deps.store.read(move |conn| {
            let mut lines = String::new();
            if after <= 0 {
                let head = json!({
                    "type": "conversation", "id": row.id, "title": row.title,
                    "created_at": row.created_at, "updated_at": row.updated_at,
                    "parent_id": row.parent_id, "fork_seq": row.fork_seq,
                });
                lines = format!("{head}\n");
            }
            let most = Most { rows: MOST_EXPORTED, bytes: LONGEST_PAGE };
            let page = reading::after(conn, &key, after, most)?;
            let next = page.rows.last().filter(|_| page.has_more).map(|last| last.seq);
            for row in page.rows {
                let id = row.id.clone();
                let event = Event::from_row(row).to_json(Some(&id), &key);
                lines.push_str(&event.to_string());
                lines.push('\n');
            }
            Ok(Export { lines, next })
        });
        Ok(read.await?)
    }

    /// Where words were said in somebody's conversations, or in one of them, the newest place first.
    ///
    /// # Errors
    /// There is no such conversation.
    pub async fn search(
        &self,
        principal: &str,
        conversation: Option<&ConversationId>,
        query: &str,
        limit: u16,
    ) -> Result<Vec<Hit>, ChatError> {
        if let Some(id) = conversation {
            self.find(principal, id).await?;
        }
        let scope = SearchScope {
            owner: principal.to_owned(),
            conversation_id: conversation.map(ToString::to_string),
            session: self.deps.session.clone(),
        };
        let words = words(query);
        let read = move |conn: &mut _| events::search(conn, &scope, &words, limit.into());
        Ok(self.deps.store.read(read).await?)
    }

    /// Follows a conversation: everything after a place, and then what comes.
    ///
    /// # Errors
    /// There is no such conversation.
    pub async fn follow(
        &self,
        principal: &str,
        id: &ConversationId,
        after_seq: i64,
    ) -> Result<Follower, ChatError> {
        self.find(principal, id).await?;
        let feed = self.deps.feeds.of(id);
        let sources = (self.deps.store.clone(), Arc::clone(&self.deps.telling));
        Ok(Follower::new(feed, sources, after_seq))
    }

    /// What servers ask in a conversation just now, as its followers were told.
    pub fn questions(&self, id: &ConversationId) -> Vec<Frame> {
        let Some(control) = self.deps.control(id) else { return Vec::new() };
        let place = Place { conversation_id: id.as_str(), request_id: None };
        let asked = |(id, question): (String, _)| {
            let told = line::told(&id, &question);
            place.passing(0, "elicitation_required", &question.message, &told)
        };
        control.questions().into_iter().map(asked).collect()
    }
}

/// The words of a query. What is neither letter nor digit is in no word of the index, and SQLite
/// reads no further than the first NUL.
fn words(query: &str) -> Vec<String> {
    let parts = query.split(|c: char| c.is_whitespace() || c.is_control());
    let words = parts.filter(|word| word.chars().any(char::is_alphanumeric));
    words.take(MOST_WORDS).map(|word| word.chars().take(LONGEST_WORD).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_query_is_words_whatever_stands_between_them() {
        assert_eq!(words("one\u{0}two\n three - \""), ["one", "two", "three"]);
        assert_eq!(words("\u{0} - \u{7f}"), Vec::<String>::new());
        assert_eq!(words(&"a ".repeat(100)).len(), 16);
        assert_eq!(words(&"é".repeat(100)), ["é".repeat(64)]);
    }
}
