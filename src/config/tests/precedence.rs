//! Command line before environment before file before default, for every setting.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::keys::{Setting, all_settings};
use super::super::value::Kind;
use super::super::{LogFormat, Overrides, Settings};
use super::Case;

const SEEDS: [&str; 3] = [
    "1111111111111111111111111111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222222222222222222222222222",
    "abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdef0123",
];

/// Three valid values of a setting, as a variable has them.
fn samples(setting: &Setting) -> [&'static str; 3] {
    match setting.kind {
        Kind::Integer { min: 0..=11, .. } => ["11", "12", "13"],
        Kind::Integer { .. } => ["1001", "1002", "1003"],
        Kind::Bool => ["true", "false", "true"],
        Kind::Choice(names) => [names[1], names[names.len() - 1], names[1]],
        Kind::Address => ["127.0.0.2", "127.0.0.3", "127.0.0.4"],
        Kind::Path => ["/one", "/two", "/three"],
        Kind::LogFilter => ["warn", "debug", "trace"],
        Kind::Url => ["http://one.example/", "http://two.example/", "http://three.example/"],
        Kind::SafeUrl => ["https://one.example/", "http://127.0.0.1:2/", "http://[::1]:3/a"],
        Kind::Issuer => ["https://one.example", "https://two.example/", "http://localhost:3/a"],
        Kind::Seed => SEEDS,
        Kind::Webhooks => ["https://one.example/", "http://127.0.0.1/2", "http://[::1]:1/?a=b"],
        Kind::Text | Kind::Hosts | Kind::Secret | Kind::Keys => ["one", "two", "three"],
    }
}

/// A case in which the setting may be anything that is allowed: webhooks need a key besides.
fn case_of(setting: &Setting) -> Case {
    match setting.name {
        "notifications.webhooks" => Case::new().variable("LUKHAS_MCP_WEBHOOK_SIGNING_KEYS", "one"),
        "oauth.issuer" => Case::new().variable("MCP_PUBLIC_BASE_URL", "https://mcp.example"),
        "oauth.built_in" => Case::new()
            .variable("MCP_PUBLIC_BASE_URL", "https://mcp.example")
            .variable("LUKHAS_MCP_API_KEYS", "one"),
        _ => Case::new(),
    }
}

/// A value as it is shown, for comparing with what was written.
fn as_shown(setting: &Setting, text: &str) -> Json {
    match setting.kind {
        Kind::Integer { .. } => json!(text.parse::<u64>().unwrap()),
        Kind::Bool => json!(text == "true"),
        Kind::Hosts => json!([text]),
        Kind::Secret | Kind::Seed | Kind::Keys | Kind::Webhooks => json!("****"),
        _ => json!(text),
    }
}

fn in_file(setting: &Setting, text: &str) -> String {
    let (table, key) = setting.name.split_once('.').unwrap();
    let value = match setting.kind {
        Kind::Integer { .. } | Kind::Bool => text.to_owned(),
        Kind::Hosts | Kind::Keys | Kind::Webhooks => format!("[{text:?}]"),
        _ => format!("{text:?}"),
    };
    format!("[{table}]\n{key} = {value}\n")
}

#[test]
fn the_default_gives_way_to_the_file() {
    for setting in all_settings() {
        let (_, origin) = Case::new().shown(setting.name);
        assert_eq!(origin, "default", "{}", setting.name);

        let [written, ..] = samples(setting);
        let case = case_of(setting).file(&in_file(setting, written));
        let expected = (as_shown(setting, written), "file lukhas-mcp.toml".to_owned());
        assert_eq!(case.shown(setting.name), expected, "{}", setting.name);
    }
}

#[test]
fn the_default_gives_way_to_each_variable() {
    for setting in all_settings() {
        assert!(!setting.variables.is_empty(), "{} has no variable", setting.name);
        for variable in setting.variables {
            let [written, ..] = samples(setting);
            let case = case_of(setting).variable(variable, written);
            let expected = (as_shown(setting, written), format!("environment {variable}"));
            assert_eq!(case.shown(setting.name), expected, "{}", setting.name);
        }
    }
}

#[test]
fn the_file_gives_way_to_each_variable() {
    for setting in all_settings() {
        for variable in setting.variables {
            let [in_the_file, written, _] = samples(setting);
            let case = case_of(setting).file(&in_file(setting, in_the_file));
            let case = case.variable(variable, written);
            let expected = (as_shown(setting, written), format!("environment {variable}"));
            assert_eq!(case.shown(setting.name), expected, "{}", setting.name);
        }
    }
}

