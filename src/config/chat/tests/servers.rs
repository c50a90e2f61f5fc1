//! `servers_config.json`.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::super::{ToolPolicy, Transport};
use super::{Case, LEAST};

fn entry(text: &str) -> Case {
    let entry = format!("{{\n\"mcpServers\": {{\n\"demo\": {text}}}}}");
    Case::new(LEAST).variable("PATH", "/usr/bin:/bin").variable("TOKEN", "hush").servers(&entry)
}

#[test]
fn an_entry_says_everything_about_a_program() {
    let server = entry(
        r#"{"command": "env", "args": ["-i", "; rm $(x) `y`"], "cwd": "work",
            "env": {"KEY": "${TOKEN}-${NOTHING:-x}", "PRICE": "$5"}, "timeout": 1.5, "elicitation": true,
            "policy": "ask", "tools": {"read": "allow", "wipe": "deny"}, "_comment": ["any", 1]}"#,
    )
    .server("demo");
    let Transport::Stdio { command, args, env, cwd } = &server.transport else { panic!() };
    assert!(command.is_absolute() && command.ends_with("env"));
    assert_eq!(args[1], "; rm $(x) `y`", "no shell sees it");
    assert_eq!(env["KEY"].expose_secret(), "hush-x");
    assert_eq!(env["PRICE"].expose_secret(), "$5");
    assert!(cwd.as_ref().unwrap().ends_with("chat/work"));
    assert_eq!(server.timeout, Duration::from_millis(1500));
    assert_eq!(server.max_timeout, Duration::from_secs(15));
    assert!(server.elicitation);
    assert_eq!(server.policy, Some(ToolPolicy::Ask));
    assert_eq!(server.tools["wipe"], ToolPolicy::Deny);
}

#[test]
fn an_entry_says_everything_about_a_server_elsewhere() {
    let text = r#"{"type": "http", "url": "http://127.0.0.1:1/mcp?x=1",
        "headers": {"X-Key": "${TOKEN}"}, "max_timeout": 90}"#;
    let server = entry(text).server("demo");
    let Transport::Http { url, headers } = &server.transport else { panic!() };
    assert_eq!(url.as_str(), "http://127.0.0.1:1/mcp?x=1");
    assert_eq!(headers["x-key"].expose_secret(), "hush");
    let seconds = Duration::from_secs;
    assert_eq!((server.timeout, server.max_timeout), (seconds(60), seconds(90)));
    assert!(!server.elicitation && server.policy.is_none());
}

#[test]
fn what_is_usual_comes_from_the_other_file_and_from_settings() {
    let config = format!(
        "{LEAST}mcp:\n  config_file: other.json\n  server_execution:\n    default_args: [-x]\n    \
         default_env: {{A: '1', B: '${{TOKEN}}'}}\n  connection: {{max_reconnect_attempts: 7}}\n"
    );
    let servers = r#"{"mcpServers": {"demo": {"command": "true", "env": {"A": "2"}},
        "own": {"command": "true", "args": []}},
        "settings": {"defaultTimeout": 5, "maxRetries": 3, "retryDelay": 0.5, "autoReconnect": false,
        "_note": "x"}}"#;
    let case = Case::new(&config).variable("TOKEN", "t").file("chat/other.json", servers);
    let server = case.server("demo");
    let Transport::Stdio { args, env, .. } = &server.transport else { panic!() };
    assert_eq!(args, &["-x"]);
    assert_eq!((env["A"].expose_secret(), env["B"].expose_secret()), ("2", "t"));
    assert_eq!(server.timeout, Duration::from_secs(5));
    let Transport::Stdio { args, .. } = case.server("own").transport else { panic!() };
    assert!(args.is_empty());
    let connection = case.chat().mcp.connection;
    assert_eq!(connection.max_reconnect_attempts, 7, "config.yaml goes first");
    assert_eq!(connection.initial_reconnect_delay, Duration::from_millis(500));
    assert!(!connection.auto_reconnect);
}

