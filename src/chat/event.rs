//! What happens in a conversation, as the journal keeps it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::adapters::llm::{FinishReason, ToolCall, Usage};
use crate::store::chat::events::EventType;

/// How an answer of the model ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done.
    Stop,
    /// It wants tools called.
    ToolCalls,
    /// It might say no more at once.
    Length,
    /// The provider kept it from saying more.
    ContentFilter,
    /// It was its last word, because the request had its calls of tools.
    ToolLimitReached,
    /// Somebody ended it.
    Cancelled,
    /// It broke off.
    Interrupted,
}

impl From<FinishReason> for Finish {
    fn from(reason: FinishReason) -> Self {
        match reason {
            FinishReason::Stop => Self::Stop,
            FinishReason::ToolCalls => Self::ToolCalls,
            FinishReason::Length => Self::Length,
            FinishReason::ContentFilter => Self::ContentFilter,
        }
    }
}

impl Finish {
    /// As the wire spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::ToolCalls => "tool_calls",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ToolLimitReached => "tool_limit_reached",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Ok,
    /// It failed, or could not be made as it was asked for.
    Error,
    /// It may not be made.
    Denied,
    /// It was not made, because somebody ended the request.
    Cancelled,
    /// Nobody knows whether it was done.
    Unknown,
}

impl Outcome {
    /// Whether the model is told that it failed.
    pub fn is_error(self) -> bool {
        self != Self::Ok
    }
}

/// Which tool a call is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolName {
    /// Its server.
    pub server: String,
    /// What its server calls it.
    pub tool: String,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Ending {
    /// It was answered.
    Complete {
        /// Why the last answer ended, or that there were too many calls.
        finish_reason: String,
    },
    /// It was not.
    Error {
        /// Why, in one word.
        code: String,
        /// Why, in one sentence.
        message: String,
        /// Whether asking again may help.
        retryable: bool,
    },
    /// Somebody ended it.
    Cancelled {
        /// Who.
        by: String,
    },
}

/// What a request took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// In tokens.
    #[serde(flatten)]
    pub usage: Usage,
    /// In millionths of the currency of the prices.
    pub cost_micros: u64,
    /// Whether some of it was counted here, because the provider did not say.
    pub is_estimate: bool,
}

impl Cost {
    /// This and more.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let (one, two) = (self.usage, other.usage);
        Self {
            usage: Usage {
                prompt_tokens: one.prompt_tokens.saturating_add(two.prompt_tokens),
                completion_tokens: one.completion_tokens.saturating_add(two.completion_tokens),
                total_tokens: one.total_tokens.saturating_add(two.total_tokens),
                cached_tokens: one.cached_tokens.saturating_add(two.cached_tokens),
            },
            cost_micros: self.cost_micros.saturating_add(other.cost_micros),
            is_estimate: self.is_estimate || other.is_estimate,
        }
    }
}

/// Something about the conversation itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Note {
    /// Somebody is asked whether a call is allowed.
    ApprovalRequested {
        /// The question.
        approval_id: String,
        /// The call.
        call_id: String,
        /// Its tool.
        #[serde(flatten)]
        name: ToolName,
        /// What it is to be given.
        arguments: Value,
        /// Why it is asked.
        reason: String,
        /// When it is too late to answer.
        expires_at: String,
    },
    /// It is known whether a call is allowed.
    ApprovalDecided {
        /// The question; `None` where nobody was asked.
        approval_id: Option<String>,
        /// The call.
        call_id: String,
        /// Whether it is.
        allowed: bool,
        /// Who said so: a principal, or `policy`.
        by: String,
        /// Why not.
        reason: Option<String>,
    },
    /// A request is over.
    TurnEnd {
        /// What its client calls it.
        request_id: String,
        /// How.
        #[serde(flatten)]
        ending: Ending,
        /// What it took.
        cost: Cost,
    },
    /// What was said from one place to another, in few words; the originals stay.
    Summary {
        /// The first event that it stands for.
        from_seq: i64,
        /// The last.
        to_seq: i64,
        /// What it took.
        cost: Cost,
    },
    /// The conversation went as another did up to here.
    Forked {
        /// The other.
        parent_id: String,
        /// Its last event that this one has.
        parent_seq: i64,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// The user said something.
    UserMessage {
        /// What its client calls the request.
        request_id: Option<String>,
        /// The words.
        text: String,
    },
    /// The model answered.
    AssistantMessage {
        /// Its words: exactly what was sent on as it came.
        text: String,
        /// The tools it wants called.
        calls: Vec<ToolCall>,
        /// How it ended.
        finish: Finish,
        /// The model.
        model: Option<String>,
        /// What it took.
        cost: Cost,
        /// How often the model was asked before in this request.
        hop: u32,
    },
    /// A tool is about to be called.
    ToolCall {
        /// The call.
        call: ToolCall,
        /// The tool.
        name: ToolName,
        /// Whether it may be called twice without harm.
        is_repeatable: bool,
    },
    /// It is known what became of a call.
    ToolResult {
        /// The call.
        call_id: String,
        /// What it gave, whole.
        text: String,
        /// What became of it.
        outcome: Outcome,
    },
    /// Something that neither said.
    SystemUpdate {
        /// The words.
        text: String,
    },
    /// Something about the conversation itself. A summary's words are `text`.
    Note {
        /// What.
        note: Note,
        /// Its words, if it has any.
        text: Option<String>,
    },
}

/// What happened, with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place, from 1.
    pub seq: i64,
    /// When, in ISO 8601.
    pub at: String,
    /// How many tokens it has where a model reads it.
    pub tokens: u32,
    /// What.
    pub body: Body,
}

impl Body {
    /// What kind of event it is.
    pub fn event_type(&self) -> EventType {
        match self {
            Self::UserMessage { .. } => EventType::UserMessage,
            Self::AssistantMessage { .. } => EventType::AssistantMessage,
            Self::ToolCall { .. } => EventType::ToolCall,
            Self::ToolResult { .. } => EventType::ToolResult,
            Self::SystemUpdate { .. } => EventType::SystemUpdate,
            Self::Note { .. } => EventType::Meta,
        }
    }

    /// What it took, if it is an answer.
    pub fn cost(&self) -> Cost {
        match self {
            Self::AssistantMessage { cost, .. } => *cost,
            _ => Cost::default(),
        }
    }

    /// Who speaks.
    pub(super) fn role(&self) -> Option<&'static str> {
        match self {
            Self::UserMessage { .. } => Some("user"),
            Self::AssistantMessage { .. } => Some("assistant"),
            Self::ToolCall { .. } | Self::ToolResult { .. } => Some("tool"),
            Self::SystemUpdate { .. } => Some("system"),
            Self::Note { .. } => None,
        }
    }
}

impl Event {
    /// What it took, if it is an answer.
    pub fn cost(&self) -> Cost {
        self.body.cost()
    }
}