fn all_options() -> Overrides {
    Overrides {
        config: None,
        port: Some(13),
        listen: Some("127.0.0.4".parse().unwrap()),
        db: Some("/three".into()),
        repo_root: Some("/three".into()),
        evals_dir: Some("/three".into()),
        chat_config: Some("/three".into()),
        log_level: Some("trace".into()),
        log_format: Some("json".into()),
    }
}

#[test]
fn everything_gives_way_to_the_command_line() {
    let mut options = 0;
    for setting in all_settings().filter(|setting| setting.flag.is_some()) {
        options += 1;
        let [in_the_file, in_variable, on_command_line] = samples(setting);
        let expected = (as_shown(setting, on_command_line), "command line".to_owned());

        let over_default = Case::new().overrides(all_options());
        assert_eq!(over_default.shown(setting.name), expected, "{}", setting.name);

        let over_file = over_default.file(&in_file(setting, in_the_file));
        assert_eq!(over_file.shown(setting.name), expected, "{}", setting.name);

        let over_both = over_file.variable(setting.variables[0], in_variable);
        assert_eq!(over_both.shown(setting.name), expected, "{}", setting.name);
    }
    assert_eq!(options, 8);
}

#[test]
fn every_name_of_the_contract_works() {
    let named = |variable: &str| {
        all_settings()
            .find(|setting| setting.variables.contains(&variable))
            .map(|setting| setting.name)
    };
    for (variable, setting) in [
        ("PORT", "server.port"),
        ("LUKHAS_REPO_ROOT", "repo.root"),
        ("LUKHAS_MCP_DB", "store.db"),
        ("LUKHAS_MCP_API_KEYS", "auth.api_keys"),
        ("MCP_RL_WINDOW_MS", "limits.rate_window_ms"),
        ("MCP_RL_BUCKET", "limits.rate_bucket"),
        ("MCP_JOB_TTL_MS", "store.job_ttl_ms"),
        ("MCP_STATE_PATH", "store.legacy_state"),
        ("PROM_URL", "prometheus.url"),
        ("PROM_BEARER", "prometheus.bearer"),
        ("PROM_Q_LAT", "prometheus.latency_query"),
        ("PROM_QUERY_LAT", "prometheus.latency_query"),
        ("PROM_Q_ERR", "prometheus.error_query"),
        ("PROM_QUERY_ERR", "prometheus.error_query"),
    ] {
        assert_eq!(named(variable), Some(setting), "{variable}");
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let settings = Settings::defaults_in(Path::new("/srv/repo"));
    assert_eq!(settings.server.address().to_string(), "127.0.0.1:8766");
    assert!((1..=4).contains(&settings.server.workers));
    assert_eq!(settings.server.shutdown_deadline, Duration::from_secs(10));
    assert!(settings.server.host_names().is_empty());
    assert!(settings.auth.api_keys.is_empty());
    assert!(!settings.auth.allow_anonymous);
    assert_eq!(settings.repo.root, Path::new("/srv/repo"));
    assert_eq!(settings.store.db, Path::new("/srv/repo/.mcp-state.db"));
    assert_eq!(settings.store.legacy_state, Path::new("/srv/repo/.mcp-state.json"));
    assert_eq!(settings.store.backup_dir, None);
    assert_eq!(settings.store.job_ttl, Duration::from_hours(7 * 24));
    assert_eq!(settings.store.event_retention, Duration::from_hours(7 * 24));
    assert_eq!(settings.evals.dir, Path::new("/srv/repo/evals"));
    assert_eq!(settings.evals.runs_dir, Path::new("/srv/repo/.mcp-state.db.runs"));
    assert!(settings.evals.max_running_jobs >= 1);
    assert_eq!(settings.evals.max_queued_jobs, 10_000);
    assert_eq!(settings.limits.rate_window, Duration::from_secs(10));
    assert_eq!(settings.limits.rate_bucket, 60);
    assert_eq!(settings.limits.max_sse_streams, 512);
    assert_eq!(settings.limits.max_sse_streams_per_key, 32);
    assert!(settings.prometheus.url.is_none() && settings.prometheus.bearer.is_none());
    assert!(settings.prometheus.latency_query.is_none());
    assert!(settings.prometheus.error_query.is_none());
    assert_eq!(settings.log.level, "info");
    assert_eq!(settings.log.format, LogFormat::Auto);
    assert!(settings.log.requests);
}

#[test]
fn paths_follow_the_repository_and_the_database() {
    let case = Case::new().variable("LUKHAS_REPO_ROOT", "./repo").variable("MCP_STATE_PATH", "s");
    let settings = case.loaded().settings;
    let root = case.path().join("repo");
    assert_eq!(settings.repo.root, root);
    assert_eq!(settings.store.db, root.join(".mcp-state.db"));
    assert_eq!(settings.evals.dir, root.join("evals"));
    assert_eq!(settings.store.legacy_state, case.path().join("s"));

    let settings = case.variable("LUKHAS_MCP_DB", "/var/lib/d.db").loaded().settings;
    assert_eq!(settings.store.db, Path::new("/var/lib/d.db"));
    assert_eq!(settings.evals.runs_dir, Path::new("/var/lib/d.db.runs"));
}

#[test]
fn paths_in_a_file_are_below_the_files_directory() {
    let case = Case::new();
    let elsewhere = case.path().join("etc");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("x.toml"), "[store]\ndb = 'd.db'\n").unwrap();
    let overrides = Overrides { config: Some("etc/x.toml".into()), ..Overrides::default() };
    let case = case.overrides(overrides);
    assert_eq!(case.loaded().settings.store.db, elsewhere.join("d.db"));
    assert_eq!(case.shown("store.db").1, "file x.toml");
}

