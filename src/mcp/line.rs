//! The line to the client of a request that is under way, by the rules of its revision.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::mcp::answer;
use crate::mcp::capabilities::Capabilities;
use crate::mcp::lists::Lists;
use crate::mcp::meta::Meta;
use crate::mcp::outbox::Outbox;
use crate::mcp::seal::Opened;
use crate::mcp::session::Session;
use crate::tools::{Answers, Capability, Client, List, LogLevel, Progress, Question, ToolError};

/// How long a client has to answer what it was asked on a stream.
const PATIENCE: Duration = Duration::from_mins(5);

/// The line to the client of one request.
pub(super) struct Line {
    /// Where messages go; a client that takes one answer and nothing before it has none.
    pub(super) outbox: Option<Arc<Outbox>>,
    /// As JSON.
    progress_token: Option<String>,
    /// Of what level messages must be to be sent.
    level: Option<LogLevel>,
    progressed: Mutex<f64>,
    pub(super) asking: Asking,
    lists: Arc<Lists>,
}

/// How the client is asked.
pub(super) enum Asking {
    /// It cannot be.
    Never,
    /// The call ends, and is made again with the answers.
    Again { capabilities: Capabilities, answers: Answers, opened: Option<Opened> },
    /// On the stream, while the call waits.
    OnStream(Arc<Session>),
}

impl Line {
    pub(super) fn new(
        outbox: Option<Arc<Outbox>>,
        meta: &Meta,
        asking: Asking,
        lists: &Arc<Lists>,
    ) -> Self {
        let level = match &asking {
            Asking::OnStream(session) => Some(session.level()),
            _ => meta.log_level.and_then(Result::ok),
        };
        Self {
            outbox,
            progress_token: meta.progress_token.clone(),
            level,
            progressed: Mutex::new(f64::NEG_INFINITY),
            asking,
            lists: Arc::clone(lists),
        }
    }

    /// A line on which nothing is said before the answer.
    pub(super) fn silent(lists: &Arc<Lists>) -> Self {
        Self::new(None, &Meta::default(), Asking::Never, lists)
    }

    fn capabilities(&self) -> Capabilities {
        match &self.asking {
            Asking::Never => Capabilities::default(),
            Asking::Again { capabilities, .. } => *capabilities,
            Asking::OnStream(session) => session.capabilities,
        }
    }
}

#[async_trait]
impl Client for Line {
    fn progress(&self, Progress { progress, total, message }: Progress) {
        let (Some(outbox), Some(token)) = (&self.outbox, &self.progress_token) else { return };
        {
            let mut before = self.progressed.lock().unwrap_or_else(PoisonError::into_inner);
            // The protocol wants it to rise.
            if progress <= *before {
                return;
            }
            *before = progress;
        }
        let mut params = json!({ "progressToken": raw(token), "progress": progress });
        if let Some(total) = total {
            params["total"] = json!(total);
        }
        if let Some(message) = message {
            params["message"] = json!(message);
        }
        outbox.send(answer::notification("notifications/progress", &params));
    }

    fn log(&self, level: LogLevel, logger: &'static str, data: Value) {
        let (Some(outbox), Some(least)) = (&self.outbox, self.level) else { return };
        if least <= level {
            let params = json!({ "level": level.as_str(), "logger": logger, "data": data });
            outbox.send(answer::notification("notifications/message", &params));
        }
    }

    fn listens(&self) -> bool {
        self.outbox.is_some() && (self.progress_token.is_some() || self.level.is_some())
    }

    fn state(&self) -> Option<&Value> {
        match &self.asking {
            Asking::Again { opened, .. } => opened.as_ref()?.left.state.as_ref(),
            Asking::Never | Asking::OnStream(_) => None,
        }
    }

    async fn ask(
        &self,
        questions: Vec<Question>,
        state: Option<Value>,
    ) -> Result<Answers, ToolError> {
        let missing = |question: &&Question| {
            !self.capabilities().has(Capability::for_method(question.method))
        };
        if let Some(question) = questions.iter().find(missing) {
            return Err(ToolError::missing_capability(question.method));
        }
        match &self.asking {
            Asking::Never => Err(ToolError::missing_capability("elicitation/create")),
            Asking::Again { answers, .. } => {
                let found: Answers = questions
                    .iter()
                    .filter_map(|one| Some((one.key.clone(), answers.get(&one.key)?.clone())))
                    .collect();
                if found.len() == questions.len() {
                    return Ok(found);
                }
                Err(ToolError::InputRequired { questions, state })
            }
            Asking::OnStream(session) => {
                let Some(outbox) = &self.outbox else {
                    return Err(ToolError::missing_capability("elicitation/create"));
                };
                let mut answers = BTreeMap::new();
                for question in questions {
                    let (id, answer) = session.question();
                    outbox.send(answer::request(&id, question.method, &question.params));
                    let answered = tokio::time::timeout(PATIENCE, answer).await;
                    let Ok(Ok(Some(answer))) = answered else {
                        let why = "the client did not answer what it was asked; call again";
                        return Err(ToolError::Refused(why.to_owned()));
                    };
                    answers.insert(question.key, answer);
                }
                Ok(answers)
            }
        }
    }

    fn has(&self, capability: Capability) -> bool {
        self.capabilities().has(capability)
    }

    fn list_changed(&self, list: List) {
        self.lists.changed(list);
    }

    fn let_go(&self) {
        if let (Some(outbox), Asking::OnStream(_)) = (&self.outbox, &self.asking) {
            outbox.let_go();
        }
    }
}

/// JSON that was read before.
fn raw(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}
