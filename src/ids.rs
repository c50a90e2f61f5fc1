//! Identifiers that cannot be mistaken for one another.
//!
//! An id is a handle, never a secret: knowing one grants nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an id that came from outside must look like, and did not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must match {form}")]
pub struct InvalidId {
    what: &'static str,
    form: &'static str,
}

/// Letters, digits and the given punctuation.
fn is_made_of(text: &str, punctuation: &[u8]) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || punctuation.contains(&byte))
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id_type! {
    /// Names a job: `job_` and 21 random URL-safe characters.
    JobId
}

id_type! {
    /// Names an eval task: the name of its file, without the ending.
    TaskId
}

id_type! {
    /// Names a configuration of an eval: the name of its file, without the ending.
    ConfigId
}

id_type! {
    /// Names a canary: `canary_` and 21 random URL-safe characters.
    CanaryId
}

id_type! {
    /// Names a model, with its version after the last colon where it has one: `ranker:12`.
    ModelId
}

id_type! {
    /// Names a gate: a place where a model stands to be used, such as `production`.
    GateId
}

id_type! {
    /// Names a conversation: `conv_` and 21 random URL-safe characters, or what a client called it.
    ConversationId
}

id_type! {
    /// Names the question whether a call of a tool is allowed: `ap_` and 21 random URL-safe
    /// characters.
    ApprovalId
}

/// The first characters of ids that are drawn together.
///
/// They are random as the others are. What is written at once has them in common and therefore lies
/// together in an index on ids: one page is changed, and not one for each.
#[derive(Debug)]
pub struct IdPrefix(String);

impl IdPrefix {
    const LENGTH: usize = 3;

    /// How many characters an id draws by itself.
    const REST: usize = 21 - Self::LENGTH;

    /// Draws a prefix.
    pub fn draw() -> Self {
        Self(nanoid::nanoid!(Self::LENGTH))
    }

    /// Draws the id of a thing that nobody but the database names.
    pub fn draw_id(&self, kind: &str) -> String {
        format!("{kind}_{}{}", self.0, nanoid::nanoid!(Self::REST))
    }
}

impl JobId {
    /// Draws a new id: 21 characters that carry 126 random bits, 108 of them its own.
    pub fn generate(prefix: &IdPrefix) -> Self {
        Self(format!("job_{}{}", prefix.0, nanoid::nanoid!(IdPrefix::REST)).into())
    }

    /// Reads an id as a client or an earlier server wrote it.
    ///
    /// # Errors
    /// The text is not `job_` and 1 to 64 URL-safe characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { what: "a job id", form: "job_[A-Za-z0-9_-]{1,64}" };
        parse_handle(text, "job_", &invalid).map(Self)
    }
}

impl CanaryId {
    /// Draws a new id, as [`JobId::generate`] does.
    pub fn generate(prefix: &IdPrefix) -> Self {
        Self(format!("canary_{}{}", prefix.0, nanoid::nanoid!(IdPrefix::REST)).into())
    }

    /// Reads an id as a client or an earlier server wrote it.
    ///
    /// # Errors
    /// The text is not `canary_` and 1 to 64 URL-safe characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { what: "a canary id", form: "canary_[A-Za-z0-9_-]{1,64}" };
        parse_handle(text, "canary_", &invalid).map(Self)
    }
}

impl ConversationId {
    /// Draws a new id, as [`JobId::generate`] does.
    pub fn generate(prefix: &IdPrefix) -> Self {
        Self(format!("conv_{}{}", prefix.0, nanoid::nanoid!(IdPrefix::REST)).into())
    }

    /// Reads an id, which clients may choose.
    ///
    /// # Errors
    /// The text does not match `[A-Za-z0-9_.:-]{1,128}`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if (1..=128).contains(&text.len()) && is_made_of(text, b"_.:-") {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId { what: "conversation_id", form: "[A-Za-z0-9_.:-]{1,128}" })
        }
    }
}

impl ApprovalId {
    /// Draws a new id, as [`JobId::generate`] does.
    pub fn generate(prefix: &IdPrefix) -> Self {
        Self(format!("ap_{}{}", prefix.0, nanoid::nanoid!(IdPrefix::REST)).into())
    }

