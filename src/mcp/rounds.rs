//! Calls that take several rounds: what a client answers, and what it is asked next.
//!
//! In a revision without requests to clients a call that has a question ends with it. The client
//! makes the call again, with the answers and with what the call left.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::mcp::answer::Done;
use crate::mcp::fault::Fault;
use crate::mcp::line::Asking;
use crate::mcp::methods::Asked;
use crate::mcp::seal::{Left, Opened, Subject};
use crate::mcp::server::Server;
use crate::tools::{Answers, Question};

/// The most answers that are read.
const ANSWERS: usize = 64;

/// What a client sends when it makes a call again.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Again<'a> {
    #[serde(borrow, default)]
    input_responses: Option<Cow<'a, RawValue>>,
    #[serde(borrow, default)]
    request_state: Option<Cow<'a, str>>,
}

/// What a call is about, whichever round it is in.
#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uri: Option<Cow<'a, str>>,
    #[serde(default)]
    arguments: Value,
}

impl Server {
    /// How the client of a request can be asked.
    ///
    /// # Errors
    /// What it sends back is not what was left, or no answers.
    pub(super) fn asking(&self, asked: Asked<'_>) -> Result<Asking, Fault> {
        if let Some(session) = asked.session {
            return Ok(Asking::OnStream(session.clone()));
        }
        let takes_rounds = matches!(asked.method, "tools/call" | "prompts/get" | "resources/read");
        if !asked.version.is_stateless() || !takes_rounds {
            return Ok(Asking::Never);
        }
        let capabilities = asked.meta.capabilities.unwrap_or_default();
        let again = match asked.params.map(RawValue::get) {
            Some(params) if mentions_a_round(params) => serde_json::from_str(params)
                .map_err(|_| Fault::Params("requestState must be a string".to_owned()))?,
            _ => Again::default(),
        };
        let answers = match &again.input_responses {
            Some(responses) => read_answers(responses.get())?,
            None => Answers::new(),
        };
        let opened = match &again.request_state {
            Some(state) => Some(self.open(asked, state)?),
            None => None,
        };
        Ok(Asking::Again { capabilities, answers, opened })
    }

    fn open(&self, asked: Asked<'_>, state: &str) -> Result<Opened, Fault> {
        with_subject(asked, |subject| self.seal.open(state, subject, Instant::now()))?
            .map_err(|broken| Fault::Params(broken.to_string()))
    }

    /// Ends a call with what the client is asked.
    pub(super) fn input_required(
        &self,
        asked: Asked<'_>,
        questions: Vec<Question>,
        left: &Left,
    ) -> Result<Done, Fault> {
        let mut result = json!({ "inputRequests": requests(questions) });
        if *left != Left::default() {
            let sealed =
                with_subject(asked, |subject| self.seal.close(left, subject, Instant::now()))?;
            let Some(sealed) = sealed else {
                let why = "the call left too much to be sent to the client";
                return Err(Fault::Internal(why.to_owned()));
            };
            result["requestState"] = json!(sealed);
        }
        Ok(Done::value(&result).of_kind("input_required"))
    }
}

/// Questions as a client is asked them.
pub(super) fn requests(questions: Vec<Question>) -> Value {
    let one = |one: Question| (one.key, json!({ "method": one.method, "params": one.params }));
    Value::Object(questions.into_iter().map(one).collect::<Map<String, Value>>())
}

/// Whether the params can have anything of a second round; looking is cheaper than parsing.
fn mentions_a_round(params: &str) -> bool {
    [&b"inputResponses"[..], b"requestState"]
        .iter()
        .any(|name| memchr::memmem::find(params.as_bytes(), name).is_some())
}

/// Reads what a client answered: an object for each question, which the one who asked reads.
pub(super) fn read_answers(json: &str) -> Result<Answers, Fault> {
    let refuse = |why: String| Err(Fault::Params(why));
    let Ok(answers) = serde_json::from_str::<Answers>(json) else {
        return refuse("inputResponses must be an object with an answer for each key".to_owned());
    };
    if ANSWERS < answers.len() {
        return refuse(format!("inputResponses must have at most {ANSWERS} answers"));
    }
    match answers.iter().find(|(_, answer)| !answer.is_object()) {
        None => Ok(answers),
        Some((key, _)) => {
            let key: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
            refuse(format!("inputResponses.{key} must be an object"))
        }
    }
}

fn with_subject<T>(asked: Asked<'_>, work: impl FnOnce(&Subject<'_>) -> T) -> Result<T, Fault> {
    let params = asked.params.map_or("{}", RawValue::get);
    let about: About<'_> = serde_json::from_str(params)
        .map_err(|_| Fault::Params("params must have name and arguments".to_owned()))?;
    // Members in one order, so that a client may write them in another.
    let arguments = match about.arguments {
        Value::Null => "{}".to_owned(),
        arguments => arguments.to_string(),
    };
    Ok(work(&Subject {
        principal: &asked.caller.principal,
        method: asked.method,
        name: about.name.or(about.uri).as_deref().unwrap_or_default(),
        arguments: &arguments,
    }))
}
