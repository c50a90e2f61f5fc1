//! Where keys come from, and where they do not go.

use std::os::unix::fs::PermissionsExt as _;

use secrecy::ExposeSecret as _;

use super::super::super::{render_json, render_print};
use super::{Case, LEAST};

fn key(case: &Case) -> String {
    case.chat().llm.active().key.as_ref().unwrap().expose_secret().to_owned()
}

#[test]
fn the_process_goes_before_the_files() {
    let case = Case::new(LEAST)
        .file("chat/.env", "# keys\nexport GROQ_API_KEY='hush-beside'\nOTHER=x\n")
        .file(".env", "GROQ_API_KEY=hush-current\n");
    assert_eq!(key(&case), "hush-groq");
    let case = case.without_variables();
    assert_eq!(key(&case), "hush-beside");
    // Set to nothing is not set.
    let case = case.file("chat/.env", "GROQ_API_KEY=\n").variable("GROQ_API_KEY", "");
    assert_eq!(key(&case), "hush-current");
    let files = case.loaded().files;
    let names: Vec<_> = files.iter().map(|file| file.strip_prefix(case.path()).unwrap()).collect();
    let expected = ["chat/config.yaml", "chat/servers_config.json", "chat/.env", ".env"];
    assert_eq!(names, expected.map(std::path::Path::new), "nobody else is to see or make them");
    let refusal = case.file(".env", "").refusal();
    assert_eq!(
        refusal,
        "config.yaml line 1: llm.active is \"groq\", whose key is not set; set GROQ_API_KEY in the \
         environment or in .env"
    );
}

#[test]
fn only_the_active_provider_needs_its_key() {
    let two = "llm: {active: groq, providers: {groq: {model: m}, openai: {model: m}}}";
    let chat = Case::new(two).chat();
    assert!(chat.llm.active().key.is_some() && chat.llm.providers["openai"].key.is_none());
    assert!(!chat.llm.active().lacks_its_key() && chat.llm.providers["openai"].lacks_its_key());
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let local = format!(
            "llm: {{providers: {{openai: {{model: m, base_url: 'http://{host}:8080/v1'}}}}}}"
        );
        let chat = Case::new(&local).without_variables().chat();
        assert!(chat.llm.active().key.is_none() && !chat.llm.active().lacks_its_key());
    }
    let own = "llm: {providers: {own: {model: m, base_url: 'http://10.0.0.9/v1'}}}";
    let chat = Case::new(own).chat();
    assert!(chat.llm.active().key.is_none());
    assert!(chat.warnings[0].contains("can read conversations"), "{:?}", chat.warnings);
    let named = "llm: {providers: {own: {model: m, base_url: 'https://h', api_key_env: OWN_KEY}}}";
    assert!(Case::new(named).refusal().contains("set OWN_KEY"));
    assert_eq!(key(&Case::new(named).variable("OWN_KEY", " hush-own\n")), "hush-own");
}

#[test]
fn a_file_with_keys_is_for_its_owner() {
    let case = Case::new(LEAST).file("chat/.env", "GROQ_API_KEY=hush\n");
    let path = case.path().join("chat/.env");
    for (mode, said) in [(0o644, "can be read by everybody"), (0o620, "can be written by others")] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let refusal = case.refusal();
        assert!(refusal.starts_with(".env beside config.yaml: "), "{refusal}");
        assert!(refusal.contains(said), "{refusal}");
    }
    for name in ["config.yaml", "servers_config.json"] {
        let case = Case::new(LEAST).servers("{}");
        let path = case.path().join("chat").join(name);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let refusal = case.refusal();
        assert!(refusal.starts_with(&format!("{name}: can be written by others")), "{refusal}");
    }
}

#[test]
fn a_malformed_line_is_named() {
    let refusal = Case::new(LEAST).file(".env", "A=b\nhush\n").refusal();
    assert_eq!(refusal, ".env in the current directory line 2: must be NAME=value");
}

#[test]
fn a_key_that_no_header_can_have_is_refused() {
    let case = Case::new(LEAST).without_variables().variable("GROQ_API_KEY", "hush hush");
    assert!(case.refusal().contains("GROQ_API_KEY (environment) must be one line of visible"));
    let case = Case::new(LEAST).without_variables().file("chat/.env", "GROQ_API_KEY=\"hush\\nx\"");
    let refusal = case.refusal();
    assert!(refusal.contains("GROQ_API_KEY (.env beside config.yaml line 1)"), "{refusal}");
}

#[test]
fn secrets_are_printed_nowhere() {
    let case = Case::new(LEAST).variable("TOKEN", "hush-token").servers(
        r#"{"mcpServers": {
                "a": {"command": "true", "env": {"KEY": "${TOKEN}", "PLAIN": "hush-plain"}},
                "b": {"url": "https://h/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"}}
            }}"#,
    );
    let loaded = case.loaded();
    let printed = [render_print(&loaded), render_json(&loaded), format!("{loaded:?}")];
    assert!(printed.iter().all(|text| !text.contains("hush")), "{printed:?}");
    assert!(printed[0].contains("chat.config") && printed[0].contains("command line"));
}

#[test]
fn the_log_follows_the_file_unless_told_otherwise() {
    let text = format!("{LEAST}logging:\n  level: WARNING\n  format: json\n");
    let case = Case::new(&text).servers(r#"{"settings": {"logLevel": "DEBUG"}}"#);
    let loaded = case.loaded();
    let level = &loaded.settings.log.level;
    assert!(level.starts_with("warn,lukhas_mcp:") && level.ends_with("::mcp_servers=debug"));
    let origin = loaded.origin("log.level").unwrap();
    assert_eq!(origin.to_string(), "file config.yaml");
    let loaded = case.variable("LUKHAS_MCP_LOG_LEVEL", "trace").loaded();
    assert_eq!(loaded.settings.log.level, "trace");
    assert_eq!(loaded.origin("log.format").unwrap().to_string(), "file config.yaml");
    let refusal = Case::new(&format!("{LEAST}logging: {{level: LOUD}}")).refusal();
    assert!(refusal.contains("logging.level must be one of DEBUG"), "{refusal}");
    let refusal = Case::new(&format!("{LEAST}logging: {{format: '%(x)s'}}")).refusal();
    assert!(refusal.contains("logging.format must be auto, json, text, or"), "{refusal}");
}