#[test]
fn the_file_that_is_named_replaces_the_default_file() {
    let case = Case::new().file("[server]\nport = 1\nworkers = 3\n");
    std::fs::write(case.path().join("other.toml"), "[server]\nport = 2\n").unwrap();
    let overrides = Overrides { config: Some("other.toml".into()), ..Overrides::default() };
    let (default, named) = (case.shown("server.port"), case.overrides(overrides));
    assert_eq!(default, (json!(1), "file lukhas-mcp.toml".into()));
    assert_eq!(named.shown("server.port"), (json!(2), "file other.toml".into()));
    assert_eq!(named.shown("server.workers").1, "default");
}

#[test]
fn a_variable_set_to_nothing_is_not_set() {
    for setting in all_settings().filter(|setting| !matches!(setting.kind, Kind::Keys)) {
        let case = Case::new().variable(setting.variables[0], "");
        assert_eq!(case.shown(setting.name).1, "default", "{}", setting.name);
    }
}

#[test]
fn under_pm2_there_is_less_time_to_stop() {
    let case = Case::new().variable("pm_id", "0");
    let deadline = |case: &Case| case.loaded().settings.server.shutdown_deadline;
    assert_eq!(deadline(&case), Duration::from_millis(1_200));
    let case = case.variable("LUKHAS_MCP_SHUTDOWN_DEADLINE_MS", "1500");
    assert_eq!(deadline(&case), Duration::from_millis(1_500));
}

#[test]
fn hosts_are_compared_as_requests_name_them() {
    let case = Case::new()
        .variable("LUKHAS_MCP_ALLOWED_HOSTS", " Box.Example. , ::1,10.0.0.7")
        .variable("MCP_PUBLIC_BASE_URL", "https://MCP.example.org:8443/base/");
    let names = case.loaded().settings.server.host_names();
    assert_eq!(names, ["box.example", "[::1]", "10.0.0.7", "mcp.example.org"]);
}

#[test]
fn loopback_needs_no_keys_and_other_addresses_do() {
    let listening = |address: &str| Case::new().variable("LUKHAS_MCP_LISTEN", address);
    for address in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
        let listen = listening(address).loaded().settings.server.listen;
        assert_eq!(listen, address.parse::<IpAddr>().unwrap());
    }
    for address in ["0.0.0.0", "::", "10.0.0.1", "2001:db8::1"] {
        let said = listening(address).refusal();
        assert!(said.contains("LUKHAS_MCP_API_KEYS") && said.contains(address), "{said}");
        listening(address).variable("LUKHAS_MCP_API_KEYS", "k").loaded();
        listening(address).variable("LUKHAS_MCP_ALLOW_ANONYMOUS", "1").loaded();
    }
}
