//! The client of a call that is under way: what it hears before the answer, and what it is asked.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use crate::tools::{Capability, ToolError};

/// How far a call has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Rises with every report.
    pub progress: f64,
    /// What it rises to, if that is known.
    pub total: Option<f64>,
    /// How it stands, in words.
    pub message: Option<String>,
}

/// How much a log message matters, as RFC 5424 grades it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For who looks for a fault.
    Debug,
    /// What happens.
    Info,
    /// What happens and matters.
    Notice,
    /// What may become a fault.
    Warning,
    /// A fault.
    Error,
    /// A fault that others follow from.
    Critical,
    /// Somebody must act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

impl LogLevel {
    /// Every level, the least first.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// The level as the wire spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }

    /// Reads a level as the wire spells it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// A list that clients may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// What can be called.
    Tools,
    /// What can be asked for by name.
    Prompts,
}

/// Something that a client is asked: a request of the protocol, from the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The name by which its answer is found.
    pub key: String,
    /// The method, such as `elicitation/create`.
    pub method: &'static str,
    /// Its params.
    pub params: Value,
}

/// What a client answered, by the key of the question; an answer that is missing was not given.
pub type Answers = BTreeMap<String, Value>;

/// The client of a call that is under way. One of which nothing else is said hears nothing before
/// the answer, and cannot be asked.
#[async_trait]
pub trait Client: Send + Sync {
    /// Tells how far the call has come; nobody hears of it who did not ask to.
    fn progress(&self, _progress: Progress) {}

    /// Tells what happens; nobody hears of it who did not ask to.
    fn log(&self, _level: LogLevel, _logger: &'static str, _data: Value) {}

    /// Whether anybody hears of progress or of messages of some level, so that nothing is gathered
    /// for nobody.
    fn listens(&self) -> bool {
        false
    }

    /// What an earlier round of this call left with [`Client::ask`].
    fn state(&self) -> Option<&Value> {
        None
    }

    /// Asks, and gives the answers that were given. In a revision without requests to clients the
    /// call ends here, and is made again with the answers and with the state.
    ///
    /// # Errors
    /// [`ToolError::InputRequired`] when the call is to be made again,
    /// [`ToolError::MissingCapability`] when the client did not say that it can be asked this, and
    /// [`ToolError::Refused`] when it did not answer.
    async fn ask(
        &self,
        questions: Vec<Question>,
        _state: Option<Value>,
    ) -> Result<Answers, ToolError> {
        let method = questions.first().map_or("elicitation/create", |question| question.method);
        Err(ToolError::missing_capability(method))
    }

    /// Whether the client said that it can do this.
    fn has(&self, _capability: Capability) -> bool {
        false
    }

    /// Tells everybody who wants to know that this list is another one from now on.
    fn list_changed(&self, _list: List) {}

    /// Ends the connection and not the call, if the client can come back for the answer.
    fn let_go(&self) {}
}

/// A client that hears nothing before the answer and cannot be asked.
pub struct Silent;

impl Client for Silent {}
