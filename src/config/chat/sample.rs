//! Settings for tests, with one provider that nobody calls.

use std::time::Duration;

use url::Url;

use super::{
    ApprovalDefault, ApprovalSettings, BudgetSettings, ChatLogSettings, ChatSettings,
    CompactionSettings, ConnectionSettings, ContextSettings, ConversationLimits, LlmSettings,
    McpServersSettings, NotificationFormat, ProviderSettings, ProviderTimeouts, RepositorySettings,
    ResponseTokens, RetentionPolicy, StreamingSettings, ToolNotificationSettings, TurnLimits,
    VisibilitySettings, WebSocketSettings, Wire,
};

/// A provider as the defaults are.
pub(crate) fn sample_provider(
    name: &str,
    wire: Wire,
    base_url: Url,
    model: &str,
) -> ProviderSettings {
    ProviderSettings {
        name: name.to_owned(),
        wire,
        base_url,
        key: None,
        key_variable: Some(format!("{}_API_KEY", name.to_uppercase())),
        model: model.to_owned(),
        temperature: None,
        top_p: None,
        max_tokens: 4_096,
        prices: None,
        timeouts: ProviderTimeouts {
            connect: Duration::from_secs(5),
            idle: Duration::from_mins(1),
            total: Duration::from_mins(5),
        },
        max_retries: 3,
        concurrency: 8,
    }
}

/// Settings as the defaults are, but that nothing is kept back for answers.
pub(crate) fn sample() -> ChatSettings {
    let address = Url::parse("http://127.0.0.1:9/v1").unwrap();
    let provider = ProviderSettings {
        key_variable: None,
        max_tokens: 1_000,
        max_retries: 0,
        ..sample_provider("fake", Wire::OpenAiChat, address, "fake-1")
    };
    let second = Duration::from_secs(1);
    ChatSettings {
        websocket: WebSocketSettings {
            listen: None,
            endpoint: None,
            allow_origins: Vec::new(),
            allow_credentials: false,
            max_connections: 1_000,
            max_message_size: 1024 * 1024,
            ping_interval: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(10),
        },
        system_prompt: "Be brief.".to_owned(),
        repository: RepositorySettings {
            earlier_database: None,
            is_persistent: true,
            retention: RetentionPolicy::Unlimited,
            clear_on_startup: false,
        },
        context: ContextSettings {
            max_tokens: 4_000,
            reserve_tokens: 0,
            conversation_limits: ConversationLimits { short: 100, medium: 500, long: 1_500 },
            response_tokens: ResponseTokens { short: 0, medium: 0, long: 0, max: 0 },
            preserve_recent: 5,
        },
        streaming: StreamingSettings {
            enabled: Some(true),
            write_attempts: 5,
            write_retry_delay: Duration::from_millis(50),
            checkpoint_deltas: 25,
        },
        max_tool_hops: 8,
        tool_notifications: ToolNotificationSettings {
            enabled: true,
            format: NotificationFormat::parse("{icon} {tool_name}", "*", false).unwrap(),
        },
        logging: ChatLogSettings::default(),
        approvals: ApprovalSettings {
            default: ApprovalDefault::ReadOnlyAllow,
            expires: Duration::from_hours(24),
        },
        budgets: BudgetSettings::default(),
        limits: TurnLimits {
            max_tool_calls: 32,
            same_call_repeats: 3,
            turn: Duration::from_mins(10),
            tool_result_chars: 16_000,
        },
        compaction: CompactionSettings { enabled: false, trigger: 0.8, target: 0.5 },
        llm: LlmSettings {
            active: "fake".to_owned(),
            providers: [("fake".to_owned(), provider)].into(),
        },
        mcp: McpServersSettings {
            servers: Vec::new(),
            connection: ConnectionSettings {
                max_reconnect_attempts: 5,
                initial_reconnect_delay: second,
                max_reconnect_delay: 30 * second,
                connection_timeout: 30 * second,
                ping_timeout: 10 * second,
                auto_reconnect: true,
            },
        },
        visibility: VisibilitySettings::default(),
        warnings: Vec::new(),
    }
}
