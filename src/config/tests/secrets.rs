//! Keys and tokens: read from everywhere, shown nowhere.

use secrecy::ExposeSecret;

use super::super::{render_json, render_print};
use super::Case;

#[track_caller]
fn check_keys(case: &Case, keys: &[&str], origin: &str) {
    let loaded = case.loaded();
    let found: Vec<&str> =
        loaded.settings.auth.api_keys.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(found, keys);
    assert_eq!(loaded.origin("auth.api_keys").unwrap().to_string(), origin);
}

#[test]
fn keys_are_split_and_trimmed() {
    let case = Case::new().variable("LUKHAS_MCP_API_KEYS", " k1,, k2 ,");
    check_keys(&case, &["k1", "k2"], "environment LUKHAS_MCP_API_KEYS");
}

#[test]
fn keys_in_a_file_may_stand_one_a_line() {
    for content in ["k1\nk2\n", "k1,k2", "k1, k2\n", "k1\r\nk2\r\n\r\n"] {
        let case = Case::new().variable_naming_a_file("LUKHAS_MCP_API_KEYS_FILE", content);
        check_keys(&case, &["k1", "k2"], "environment LUKHAS_MCP_API_KEYS_FILE");
    }
}

#[test]
fn keys_in_the_settings_file_are_a_list_or_text() {
    for value in ["['k1', 'k2']", "'k1,k2'"] {
        let case = Case::new().file(&format!("[auth]\napi_keys = {value}\n"));
        check_keys(&case, &["k1", "k2"], "file lukhas-mcp.toml");
    }
}

#[test]
fn a_list_without_a_key_does_not_open_the_daemon() {
    for value in ["", ",", " , ", "\n", " "] {
        let by_value = Case::new().variable("LUKHAS_MCP_API_KEYS", value).refusal();
        assert!(by_value.contains("is set and holds no key"), "{value:?}: {by_value}");
        let by_file = Case::new().variable_naming_a_file("LUKHAS_MCP_API_KEYS_FILE", value);
        assert!(by_file.refusal().contains("is set and holds no key"), "{value:?}");
    }
    for value in ["[]", "['']", "''"] {
        let refusal = Case::new().file(&format!("[auth]\napi_keys = {value}\n")).refusal();
        assert!(refusal.contains("(lukhas-mcp.toml line 2) is set and holds no key"), "{refusal}");
    }
}

#[test]
fn keys_that_cannot_be_sent_are_refused_and_not_repeated() {
    for key in ["hush hush", "hush\thush", "\"hush\"", "'hush'", "hüsh", "hush\u{1}", "hush\nhush"]
    {
        let refusal = Case::new().variable("LUKHAS_MCP_API_KEYS", &format!("ok,{key}")).refusal();
        assert!(refusal.contains("(number 2)"), "{refusal}");
        assert!(!refusal.contains("hush") && !refusal.contains("hüsh"), "{refusal}");
    }
    let in_list = Case::new().file("[auth]\napi_keys = ['hush,hush']\n").refusal();
    assert!(in_list.contains("a comma") && !in_list.contains("hush"), "{in_list}");
    let number = Case::new().file("[auth]\napi_keys = 31337\n").refusal();
    assert!(number.contains("must be a list of keys") && !number.contains("31337"), "{number}");
}

#[test]
fn a_token_is_one_word_without_its_line_break() {
    let case = Case::new().variable_naming_a_file("PROM_BEARER_FILE", "tok.en\n");
    let loaded = case.loaded();
    assert_eq!(loaded.settings.prometheus.bearer.unwrap().expose_secret(), "tok.en");
    for content in ["", "\n", "two words", "two\nlines", "hüsh"] {
        let case = Case::new().variable_naming_a_file("PROM_BEARER_FILE", content);
        let refusal = case.refusal();
        assert!(refusal.contains("must be one line of visible ASCII"), "{content:?}: {refusal}");
    }
}

#[test]
fn a_secret_given_twice_is_refused() {
    for name in ["LUKHAS_MCP_API_KEYS", "PROM_BEARER"] {
        let case = Case::new().variable(name, "k");
        let refusal = case.variable_naming_a_file(&format!("{name}_FILE"), "k").refusal();
        assert_eq!(refusal, format!("{name} and {name}_FILE are both set; set only one of them"));
    }
}

#[test]
fn a_secrets_file_that_cannot_be_used_is_refused() {
    let missing = Case::new().variable("LUKHAS_MCP_API_KEYS_FILE", "nowhere").refusal();
    assert!(
        missing.starts_with("the file named by LUKHAS_MCP_API_KEYS_FILE does not exist"),
        "{missing}"
    );
    let directory = Case::new().variable("PROM_BEARER_FILE", "/").refusal();
    assert!(directory.starts_with("the file named by PROM_BEARER_FILE cannot be read"));
    let long = "k".repeat(64 * 1024 + 1);
    let case = Case::new().variable_naming_a_file("PROM_BEARER_FILE", &long);
    assert!(case.refusal().contains("is longer than 65536 bytes"));
}

#[test]
fn credentials_of_systemd_serve_when_nothing_else_does() {
    let case = Case::new();
    let directory = case.path().to_str().unwrap().to_owned();
    let case = case.variable("CREDENTIALS_DIRECTORY", &directory);
    assert_eq!(case.shown("auth.api_keys").1, "default");

    std::fs::write(case.path().join("api-keys"), "k1\nk2\n").unwrap();
    std::fs::write(case.path().join("prom-bearer"), "token\n").unwrap();
    check_keys(&case, &["k1", "k2"], "systemd credential api-keys");
    assert_eq!(case.shown("prometheus.bearer").1, "systemd credential prom-bearer");

    let case = case.file("[auth]\napi_keys = ['k3']\n");
    check_keys(&case, &["k3"], "file lukhas-mcp.toml");
    let case = case.variable("LUKHAS_MCP_API_KEYS", "k4");
    check_keys(&case, &["k4"], "environment LUKHAS_MCP_API_KEYS");
}

#[test]
fn a_credential_without_a_key_is_refused() {
    let case = Case::new();
    std::fs::write(case.path().join("api-keys"), "\n").unwrap();
    let directory = case.path().to_str().unwrap().to_owned();
    let refusal = case.variable("CREDENTIALS_DIRECTORY", &directory).refusal();
    assert!(refusal.contains("(systemd credential api-keys) is set and holds no key"), "{refusal}");
}

#[test]
fn no_form_of_the_settings_shows_a_secret() {
    let case = Case::new().variable("LUKHAS_MCP_API_KEYS", "hush1,hush2");
    let loaded = case.variable("PROM_BEARER", "hush3").loaded();
    let debug = format!("{loaded:?} {:#?}", loaded.settings);
    assert!(debug.contains("[REDACTED]"));
    for text in [debug, render_print(&loaded), render_json(&loaded)] {
        assert!(!text.contains("hush"), "{text}");
    }
    assert!(render_print(&loaded).contains("****"));
}
