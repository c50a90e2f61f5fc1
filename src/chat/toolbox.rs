//! Which tools there are for models, whoever has them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::adapters::llm::ToolDefinition;
use crate::chat::event::{Outcome, ToolName};
use crate::chat::tokens::PerVocabulary;
use crate::config::chat::{ApprovalDefault, ToolPolicy};
use crate::mcp_servers::Elicitor;

/// How long a request waits for servers that are being connected.
const SETTLING: Duration = Duration::from_secs(5);

/// What a tool says that it does to the world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// Nothing.
    pub is_read_only: bool,
    /// Doing it twice is doing it once.
    pub is_idempotent: bool,
}

/// A tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// What models call it.
    pub exposed: String,
    /// Whose it is, and what its server calls it.
    pub name: ToolName,
    /// What it does.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// A digest of all that it says of itself.
    pub definition: String,
    /// What it says that it does to the world.
    pub hints: Hints,
    /// Whether what it says is the daemon's own word.
    pub is_trusted: bool,
    /// Whether it says something else than when somebody last took it as it was.
    pub has_changed: bool,
    /// What the settings say of it.
    pub policy: Option<ToolPolicy>,
}

/// Who hears of a call that is under way, and is asked by it.
pub trait Caller: Elicitor {
    /// How far it has come.
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>);
}

/// One call.
#[derive(Clone)]
pub struct ToolRequest {
    /// The tool, as it was when it was judged.
    pub tool: Arc<Tool>,
    /// What it is given.
    pub arguments: Map<String, Value>,
    /// In whose name: `chat:<conversation>`.
    pub principal: String,
    /// The conversation.
    pub conversation_id: String,
    /// Whose that is.
    pub owner: String,
    /// Ends it.
    pub cancel: CancellationToken,
    /// Who hears of it.
    pub caller: Arc<dyn Caller>,
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolOutput {
    /// What the model is told.
    pub text: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl ToolOutput {
    /// It failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), outcome: Outcome::Error }
    }
}

/// Somebody who has tools.
#[async_trait]
pub trait ToolSource: Send + Sync + 'static {
    /// The tools that there are now, always in the same order.
    fn tools(&self) -> Vec<Arc<Tool>>;

    /// Waits until it is known of every server whether it has tools: after a start, that takes a
    /// moment.
    async fn settled(&self) {}

    /// Makes a call.
    async fn call(&self, request: ToolRequest) -> ToolOutput;

    /// Takes a tool as it is now for what it is to be.
    async fn accept(&self, tool: &Tool);
}

/// The tools of everybody.
pub(super) struct Toolbox {
    sources: Vec<Arc<dyn ToolSource>>,
    /// What was offered last, and of which tools that was made: descriptions are long, and every
    /// request that is worked on has them.
    last: Mutex<(Vec<Arc<Tool>>, Offered)>,
}

/// A tool, and whoever has it.
type Found = (Arc<Tool>, Arc<dyn ToolSource>);

/// The tools as they are at one moment.
#[derive(Clone, Default)]
pub(super) struct Offered {
    by_name: Arc<HashMap<String, Found>>,
    definitions: Arc<[ToolDefinition]>,
    tokens: Arc<PerVocabulary<OnceCell<u32>>>,
}

impl Toolbox {
    /// The tools that every conversation has, and those of others.
    pub(super) fn new(own: Arc<dyn ToolSource>, others: Vec<Arc<dyn ToolSource>>) -> Self {
        let sources = std::iter::once(own).chain(others).collect();
        Self { sources, last: Mutex::default() }
    }

    /// Waits until it is known which tools there are, or for as long as somebody would wait for it.
    pub(super) async fn settled(&self) {
        let all = futures_util::future::join_all(self.sources.iter().map(|one| one.settled()));
        if tokio::time::timeout(SETTLING, all).await.is_err() {
            tracing::debug!("not every server is connected");
        }
    }

    /// The tools that models may be told of now. Of two with one name, the first is taken.
    pub(super) fn offered(&self) -> Offered {
        let tools: Vec<Vec<Arc<Tool>>> = self.sources.iter().map(|source| source.tools()).collect();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = tools.iter().flatten();
        if last.0.len() != now.clone().count()
            || !last.0.iter().zip(now).all(|(one, other)| Arc::ptr_eq(one, other))
        {
            *last = (tools.concat(), self.offer(tools));
        }
        last.1.clone()
    }

    fn offer(&self, tools: Vec<Vec<Arc<Tool>>>) -> Offered {
        let (mut by_name, mut definitions) = (HashMap::new(), Vec::new());
        for (source, tools) in self.sources.iter().zip(tools) {
            for tool in tools {
                if tool.policy == Some(ToolPolicy::Deny) || by_name.contains_key(&tool.exposed) {
                    continue;
                }
                definitions.push(ToolDefinition {
                    name: tool.exposed.clone(),
                    description: tool.description.clone(),
                    parameters: tool.parameters.clone(),
                });
                let entry = (Arc::clone(&tool), Arc::clone(source));
                by_name.insert(tool.exposed.clone(), entry);
            }
        }
        let tokens = Arc::default();
        Offered { by_name: Arc::new(by_name), definitions: definitions.into(), tokens }
    }
}