    /// Reads an id.
    ///
    /// # Errors
    /// The text is not `ap_` and 1 to 64 URL-safe characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { what: "approval_id", form: "ap_[A-Za-z0-9_-]{1,64}" };
        parse_handle(text, "ap_", &invalid).map(Self)
    }
}

fn parse_handle(text: &str, start: &str, invalid: &InvalidId) -> Result<Box<str>, InvalidId> {
    let random = text.strip_prefix(start).ok_or_else(|| invalid.clone())?;
    if (1..=64).contains(&random.len()) && is_made_of(random, b"_-") {
        Ok(text.into())
    } else {
        Err(invalid.clone())
    }
}

/// Reads the name of a model or a gate. It goes into queries, file names and paths of other
/// systems, so that its alphabet has nothing that means something there.
fn parse_name(text: &str, what: &'static str) -> Result<Box<str>, InvalidId> {
    if (1..=64).contains(&text.len()) && is_made_of(text, b"_.:-") {
        Ok(text.into())
    } else {
        Err(InvalidId { what, form: "[A-Za-z0-9_.:-]{1,64}" })
    }
}

impl ModelId {
    /// Reads a model's id.
    ///
    /// # Errors
    /// The text does not match `[A-Za-z0-9_.:-]{1,64}`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        parse_name(text, "modelId").map(Self)
    }

    /// The model without its version. Versions of one model take one another's place in a gate.
    pub fn name(&self) -> &str {
        self.split().0
    }

    /// The version, if the id has one: what follows the last colon.
    pub fn version(&self) -> Option<&str> {
        self.split().1
    }

    fn split(&self) -> (&str, Option<&str>) {
        match self.0.rsplit_once(':') {
            Some((name, version)) if !name.is_empty() && !version.is_empty() => {
                (name, Some(version))
            }
            _ => (&self.0, None),
        }
    }
}

impl GateId {
    /// Reads a gate's name.
    ///
    /// # Errors
    /// The text does not match `[A-Za-z0-9_.:-]{1,64}`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        parse_name(text, "a gate").map(Self)
    }
}

fn parse_file_id(text: &str, what: &'static str) -> Result<Box<str>, InvalidId> {
    if (1..=128).contains(&text.len()) && is_made_of(text, b"._-") {
        Ok(text.into())
    } else {
        Err(InvalidId { what, form: "[A-Za-z0-9._-]{1,128}" })
    }
}

impl TaskId {
    /// Reads a task's id.
    ///
    /// # Errors
    /// The text does not match `[A-Za-z0-9._-]{1,128}`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        parse_file_id(text, "taskId").map(Self)
    }
}

impl ConfigId {
    /// Reads a configuration's id.
    ///
    /// # Errors
    /// The text does not match `[A-Za-z0-9._-]{1,128}`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        parse_file_id(text, "configId").map(Self)
    }
}

/// The kinds of things that events and audit rows are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    /// An eval job.
    Job,
    /// A canary.
    Canary,
    /// A model.
    Model,
}

impl EntityKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Job, Self::Canary, Self::Model];

    /// The kind in one word, as topics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Canary => "canary",
            Self::Model => "model",
        }
    }

    /// The name of the member that carries the id in an event's payload.
    pub fn id_member(self) -> &'static str {
        match self {
            Self::Job => "jobId",
            Self::Canary => "canaryId",
            Self::Model => "modelId",
        }
    }
}

/// What an event or an audit row is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entity {
    /// Its kind.
    pub kind: EntityKind,
    /// Its id.
    pub id: Box<str>,
}

impl Entity {
    /// A job.
    pub fn job(id: &JobId) -> Self {
        Self { kind: EntityKind::Job, id: id.0.clone() }
    }

    /// A canary.
    pub fn canary(id: &CanaryId) -> Self {
        Self { kind: EntityKind::Canary, id: id.0.clone() }
    }

    /// A model.
    pub fn model(id: &ModelId) -> Self {
        Self { kind: EntityKind::Model, id: id.0.clone() }
    }

    /// Reads `<kind>/<id>` as the event log stores it.
    pub fn parse(topic: &str) -> Option<Self> {
        let (kind, id) = topic.split_once('/')?;
        let kind = EntityKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
        Some(Self { kind, id: id.into() })
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.id)
    }
}

#[cfg(test)]
mod tests;
