//! What the chat goes by, complete and checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::notification::NotificationFormat;
use super::providers::LlmSettings;
use super::servers::McpServersSettings;

/// Everything that the files of the chat say, with defaults for what they do not say.
#[derive(Debug, Clone)]
pub struct ChatSettings {
    /// The socket.
    pub websocket: WebSocketSettings,
    /// What is said before every conversation.
    pub system_prompt: String,
    /// What is remembered.
    pub repository: RepositorySettings,
    /// How much of a conversation the model is shown.
    pub context: ContextSettings,
    /// How answers are sent.
    pub streaming: StreamingSettings,
    /// How often in one turn the model may ask for tools and be answered; at least 1.
    pub max_tool_hops: u32,
    /// What users are told of tools that run.
    pub tool_notifications: ToolNotificationSettings,
    /// What the log has of conversations.
    pub logging: ChatLogSettings,
    /// Which calls somebody has to approve.
    pub approvals: ApprovalSettings,
    /// What conversations may cost.
    pub budgets: BudgetSettings,
    /// What one turn may do.
    pub limits: TurnLimits,
    /// When older messages are summed up.
    pub compaction: CompactionSettings,
    /// The models that answer.
    pub llm: LlmSettings,
    /// The servers whose tools there are.
    pub mcp: McpServersSettings,
    /// Which rows of the journal the model is shown.
    pub visibility: VisibilitySettings,
    /// What the files say that works and is still worth a thought. One sentence each; the daemon
    /// logs them when it starts.
    pub warnings: Vec<String>,
}

/// The socket `/ws/chat`.
#[derive(Debug, Clone)]
pub struct WebSocketSettings {
    /// Where it is served besides the daemon's own address.
    pub listen: Option<ChatListener>,
    /// A path at which it is served besides `/ws/chat`.
    pub endpoint: Option<String>,
    /// Origins, as browsers write them, whose pages may open the socket besides the daemon's own.
    pub allow_origins: Vec<String>,
    /// Whether those pages may read answers to requests that they send with credentials. It
    /// concerns plain HTTP only; browsers do not ask before they open a socket.
    pub allow_credentials: bool,
    /// The most bytes of one message.
    pub max_message_size: usize,
    /// How many sockets there may be at once; at least 1.
    pub max_connections: usize,
    /// How long a socket may be silent before it is asked whether it is there.
    pub ping_interval: Duration,
    /// How long the answer to that may take.
    pub ping_timeout: Duration,
}

/// A second place to listen at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatListener {
    /// The address that has to be free.
    pub address: SocketAddr,
    /// The same on IPv6, for `localhost`; done without where the machine has none.
    pub also: Option<SocketAddr>,
}

/// What is remembered, and for how long.
#[derive(Debug, Clone)]
pub struct RepositorySettings {
    /// The database of the earlier backend, taken over once at the first start if it is there.
    pub earlier_database: Option<PathBuf>,
    /// Whether conversations outlive the process.
    pub is_persistent: bool,
    /// What of them is kept.
    pub retention: RetentionPolicy,
    /// Whether everything is forgotten at the start.
    pub clear_on_startup: bool,
}

/// What of a conversation is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionPolicy {
    /// Its newest turns, of at most so many tokens.
    TokenLimit {
        /// The most tokens of one conversation.
        max_tokens: u64,
    },
    /// Its newest turns, of at most so many messages.
    MessageCount {
        /// The most messages of one conversation.
        max_messages: u64,
    },
    /// Its turns of the last days.
    TimeBased {
        /// How many days.
        days: u32,
    },
    /// Everything.
    Unlimited,
}

/// How much of a conversation the model is shown, and how much room its answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextSettings {
    /// Tokens of question and answer together.
    pub max_tokens: u32,
    /// Tokens that are at least kept for the answer; fewer than `max_tokens`.
    pub reserve_tokens: u32,
    /// Up to how many tokens a conversation is short, medium, long; they ascend.
    pub conversation_limits: ConversationLimits,
    /// What is kept for the answer in each; they do not descend.
    pub response_tokens: ResponseTokens,
    /// How many of the newest messages are never summed up.
    pub preserve_recent: u32,
}

