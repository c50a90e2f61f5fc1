//! Which conversation does a client mean that has no name for it, and sends all of it each time?
//!
//! The completions API has no conversations: each request carries what was said before. What was
//! said is known by a digest; who comes with the digest of a conversation goes on in it.

use std::sync::Arc;

use serde_json::json;

use crate::chat::Chat;
use crate::chat::error::ChatError;
use crate::chat::event::{Body, Cost, Finish};
use crate::chat::record::{self, Addition, Journal};
use crate::chat::request::Request;
use crate::chat::sending::{NewRequest, Sent, full, known_by_name, new_conversation, take};
use crate::chat::tokens::Tokenizer;
use crate::ids::ConversationId;
use crate::store::chat::conversations::{self, Origin};
use crate::store::{StoreError, Transaction, sha256_hex};

/// What a conversation has come to while something is worked on in it: no digest is this.
const UNDER_WAY: &str = "";

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The user.
    User,
    /// The model.
    Assistant,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Who.
    pub speaker: Speaker,
    /// What.
    pub text: String,
}

/// What was said, as a digest. White space at either end makes no difference, because clients trim.
pub fn digest_of<'a>(said: impl Iterator<Item = &'a Said>) -> String {
    let said: Vec<_> = said.map(|said| (said.speaker == Speaker::User, said.text.trim())).collect();
    sha256_hex(json!(said).to_string().as_bytes())
}

impl Chat {
    /// Takes a request in that comes after `earlier`: in the conversation that has come exactly so
    /// far, or in a new one that begins with that. The same again finds the first, wherever that is.
    ///
    /// # Errors
    /// It cannot be taken, or there are too many.
    pub async fn send_after(
        &self,
        principal: &str,
        earlier: Vec<Said>,
        (request_id, mut request): (String, Request),
    ) -> Result<Sent, ChatError> {
        let digest = digest_of(earlier.iter());
        request.after = Some(digest.clone());
        let (origin, is_unplaced) = (Origin::Api, true);
        let new = NewRequest { conversation_id: None, request_id, request, origin, is_unplaced };
        self.check(&new)?;
        let model = self.deps.provider(new.request.provider.as_deref()).model.model().to_owned();
        let count = move || -> Vec<Addition> {
            let tokenizer = Tokenizer::of(&model);
            earlier.into_iter().map(|said| addition(said, tokenizer)).collect()
        };
        let Ok(additions) = tokio::task::spawn_blocking(count).await else {
            return Err(ChatError::Store(StoreError::Panicked));
        };
        let additions = Arc::new(additions);
        let (by, session) = (principal.to_owned(), self.deps.session.clone());
        let change = move |transaction: &mut Transaction<'_>| {
            let session = session.as_deref();
            if let Some(taken) = known_by_name(transaction, (&by, session), &new)? {
                return Ok(taken);
            }
            // Before a conversation begins that would be there without a request.
            if let Some(full) = full(transaction, &by)? {
                return Ok(full);
            }
            let known = if additions.is_empty() {
                None
            } else {
                conversations::by_transcript(transaction.reader(), &by, &digest)?
            };
            let id = match known.filter(|known| known.session.as_deref() == session) {
                Some(known) => ConversationId::parse(&known.id).ok(),
                None => None,
            };
            let id = match id {
                Some(id) => id,
                None => begin(transaction, (&by, session), &additions)?,
            };
            conversations::note_transcript(transaction, id.as_str(), UNDER_WAY)?;
            let new = NewRequest { conversation_id: Some(id), ..new.clone() };
            take(transaction, &by, session, &new)
        };
        self.taken_in(None, change).await
    }

    /// Notes how far a conversation has come, as its client knows it.
    ///
    /// # Errors
    /// The store's.
    pub async fn note_transcript(
        &self,
        id: &ConversationId,
        digest: String,
    ) -> Result<(), ChatError> {
        let id = id.to_string();
        let write = self
            .deps
            .store
            .write(move |transaction| conversations::note_transcript(transaction, &id, &digest));
        Ok(write.await?)
    }
}

fn addition(said: Said, tokenizer: Tokenizer) -> Addition {
    let Said { speaker, text } = said;
    let tokens = tokenizer.count_message(&text);
    let body = match speaker {
        Speaker::User => Body::UserMessage { request_id: None, text },
        Speaker::Assistant => Body::AssistantMessage {
            text,
            calls: Vec::new(),
            finish: Finish::Stop,
            model: None,
            cost: Cost::default(),
            hop: 0,
        },
    };
    (body, tokens)
}

/// Begins a conversation with what was said elsewhere.
fn begin(
    transaction: &mut Transaction<'_>,
    owner: (&str, Option<&str>),
    additions: &[Addition],
) -> Result<ConversationId, StoreError> {
    let id = ConversationId::generate(transaction.id_prefix());
    let mut row = new_conversation(transaction, &id, owner, Origin::Api);
    let first = additions.iter().find_map(|(body, _)| match body {
        Body::UserMessage { text, .. } => Some(text),
        _ => None,
    });
    row.title = first.map(|text| record::title(text)).unwrap_or_default();
    conversations::insert(transaction, &row)?;
    let journal = Journal { conversation_id: id.to_string(), last_seq: 0 };
    record::append(transaction, &journal, additions)?;
    Ok(id)
}
