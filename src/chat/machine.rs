//! What is to be done next for a request: decided from what the journal has, and nothing else.
//!
//! # Invariants
//!
//! 1. The model is asked only when every call of its last answer has a result.
//! 2. A call begins only after its intent is in the journal, and an intent that an earlier run left
//!    without a result is settled, never begun again by itself.
//! 3. A request that is over has nothing to be done.

use std::collections::HashMap;

use crate::adapters::llm::ToolCall;
use crate::chat::event::{Body, Ending, Event, Finish, Note, Outcome, ToolName};

/// How much one request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Answers that may ask for tools.
    pub hops: u32,
    /// Calls.
    pub calls: u32,
    /// Times that the same call may be asked for.
    pub repeats: u32,
}

/// What is known beside the journal.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Who wants the request ended.
    pub cancelled_by: Option<&'a str>,
    /// Whether the calls of the last answer were judged in this run.
    pub is_judged: bool,
    /// Whether the request has had its time.
    pub is_late: bool,
    /// How much it may do.
    pub limits: Limits,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Duty {
    /// Write down what was asked.
    Begin,
    /// Ask the model.
    Ask {
        /// How often it was asked before.
        hop: u32,
        /// Whether this is its last word, without tools.
        is_closing: bool,
    },
    /// Find out which of these calls are allowed.
    Judge(Vec<ToolCall>),
    /// Wait until somebody says whether this call is allowed.
    Wait {
        /// The question.
        approval_id: String,
        /// The call.
        call: ToolCall,
    },
    /// Make a call.
    Make {
        /// The call.
        call: ToolCall,
        /// The question that was answered with yes, if somebody was asked.
        approval_id: Option<String>,
    },
    /// Find out what became of a call that an earlier run began.
    Settle {
        /// The call.
        call: ToolCall,
        /// Its tool.
        name: ToolName,
        /// Whether it may be made again without harm.
        is_repeatable: bool,
    },
    /// Write down why a call is not made.
    Resolve {
        /// The call.
        call_id: String,
        /// What becomes of it.
        outcome: Outcome,
        /// What the model is told.
        text: String,
    },
    /// Write down how it ended.
    End(Ending),
    /// Nothing.
    Over,
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// The model asked for it.
    Wanted,
    /// Somebody was asked.
    Asked(String),
    /// Somebody answered.
    Decided { approval_id: Option<String>, allowed: bool, reason: Option<String> },
    /// Its intent is written down.
    Intended { name: ToolName, is_repeatable: bool },
    /// It is known what became of it.
    Resolved,
}

/// How a request stands.
#[derive(Debug, Default)]
struct Standing {
    has_begun: bool,
    is_over: bool,
    answers: u32,
    calls: Vec<(ToolCall, Stage)>,
    /// How the last answer ended.
    finish: Option<Finish>,
    /// How often each call was asked for.
    wanted: HashMap<(String, String), u32>,
    most_repeated: u32,
    calls_wanted: u32,
}

impl Standing {
    fn of(events: &[Event]) -> Self {
        let mut standing = Self::default();
        for event in events {
            standing.take(&event.body);
        }
        standing
    }

    fn take(&mut self, body: &Body) {
        match body {
            Body::UserMessage { .. } => self.has_begun = true,
            Body::AssistantMessage { calls, finish, .. } => {
                self.answers += 1;
                self.finish = Some(*finish);
                self.calls = calls.iter().map(|call| (call.clone(), Stage::Wanted)).collect();
                for call in calls {
                    self.calls_wanted += 1;
                    let same = (call.name.clone(), call.arguments.clone());
                    let times = self.wanted.entry(same).or_default();
                    *times += 1;
                    self.most_repeated = self.most_repeated.max(*times);
                }
            }
            Body::ToolCall { call, name, is_repeatable } => self.set(
                &call.id,
                Stage::Intended { name: name.clone(), is_repeatable: *is_repeatable },
            ),
            Body::ToolResult { call_id, .. } => self.set(call_id, Stage::Resolved),
            Body::Note { note, .. } => match note {
                Note::ApprovalRequested { approval_id, call_id, .. } => {
                    self.set(call_id, Stage::Asked(approval_id.clone()));
                }
                Note::ApprovalDecided { approval_id, call_id, allowed, reason, .. } => {
                    let (approval_id, reason) = (approval_id.clone(), reason.clone());
                    let decided = Stage::Decided { approval_id, allowed: *allowed, reason };
                    self.set(call_id, decided);
                }
                Note::TurnEnd { .. } => self.is_over = true,
                Note::Summary { .. } | Note::Forked { .. } => {}
            },
            Body::SystemUpdate { .. } => {}
        }
    }

