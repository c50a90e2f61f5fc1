//! What an operation may do inside the writer's transaction, and what happens after its commit.

use std::fmt::Write as _;

use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;
use crate::ids::{Entity, IdPrefix};
use crate::store::audits::{self, AuditEntry, AuditRow};
use crate::store::chain::ChainHead;
use crate::store::chat::behalf;
use crate::store::error::StoreError;
use crate::store::events::{self, CommittedEvent};
use crate::store::numbers::Numbered;

/// The kind of a fact about a conversation.
const CONVERSATION: &str = "conversation";

/// What a fact is about that is no topic of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The daemon itself.
    Daemon,
    /// A file of the repository, by its path from the root.
    File(&'a str),
    /// A commit of the repository, by its full hash.
    Commit(&'a str),
    /// A consent of OAuth, by its id.
    Grant(&'a str),
    /// A conversation, by its id.
    Conversation(&'a str),
}

impl<'a> Subject<'a> {
    /// Its kind and its id in the audit chain.
    fn kind_and_id(self) -> (&'static str, &'a str) {
        match self {
            Self::Daemon => ("daemon", "daemon"),
            Self::File(path) => ("file", path),
            Self::Commit(hash) => ("commit", hash),
            Self::Grant(id) => ("grant", id),
            Self::Conversation(id) => (CONVERSATION, id),
        }
    }
}

/// Work to do after the commit.
type Work = Box<dyn FnOnce() + Send>;

/// What has gathered in a transaction beside the rows.
#[derive(Default)]
pub(super) struct Gathered {
    /// Where the audit chain ends; read when first needed.
    pub(super) chain: Option<ChainHead>,
    /// The newest event; read when first needed.
    pub(super) newest_event: Option<i64>,
    /// What the ids of this commit begin with; drawn when first needed.
    pub(super) id_prefix: Option<IdPrefix>,
    pub(super) events: Vec<CommittedEvent>,
    pub(super) after_commit: Vec<Work>,
    pub(super) after_publish: Vec<Work>,
}

/// One operation's view of the writer's transaction.
///
/// State, events and audit rows written through it become visible together or not at all.
pub struct Transaction<'a> {
    conn: &'a mut SqliteConnection,
    now: Timestamp,
    stamp: &'a str,
    gathered: &'a mut Gathered,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(
        conn: &'a mut SqliteConnection,
        (now, stamp): (Timestamp, &'a str),
        gathered: &'a mut Gathered,
    ) -> Self {
        Self { conn, now, stamp, gathered }
    }

    /// The moment that every row of this transaction carries.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The same moment, as rows carry it.
    pub fn stamp(&self) -> &'a str {
        self.stamp
    }

    /// What the ids that are drawn in this commit begin with.
    pub fn id_prefix(&mut self) -> &IdPrefix {
        self.gathered.id_prefix.get_or_insert_with(IdPrefix::draw)
    }

    /// The connection, for what reads.
    pub fn reader(&mut self) -> &mut crate::store::Reader {
        self.conn
    }

    /// The connection, for the functions of this module's tables.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.conn
    }

    /// Adds an event, which the broadcast actor publishes after the commit.
    ///
    /// `fields` are the members of the payload beside `topic`, `type`, `ts` and the entity's id; it
    /// must serialise to an object. `about` is the entity's number, if it has one.
    pub fn emit(
        &mut self,
        (entity, about): (&Entity, Option<i64>),
        event_type: &'static str,
        fields: &impl Serialize,
    ) -> Result<(), StoreError> {
        let topic = entity.to_string();
        let payload = payload(entity, &topic, event_type, self.stamp, fields);
        let newest = match self.gathered.newest_event {
            Some(newest) => newest,
            None => events::newest(self.conn)?,
        };
        let seq = newest + 1;
        events::append(self.conn, (seq, about), self.stamp, &topic, event_type, &payload)?;
        self.gathered.newest_event = Some(seq);
        self.gathered.events.push(CommittedEvent {
            seq,
            entity: entity.clone(),
            event_type: event_type.into(),
            payload,
        });
        Ok(())
    }

    /// Adds a fact to the audit chain, and returns its place there.
    pub fn audit(&mut self, entry: AuditEntry<'_>) -> Result<i64, StoreError> {
        let AuditEntry { actor, action, entity, numbered, payload_json, message } = entry;
        let (kind, id) = (entity.kind.as_str(), &*entity.id);
        self.append_fact((actor, action), (kind, id), numbered, (payload_json, message))
    }

    /// Adds a fact about what is no topic of events, and returns its place in the audit chain.
    pub fn audit_subject(
        &mut self,
        (actor, action): (&str, &'static str),
        subject: Subject<'_>,
        payload: &serde_json::Value,
        message: String,
    ) -> Result<i64, StoreError> {
        let told = (payload.to_string(), message);
        self.append_fact((actor, action), subject.kind_and_id(), Numbered::Never, told)
    }

    /// Adds a fact about the daemon itself, and returns its place in the audit chain.
    pub fn audit_daemon(
        &mut self,
        actor: &str,
        action: &'static str,
        payload: &serde_json::Value,
        message: String,
    ) -> Result<i64, StoreError> {
        self.audit_subject((actor, action), Subject::Daemon, payload, message)
    }

    fn append_fact(
        &mut self,
        (actor, action): (&str, &str),
        (entity_type, entity_id): (&str, &str),
        numbered: Numbered,
        (mut payload_json, mut message): (String, String),
    ) -> Result<i64, StoreError> {
        // Facts about a conversation say themselves what was asked and allowed in it.
        if entity_type != CONVERSATION
            && let Some(behalf) = behalf::of(self.conn, actor)?
        {
            behalf.add_to(&mut payload_json, &mut message);
        }
        let head = self.chain_head()?;
        let id = head.id + 1;
        let mut row = AuditRow {
            id,
            about: match numbered {
                Numbered::First => Some(id),
                Numbered::Later(number) => Some(number),
                Numbered::Never => None,
            },
            ts: self.stamp.to_owned(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            payload_json,
            entity_type: entity_type.to_owned(),
            entity_id: entity_id.to_owned(),
            message,
            prev_hash: head.hash,
            hash: String::new(),
        };
        row.hash = row.expected_hash();
        audits::insert(self.conn, &row)?;
        self.gathered.chain = Some(ChainHead { id, hash: row.hash });
        Ok(id)
    }

    /// Where the audit chain ends just now.
    pub fn chain_head(&mut self) -> Result<ChainHead, StoreError> {
        if let Some(head) = &self.gathered.chain {
            return Ok(head.clone());
        }
        let head = audits::chain_head(self.conn)?;
        self.gathered.chain = Some(head.clone());
        Ok(head)
    }

    /// Has `work` done after the commit, before events are published and callers are answered.
    ///
    /// It runs on the writer's thread, so it must neither block nor fail.
    pub fn after_commit(&mut self, work: impl FnOnce() + Send + 'static) {
        self.gathered.after_commit.push(Box::new(work));
    }

    /// Has `work` done once the events were handed on, which it would only hold up, and before
    /// callers are answered; as for the rest, like [`Self::after_commit`].
    pub fn after_publish(&mut self, work: impl FnOnce() + Send + 'static) {
        self.gathered.after_publish.push(Box::new(work));
    }
}

/// An event's payload: one line of JSON.
fn payload(
    entity: &Entity,
    topic: &str,
    event_type: &str,
    ts: &str,
    fields: &impl Serialize,
) -> Box<str> {
    // Topics, types and times need no escaping: their alphabets have nothing to escape.
    let mut line = format!(r#"{{"topic":"{topic}","type":"{event_type}","ts":"{ts}""#);
    let id = serde_json::json!(entity.id);
    // Writing to a string cannot fail.
    let _ = write!(line, r#","{}":{id}"#, entity.kind.id_member());
    let fields = serde_json::to_string(fields).unwrap_or_default();
    match fields.strip_prefix('{') {
        Some("}") | None => line.push('}'),
        Some(members) => {
            line.push(',');
            line.push_str(members);
        }
    }
    line.into()
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::JobId;

    #[test]
    fn a_payload_is_one_line_with_the_members_that_every_event_has() {
        let entity = Entity::job(&JobId::parse("job_x").unwrap());
        let topic = entity.to_string();
        let fields = serde_json::json!({ "error": "line\nbreak" });
        let full = payload(&entity, &topic, "failed", "2026-11-21T00:00:00.000Z", &fields);
        assert_eq!(
            &*full,
            "{\"topic\":\"job/job_x\",\"type\":\"failed\",\"ts\":\"2026-11-21T00:00:00.000Z\",\
             \"jobId\":\"job_x\",\"error\":\"line\\nbreak\"}"
        );
        let bare = payload(&entity, &topic, "queued", "t", &serde_json::json!({}));
        assert!(bare.ends_with("\"jobId\":\"job_x\"}"), "{bare}");
    }
}