/// Tokens below which a conversation is short, medium or long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationLimits {
    /// Below this it is short.
    pub short: u32,
    /// Below this it is medium.
    pub medium: u32,
    /// Below this it is long, else very long.
    pub long: u32,
}

/// Tokens that are kept for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseTokens {
    /// In a short conversation.
    pub short: u32,
    /// In a medium one.
    pub medium: u32,
    /// In a long one.
    pub long: u32,
    /// In a very long one, and the most that is ever kept.
    pub max: u32,
}

impl ContextSettings {
    /// The tokens that are kept for the answer in a conversation of `tokens`; fewer than
    /// `max_tokens`.
    pub fn kept_for_answer(&self, tokens: u64) -> u32 {
        let (limits, response) = (self.conversation_limits, self.response_tokens);
        let is_below = |limit: u32| tokens < u64::from(limit);
        let expected = if is_below(limits.short) {
            response.short
        } else if is_below(limits.medium) {
            response.medium
        } else if is_below(limits.long) {
            response.long
        } else {
            response.max
        };
        self.reserve_tokens.max(expected).min(response.max)
    }
}

/// How answers are sent, and written down while they come in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamingSettings {
    /// Whether they are sent in parts when the request does not say; `None` if the file does not
    /// say either.
    pub enabled: Option<bool>,
    /// How often a write to the journal is tried while the database is locked; at least 1.
    pub write_attempts: u32,
    /// The wait after the first try; it doubles.
    pub write_retry_delay: Duration,
    /// After how many parts of an answer what came so far is written down; at least 1.
    pub checkpoint_deltas: u32,
}

/// What users are told of tools that run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolNotificationSettings {
    /// Whether they are told.
    pub enabled: bool,
    /// The sentence.
    pub format: NotificationFormat,
}

/// What the log has of conversations: nothing that anybody said, unless asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChatLogSettings {
    /// That a tool is called, with its arguments.
    pub tool_execution: bool,
    /// What tools answered, cut after that many characters.
    pub tool_results: Option<usize>,
    /// The system prompt, when the daemon starts.
    pub system_prompt: bool,
    /// What the model answered, cut after that many characters.
    pub llm_replies: Option<usize>,
}

/// Which calls of tools have to be approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApprovalSettings {
    /// What holds where neither a server nor a tool has a policy of its own.
    pub default: ApprovalDefault,
    /// How long a call waits for approval before it is refused.
    pub expires: Duration,
}

/// What holds for tools without a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalDefault {
    /// Those that only read may be called; all others are asked about.
    ReadOnlyAllow,
    /// All are asked about.
    Ask,
    /// None may be called.
    Deny,
}

/// What conversations may use up; `None` is without bound. Money is in millionths of the currency
/// that prices are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetSettings {
    /// Tokens of one conversation.
    pub conversation_tokens: Option<u64>,
    /// Money for one conversation.
    pub conversation_cost_micros: Option<u64>,
    /// Tokens of all conversations of one day, which begins at midnight UTC.
    pub day_tokens: Option<u64>,
    /// Money for all conversations of one day.
    pub day_cost_micros: Option<u64>,
}

/// What one turn may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnLimits {
    /// Calls of tools; at least 1.
    pub max_tool_calls: u32,
    /// Calls of the same tool with the same arguments; at least 1.
    pub same_call_repeats: u32,
    /// Time of model and tools, without the time that approvals are waited for.
    pub turn: Duration,
    /// Characters of a tool's result that the model is shown; the rest can be read on demand.
    pub tool_result_chars: usize,
}

/// When older messages are summed up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompactionSettings {
    /// Whether they are.
    pub enabled: bool,
    /// Which part of the room for the question has to be used.
    pub trigger: f64,
    /// Which part may be used afterwards; less than `trigger`.
    pub target: f64,
}

/// Which rows of the journal the model is shown beside what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VisibilitySettings {
    /// Those of type `system_update`.
    pub system_updates: bool,
    /// Those of every other type that is not said by anybody and does not say itself.
    pub by_default: bool,
}
