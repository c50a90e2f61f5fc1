//! What is printed, and whether it is true.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::super::keys::all_settings;
use super::super::{GROUPS, Overrides, render_docs, render_example, render_json, render_print};
use super::Case;

#[test]
fn names_and_variables_are_unique_and_in_their_tables() {
    let mut seen = BTreeSet::new();
    for group in GROUPS {
        for setting in group.settings {
            assert!(setting.name.starts_with(&format!("{}.", group.name)), "{}", setting.name);
            assert!(setting.meaning.trim().ends_with('.'), "{}", setting.name);
            for name in std::iter::once(&setting.name).chain(setting.variables) {
                assert!(seen.insert(*name), "{name} is declared twice");
            }
        }
    }
}

#[test]
fn every_setting_is_printed_with_its_origin() {
    let case = Case::new()
        .file("[log]\nlevel = \"warn\"\n")
        .variable("PORT", "0")
        .variable("PROM_Q_LAT", "a\nb")
        .overrides(Overrides { log_format: Some("json".into()), ..Overrides::default() });
    let loaded = case.loaded();
    let printed = render_print(&loaded);
    let columns = |line: &str| {
        let parts: Vec<String> = line.split("  ").map(|part| part.trim().to_owned()).collect();
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<String>>()
    };
    let rows: Vec<Vec<String>> = printed.lines().map(columns).collect();
    assert_eq!(rows.len(), all_settings().count() + 1);
    for row in [
        ["KEY", "VALUE", "ORIGIN"],
        ["server.port", "0", "environment PORT"],
        ["server.listen", "127.0.0.1", "default"],
        ["server.public_base_url", "(not set)", "default"],
        ["server.allowed_hosts", "[]", "default"],
        ["prometheus.latency_query", "\"a\\nb\"", "environment PROM_Q_LAT"],
        ["log.level", "warn", "file lukhas-mcp.toml"],
        ["log.format", "json", "command line"],
    ] {
        assert!(rows.iter().any(|found| found == &row), "{row:?} is not in\n{printed}");
    }

    let json: Json = serde_json::from_str(&render_json(&loaded)).unwrap();
    assert_eq!(json.as_object().unwrap().len(), all_settings().count());
    assert_eq!(json["server.port"], json!({ "value": 0, "origin": "environment PORT" }));
    assert_eq!(json["prometheus.url"], json!({ "value": null, "origin": "default" }));
}

#[test]
fn the_example_changes_nothing() {
    let case = Case::new().file(&render_example());
    assert!(case.loaded().origins.iter().all(|resolved| resolved.origin.to_string() == "default"));
}

#[test]
fn the_example_without_its_marks_sets_everything_to_its_default() {
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with([' ', '#']) => format!("{setting}\n"),
        _ => format!("{line}\n"),
    };
    let text: String = render_example().lines().map(uncommented).collect();
    let case = Case::new().file(&text);
    let defaults = Case { directory: case.directory, ..Case::new() };
    let loaded = defaults.loaded();
    assert_eq!(loaded.origins.len(), all_settings().count());
    let fresh = super::super::Settings::defaults_in(defaults.path());
    for resolved in &loaded.origins {
        assert_eq!(resolved.origin.to_string(), "file lukhas-mcp.toml", "{}", resolved.name);
    }
    assert_eq!(loaded.settings.store.db, fresh.store.db);
    assert_eq!(loaded.settings.evals.runs_dir, fresh.evals.runs_dir);
    assert_eq!(loaded.settings.server.address(), fresh.server.address());
    assert_eq!(loaded.settings.store.job_ttl, fresh.store.job_ttl);
}

#[test]
fn the_page_about_the_settings_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, render_docs()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == render_docs(),
        "docs/configuration.md differs from the settings; write it anew with \
         UPDATE_DOCS=1 cargo test --lib the_page_about_the_settings"
    );
}
