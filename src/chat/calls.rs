//! Calling tools: which calls are allowed, who is asked, and what is written down before and after.

use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::info;

use crate::adapters::llm::ToolCall;
use crate::chat::arguments::arguments_of;
use crate::chat::event::{Body, Note, Outcome, ToolName};
use crate::chat::line::Line;
use crate::chat::machine;
use crate::chat::patience;
use crate::chat::record::{self, Addition, Question, Said};
use crate::chat::toolbox::{Offered, Standing, Tool, ToolOutput, ToolRequest, Verdict, judge};
use crate::chat::turn::TurnRun;
use crate::store::StoreError;
use crate::store::chat::approvals::{self, ApprovalRow, ApprovalStatus};
use crate::supervision::crash;

/// The longest output of a tool that is kept, in characters.
const LONGEST_OUTPUT: usize = 1024 * 1024;

impl TurnRun {
    /// The tools that the model may be told of now.
    pub(super) fn tools_now(&self) -> Offered {
        if self.request.without_tools { Offered::default() } else { self.deps.toolbox.offered() }
    }

    /// Finds out which calls are allowed: asks where that is to be asked, and writes down which are
    /// not. Those that are allowed are left as they are.
    pub(super) async fn judge(&mut self, calls: Vec<ToolCall>) {
        if self.offered.is_empty() {
            // An earlier run had the model asked.
            self.settle().await;
            self.offered = self.tools_now();
        }
        let excess = machine::excess(&self.events, self.limits());
        let (mut questions, mut resolved): (Vec<Question>, Vec<Addition>) = Default::default();
        for call in calls {
            if let Some(reason) = excess.get(&call.id) {
                resolved.push(self.resolution(&call.id, reason.clone(), Outcome::Error).await);
                continue;
            }
            let Some((tool, _)) = self.offered.find(&call.name).cloned() else { continue };
            let Ok(arguments) = arguments_of(&call) else { continue };
            match self.verdict(&tool).await {
                Verdict::Allow => {}
                Verdict::Deny(reason) => {
                    resolved.push(self.resolution(&call.id, reason, Outcome::Denied).await);
                }
                Verdict::Ask(reason) => {
                    questions.push(self.question(&call, &tool, arguments, reason));
                }
            }
        }
        if questions.is_empty() && resolved.is_empty() {
            return;
        }
        self.commit(move |transaction, journal| {
            record::ask(transaction, journal, &questions, &resolved)
        })
        .await;
    }

    async fn resolution(&self, call_id: &str, text: String, outcome: Outcome) -> Addition {
        let tokens = self.deps.count_message(self.provider().model(), text.clone()).await;
        (Body::ToolResult { call_id: call_id.to_owned(), text, outcome }, tokens)
    }

    async fn verdict(&self, tool: &Tool) -> Verdict {
        let id = self.journal.conversation_id.clone();
        let ToolName { server, tool: name } = tool.name.clone();
        let definition = tool.definition.clone();
        let conversation = id.clone();
        let read = patience::read(&self.deps.store, &conversation, move |conn| {
            approvals::is_always_allowed(conn, &id, (&server, &name, &definition))
        });
        let is_permitted = match read.await {
            Ok(is_permitted) => is_permitted,
            Err(error) => crash(format!("what is allowed could not be read: {error}")),
        };
        let standing = Standing {
            is_permitted,
            is_attended: self.request.is_attended,
            default: self.deps.settings.approvals.default,
        };
        judge(tool, standing)
    }

    fn question(
        &self,
        call: &ToolCall,
        tool: &Tool,
        arguments: Map<String, Value>,
        reason: String,
    ) -> Question {
        let time = self.deps.settings.approvals.expires;
        let time = time::Duration::try_from(time).unwrap_or(time::Duration::MAX);
        let row = ApprovalRow {
            id: String::new(),
            conversation_id: self.journal.conversation_id.clone(),
            turn: self.turn.number,
            call_id: call.id.clone(),
            server: tool.name.server.clone(),
            tool: tool.name.tool.clone(),
            arguments_json: Value::Object(arguments.clone()).to_string(),
            definition: tool.definition.clone(),
            reason,
            status: ApprovalStatus::Pending,
            always: false,
            decided_by: None,
            created_at: String::new(),
            expires_at: self.deps.clock.now().plus(time).to_string(),
            decided_at: None,
        };
        Question { row, arguments: Value::Object(arguments) }
    }

    /// Waits until somebody has said whether a call is allowed, or it is too late for that.
    pub(super) async fn wait(&mut self, approval_id: &str, call: &ToolCall) {
        loop {
            // Before the row is read, so that nothing is missed in between.
            let control = Arc::clone(&self.control);
            let decided = control.decided.notified();
            let row = self.approval(approval_id).await;
            let now = self.deps.clock.now();
            let left = crate::clock::Timestamp::parse(&row.expires_at).map_or_else(
                |_unreadable| std::time::Duration::ZERO,
                |expires| expires.since(now).try_into().unwrap_or(std::time::Duration::ZERO),
            );
            match row.status {
                ApprovalStatus::Pending if left.is_zero() => return self.expire(row).await,
                ApprovalStatus::Pending => {}
                _decided => return self.note_decision(row, call).await,
            }
            // A clock that is set is looked at again.
            let look = left.min(std::time::Duration::from_mins(1));
            tokio::select! {
                () = decided => {}
                () = control.cancel.cancelled() => return,
                () = tokio::time::sleep(look) => {}
            }
        }
    }

