//! What is refused, and whether the sentence helps.

use serde_json::{Value as Json, json};

use super::super::sections;
use super::super::table::Form;
use super::{Case, LEAST};

/// The least file with one more key, written as JSON, which YAML takes as well.
fn with(path: &str, value: &Json, base: Json) -> String {
    let mut root = base;
    let mut place = &mut root;
    for part in path.split('.') {
        place = &mut place[part];
    }
    *place = value.clone();
    root.to_string()
}

/// Every key of a form, with what somebody called things filled in.
fn keys(form: &'static Form, name: &str) -> Vec<String> {
    let keys = form.sections.iter().flat_map(|section| {
        section.keys.iter().map(move |key| match section.path {
            "" => (*key).to_owned(),
            path => format!("{}.{key}", path.replace("<name>", name)),
        })
    });
    keys.collect()
}

/// A key that nobody reads would not be refused either.
#[test]
fn every_key_is_read() {
    let nonsense = json!([[0]]);
    for path in keys(&sections::CONFIG, "groq") {
        let base = json!({ "llm": { "providers": { "groq": { "model": "m" } } } });
        let refusal = Case::new(&with(&path, &nonsense, base)).refusal();
        let said = format!("config.yaml line 1: {path} ");
        assert!(refusal.starts_with(&said), "{path}: {refusal}");
    }
    for path in keys(&sections::SERVERS, "demo") {
        let own = if path == "mcpServers.demo.url" { "url" } else { "command" };
        let base = json!({ "mcpServers": { "demo": { own: "x" } } });
        let refusal = Case::new(LEAST).servers(&with(&path, &nonsense, base)).refusal();
        let said = format!("servers_config.json line 1: {path} ");
        assert!(refusal.starts_with(&said), "{path}: {refusal}");
    }
}

/// `repository` may stand by itself, and then its keys do.
#[test]
fn the_keys_of_a_repository_are_read_where_they_stand() {
    for (text, said) in [
        (
            "repository: {tpye: sql}",
            "\"repository.tpye\"; the nearest known one is \"chat.service.repository.type\"",
        ),
        ("repository: {type: jsonl}", "repository.type is \"jsonl\" and must be one of sql"),
        ("repository: {path: ''}", "repository.path must be a path"),
        (
            "repository: {type: sql}\nchat: {service: {repository: {type: sql}}}",
            "line 3: chat.service.repository is there already, as repository",
        ),
    ] {
        let refusal = Case::new(&format!("{LEAST}{text}\n")).refusal();
        assert!(refusal.contains(said), "{text}: {refusal}");
    }
}

#[test]
fn a_wrong_value_is_named_with_its_line() {
    let chat = |text: &str| format!("{LEAST}chat:\n  {text}\n");
    for (text, said) in [
        ("websocket: {port: 70000}", "port is 70000 and must be a whole number from 0 to 65535"),
        ("websocket: {host: example.org}", "host must be localhost or an IP address"),
        ("websocket: {endpoint: ws}", "endpoint must be a path"),
        ("websocket: {endpoint: /mcp}", "that the daemon has for something else"),
        ("websocket: {endpoint: /a/../mcp}", "endpoint must be a path"),
        ("websocket: {max_message_size: 16777217}", "from 1024 to 16777216"),
        ("websocket: {ping_interval: 0}", "is 0 and must be a number from 1 to 3600"),
        ("websocket: {allow_origins: ['https://a/b']}", "must be origins such as"),
        ("websocket: {allow_origins: ['null']}", "must be origins such as"),
        ("websocket: {allow_origins: x}", "must be a list"),
        ("service: {max_tool_hops: 0}", "is 0 and must be a whole number from 1 to 1000"),
        ("service: {max_tool_hops: 'x'}", "must be a whole number"),
        ("service: {system_prompt: 5}", "must be text; put it in quotes"),
        (
            "service: {context: {max_tokens: 500, reserve_tokens: 500}}",
            "must be less than max_tokens",
        ),
        (
            "service: {context: {reserve_tokens: 900, response_tokens: {max: 800}}}",
            "not be more than",
        ),
        ("service: {context: {conversation_limits: {short: 500}}}", "must ascend"),
        ("service: {context: {response_tokens: {short: 400}}}", "must not descend"),
        ("service: {context: {response_tokens: {max: 4000}}}", "must leave room"),
        ("service: {repository: {persistence: {retention_days: 3}}}", "which of the limits"),
        (
            "service: {repository: {persistence: {retention_policy: all}}}",
            "is \"all\" and must be one",
        ),
        (
            "service: {tool_notifications: {format: '{tool}'}}",
            "has {tool}, which stands for nothing",
        ),
        ("service: {tool_notifications: {format: 'a } b'}}", "a brace without its other"),
        ("service: {tool_notifications: {format: '{tool_args}', show_args: false}}", "show_args"),
        ("service: {approvals: {unattended: allow}}", "is \"allow\" and must be one of deny"),
        ("service: {budgets: {day_cost: 5}}", "needs prices of the active provider"),
        ("service: {compaction: {trigger: 0.4}}", "must be less than trigger"),
        ("service: {streaming: {backoff: {initial_delay: .inf}}}", "config.yaml line 3"),
    ] {
        let refusal = Case::new(&chat(text)).refusal();
        assert!(refusal.starts_with("config.yaml line 3: "), "{text}: {refusal}");
        assert!(refusal.contains(said), "{text}: {refusal}");
    }
}

