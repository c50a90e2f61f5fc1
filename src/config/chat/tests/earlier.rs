//! The files of the earlier backend: those of its page, and those that came with it.

use std::time::Duration;

use super::super::{RetentionPolicy, Transport};
use super::Case;

/// As on its page: `chat` twice, hardly anything said of the provider, `repository` by itself.
const OF_THE_PAGE: &str = r#"
repository:
  type: "sql"
  path: "events.db"
  persistence:
    enabled: true                    # on
    retention_policy: "token_limit"
    max_tokens_per_conversation: 8000
    max_messages_per_conversation: 100
    retention_days: 30
    clear_on_startup: false

llm:
  active: "groq"  # "groq" | "openai"
  providers:
    groq:
      model: "llama-3.3-70b-versatile"
      temperature: 0.7
      max_tokens: 4096

chat:
  service:
    streaming:
      enabled: true
    context:
      max_tokens: 4000
      reserve_tokens: 500
    max_tool_hops: 8

chat:
  websocket:
    host: "localhost"
    port: 8000
"#;

const SERVERS_OF_THE_PAGE: &str = r#"{
  "mcpServers": {
    "filesystem": {
      "enabled": true,
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/path/to/directory"]
    },
    "demo": { "enabled": true, "command": "uv", "args": ["run", "python", "Servers/demo_server.py"] }
  }
}"#;

#[test]
fn the_files_of_its_page_mean_what_it_says() {
    let chat = Case::new(OF_THE_PAGE).servers(SERVERS_OF_THE_PAGE).chat();
    // Both halves of `chat`.
    assert_eq!(chat.streaming.enabled, Some(true));
    assert_eq!((chat.context.max_tokens, chat.context.reserve_tokens), (4000, 500));
    assert_eq!(chat.max_tool_hops, 8);
    let listener = chat.websocket.listen.unwrap();
    assert_eq!(listener.address.to_string(), "127.0.0.1:8000");
    assert_eq!(listener.also.unwrap().to_string(), "[::1]:8000");

    assert_eq!(chat.repository.retention, RetentionPolicy::TokenLimit { max_tokens: 8000 });
    assert!(chat.repository.is_persistent && !chat.repository.clear_on_startup);
    assert!(chat.repository.earlier_database.unwrap().ends_with("chat/events.db"));
    assert_eq!(chat.llm.active().model, "llama-3.3-70b-versatile");

    let names: Vec<&str> = chat.mcp.servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["ops", "filesystem", "demo"]);
    let Transport::Stdio { command, args, env, cwd } = &chat.mcp.servers[1].transport else {
        panic!("{:?}", chat.mcp.servers[1]);
    };
    assert!(command.ends_with("npx") && args.len() == 3 && env.is_empty() && cwd.is_none());
}

/// As it came with it: every key.
const SHIPPED: &str = r#"
chat:
  websocket:
    host: "localhost"
    port: 8000
    endpoint: "/ws/chat"
    allow_origins: ["*"]
    allow_credentials: true
    max_message_size: 16777216  # 16MB
    ping_interval: 20
    ping_timeout: 10
  service:
    system_prompt: |
      Be of help, and of good humour.
      Say why you use a tool.
    repository:
      type: "sql"
      path: "events.db"
      persistence:
        enabled: true
        retention_policy: "token_limit"
        max_tokens_per_conversation: 8000
        max_messages_per_conversation: 100
        retention_days: 30
        clear_on_startup: true
    context:
      max_tokens: 4000
      reserve_tokens: 500
      conversation_limits:
        short: 100
        medium: 500
        long: 1500
      response_tokens:
        short: 150
        medium: 300
        long: 500
        max: 800
      preserve_recent: 5
    streaming:
      enabled: true
      backoff:
        max_attempts: 5
        initial_delay: 0.05
        flush_every_n_deltas: 25
    max_tool_hops: 8
    tool_notifications:
      enabled: true
      show_args: true
      icon: "🔧"
      format: "{icon} Executing tool: {tool_name}"
    logging:
      tool_execution: true
      tool_results: true
      result_truncate_length: 200
      system_prompt: true
      llm_replies: true
      llm_reply_truncate_length: 500
llm:
  active: "openrouter"
  providers:
    openai: &usual
      base_url: "https://api.openai.com/v1"
      model: "gpt-4o-mini"
      temperature: 0.7
      max_tokens: 4096
      top_p: 1.0
      choice_index: 0
    groq:
      <<: *usual
      base_url: "https://api.groq.com/openai/v1"
      model: "llama-3.3-70b-versatile"
    openrouter:
      <<: *usual
      base_url: "https://openrouter.ai/api/v1"
      model: "openai/gpt-4o-mini"
    anthropic:
      <<: *usual
      base_url: "https://api.anthropic.com/v1"
      model: "claude-3-sonnet-20240229"
    azure:
      <<: *usual
      base_url: "https://your-resource.openai.azure.com/openai/deployments/your-deployment"
      model: "gpt-4"
      api_version: "2024-02-15-preview"
