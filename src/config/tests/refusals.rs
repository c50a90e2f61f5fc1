//! What is refused, and whether the sentence helps.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::super::keys::all_settings;
use super::super::value::Kind;
use super::super::{Environment, Overrides, Settings};
use super::Case;

#[test]
fn a_wrong_variable_is_named_with_what_is_allowed() {
    for (variable, value, said) in [
        (
            "PORT",
            "http",
            "server.port (environment variable PORT) is \"http\" and must be a whole number from 0 to 65535",
        ),
        ("PORT", "65536", "from 0 to 65535"),
        ("PORT", "-1", "from 0 to 65535"),
        ("PORT", "80.5", "from 0 to 65535"),
        ("LUKHAS_MCP_LISTEN", "localhost", "must be an IP address"),
        ("LUKHAS_MCP_WORKERS", "0", "from 1 to 256"),
        ("MCP_RL_WINDOW_MS", "0", "limits.rate_window_ms (environment variable MCP_RL_WINDOW_MS)"),
        ("MCP_RL_BUCKET", "sixty", "from 1 to 1000000"),
        ("MCP_JOB_TTL_MS", "7d", "store.job_ttl_ms"),
        ("MCP_JOB_TTL_MS", "99999999999999999999", "from 1 to 315360000000"),
        ("LUKHAS_MCP_MAX_QUEUED_JOBS", "0", "from 1 to 1000000"),
        ("LUKHAS_MCP_ALLOW_ANONYMOUS", "maybe", "is \"maybe\" and must be true or false"),
        ("LUKHAS_MCP_LOG_FORMAT", "xml", "must be one of auto, json, text"),
        ("LUKHAS_MCP_LOG_LEVEL", "verbose", "must be off, error, warn, info"),
        ("LUKHAS_MCP_LOG_LEVEL", "lukhas_mcp=loud", "or a list such as info,lukhas_mcp=debug"),
        ("PROM_URL", "prometheus:9090", "must be an http or https URL"),
        ("PROM_URL", "http://user:secret@host/", "without user name, password"),
        ("MCP_PUBLIC_BASE_URL", "https://h/?q=1", "query"),
        ("LUKHAS_MCP_ALLOWED_HOSTS", "host:80", "without ports"),
        ("LUKHAS_MCP_ALLOWED_HOSTS", "*.example", "must be a list of host names"),
        ("LUKHAS_MCP_DB", "~/state.db", "`~` is not replaced"),
        ("PROM_Q_LAT", "  ", "must be text that is not empty"),
    ] {
        let refusal = Case::new().variable(variable, value).refusal();
        assert!(refusal.contains(said), "{variable}={value}: {refusal}");
        assert!(refusal.contains(variable), "{refusal}");
        assert!(!refusal.contains("secret"), "{refusal}");
    }
}

#[test]
fn a_wrong_value_in_the_file_is_named_with_its_line() {
    for (text, said) in [
        (
            "# first\n[server]\nworkers = 2\nport = 'x'\n",
            "server.port (lukhas-mcp.toml line 4) is \"x\" and must be a whole number",
        ),
        ("[server]\nport = -1\n", "server.port (lukhas-mcp.toml line 2) is -1 and must be"),
        ("server.port = 1.5\n", "server.port (lukhas-mcp.toml line 1) must be a whole number"),
        ("[server]\nport = 99999999999999999999\n", "line 2"),
        ("[server]\nallowed_hosts = [1]\n", "line 2) must be a list of host names"),
        ("[log]\nrequests = 1\n", "log.requests (lukhas-mcp.toml line 2) is 1 and must be true"),
        ("[log]\nlevel = 2026-01-01\n", "log.level (lukhas-mcp.toml line 2) must be"),
        ("[store]\n\ndb = ''\n", "store.db (lukhas-mcp.toml line 3) must be a path"),
        ("[store]\ndb = \"a\\u0000b\"\n", "must be a path"),
        ("server = 1\n", "lukhas-mcp.toml line 1: \"server\" is a table"),
        ("[[server]]\nport = 1\n", "\"server\" is a table"),
    ] {
        let refusal = Case::new().file(text).refusal();
        assert!(refusal.contains(said), "{text:?}: {refusal}");
    }
}