    async fn approval(&self, id: &str) -> ApprovalRow {
        let (key, conversation) = (id.to_owned(), &self.journal.conversation_id);
        let find = move |conn: &mut _| approvals::find(conn, &key);
        match patience::read(&self.deps.store, conversation, find).await {
            Ok(Some(row)) => row,
            Ok(None) => crash(format!("the question {id} is gone")),
            Err(error) => crash(format!("a question could not be read: {error}")),
        }
    }

    async fn expire(&mut self, row: ApprovalRow) {
        let reason = "Nobody allowed this call in time.".to_owned();
        let note = Note::ApprovalDecided {
            approval_id: Some(row.id.clone()),
            call_id: row.call_id.clone(),
            allowed: false,
            by: "nobody".to_owned(),
            reason: Some(reason),
        };
        self.commit(move |transaction, journal| {
            let by = record::principal(&journal.conversation_id);
            let said = Said { status: ApprovalStatus::Expired, always: false, by: &by };
            match record::decide(transaction, &row, said) {
                // Somebody was faster; what they said is looked at next.
                Err(StoreError::Stale) => return Ok(Vec::new()),
                decided => decided?,
            }
            let body = Body::Note { note: note.clone(), text: None };
            record::append(transaction, journal, &[(body, 0)])
        })
        .await;
    }

    async fn note_decision(&mut self, row: ApprovalRow, call: &ToolCall) {
        let allowed = row.status == ApprovalStatus::Allowed;
        let reason = match row.status {
            ApprovalStatus::Allowed => None,
            ApprovalStatus::Expired => Some("Nobody allowed this call in time.".to_owned()),
            _ => Some("The user did not allow this call.".to_owned()),
        };
        if allowed && let Some((tool, source)) = self.offered_now(&call.name) {
            // Somebody took the tool for what it says now, if that is what was asked about.
            if tool.definition == row.definition {
                source.accept(&tool).await;
            }
        }
        let note = Note::ApprovalDecided {
            approval_id: Some(row.id),
            call_id: call.id.clone(),
            allowed,
            by: row.decided_by.unwrap_or_default(),
            reason,
        };
        self.add(vec![(Body::Note { note, text: None }, 0)]).await;
    }

    /// Waits until it is known which tools there are, if the request is not ended meanwhile.
    pub(super) async fn settle(&self) {
        tokio::select! {
            () = self.deps.toolbox.settled() => {}
            () = self.control.cancel.cancelled() => {}
        }
    }

    /// A tool as it is now, whatever the model was told of it.
    fn offered_now(
        &self,
        exposed: &str,
    ) -> Option<(Arc<Tool>, Arc<dyn crate::chat::toolbox::ToolSource>)> {
        self.tools_now().find(exposed).cloned()
    }

    /// Makes a call: writes down that it begins, makes it, and writes down what became of it.
    pub(super) async fn make(&mut self, call: ToolCall, approval_id: Option<&str>) {
        let arguments = match arguments_of(&call) {
            Ok(arguments) => arguments,
            Err(why) => return self.resolve(call.id, why, Outcome::Error).await,
        };
        if self.offered.find(&call.name).is_none() {
            self.settle().await;
        }
        let Some((tool, source)) = self.offered_now(&call.name) else {
            let why =
                format!("There is no tool {:?}; call one of those that are offered.", call.name);
            return self.resolve(call.id, why, Outcome::Error).await;
        };
        let judged = self.offered.find(&call.name).map(|(tool, _)| &tool.definition);
        // Without a question, it was judged as the model was told of it.
        let is_as_judged = judged == Some(&tool.definition);
        let objection = match approval_id {
            Some(id) => self.objection(id, &call, &tool, &arguments).await,
            None => None,
        };
        if objection.is_some() || (approval_id.is_none() && !is_as_judged) {
            self.offered = self.tools_now();
            return self.judge_again(call, tool, arguments, objection).await;
        }
        let hints = tool.hints;
        let is_repeatable = hints.is_read_only || hints.is_idempotent;
        let (name, id) = (tool.name.clone(), call.id.clone());
        self.log_call(&call);
        self.add(vec![(Body::ToolCall { call, name, is_repeatable }, 0)]).await;
        fail::fail_point!("chat-intended");
        if self.control.cancelled_by().is_some() {
            // It was ended while the intent was written down, and nothing was begun.
            let text = "The user ended the request before this call was made.".to_owned();
            return self.resolve(id, text, Outcome::Cancelled).await;
        }
        let output = self.output_of((tool, source), arguments, &id).await;
        fail::fail_point!("chat-called");
        self.log_output(&output.text);
        self.resolve(id, output.text, output.outcome).await;
    }