#[test]
fn an_entry_is_enabled_unless_it_says_otherwise() {
    for (text, enabled) in [
        (r#"{"command": "true"}"#, true),
        (r#"{"command": "true", "enabled": false}"#, false),
        (r#"{"command": "true", "disabled": true}"#, false),
        (r#"{"command": "true", "disabled": false, "enabled": true}"#, true),
        // What is off need not be there, nor have its variables.
        (r#"{"command": "nowhere", "env": {"A": "${UNSET}"}, "enabled": false}"#, false),
    ] {
        let chat = entry(text).chat();
        assert_eq!(chat.mcp.servers.iter().any(|server| server.name == "demo"), enabled, "{text}");
        assert!(chat.warnings.is_empty());
    }
    let strict = format!("{LEAST}mcp: {{server_execution: {{require_enabled_flag: true}}}}");
    let servers = r#"{"mcpServers": {"demo": {"command": "true"}}}"#;
    let refusal = Case::new(&strict).servers(servers).refusal();
    assert!(refusal.contains("mcpServers.demo must say enabled: true or false"), "{refusal}");
}

#[test]
fn the_daemons_own_tools_are_there_unless_somebody_says_no() {
    let names = |text: &str| {
        let chat = Case::new(LEAST).servers(text).chat();
        chat.mcp.servers.into_iter().map(|server| server.name).collect::<Vec<_>>()
    };
    assert_eq!(names("{}"), ["ops"]);
    assert_eq!(names(r#"{"mcpServers": {"me": {"type": "builtin"}}}"#), ["me"]);
    let off = r#"{"mcpServers": {"me": {"type": "builtin", "enabled": false}}}"#;
    assert_eq!(names(off), [""; 0]);
    for (text, said) in [
        (
            r#"{"mcpServers": {"ops": {"command": "true"}}}"#,
            "has the name of the daemon's own tools",
        ),
        (
            r#"{"mcpServers": {"a": {"type": "builtin"}, "b": {"type": "builtin"}}}"#,
            "mcpServers.b is a second entry of type builtin",
        ),
        (
            r#"{"mcpServers": {"a": {"type": "builtin", "timeout": 1}}}"#,
            "mcpServers.a.timeout does not go with type builtin",
        ),
    ] {
        let refusal = Case::new(LEAST).servers(text).refusal();
        assert!(refusal.contains(said), "{refusal}");
    }
    let absent = format!("{LEAST}mcp: {{config_file: nowhere.json}}");
    let chat = Case::new(&absent).chat();
    assert!(chat.warnings[0].starts_with("nowhere.json, named by mcp.config_file, is not there"));
    assert_eq!(chat.mcp.servers.len(), 1);
}

#[test]
fn a_wrong_entry_is_named_with_its_line() {
    for (text, said) in [
        ("{}", "line 3: mcpServers.demo needs a command, or a url"),
        (r#"{"command": "a", "url": "https://h"}"#, "has both a command and a url"),
        ("{\n\"command\": 5}", "line 4: mcpServers.demo.command must be text"),
        (r#"{"command": " "}"#, "must be a program's name or path"),
        (r#"{"command": "a", "args": [1]}"#, "must be a list of texts"),
        (r#"{"command": "a", "args": ["\u0000"]}"#, "NUL"),
        (r#"{"command": "a", "env": {"A=": "x"}}"#, "is not the name of a variable"),
        (
            "{\"command\": \"a\",\n\"env\": {\"A\": \"${UNSET}\"}}",
            "line 4: mcpServers.demo.env.A needs the variable UNSET",
        ),
        (r#"{"command": "a", "env": {"A": "${x"}}"#, "has ${ without }"),
        (r#"{"command": "a", "env": {"A": "${x y}"}}"#, "not the name of a variable"),
        (r#"{"command": "a", "headers": {}}"#, "does not go with type stdio"),
        (
            r#"{"command": "a", "polcy": "ask"}"#,
            "nearest known one is \"mcpServers.<name>.policy\"",
        ),
        (
            r#"{"command": "a", "policy": "maybe"}"#,
            "is \"maybe\" and must be one of allow, ask, deny",
        ),
        (r#"{"command": "a", "timeout": 9, "max_timeout": 1}"#, "less than its timeout"),
        (r#"{"command": "a", "enabled": true, "disabled": true}"#, "both enabled and disabled"),
        (r#"{"type": "sse", "url": "https://h"}"#, "which MCP has given up"),
        (r#"{"url": "http://h/mcp"}"#, "must be an https URL"),
        (r#"{"url": "javascript:alert(1)"}"#, "must be an https URL"),
        (r#"{"url": "file:///etc/passwd"}"#, "must be an https URL"),
        (r#"{"url": "https://h", "headers": {"Host": "x"}}"#, "the protocol itself sets"),
        (r#"{"url": "https://h", "headers": {"a b": "x"}}"#, "is not the name of a header"),
        (r#"{"url": "https://h", "headers": {"a": "x\ny"}}"#, "one line of visible ASCII"),
        (r#"{"command": "a", "command": "b"}"#, "\"command\" is there already, in line 3"),
    ] {
        let refusal = entry(text).refusal();
        assert!(refusal.starts_with("servers_config.json line "), "{text}: {refusal}");
        assert!(refusal.contains(said), "{text}: {refusal}");
    }
    for (text, said) in [
        ("{", "line 1: is not valid JSON (column 1)"),
        ("{\n \"mcpServers\": {},\n}", "line 3: is not valid JSON"),
        ("[]", "line 1: must be keys with values"),
        (r#"{"mcpServers": {"a__b": {}}}"#, "mcpServers.a__b must have a name of 1 to 32"),
        (r#"{"mcpServers": {"é": {}}}"#, "must have a name of 1 to 32"),
        (r#"{"mcpServers": {"a": 5}}"#, "mcpServers.a must be keys with values"),
        ("{\"a\": \"\\ud800\"}", "is not valid JSON"),
    ] {
        let refusal = Case::new(LEAST).servers(text).refusal();
        assert!(refusal.starts_with("servers_config.json line "), "{text}: {refusal}");
        assert!(refusal.contains(said), "{text}: {refusal}");
    }
}

#[test]
fn what_is_worth_a_thought_is_said_with_its_line() {
    let warnings = entry(r#"{"command": "sh", "args": ["-c", "x"]}"#).chat().warnings;
    assert_eq!(warnings.len(), 1);
    let said = &warnings[0];
    assert!(
        said.starts_with("servers_config.json line 3: mcpServers.demo has the command sh"),
        "{said}"
    );
}