#[test]
fn a_wrong_option_is_named() {
    let overrides = Overrides { log_format: Some("xml".into()), ..Overrides::default() };
    let refusal = Case::new().overrides(overrides).refusal();
    assert_eq!(
        refusal,
        "log.format (option --log-format) is \"xml\" and must be one of auto, json, text"
    );
}

#[test]
fn an_unknown_key_names_the_nearest() {
    for (text, place, wrong, nearest) in [
        ("[server]\n\nprot = 1\n", "line 3", "server.prot", "server.port"),
        ("[sever]\nport = 1\n", "line 1", "sever", "server"),
        ("port = 1\n", "line 1", "port", "server.port"),
        ("[log]\nlevle = 'info'\n", "line 2", "log.levle", "log.level"),
        ("[server]\napi_keys = ['k']\n", "line 2", "server.api_keys", "auth.api_keys"),
        ("[repo]\nroot = { path = '.' }\n[evals.dirs]\n", "line 3", "evals.dirs", "evals."),
    ] {
        let refusal = Case::new().file(text).refusal();
        let said = format!("lukhas-mcp.toml {place}: unknown key \"{wrong}\"; the nearest known");
        assert!(refusal.starts_with(&said), "{text:?}: {refusal}");
        assert!(refusal.contains(&format!("one is \"{nearest}")), "{text:?}: {refusal}");
    }
}

#[test]
fn an_unknown_variable_names_the_nearest() {
    for (wrong, nearest) in [
        ("LUKHAS_MCP_API_KEYZ", "LUKHAS_MCP_API_KEYS"),
        ("LUKHAS_MCP_API_KEYS_FIL", "LUKHAS_MCP_API_KEYS_FILE"),
        ("LUKHAS_MCP_PORT", "PORT"),
        ("LUKHAS_MCP_RL_BUCKET", "MCP_RL_BUCKET"),
        ("LUKHAS_MCP_REPO_ROOT", "LUKHAS_REPO_ROOT"),
        ("LUKHAS_MCP_LOGLEVEL", "LUKHAS_MCP_LOG_LEVEL"),
        ("LUKHAS_MCP_DBX", "LUKHAS_MCP_DB"),
    ] {
        let refusal = Case::new().variable(wrong, "x").refusal();
        let said =
            format!("unknown environment variable {wrong}; the nearest known one is {nearest}");
        assert!(refusal.starts_with(&said), "{refusal}");
    }
}

#[test]
fn variables_of_others_are_let_be() {
    let case = Case::new()
        .variable("LUKHAS_MCP_URL", "http://127.0.0.1:8766")
        .variable("LUKHAS_MCP_API_KEY", "k")
        .variable("LUKHAS_MCP_API_KEY_FILE", "f")
        .variable("LUKHAS_MCP_SERVICE_HOST", "10.0.0.1")
        .variable("LUKHAS_MCP_PORT", "tcp://10.0.0.1:8766")
        .variable("LUKHAS_MCP_PORT_8766_TCP_ADDR", "10.0.0.1")
        .variable("LUKHAS_OTHER", "x")
        .variable("HOME", "/root");
    assert_eq!(case.shown("server.port").1, "default");
}

#[test]
fn two_spellings_must_agree() {
    for (first, second) in [("PROM_Q_LAT", "PROM_QUERY_LAT"), ("PROM_Q_ERR", "PROM_QUERY_ERR")] {
        let refusal = Case::new().variable(first, "a").variable(second, "b").refusal();
        assert!(refusal.contains(first) && refusal.contains(second), "{refusal}");
        Case::new().variable(first, "a").variable(second, "a").loaded();
        Case::new().variable(first, "").variable(second, "a").loaded();
    }
}

