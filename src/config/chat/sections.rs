//! Every key that the two files may have.

use super::table::{Form, Section};

macro_rules! sections {
    ($all:ident, comments: $comments:literal; $($name:ident $path:literal [$($key:literal)*])+) => {
        $(pub(super) static $name: Section = Section { path: $path, keys: &[$($key),*] };)+

        pub(super) static $all: Form =
            Form { sections: &[$(&$name),+], has_comment_keys: $comments };
    };
}

sections! {
    CONFIG, comments: false;
    ROOT "" ["chat" "llm" "logging" "mcp" "chat_store" "repository"]
    CHAT "chat" ["websocket" "service"]
    WEBSOCKET "chat.websocket" [
        "host" "port" "endpoint" "allow_origins" "allow_credentials" "max_message_size"
        "max_connections" "ping_interval" "ping_timeout"
    ]
    SERVICE "chat.service" [
        "system_prompt" "repository" "context" "streaming" "max_tool_hops" "tool_notifications"
        "logging" "approvals" "budgets" "limits" "compaction"
    ]
    REPOSITORY "chat.service.repository" ["type" "path" "persistence"]
    PERSISTENCE "chat.service.repository.persistence" [
        "enabled" "retention_policy" "max_tokens_per_conversation" "max_messages_per_conversation"
        "retention_days" "clear_on_startup"
    ]
    CONTEXT "chat.service.context" [
        "max_tokens" "reserve_tokens" "conversation_limits" "response_tokens" "preserve_recent"
    ]
    CONVERSATION_LIMITS "chat.service.context.conversation_limits" ["short" "medium" "long"]
    RESPONSE_TOKENS "chat.service.context.response_tokens" ["short" "medium" "long" "max"]
    STREAMING "chat.service.streaming" ["enabled" "backoff"]
    BACKOFF "chat.service.streaming.backoff" [
        "max_attempts" "initial_delay" "flush_every_n_deltas"
    ]
    TOOL_NOTIFICATIONS "chat.service.tool_notifications" ["enabled" "show_args" "icon" "format"]
    SERVICE_LOGGING "chat.service.logging" [
        "tool_execution" "tool_results" "result_truncate_length" "system_prompt" "llm_replies"
        "llm_reply_truncate_length"
    ]
    APPROVALS "chat.service.approvals" ["default" "expires_minutes" "unattended"]
    BUDGETS "chat.service.budgets" [
        "conversation_tokens" "conversation_cost" "day_tokens" "day_cost"
    ]
    LIMITS "chat.service.limits" [
        "max_tool_calls_per_turn" "same_call_repeats" "turn_seconds" "tool_result_chars"
    ]
    COMPACTION "chat.service.compaction" ["enabled" "trigger" "target"]
    LLM "llm" ["active" "providers"]
    PROVIDER "llm.providers.<name>" [
        "base_url" "model" "temperature" "max_tokens" "top_p" "choice_index" "api_version" "wire"
        "api_key_env" "prices" "timeouts" "max_retries" "concurrency" "requests_per_minute"
        "backoff_factor"
    ]
    PRICES "llm.providers.<name>.prices" [
        "input_per_million" "output_per_million" "cached_input_per_million"
    ]
    TIMEOUTS "llm.providers.<name>.timeouts" ["connect" "idle" "total"]
    LOGGING "logging" ["level" "format"]
    MCP "mcp" ["config_file" "server_execution" "connection"]
    SERVER_EXECUTION "mcp.server_execution" ["default_args" "default_env" "require_enabled_flag"]
    CONNECTION "mcp.connection" [
        "max_reconnect_attempts" "initial_reconnect_delay" "max_reconnect_delay"
        "connection_timeout" "ping_timeout"
    ]
    CHAT_STORE "chat_store" ["visibility"]
    VISIBILITY "chat_store.visibility" ["system_updates_visible_to_llm" "default_visible_to_llm"]
}

sections! {
    SERVERS, comments: true;
    SERVERS_ROOT "" ["mcpServers" "settings"]
    SERVER "mcpServers.<name>" [
        "enabled" "disabled" "type" "command" "args" "env" "cwd" "url" "headers" "policy" "tools"
        "timeout" "max_timeout" "elicitation"
    ]
    SETTINGS "settings" ["defaultTimeout" "maxRetries" "retryDelay" "logLevel" "autoReconnect"]
}
