//! Taking requests in, and ending them.

use crate::chat::error::ChatError;
use crate::chat::request::{LONGEST_TEXT, Request};
use crate::chat::supervisor::{Cancel, Wake};
use crate::chat::{Chat, Event, Frame, Place};
use crate::ids::ConversationId;
use crate::store::chat::conversations::{self, ConversationRow, Origin};
use crate::store::chat::turns::{self, NewTurn, TurnRow, TurnStatus};
use crate::store::chat::{events, reading};
use crate::store::{StoreError, Transaction};
use crate::supervision::deliver;

/// How many requests of one conversation may be open.
const QUEUE: i64 = 16;

/// How many requests of all conversations may be open.
const MOST_OPEN: i64 = 1_000;

/// How many requests of one who asks may be open, so that there is room for others.
const MOST_OF_ONE: i64 = 250;

/// How long a request is known by its name alone, for a client that did not hear in which
/// conversation it is answered.
const KNOWN_BY_NAME: time::Duration = time::Duration::hours(24);

/// The longest name of a request, in bytes.
const LONGEST_ID: usize = 128;

/// A request that comes in.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// Where it is made; nowhere begins a conversation.
    pub conversation_id: Option<ConversationId>,
    /// What its client calls it.
    pub request_id: String,
    /// What is asked.
    pub request: Request,
    /// How the conversation comes to be, if it begins with this.
    pub origin: Origin,
    /// Whether the client itself named no conversation, so that it may ask again without one.
    pub is_unplaced: bool,
}

/// A request that was taken in, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Where it is answered.
    pub conversation_id: ConversationId,
    /// The event after which its events come.
    pub after_seq: i64,
    /// Whether it was taken in before.
    pub is_repeated: bool,
    /// Whether its answer is there already.
    pub is_over: bool,
}

/// What the transaction found.
pub(super) enum Taken {
    New {
        id: ConversationId,
        after_seq: i64,
    },
    Before {
        turn: Box<TurnRow>,
        last_seq: i64,
    },
    Unknown,
    Conflict,
    /// Who has too many, and how many those are.
    Full(&'static str, i64),
}

impl Chat {
    /// Takes a request in. The same again finds the first.
    ///
    /// # Errors
    /// It cannot be taken, the conversation is somebody else's, or there are too many.
    pub async fn send(&self, principal: &str, new: NewRequest) -> Result<Sent, ChatError> {
        self.check(&new)?;
        let given = new.conversation_id.clone();
        let (by, session) = (principal.to_owned(), self.deps.session.clone());
        let change = move |transaction: &mut Transaction<'_>| {
            take(transaction, &by, session.as_deref(), &new)
        };
        self.taken_in(given, change).await
    }