    fn set(&mut self, call_id: &str, stage: Stage) {
        let known = self.calls.iter_mut().find(|(call, _)| call.id == call_id);
        if let Some((_, at)) = known
            && *at != Stage::Resolved
        {
            *at = stage;
        }
    }

    /// Whether the next answer is to be the last.
    fn is_closing(&self, facts: &Facts<'_>) -> bool {
        let limits = facts.limits;
        facts.is_late
            || limits.hops <= self.answers
            || limits.calls <= self.calls_wanted
            || limits.repeats <= self.most_repeated
    }
}

/// Which calls of the last answer are too many, or were asked for too often, in this request.
///
/// Answers the reason for each such call.
pub fn excess(events: &[Event], limits: Limits) -> HashMap<String, String> {
    let standing = Standing::of(events);
    let mut excess = HashMap::new();
    let in_last = u32::try_from(standing.calls.len()).unwrap_or(u32::MAX);
    let before = standing.calls_wanted.saturating_sub(in_last);
    for (index, (call, _)) in standing.calls.iter().enumerate() {
        let place = before.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
        let times = standing.wanted.get(&(call.name.clone(), call.arguments.clone()));
        let reason = if limits.calls <= place {
            format!(
                "This request has had its {} tool calls; answer with what is known.",
                limits.calls
            )
        } else if times.is_some_and(|times| limits.repeats <= *times) {
            format!(
                "The same call was asked for {} times in this request, so it is not made again; \
                 answer with what is known.",
                limits.repeats
            )
        } else {
            continue;
        };
        excess.insert(call.id.clone(), reason);
    }
    excess
}

/// The calls of the last answer without a result, and whether each has begun.
pub fn unresolved(events: &[Event]) -> Vec<(String, bool)> {
    let open = |(call, stage): (ToolCall, Stage)| match stage {
        Stage::Resolved => None,
        stage => Some((call.id, matches!(stage, Stage::Intended { .. }))),
    };
    Standing::of(events).calls.into_iter().filter_map(open).collect()
}

/// What is to be done next for the request that these events belong to.
pub fn duty(events: &[Event], facts: &Facts<'_>) -> Duty {
    let standing = Standing::of(events);
    if standing.is_over {
        return Duty::Over;
    }
    if !standing.has_begun {
        return match facts.cancelled_by {
            Some(by) => Duty::End(Ending::Cancelled { by: by.to_owned() }),
            None => Duty::Begin,
        };
    }
    let open = standing.calls.iter().find(|(_, stage)| *stage != Stage::Resolved);
    if let Some(by) = facts.cancelled_by {
        return match open {
            None => Duty::End(Ending::Cancelled { by: by.to_owned() }),
            Some((call, Stage::Intended { name, .. })) => {
                Duty::Settle { call: call.clone(), name: name.clone(), is_repeatable: false }
            }
            Some((call, _)) => Duty::Resolve {
                call_id: call.id.clone(),
                outcome: Outcome::Cancelled,
                text: "The user ended the request before this call was made.".to_owned(),
            },
        };
    }
    let Some((call, stage)) = open else {
        return match standing.finish {
            Some(finish) if standing.calls.is_empty() => {
                Duty::End(Ending::Complete { finish_reason: finish.as_str().to_owned() })
            }
            _ => Duty::Ask { hop: standing.answers, is_closing: standing.is_closing(facts) },
        };
    };
    let is_unjudged = |stage: &Stage| *stage == Stage::Wanted;
    if !facts.is_judged && standing.calls.iter().any(|(_, stage)| is_unjudged(stage)) {
        let unjudged = standing.calls.iter().filter(|(_, stage)| is_unjudged(stage));
        return Duty::Judge(unjudged.map(|(call, _)| call.clone()).collect());
    }
    let call = call.clone();
    if facts.is_late && !matches!(stage, Stage::Intended { .. }) {
        return Duty::Resolve {
            call_id: call.id,
            outcome: Outcome::Error,
            text: "This request has had its time, so this call is not made.".to_owned(),
        };
    }
    match stage {
        Stage::Wanted => Duty::Make { call, approval_id: None },
        Stage::Asked(approval_id) => Duty::Wait { approval_id: approval_id.clone(), call },
        Stage::Decided { allowed: true, approval_id, .. } => {
            Duty::Make { call, approval_id: approval_id.clone() }
        }
        Stage::Decided { allowed: false, reason, .. } => Duty::Resolve {
            call_id: call.id,
            outcome: Outcome::Denied,
            text: reason.clone().unwrap_or_else(|| "This call is not allowed.".to_owned()),
        },
        Stage::Intended { name, is_repeatable } => {
            Duty::Settle { call, name: name.clone(), is_repeatable: *is_repeatable }
        }
        Stage::Resolved => Duty::Over,
    }
}
