//! Resources, prompts and completion: what clients can read and ask for beside tools.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tracing::error;

use crate::mcp::answer::{Cache, Done};
use crate::mcp::fault::Fault;
use crate::mcp::line::Line;
use crate::mcp::methods::{Asked, UriParams, need, read};
use crate::mcp::seal::Left;
use crate::mcp::server::Server;
use crate::prompts::PromptError;
use crate::resources::ResourceError;
use crate::tools::{Call, Page, ToolError};

/// How long lists of what comes and goes stay true, and what is read, in milliseconds: work goes on
/// meanwhile, and nobody is told of every change who did not ask to be.
const FRESH: u32 = 1_000;

/// How long what only an update changes stays true, in milliseconds.
const SETTLED: u32 = 300_000;

#[derive(Default, Deserialize)]
struct ListParams {
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct PromptParams {
    name: String,
    #[serde(default)]
    arguments: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct CompleteParams {
    #[serde(rename = "ref")]
    reference: Reference,
    argument: Argument,
    #[serde(default)]
    context: Context,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Reference {
    #[serde(rename = "ref/prompt")]
    Prompt { name: String },
    #[serde(rename = "ref/resource")]
    Resource { uri: String },
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Context {
    arguments: Map<String, Value>,
}

impl Server {
    pub(super) async fn list_resources(&self, asked: Asked<'_>) -> Result<Done, Fault> {
        let ListParams { cursor } = read(asked.params)?.unwrap_or_default();
        let page = self.resources.list(asked.caller, cursor.as_deref()).await;
        Ok(listed("resources", page.map_err(|error| no_resource(error, ""))?).cached(fresh()))
    }

    pub(super) fn list_templates(&self, asked: Asked<'_>) -> Result<Done, Fault> {
        let ListParams { cursor } = read(asked.params)?.unwrap_or_default();
        if cursor.is_some() {
            return Err(Fault::Params("cursor is not of this list, which has one page".to_owned()));
        }
        let templates = json!({ "resourceTemplates": self.resources.templates() });
        Ok(Done::value(&templates).cached(Cache { ttl: SETTLED, public: true }))
    }

    pub(super) async fn read_resource(&self, asked: Asked<'_>, line: &Line) -> Result<Done, Fault> {
        let UriParams { uri } = need(asked.params, "uri")?;
        let call = Call { doors: &self.doors, caller: asked.caller, client: line };
        match self.resources.read(call, &uri).await {
            Ok(contents) => Ok(Done::value(&json!({ "contents": contents })).cached(fresh())),
            Err(ResourceError::Client(error)) => self.ask_first(asked, error),
            Err(error) => Err(no_resource(error, &uri)),
        }
    }

    pub(super) fn list_prompts(&self, asked: Asked<'_>) -> Result<Done, Fault> {
        let ListParams { cursor } = read(asked.params)?.unwrap_or_default();
        let page = self.prompts.list(asked.caller, cursor.as_deref()).map_err(no_prompt)?;
        Ok(listed("prompts", page).cached(Cache { ttl: SETTLED, public: true }))
    }

    pub(super) async fn get_prompt(&self, asked: Asked<'_>, line: &Line) -> Result<Done, Fault> {
        let PromptParams { name, arguments } = need(asked.params, "name and arguments")?;
        let call = Call { doors: &self.doors, caller: asked.caller, client: line };
        match self.prompts.get(call, &name, &arguments.unwrap_or_default()).await {
            Ok(prompt) => Ok(Done::value(&prompt)),
            Err(PromptError::Call(
                error @ (ToolError::InputRequired { .. } | ToolError::MissingCapability(_)),
            )) => self.ask_first(asked, error),
            Err(error) => Err(no_prompt(error)),
        }
    }

    pub(super) async fn complete(&self, asked: Asked<'_>) -> Result<Done, Fault> {
        let CompleteParams { reference, argument, context } =
            need(asked.params, "ref and argument")?;
        let (Argument { name, value }, context) = (argument, context.arguments);
        let completion = match reference {
            Reference::Prompt { name: prompt } => {
                let found = self.prompts.complete(asked.caller, &prompt, &name, &value, &context);
                found.await.map_err(no_prompt)?
            }
            Reference::Resource { uri } => {
                let found = self.resources.complete(asked.caller, &uri, &name, &value, &context);
                found.await.map_err(|error| no_resource(error, &uri))?
            }
        };
        Ok(Done::value(&json!({ "completion": completion })))
    }

    /// Asks the client what has to be known first.
    fn ask_first(&self, asked: Asked<'_>, error: ToolError) -> Result<Done, Fault> {
        match error {
            ToolError::InputRequired { questions, state } => {
                self.input_required(asked, questions, &Left { state, ..Left::default() })
            }
            ToolError::MissingCapability(capability) if asked.version.is_stateless() => {
                Err(Fault::Capability(capability))
            }
            other => Err(Fault::Params(other.to_string())),
        }
    }
}

fn fresh() -> Cache {
    // What is listed and read may come to depend on the key.
    Cache { ttl: FRESH, public: false }
}

fn listed(name: &str, page: Page) -> Done {
    let mut list = json!({ name: page.items });
    if let Some(cursor) = page.next_cursor {
        list["nextCursor"] = json!(cursor);
    }
    Done::value(&list)
}

fn no_resource(error: ResourceError, asked: &str) -> Fault {
    let why = error.to_string();
    match error {
        ResourceError::Unknown { uri } if uri == asked => Fault::UnknownResource(uri),
        ResourceError::Overloaded(_) => Fault::Overloaded(why),
        ResourceError::Failed { source, .. } => {
            error!(error = format!("{source:#}"), "a resource could not be read");
            Fault::Internal(why)
        }
        _ => Fault::Params(why),
    }
}

fn no_prompt(error: PromptError) -> Fault {
    let why = error.to_string();
    match error {
        PromptError::Call(ToolError::Overloaded(_)) => Fault::Overloaded(why),
        PromptError::Call(ToolError::Failed { source, .. }) => {
            error!(error = format!("{source:#}"), "a prompt could not be made");
            Fault::Internal(why)
        }
        _ => Fault::Params(why),
    }
}
