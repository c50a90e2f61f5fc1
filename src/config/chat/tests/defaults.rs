//! What holds where nothing is written.

use std::time::Duration;

use super::super::{
    ApprovalDefault, BudgetSettings, ChatLogSettings, RetentionPolicy, Transport,
    VisibilitySettings, Wire,
};
use super::{Case, LEAST};

#[test]
fn there_is_no_chat_without_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let environment = super::Environment::default();
    let loaded =
        super::Settings::load(&super::Overrides::default(), &environment, directory.path());
    assert!(loaded.unwrap().with_chat(&environment, directory.path()).unwrap().chat.is_none());
}

#[test]
fn the_least_file_has_every_default() {
    let chat = Case::new(LEAST).chat();
    let seconds = Duration::from_secs;
    let socket = &chat.websocket;
    assert!(socket.listen.is_none() && socket.endpoint.is_none());
    assert!(socket.allow_origins.is_empty() && !socket.allow_credentials);
    assert_eq!((socket.max_message_size, socket.max_connections), (1024 * 1024, 1000));
    assert_eq!((socket.ping_interval, socket.ping_timeout), (seconds(20), seconds(10)));
    assert!(chat.system_prompt.len() < 1000 && chat.system_prompt.contains("tool"));
    let repository = &chat.repository;
    assert!(repository.is_persistent && !repository.clear_on_startup);
    assert!(repository.earlier_database.is_none());
    assert_eq!(repository.retention, RetentionPolicy::Unlimited);
    let context = &chat.context;
    assert_eq!((context.max_tokens, context.reserve_tokens), (4000, 500));
    assert_eq!(context.preserve_recent, 5);
    assert_eq!(chat.streaming.enabled, None);
    assert_eq!((chat.streaming.write_attempts, chat.streaming.checkpoint_deltas), (5, 25));
    assert_eq!(chat.streaming.write_retry_delay, Duration::from_millis(50));
    assert_eq!(chat.max_tool_hops, 8);
    assert!(chat.tool_notifications.enabled);
    let line = chat.tool_notifications.format.line("ops__search", "{}");
    assert_eq!(line, "🔧 Executing tool: ops__search {}");
    assert_eq!(chat.logging, ChatLogSettings::default());
    assert_eq!(chat.approvals.default, ApprovalDefault::ReadOnlyAllow);
    assert_eq!(chat.approvals.expires, seconds(86_400));
    assert_eq!(chat.budgets, BudgetSettings::default());
    let limits = &chat.limits;
    assert_eq!((limits.max_tool_calls, limits.same_call_repeats), (32, 3));
    assert_eq!((limits.turn, limits.tool_result_chars), (seconds(600), 16_000));
    assert!(!chat.compaction.enabled && chat.compaction.target < chat.compaction.trigger);
    assert_eq!(chat.visibility, VisibilitySettings::default());
    assert!(chat.warnings.is_empty(), "{:?}", chat.warnings);

    let provider = chat.llm.active();
    assert_eq!((provider.name.as_str(), provider.model.as_str()), ("groq", "m"));
    assert_eq!(provider.wire, Wire::OpenAiChat);
    assert_eq!(provider.base_url.as_str(), "https://api.groq.com/openai/v1");
    assert_eq!((provider.temperature, provider.top_p), (Some(0.7), None));
    assert_eq!((provider.max_tokens, provider.max_retries, provider.concurrency), (4096, 3, 8));
    let timeouts = &provider.timeouts;
    assert_eq!(timeouts.connect, seconds(5));
    assert_eq!((timeouts.idle, timeouts.total), (seconds(60), seconds(300)));

    let [ops] = &chat.mcp.servers[..] else { panic!("{:?}", chat.mcp.servers) };
    assert!(ops.name == "ops" && matches!(ops.transport, Transport::Builtin));
    let connection = &chat.mcp.connection;
    assert_eq!(connection.max_reconnect_attempts, 5);
    assert_eq!(connection.initial_reconnect_delay, seconds(1));
    assert_eq!(connection.max_reconnect_delay, seconds(30));
    assert!(connection.auto_reconnect);
}

#[test]
fn keys_without_values_count_as_not_written() {
    let empty = "chat:\n  service:\n    context:\n    max_tool_hops:\n  websocket: ~\nmcp:\n";
    let chat = Case::new(&format!("{LEAST}{empty}")).chat();
    assert_eq!((chat.max_tool_hops, chat.context.max_tokens), (8, 4000));
}

#[test]
fn the_room_for_the_answer_follows_the_conversation() {
    let context = Case::new(LEAST).chat().context;
    for (tokens, kept) in [(0, 500), (99, 500), (1499, 500), (1500, 800), (1_000_000, 800)] {
        assert_eq!(context.kept_for_answer(tokens), kept, "{tokens}");
    }
    let text = format!(
        "{LEAST}chat: {{service: {{context: {{max_tokens: 8000, reserve_tokens: 100, \
         response_tokens: {{short: 150, medium: 300, long: 900, max: 1000}}}}}}}}"
    );
    let context = Case::new(&text).chat().context;
    for (tokens, kept) in [(0, 150), (100, 300), (500, 900), (1500, 1000)] {
        assert_eq!(context.kept_for_answer(tokens), kept, "{tokens}");
    }
    // Whatever the window, there is room for the question.
    for (max, reserve) in [(256, 0), (300, 299), (1000, 900), (128_000, 16_000)] {
        let text = format!(
            "{LEAST}chat: {{service: {{context: {{max_tokens: {max}, reserve_tokens: {reserve}}}}}}}"
        );
        let context = Case::new(&text).chat().context;
        for tokens in [0, 400, 2000] {
            let kept = context.kept_for_answer(tokens);
            assert!((reserve..max).contains(&kept), "{max} {reserve}: {kept}");
        }
    }
}
