//! What is a call called in its conversation?
//!
//! Providers name calls as they like: some number those of each answer anew. In a conversation a call
//! is known by its id alone, to its approval, to whoever reads its output later and to the next
//! provider. So it gets one of the daemon's own, which comes twice nowhere: what comes in from a
//! provider or a file is renamed, and a fork keeps what its parent has.

use std::collections::{HashMap, VecDeque};

use crate::adapters::llm::ToolCall;
use crate::chat::event::{Body, Note};
use crate::ids::IdPrefix;

fn draw() -> String {
    IdPrefix::draw().draw_id("call")
}

/// The calls of an answer, by ids of the daemon's own.
pub(super) fn own(mut calls: Vec<ToolCall>) -> Vec<ToolCall> {
    for call in &mut calls {
        call.id = draw();
    }
    calls
}

/// Renames the calls of a conversation that was elsewhere, event by event in their order.
#[derive(Debug, Default)]
pub(super) struct Renaming {
    /// The calls of the last answer without a result, by what they were called.
    open: HashMap<String, VecDeque<String>>,
}

impl Renaming {
    /// Renames what an event names.
    pub(super) fn rename(&mut self, body: &mut Body) {
        match body {
            Body::AssistantMessage { calls, .. } => {
                self.open.clear();
                for call in calls {
                    let was = std::mem::replace(&mut call.id, draw());
                    self.open.entry(was).or_default().push_back(call.id.clone());
                }
            }
            Body::ToolCall { call, .. } => self.known(&mut call.id),
            Body::Note {
                note:
                    Note::ApprovalRequested { call_id, .. } | Note::ApprovalDecided { call_id, .. },
                ..
            } => self.known(call_id),
            Body::ToolResult { call_id, .. } => {
                let was = call_id.clone();
                self.known(call_id);
                // Of two calls with one name, the first result is the first one's.
                if let Some(calls) = self.open.get_mut(&was)
                    && 1 < calls.len()
                {
                    calls.pop_front();
                }
            }
            Body::UserMessage { .. } | Body::SystemUpdate { .. } | Body::Note { .. } => {}
        }
    }

    /// The call of the last answer that was called so; what is no call's gets a name all the same.
    fn known(&self, id: &mut String) {
        let call = self.open.get(id).and_then(VecDeque::front);
        *id = call.cloned().unwrap_or_else(draw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::event::{Cost, Finish, Outcome};

    fn answer(ids: &[&str]) -> Body {
        let call = |id: &&str| ToolCall {
            id: (*id).to_owned(),
            name: "look".to_owned(),
            arguments: "{}".to_owned(),
        };
        Body::AssistantMessage {
            text: String::new(),
            calls: ids.iter().map(call).collect(),
            finish: Finish::ToolCalls,
            model: None,
            cost: Cost::default(),
            hop: 0,
        }
    }

    fn result(id: &str) -> Body {
        Body::ToolResult { call_id: id.to_owned(), text: String::new(), outcome: Outcome::Ok }
    }

    #[test]
    fn calls_that_were_called_the_same_are_told_apart_and_keep_their_results() {
        let mut renaming = Renaming::default();
        let mut bodies =
            [answer(&["1", "1"]), result("1"), result("1"), answer(&["1"]), result("1")];
        for body in &mut bodies {
            renaming.rename(body);
        }
        let (mut calls, mut results) = (Vec::new(), Vec::new());
        for body in &bodies {
            match body {
                Body::AssistantMessage { calls: some, .. } => {
                    calls.extend(some.iter().map(|call| call.id.clone()));
                }
                Body::ToolResult { call_id, .. } => results.push(call_id.clone()),
                _ => {}
            }
        }
        assert_eq!(calls, results);
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls.len(), 3);
        let is_short = |id: &String| id.starts_with("call_") && id.len() <= 40;
        assert!(calls.iter().all(is_short), "{calls:?}");
    }

    #[test]
    fn a_result_of_nothing_is_no_other_calls() {
        let mut renaming = Renaming::default();
        let mut orphan = result("1");
        renaming.rename(&mut orphan);
        assert_ne!(orphan, result("1"));
    }
}