#[test]
fn a_provider_that_cannot_be_asked_is_refused() {
    for (text, said) in [
        (
            "llm: {active: x, providers: {groq: {model: m}}}",
            "must be one of llm.providers, which are: groq",
        ),
        ("llm: {active: groq}", "which are: none"),
        ("llm: {providers: {groq: {model: m}, openai: {model: m}}}", "llm.active must name"),
        ("chat: {}", "llm.active must name"),
        ("llm: {providers: {groq: {}}}", "llm.providers.groq needs a model"),
        ("llm: {providers: {own: {model: m}}}", "llm.providers.own needs a base_url"),
        ("llm: {providers: {azure: {model: m}}}", "llm.providers.azure needs a base_url"),
        (
            "llm: {providers: {groq: {model: m, base_url: 'ftp://x'}}}",
            "must be an http or https URL",
        ),
        ("llm: {providers: {groq: {model: m, base_url: 'https://a:b@x'}}}", "without user name"),
        (
            "llm: {providers: {groq: {model: m, base_url: 'http://10.0.0.1'}}}",
            "must begin with https",
        ),
        ("llm: {providers: {groq: {model: m, choice_index: 1}}}", "choice_index must be 0"),
        ("llm: {providers: {groq: {model: m, api_version: '1'}}}", "goes with azure only"),
        (
            "llm: {providers: {groq: {model: m, api_key_env: 'sk-hush'}}}",
            "must be the name of a variable",
        ),
        ("llm: {providers: {groq: {model: m, requests_per_minute: 5}}}", "concurrency bounds"),
        ("llm: {providers: {groq: {model: m, backoff_factor: 2}}}", "remove it"),
        ("llm: {providers: {groq: {model: m, prices: {input_per_million: 1}}}}", "needs both"),
        ("llm: {providers: {groq: {model: m, temperature: 3}}}", "from 0 to 2"),
        (
            "llm: {providers: {openai: {model: m}}}",
            "set OPENAI_API_KEY in the environment or in .env",
        ),
    ] {
        let refusal = Case::new(text).refusal();
        assert!(refusal.starts_with("config.yaml line 1: "), "{text}: {refusal}");
        assert!(refusal.contains(said), "{text}: {refusal}");
    }
}

#[test]
fn an_unknown_key_names_the_nearest() {
    for (text, line, wrong, nearest) in [
        (
            "chat:\n  service:\n    max_tool_hop: 8\n",
            4,
            "chat.service.max_tool_hop",
            "chat.service.max_tool_hops",
        ),
        ("chat:\n  max_tool_hops: 8\n", 3, "chat.max_tool_hops", "chat.service.max_tool_hops"),
        ("chatt: {}\n", 2, "chatt", "chat"),
        ("chat: {websocket: {prot: 1}}\n", 2, "chat.websocket.prot", "chat.websocket.port"),
    ] {
        let refusal = Case::new(&format!("{LEAST}{text}")).refusal();
        let said = format!(
            "config.yaml line {line}: unknown key {wrong:?}; the nearest known one is {nearest:?}"
        );
        assert_eq!(refusal, said);
    }
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    for (text, said) in [
        ("", "config.yaml line 1: "),
        ("- a\n- b\n", "config.yaml line 1: must be keys with values"),
        ("chat:\n  - [\n", "config.yaml line "),
        ("chat: {a: 1\nllm: x", "is not valid YAML (column "),
        ("a: 1\n---\nb: 2\n", "is not valid YAML"),
        ("chat:\n\tservice: x\n", "config.yaml line 2"),
        ("chat: *nothing\n", "is not valid YAML"),
        ("chat: !!python/object x\n", "is not valid YAML"),
    ] {
        let refusal = Case::new(text).refusal();
        assert!(refusal.contains(said), "{text:?}: {refusal}");
    }
    let case = Case::new(LEAST);
    std::fs::remove_file(case.path().join("chat/config.yaml")).unwrap();
    assert!(case.refusal().starts_with("config.yaml, named by chat.config, does not exist"));
}

#[test]
fn everybody_may_not_come_in_by_the_second_port() {
    let open = format!("{LEAST}chat: {{websocket: {{host: 0.0.0.0, port: 8000}}}}\n");
    let refusal = Case::new(&open).refusal();
    assert!(
        refusal.starts_with("chat.websocket.host is 0.0.0.0, and without API keys"),
        "{refusal}"
    );
    for (name, value) in [("LUKHAS_MCP_API_KEYS", "k"), ("LUKHAS_MCP_ALLOW_ANONYMOUS", "true")] {
        let listener = Case::new(&open).variable(name, value).chat().websocket.listen.unwrap();
        assert_eq!(listener.address.to_string(), "0.0.0.0:8000");
        assert_eq!(listener.also, None);
    }
    // The daemon's own port needs no second listener.
    let same = format!("{LEAST}chat: {{websocket: {{port: 8766}}}}\n");
    assert_eq!(Case::new(&same).chat().websocket.listen, None);
}