impl Offered {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// A tool by what models call it, with whoever has it.
    pub(super) fn find(&self, exposed: &str) -> Option<&Found> {
        self.by_name.get(exposed)
    }

    /// What models are told of them.
    pub(super) fn definitions(&self) -> Arc<[ToolDefinition]> {
        Arc::clone(&self.definitions)
    }

    /// All that models are told of them, as one text.
    pub(super) fn described(&self) -> String {
        let mut text = String::new();
        for tool in self.definitions.iter() {
            text.push_str(&tool.name);
            text.push_str(&tool.description);
            text.push_str(&tool.parameters.to_string());
        }
        text
    }

    /// How many tokens that text has, where it was counted.
    pub(super) fn tokens(&self) -> &PerVocabulary<OnceCell<u32>> {
        &self.tokens
    }
}

/// Whether a call may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Yes.
    Allow,
    /// If somebody says so; why that is asked.
    Ask(String),
    /// No, and why.
    Deny(String),
}

/// What is known of a call beside its tool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Whether somebody allowed the tool for the rest of the conversation, as it is now.
    pub(super) is_permitted: bool,
    /// Whether somebody is there to be asked.
    pub(super) is_attended: bool,
    /// What holds for tools without a policy.
    pub(super) default: ApprovalDefault,
}

/// Whether a tool may be called.
pub(super) fn judge(tool: &Tool, standing: Standing) -> Verdict {
    let asked = |why: String| {
        if standing.is_attended {
            Verdict::Ask(why)
        } else {
            Verdict::Deny(format!(
                "This call needs somebody's approval ({why}), and nobody can be asked in this \
                 conversation."
            ))
        }
    };
    let ToolName { server, tool: name } = &tool.name;
    match (tool.policy, standing.default) {
        (Some(ToolPolicy::Deny), _) | (None, ApprovalDefault::Deny) => {
            Verdict::Deny(format!("The settings deny every call of {name} of {server}."))
        }
        _ if tool.has_changed => {
            asked(format!("{name} of {server} describes itself differently than before"))
        }
        (Some(ToolPolicy::Allow), _) => Verdict::Allow,
        _ if standing.is_permitted => Verdict::Allow,
        (Some(ToolPolicy::Ask), _) | (None, ApprovalDefault::Ask) => {
            asked(format!("the settings have calls of {name} of {server} approved"))
        }
        (None, ApprovalDefault::ReadOnlyAllow) if !tool.is_trusted => {
            asked(format!("{server} is another server, and no setting allows its {name}"))
        }
        (None, ApprovalDefault::ReadOnlyAllow) if tool.hints.is_read_only => Verdict::Allow,
        (None, ApprovalDefault::ReadOnlyAllow) => asked(format!("{name} changes something")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody whose tools are others when they were changed.
    struct Changing(Mutex<Vec<Arc<Tool>>>);

    #[async_trait]
    impl ToolSource for Changing {
        fn tools(&self) -> Vec<Arc<Tool>> {
            self.0.lock().unwrap().clone()
        }

        async fn call(&self, _: ToolRequest) -> ToolOutput {
            ToolOutput::failed("Nobody calls it.")
        }

        async fn accept(&self, _: &Tool) {}
    }

    fn tool(name: &str) -> Arc<Tool> {
        Arc::new(Tool {
            exposed: name.to_owned(),
            name: ToolName { server: "s".to_owned(), tool: name.to_owned() },
            description: String::new(),
            parameters: Value::Null,
            definition: String::new(),
            hints: Hints::default(),
            is_trusted: true,
            has_changed: false,
            policy: None,
        })
    }

    #[test]
    fn all_requests_share_the_descriptions_until_a_tool_changes() {
        let own = Arc::new(Changing(Mutex::new(vec![tool("a"), tool("b")])));
        let toolbox = Toolbox::new(Arc::clone(&own) as _, Vec::new());
        let (one, other) = (toolbox.offered(), toolbox.offered());
        assert!(Arc::ptr_eq(&one.definitions(), &other.definitions()));
        assert!(one.find("b").is_some() && one.find("c").is_none());
        own.0.lock().unwrap()[1] = tool("c");
        let after = toolbox.offered();
        assert!(after.find("b").is_none() && after.find("c").is_some());
        assert_eq!(after.definitions().len(), 2);
        own.0.lock().unwrap().pop();
        assert_eq!(toolbox.offered().definitions().len(), 1);
    }
}