logging:
  level: "INFO"
  format: "%(asctime)s - %(levelname)s - %(message)s"
mcp:
  config_file: "servers_config.json"
  server_execution:
    default_args: []
    default_env: {}
    require_enabled_flag: true
  connection:
    max_reconnect_attempts: 5
    initial_reconnect_delay: 1.0
    max_reconnect_delay: 30.0
    connection_timeout: 30.0
    ping_timeout: 10.0
chat_store:
  visibility:
    system_updates_visible_to_llm: false
    default_visible_to_llm: false
"#;

const SHIPPED_SERVERS: &str = r#"{
  "_comment": "Which servers there are",
  "_usage": "Add or remove them here",
  "mcpServers": {
    "demo": {
      "enabled": true,
      "command": "uv",
      "args": ["run", "python", "Servers/demo_server.py"],
      "cwd": "/home/somebody/elsewhere",
      "env": {}
    },
    "template": {
      "_comment": "Off",
      "enabled": false,
      "command": "uv",
      "args": ["run", "python", "Servers/demo_resources_server.py"],
      "cwd": "/home/somebody/elsewhere",
      "env": {}
    }
  },
  "settings": {
    "defaultTimeout": 30, "maxRetries": 3, "retryDelay": 1.0, "logLevel": "INFO", "autoReconnect": true
  }
}"#;

#[test]
fn the_files_that_came_with_it_load_as_they_are() {
    let case = Case::new(SHIPPED).servers(SHIPPED_SERVERS).variable("OPENROUTER_API_KEY", "k");
    let loaded = case.loaded();
    let chat = loaded.chat.unwrap();
    assert_eq!(chat.llm.active().name, "openrouter");
    assert_eq!(chat.llm.active().model, "openai/gpt-4o-mini");
    assert_eq!(chat.llm.providers.len(), 5);
    assert!(chat.llm.active().key.is_some() && chat.llm.providers["azure"].key.is_none());
    assert_eq!(chat.system_prompt.lines().count(), 2);
    assert!(chat.repository.clear_on_startup);
    assert_eq!(chat.websocket.max_message_size, 16 * 1024 * 1024);
    assert!(chat.websocket.allow_credentials);
    assert_eq!(chat.websocket.endpoint, None, "it is the usual one");
    assert_eq!((chat.logging.tool_results, chat.logging.llm_replies), (Some(200), Some(500)));
    assert_eq!(chat.mcp.connection.max_reconnect_attempts, 5, "its own word counts more");
    let names: Vec<&str> = chat.mcp.servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["ops", "demo"]);
    assert_eq!(chat.mcp.servers[1].timeout, Duration::from_secs(30));

    // Its log is as it was, as far as that goes.
    assert_eq!(loaded.settings.log.level, "info");
    assert_eq!(loaded.settings.log.format, super::super::super::LogFormat::Text);

    // Any page may not talk to the daemon, which is said.
    assert!(chat.websocket.allow_origins.is_empty());
    let said = chat.warnings.join("\n");
    assert!(said.contains("config.yaml line 7: chat.websocket.allow_origins has \"*\""), "{said}");
    assert!(
        said.contains("servers_config.json line 7: mcpServers.demo has the command uv"),
        "{said}"
    );
    assert!(said.contains("has a cwd that is not a directory"), "{said}");
}

#[test]
fn its_database_is_found_where_it_was_started() {
    let case = Case::new(OF_THE_PAGE).file("events.db", "");
    let found = case.chat().repository.earlier_database.unwrap();
    assert_eq!(found, case.path().join("events.db"));
    let case = case.file("chat/events.db", "");
    let found = case.chat().repository.earlier_database.unwrap();
    assert_eq!(found, case.path().join("chat/events.db"));
}

#[test]
fn only_chat_may_be_there_twice() {
    let twice = |text: &str| Case::new(text).refusal();
    let said = twice("llm: {providers: {groq: {model: m}}}\nllm: {active: groq}\n");
    assert!(said.starts_with("config.yaml line 2: \"llm\" is there already, in line 1"), "{said}");
    let said = twice("chat:\n  service:\n    max_tool_hops: 1\n    max_tool_hops: 2\n");
    assert!(said.starts_with("config.yaml line 4: \"max_tool_hops\" is there already"), "{said}");
    // Both halves say the same thing differently.
    let said = twice("chat: {service: {max_tool_hops: 1}}\nchat: {service: {max_tool_hops: 2}}\n");
    assert!(said.starts_with("config.yaml line 2: \"max_tool_hops\" is there already"), "{said}");
    let halves =
        "chat: {service: {max_tool_hops: 3}}\nchat: {service: {system_prompt: x}}\nchat:\n";
    let chat = Case::new(&format!("{halves}{}", super::LEAST)).chat();
    assert_eq!((chat.max_tool_hops, chat.system_prompt.as_str()), (3, "x"));
    let said = twice(&format!("{}chat: {{service: {{}}}}\nchat: 5\n", super::LEAST));
    assert!(said.contains("chat must be keys with values"), "{said}");
}
