//! Tools that count how often they were called.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::chat::event::{Outcome, ToolName};
use crate::chat::toolbox::{Hints, Tool, ToolOutput, ToolRequest, ToolSource};
use crate::mcp_servers::{Elicitation, Wanted};

/// A source of three tools of the daemon's own, `ops__look`, `ops__change` and `ops__set`, and of
/// two of another server, `web__fetch` and `web__ask`.
#[derive(Default)]
pub(crate) struct FakeTools {
    calls: Mutex<Vec<(String, Value, String)>>,
    accepted: Mutex<Vec<String>>,
    /// The definition that `web__fetch` has.
    pub(crate) definition: Mutex<String>,
    /// What `web__fetch` gives.
    pub(crate) page: Mutex<String>,
    /// If there, calls wait until they are told to go on.
    pub(crate) gate: Mutex<Option<Arc<Notify>>>,
    /// Rings when a call has begun.
    pub(crate) begun: Notify,
}

impl FakeTools {
    /// The calls that were made: tool, arguments and principal.
    pub(crate) fn calls(&self) -> Vec<(String, Value, String)> {
        self.calls.lock().unwrap().clone()
    }

    /// How often a tool was called.
    pub(crate) fn count(&self, tool: &str) -> usize {
        self.calls().iter().filter(|(name, ..)| name == tool).count()
    }

    /// The definitions that somebody agreed to.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.accepted.lock().unwrap().clone()
    }
}

fn tool((server, name): (&str, &str), definition: &str, hints: Hints) -> Arc<Tool> {
    Arc::new(Tool {
        exposed: format!("{server}__{name}"),
        name: ToolName { server: server.to_owned(), tool: name.to_owned() },
        description: format!("Does {name}."),
        parameters: json!({ "type": "object" }),
        definition: definition.to_owned(),
        hints,
        is_trusted: server == "ops",
        has_changed: definition.starts_with("changed"),
        policy: None,
    })
}

#[async_trait]
impl ToolSource for FakeTools {
    fn tools(&self) -> Vec<Arc<Tool>> {
        let definition = self.definition.lock().unwrap().clone();
        let reads = Hints { is_read_only: true, is_idempotent: true };
        let sets = Hints { is_read_only: false, is_idempotent: true };
        vec![
            tool(("ops", "look"), "a", reads),
            tool(("ops", "change"), "b", Hints::default()),
            tool(("ops", "set"), "c", sets),
            tool(("web", "fetch"), &definition, reads),
            tool(("web", "ask"), "d", reads),
        ]
    }

    async fn call(&self, request: ToolRequest) -> ToolOutput {
        let called = (
            request.tool.exposed.clone(),
            Value::Object(request.arguments.clone()),
            request.principal.clone(),
        );
        self.calls.lock().unwrap().push(called);
        // Before it rings, because whoever hears that may open the gate for those that come after.
        let gate = self.gate.lock().unwrap().clone();
        self.begun.notify_one();
        if let Some(gate) = gate {
            tokio::select! {
                () = gate.notified() => {}
                () = request.cancel.cancelled() => {
                    let text = "It was ended.".to_owned();
                    return ToolOutput { text, outcome: Outcome::Unknown };
                }
            }
        }
        if request.tool.exposed == "web__ask" {
            let question = Elicitation {
                server: "web".to_owned(),
                about: "ask".to_owned(),
                message: "Which one?".to_owned(),
                wanted: Wanted::Form { schema: json!({ "type": "object" }) },
            };
            request.caller.progress(0.5, Some(1.0), Some("half"));
            let answer = request.caller.ask(question).await;
            return ToolOutput { text: format!("{answer:?}"), outcome: Outcome::Ok };
        }
        let page = self.page.lock().unwrap().clone();
        let text = if page.is_empty() { "It is done.".to_owned() } else { page };
        ToolOutput { text, outcome: Outcome::Ok }
    }

    async fn accept(&self, tool: &Tool) {
        self.accepted.lock().unwrap().push(tool.definition.clone());
    }
}
