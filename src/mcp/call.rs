//! `tools/call`, with what has to be asked first.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tracing::error;

use crate::mcp::answer::Done;
use crate::mcp::confirmation::{self, DECLINED};
use crate::mcp::fault::Fault;
use crate::mcp::headers::check_params;
use crate::mcp::line::{Asking, Line};
use crate::mcp::methods::{Asked, need};
use crate::mcp::seal::Left;
use crate::mcp::server::Server;
use crate::mcp::spans;
use crate::tools::{
    Call, CallResult, Called, Capability, Client as _, Effect, Question, ToolError,
};

#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// What came of asking somebody.
enum Said {
    /// Nobody was to be asked.
    Nothing,
    Yes,
    No,
    /// The question, for a client that makes the call again.
    Ask(Question),
}

impl Server {
    pub(super) async fn call(&self, asked: Asked<'_>, line: &Line) -> Result<Done, Fault> {
        let CallParams { name, arguments } = need(asked.params, "name and arguments")?;
        if asked.version.is_stateless()
            && let Some(schema) = self.header_schemas.get(&*name)
        {
            check_params(asked.headers, schema, &value_of(arguments))?;
        }
        let said = match self.registry.effect(&name) {
            Some((title, effect)) if asked.caller.role.may(effect) => {
                self.confirm(line, (&name, title, effect), arguments).await
            }
            _ => Ok(Said::Nothing),
        };
        let mut left = Left::default();
        let outcome = match said {
            Ok(Said::Ask(question)) => {
                left.confirming = true;
                Err(ToolError::InputRequired { questions: vec![question], state: None })
            }
            Ok(Said::No) => Err(ToolError::Refused(DECLINED.to_owned())),
            Ok(said) => {
                left.confirmed = matches!(said, Said::Yes);
                let call = Call { doors: &self.doors, caller: asked.caller, client: line };
                self.registry.call(call, &name, arguments).await
            }
            Err(error) => Err(error),
        };
        if let Ok(Called { began: Some(work), .. }) = &outcome {
            spans::began(&work.id);
        }
        match outcome {
            Ok(Called { began: Some(work), .. }) if self.gives_tasks(asked) => {
                self.began(asked.caller, &work.id).await
            }
            Ok(Called { result, .. }) => Ok(Done::complete(result.into_bytes())),
            Err(ToolError::InputRequired { questions, state }) => {
                left.state = state;
                self.input_required(asked, questions, &left)
            }
            Err(error) => failure(asked, &error),
        }
    }

    /// Has somebody say yes, where policy wants it and the client can ask.
    async fn confirm(
        &self,
        line: &Line,
        (name, title, effect): (&str, &str, Effect),
        arguments: Option<&RawValue>,
    ) -> Result<Said, ToolError> {
        // What only reads is never asked about, and is not looked at further.
        if effect == Effect::Reads || !line.has(Capability::Elicitation) {
            return Ok(Said::Nothing);
        }
        let sent = value_of(arguments);
        if !confirmation::asks(self.confirm, name, effect, &sent) {
            return Ok(Said::Nothing);
        }
        let question = confirmation::question(title, &sent);
        match &line.asking {
            Asking::Never => Ok(Said::Nothing),
            Asking::OnStream(_) => {
                let answers = line.ask(vec![question], None).await?;
                Ok(if confirmation::said(&answers) == Some(true) { Said::Yes } else { Said::No })
            }
            Asking::Again { opened, answers, .. } => {
                let Some(opened) = opened else { return Ok(Said::Ask(question)) };
                let said = if opened.left.confirmed {
                    Some(true)
                } else if opened.left.confirming {
                    confirmation::said(answers)
                } else {
                    None
                };
                Ok(match said {
                    Some(false) => {
                        self.seal.use_up(opened, Instant::now());
                        Said::No
                    }
                    // A yes counts once: what is sent again is asked again.
                    Some(true) if self.seal.use_up(opened, Instant::now()) => Said::Yes,
                    Some(true) | None => Said::Ask(question),
                })
            }
        }
    }
}

/// How a tool's failure is answered.
fn failure(asked: Asked<'_>, error: &ToolError) -> Result<Done, Fault> {
    let why = error.to_string();
    let as_result = || {
        spans::tool_failed();
        Ok(Done::complete(CallResult::failure(&why).into_bytes()))
    };
    match error {
        ToolError::MissingCapability(capability) if asked.version.is_stateless() => {
            Err(Fault::Capability(*capability))
        }
        ToolError::Refused(_)
        | ToolError::InputRequired { .. }
        | ToolError::MissingCapability(_) => as_result(),
        ToolError::InvalidArguments(_) if asked.version.reports_arguments_as_results() => {
            as_result()
        }
        ToolError::UnknownTool(_) | ToolError::InvalidArguments(_) => Err(Fault::Params(why)),
        ToolError::Overloaded(_) => Err(Fault::Overloaded(why)),
        ToolError::Failed { source, .. } => {
            // Logged here, once, because the client is told nothing of it.
            error!(error = format!("{source:#}"), "a tool failed");
            as_result()
        }
    }
}

/// Arguments as a tree; those that are no JSON object are refused by the tool itself.
fn value_of(arguments: Option<&RawValue>) -> Value {
    let arguments = arguments.and_then(|sent| serde_json::from_str(sent.get()).ok());
    arguments.unwrap_or_else(|| Value::Object(serde_json::Map::new()))
}