    /// Takes a request in by a transaction, and has it worked on if it is new.
    pub(super) async fn taken_in(
        &self,
        given: Option<ConversationId>,
        change: impl Fn(&mut Transaction<'_>) -> Result<Taken, StoreError> + Send + 'static,
    ) -> Result<Sent, ChatError> {
        let supervisor = self.supervisor.clone();
        let write = self.deps.store.write(move |transaction| {
            let taken = change(transaction)?;
            if let Taken::New { id, .. } = &taken {
                let (supervisor, id) = (supervisor.clone(), id.clone());
                transaction.after_commit(move || {
                    deliver(&supervisor, Wake(id));
                });
            }
            Ok(taken)
        });
        match write.await? {
            Taken::New { id: conversation_id, after_seq } => {
                Ok(Sent { conversation_id, after_seq, is_repeated: false, is_over: false })
            }
            Taken::Before { turn, last_seq } => Ok(Sent {
                conversation_id: ConversationId::parse(&turn.conversation_id)
                    .map_err(|error| ChatError::Invalid(error.to_string()))?,
                // What waits has no events yet: they come after all that there is.
                after_seq: turn.first_seq.map_or(last_seq, |first| first - 1),
                is_repeated: true,
                is_over: turn.status.is_terminal(),
            }),
            Taken::Conflict => Err(ChatError::Conflict),
            Taken::Full(whose, limit) => Err(ChatError::QueueFull(whose, limit)),
            Taken::Unknown => match given {
                Some(id) => Err(ChatError::UnknownConversation(id)),
                None => Err(ChatError::Store(StoreError::NotFound)),
            },
        }
    }

    pub(super) fn check(&self, new: &NewRequest) -> Result<(), ChatError> {
        let invalid = |why: String| Err(ChatError::Invalid(why));
        let id = &new.request_id;
        if id.is_empty() || LONGEST_ID < id.len() || id.chars().any(char::is_control) {
            return invalid(format!(
                "request_id must have 1 to {LONGEST_ID} bytes and no control characters"
            ));
        }
        let text = &new.request.text;
        if text.trim().is_empty() {
            return invalid("payload.text must not be empty".to_owned());
        }
        if LONGEST_TEXT < text.len() {
            return invalid(format!("payload.text must have at most {LONGEST_TEXT} bytes"));
        }
        if let Some(name) = &new.request.provider
            && !self.deps.providers.contains_key(name)
        {
            let known: Vec<_> = self.deps.providers.keys().map(String::as_str).collect();
            return Err(ChatError::UnknownProvider(name.clone(), known.join(", ")));
        }
        Ok(())
    }

    /// Has a request ended.
    ///
    /// # Errors
    /// There is none, or it is over.
    pub async fn cancel(
        &self,
        principal: &str,
        id: &ConversationId,
        request_id: &str,
    ) -> Result<(), ChatError> {
        let (key, by, request) = (id.to_string(), principal.to_owned(), request_id.to_owned());
        let (supervisor, conversation) = (self.supervisor.clone(), id.clone());
        let write = self.deps.store.write(move |transaction| {
            if !is_of(transaction, &key, &by)? {
                return Ok(Some(Err(())));
            }
            let Some(turn) = turns::find(transaction.reader(), &key, &request)? else {
                return Ok(None);
            };
            if turn.status.is_terminal() {
                return Ok(Some(Ok(false)));
            }
            turns::wish_cancelled(transaction, turn.number, &by)?;
            let (supervisor, id, by) = (supervisor.clone(), conversation.clone(), by.clone());
            transaction.after_commit(move || {
                deliver(&supervisor, Cancel { id, turn: turn.number, by });
            });
            Ok(Some(Ok(true)))
        });
        match write.await? {
            Some(Ok(true)) => Ok(()),
            Some(Ok(false)) => Err(ChatError::Over(request_id.to_owned())),
            Some(Err(())) => Err(ChatError::UnknownConversation(id.clone())),
            None => Err(ChatError::UnknownRequest(request_id.to_owned())),
        }
    }

    /// The frames of a request that was answered before: its whole text at once, and its end.
    ///
    /// # Errors
    /// The store's, or there is no such request.
    pub async fn answered_before(
        &self,
        id: &ConversationId,
        request_id: &str,
    ) -> Result<Vec<Frame>, ChatError> {
        let (key, request) = (id.to_string(), request_id.to_owned());
        let read = self.deps.store.read(move |conn| {
            let Some(turn) = turns::find(conn, &key, &request)? else { return Ok(None) };
            // One that was ended while it waited has nothing but its end.
            let last = turn.last_seq.unwrap_or(0);
            let text = match turn.first_seq {
                Some(first) => reading::said_between(conn, &key, (first, last))?,
                None => String::new(),
            };
            Ok(Some((text, events::at(conn, &key, last)?.map(Event::from_row))))
        });
        let (text, end) =
            read.await?.ok_or_else(|| ChatError::UnknownRequest(request_id.to_owned()))?;
        let request_id = request_id.into();
        let place = Place { conversation_id: id.as_str(), request_id: Some(&request_id) };
        let seq = end.as_ref().map_or(0, |event| event.seq);
        let mut frames = Vec::new();
        if !text.is_empty() {
            frames.push(place.cached(seq, &text));
        }
        let ends = end.iter().flat_map(|event| place.of(event, &self.deps.telling));
        frames.extend(ends.filter(|frame| frame.is_last));
        Ok(frames)
    }
}

/// Whether a conversation is there and somebody's.
pub(super) fn is_of(
    transaction: &mut Transaction<'_>,
    id: &str,
    principal: &str,
) -> Result<bool, StoreError> {
    let found = conversations::find(transaction.reader(), id)?;
    Ok(found.is_some_and(|conversation| conversation.owner == principal))
}

/// A request that was taken in before, or another of its name.
fn before(turn: TurnRow, last_seq: i64, request_hash: &str) -> Taken {
    if turn.request_hash == request_hash {
        Taken::Before { turn: Box::new(turn), last_seq }
    } else {
        Taken::Conflict
    }
}

/// What became of a request that somebody made before by the same name, without a conversation.
pub(super) fn known_by_name(
    transaction: &mut Transaction<'_>,
    (principal, session): (&str, Option<&str>),
    new: &NewRequest,
) -> Result<Option<Taken>, StoreError> {
    let since = transaction.now().plus(-KNOWN_BY_NAME).to_string();
    let known = turns::find_unplaced(transaction.reader(), principal, &new.request_id)?;
    let Some(turn) = known.filter(|turn| since <= turn.created_at) else { return Ok(None) };
    let found = conversations::find(transaction.reader(), &turn.conversation_id)?;
    let is_there =
        |found: &ConversationRow| found.owner == principal && found.session.as_deref() == session;
    let found = found.filter(is_there);
    Ok(found.map(|found| before(turn, found.last_seq, &new.request.kept().1)))
}

/// Whether somebody, or everybody together, has as many open requests as there may be.
pub(super) fn full(
    transaction: &mut Transaction<'_>,
    principal: &str,
) -> Result<Option<Taken>, StoreError> {
    if MOST_OF_ONE <= turns::count_open_of(transaction.reader(), principal)? {
        return Ok(Some(Taken::Full("you have", MOST_OF_ONE)));
    }
    if MOST_OPEN <= turns::count_all_open(transaction.reader())? {
        return Ok(Some(Taken::Full("the daemon has", MOST_OPEN)));
    }
    Ok(None)
}

pub(super) fn take(
    transaction: &mut Transaction<'_>,
    principal: &str,
    session: Option<&str>,
    new: &NewRequest,
) -> Result<Taken, StoreError> {
    let found = match &new.conversation_id {
        Some(id) => conversations::find(transaction.reader(), id.as_str())?,
        None => match known_by_name(transaction, (principal, session), new)? {
            Some(taken) => return Ok(taken),
            None => None,
        },
    };
    if found.as_ref().is_some_and(|found| found.owner != principal) {
        return Ok(Taken::Unknown);
    }
    let id = match &new.conversation_id {
        Some(id) => id.clone(),
        None => ConversationId::generate(transaction.id_prefix()),
    };
    let (request_json, request_hash) = new.request.kept();
    if let Some(found) = &found {
        if let Some(turn) = turns::find(transaction.reader(), id.as_str(), &new.request_id)? {
            return Ok(before(turn, found.last_seq, &request_hash));
        }
        if QUEUE <= turns::count_open(transaction.reader(), id.as_str())? {
            return Ok(Taken::Full("this conversation has", QUEUE));
        }
    }
    if let Some(full) = full(transaction, principal)? {
        return Ok(full);
    }
    let after_seq = found.as_ref().map_or(0, |found| found.last_seq);
    if found.is_none() {
        let row = new_conversation(transaction, &id, (principal, session), new.origin);
        conversations::insert(transaction, &row)?;
    }
    let created_at = transaction.stamp().to_owned();
    turns::insert(
        transaction,
        &NewTurn {
            conversation_id: id.as_str(),
            request_id: &new.request_id,
            principal,
            status: TurnStatus::Queued,
            request_json: &request_json,
            request_hash: &request_hash,
            created_at: &created_at,
            attempts: 0,
            is_unplaced: new.is_unplaced,
        },
    )?;
    Ok(Taken::New { id, after_seq })
}

/// The row of a conversation that begins.
pub(super) fn new_conversation(
    transaction: &Transaction<'_>,
    id: &ConversationId,
    (principal, session): (&str, Option<&str>),
    origin: Origin,
) -> ConversationRow {
    ConversationRow {
        id: id.to_string(),
        owner: principal.to_owned(),
        title: String::new(),
        origin,
        session: session.map(str::to_owned),
        parent_id: None,
        fork_seq: None,
        transcript: None,
        last_seq: 0,
        summary_seq: None,
        created_at: transaction.stamp().to_owned(),
        updated_at: transaction.stamp().to_owned(),
        prompt_tokens: 0,
        completion_tokens: 0,
        cost_micros: 0,
    }
}