#[test]
fn bytes_that_are_not_text_are_refused() {
    for setting in all_settings() {
        let variables = setting.variables.iter().map(|name| (*name).to_owned());
        for variable in variables.chain(setting.file_variable()) {
            let value = OsString::from_vec(vec![b'k', 0xff]);
            let environment: Environment =
                [(OsString::from(&variable), value)].into_iter().collect();
            let directory = tempfile::tempdir().unwrap();
            let loaded = Settings::load(&Overrides::default(), &environment, directory.path());
            let said = loaded.map(|_| ()).unwrap_err().to_string();
            assert!(said.contains(&variable) && said.contains("UTF-8"), "{said}");
        }
    }
}

#[test]
fn a_name_that_is_not_text_is_refused_if_it_begins_like_ours() {
    let directory = tempfile::tempdir().unwrap();
    for (name, refused) in [(&b"LUKHAS_MCP_\xff"[..], true), (b"OTHER_\xff", false)] {
        let environment: Environment =
            [(OsString::from_vec(name.to_vec()), OsString::from("x"))].into_iter().collect();
        let loaded = Settings::load(&Overrides::default(), &environment, directory.path());
        assert_eq!(loaded.is_err(), refused);
    }
}

#[test]
fn a_file_that_cannot_be_used_is_refused() {
    let named = |name: &str| Overrides { config: Some(name.into()), ..Overrides::default() };
    let missing = Case::new().overrides(named("nowhere.toml")).refusal();
    assert_eq!(missing, "the file named by --config does not exist; create it, or name another");

    let directory = Case::new().overrides(named(".")).refusal();
    assert!(directory.starts_with("the file named by --config cannot be read"), "{directory}");

    let case = Case::new();
    std::fs::write(case.path().join("lukhas-mcp.toml"), b"[server]\n# \xff\n").unwrap();
    assert!(case.refusal().starts_with("lukhas-mcp.toml cannot be read"));

    let long = Case::new().file(&"#".repeat(1024 * 1024 + 1)).refusal();
    assert!(long.starts_with("lukhas-mcp.toml is longer than 1048576 bytes"), "{long}");
}

#[test]
fn a_file_that_is_not_toml_is_refused_without_repeating_it() {
    for (text, line) in [
        ("[auth]\napi_keys = [\"hush\"\n[log]\n", "line "),
        ("[auth]\napi_keys = hush\n", "line 2"),
        ("[log]\nlevel = 'info'\nlevel = 'hush'\n", "line 3"),
        ("[log]\n[log]\n", "line 2"),
    ] {
        let refusal = Case::new().file(text).refusal();
        assert!(refusal.starts_with(&format!("lukhas-mcp.toml {line}")), "{text:?}: {refusal}");
        assert!(refusal.contains("is not valid TOML") && !refusal.contains("hush"), "{refusal}");
    }
}

#[test]
fn every_bound_is_the_last_good_value() {
    for setting in all_settings() {
        let Kind::Integer { min, max } = setting.kind else { continue };
        let case = |value: u64| Case::new().variable(setting.variables[0], &value.to_string());
        case(min).loaded();
        case(max).loaded();
        case(max + 1).refusal();
        if let Some(below) = min.checked_sub(1) {
            case(below).refusal();
        }
    }
}

#[test]
fn a_key_has_one_role() {
    let case = || Case::new().variable("LUKHAS_MCP_API_KEYS", "hush,k1");
    let refusal = case().variable("LUKHAS_MCP_READ_API_KEYS", "k2,hush").refusal();
    assert!(refusal.contains("auth.read_keys") && !refusal.contains("hush"), "{refusal}");
    case().variable("LUKHAS_MCP_READ_API_KEYS", "k2").loaded();
}