    /// Why somebody's yes is not to this call, if it is not: of this tool as it is now, with these
    /// arguments.
    async fn objection(
        &self,
        approval_id: &str,
        call: &ToolCall,
        tool: &Tool,
        arguments: &Map<String, Value>,
    ) -> Option<&'static str> {
        let row = self.approval(approval_id).await;
        let allowed = serde_json::from_str::<Map<String, Value>>(&row.arguments_json);
        if row.status != ApprovalStatus::Allowed
            || row.conversation_id != self.journal.conversation_id
            || row.call_id != call.id
            || (&row.server, &row.tool) != (&tool.name.server, &tool.name.tool)
        {
            Some("is not what was asked about")
        } else if row.definition != tool.definition {
            Some("describes itself differently than when it was asked about")
        } else if !allowed.is_ok_and(|allowed| allowed == *arguments) {
            Some("is to be given something else than what was asked about")
        } else {
            None
        }
    }

    /// Judges a call whose tool is not what it was; one that somebody said yes to is asked about
    /// again.
    async fn judge_again(
        &mut self,
        call: ToolCall,
        tool: Arc<Tool>,
        arguments: Map<String, Value>,
        objection: Option<&'static str>,
    ) {
        let Some(objection) = objection else { return self.judge(vec![call]).await };
        let reason = format!("{} {objection}", tool.name.tool);
        let question = self.question(&call, &tool, arguments, reason);
        self.commit(move |transaction, journal| {
            record::ask(transaction, journal, std::slice::from_ref(&question), &[])
        })
        .await;
    }

    /// Makes a call again of which an earlier run did not hear, and which does no harm twice.
    pub(super) async fn make_again(&mut self, call: ToolCall, name: &ToolName) {
        let arguments = arguments_of(&call);
        self.settle().await;
        let (Ok(arguments), Some((tool, source))) = (arguments, self.offered_now(&call.name))
        else {
            let text = crate::chat::prompt::UNKNOWN.to_owned();
            return self.resolve(call.id, text, Outcome::Unknown).await;
        };
        let hints = tool.hints;
        let is_harmless = tool.name == *name && (hints.is_read_only || hints.is_idempotent);
        let output = if is_harmless && !self.was_tried_too_often() {
            // Before it, so that a call that ends the daemon is not made for ever.
            self.note_attempt().await;
            self.output_of((tool, source), arguments, &call.id).await
        } else {
            let text = crate::chat::prompt::UNKNOWN.to_owned();
            ToolOutput { text, outcome: Outcome::Unknown }
        };
        self.resolve(call.id, output.text, output.outcome).await;
    }

    async fn output_of(
        &self,
        (tool, source): (Arc<Tool>, Arc<dyn crate::chat::toolbox::ToolSource>),
        arguments: Map<String, Value>,
        call_id: &str,
    ) -> ToolOutput {
        let line = Line::new(
            (Arc::clone(&self.feed), Arc::clone(&self.control)),
            (Arc::clone(&self.request_id), call_id.to_owned()),
            (self.journal.last_seq, self.request.is_attended),
        );
        let request = ToolRequest {
            tool,
            arguments,
            principal: record::principal(&self.journal.conversation_id),
            conversation_id: self.journal.conversation_id.clone(),
            owner: self.turn.principal.clone(),
            cancel: self.control.cancel.clone(),
            caller: Arc::new(line),
        };
        let left = self.deps.settings.limits.turn.saturating_sub(self.spent);
        let cancel = request.cancel.child_token();
        let request = ToolRequest { cancel: cancel.clone(), ..request };
        let call = source.call(request);
        tokio::pin!(call);
        let mut output = tokio::select! {
            output = &mut call => output,
            () = tokio::time::sleep(left) => {
                // It is told, and has a moment to say what became of it.
                cancel.cancel();
                match tokio::time::timeout(std::time::Duration::from_secs(5), call).await {
                    Ok(output) => output,
                    Err(_silent) => ToolOutput {
                        text: crate::chat::prompt::UNKNOWN.to_owned(),
                        outcome: Outcome::Unknown,
                    },
                }
            }
        };
        if LONGEST_OUTPUT < output.text.len() {
            let length = output.text.chars().count();
            let kept: String = output.text.chars().take(LONGEST_OUTPUT).collect();
            if kept.len() < output.text.len() {
                output.text = format!(
                    "{kept}\n[the output had {length} characters, of which {LONGEST_OUTPUT} are kept]"
                );
            }
        }
        output
    }

    fn log_call(&self, call: &ToolCall) {
        if self.deps.settings.logging.tool_execution {
            let conversation = &self.journal.conversation_id;
            info!(conversation, tool = call.name, arguments = call.arguments, "a tool is called");
        }
    }

    fn log_output(&self, text: &str) {
        if let Some(most) = self.deps.settings.logging.tool_results {
            let conversation = &self.journal.conversation_id;
            let output: String = text.chars().take(most).collect();
            info!(conversation, output, "a tool answered");
        }
    }
}
