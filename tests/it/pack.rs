//! The operations pack against the daemon itself: the alerts, their runbooks and the dashboard name
//! only figures and labels that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;
use serde_json::{Value, json};
use tokio::time::Duration;

use crate::canaries::site::{Face, Site};
use crate::harness::{Daemon, Home};

/// What Prometheus adds to each sample.
const OF_THE_SCRAPE: &[&str] = &["job", "instance"];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|hit| hit[1].to_owned()).collect()
}

/// The figures of a page, each with the labels of its samples; counters without `_total`.
fn figures(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut figures: BTreeMap<_, _> =
        all(r"(?m)^# TYPE (\w+)", page).into_iter().map(|name| (name, BTreeSet::new())).collect();
    let sample = Regex::new(r"(?m)^(\w+?)(?:_total)?\{(.*)\} ").unwrap();
    for hit in sample.captures_iter(page) {
        let labels = figures.get_mut(&hit[1]).unwrap_or_else(|| panic!("{} has no type", &hit[1]));
        labels.extend(all(r#"(\w+)=""#, &hit[2]));
    }
    figures
}

/// A daemon that has something to tell in every figure that does not need a fault.
async fn busy(home: &Home) -> Daemon {
    let daemon = home.start().await;
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let canary = |model: &str, gate: &str| {
        json!({ "modelId": model, "fromGate": "staging", "toGate": gate, "windowSeconds": 60,
                "targets": { "max_error_rate": 0.02 }, "policy": { "pollSeconds": 1 } })
    };
    daemon.ask("start_canary", canary("adder:2", "good")).await;
    let other = daemon.ask("start_canary", canary("adder:3", "other")).await;
    let abort = json!({ "canaryId": other["canaryId"] });
    daemon.ask("abort_canary", abort).await;
    daemon
}

async fn page_with_evidence(daemon: &Daemon) -> String {
    for _ in 0..200 {
        let page = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
        if page.contains("lukhas_mcp_canary_breach_evidence{canary=") {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no canary got evidence");
}

/// Every use of a figure in an expression, with the labels that it is selected by.
fn used(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let selector = Regex::new(r"\b(lukhas_mcp_\w+)(?:\{([^}]*)\})?").unwrap();
    let uses = selector.captures_iter(expression).map(|hit| {
        let name = hit[1].strip_suffix("_total").unwrap_or(&hit[1]).to_owned();
        (name, all(r"(\w+)\s*=~?", hit.get(2).map_or("", |labels| labels.as_str())))
    });
    uses.collect()
}

/// The labels that an expression groups by.
fn grouped(expression: &str) -> BTreeSet<String> {
    let lists = all(r"\b(?:by|on|without) \(([^)]*)\)", expression);
    lists.iter().flat_map(|list| list.split(',').map(|label| label.trim().to_owned())).collect()
}

/// What is wrong with an expression, seen from what the daemon shows.
fn complaints(expression: &str, figures: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut known_to_any: BTreeSet<&str> = OF_THE_SCRAPE.iter().copied().collect();
    for (name, labels) in used(expression) {
        let Some(there) = figures.get(&name) else {
            complaints.push(format!("there is no figure {name}: {expression}"));
            continue;
        };
        let mut known: BTreeSet<&str> = there.iter().map(String::as_str).collect();
        known.extend(OF_THE_SCRAPE);
        for label in labels.iter().filter(|label| !known.contains(label.as_str())) {
            complaints.push(format!("{name} has no label {label}: {expression}"));
        }
        known_to_any.extend(known);
    }
    for label in grouped(expression).iter().filter(|label| !known_to_any.contains(label.as_str())) {
        complaints.push(format!("nothing has a label {label}: {expression}"));
    }
    complaints
}

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/grafana-dashboard.json")).unwrap()
}

/// Every expression of the rules, one a line, and of the dashboard.
fn expressions() -> (Vec<String>, Vec<String>) {
    let rules = read("deploy/prometheus-rules.yml");
    let one = Regex::new(r"(?m)^ +expr: (\|\n(?: {10,}.*\n)+|.*\n)").unwrap();
    let rules = one.captures_iter(&rules).map(|hit| hit[1].replace('\n', " ")).collect();
    let board = dashboard();
    let panels = board["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
    let notes = board["annotations"]["list"].as_array().unwrap().iter().cloned();
    let shown = targets.chain(notes).filter_map(|one| Some(one["expr"].as_str()?.to_owned()));
    (rules, shown.collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rules_and_dashboard_use_the_figures_that_there_are() {
    let site = Site::start([("good", Face::failing(0.0)), ("other", Face::failing(0.0))]).await;
    let home = Home::new()
        .with_chat()
        .with("LUKHAS_SCRAPE_URL", &format!("http://{}/gates/$__gate/metrics", site.address))
        .with("PROM_TOTAL", "http_requests_total{gate=$__gate}")
        .with("PROM_ERRORS", r#"http_requests_total{gate=$__gate,code=~"5.."}"#)
        .with("LUKHAS_MCP_WEBHOOKS", "http://127.0.0.1:9/nobody")
        .with("LUKHAS_MCP_WEBHOOK_SIGNING_KEYS", "a-signing-key-of-the-pack");
    let daemon = busy(&home).await;
    let figures = figures(&page_with_evidence(&daemon).await);
    let (rules, shown) = expressions();
    assert!(30 <= rules.len() && 40 <= shown.len(), "{} and {}", rules.len(), shown.len());
    let wrong: Vec<_> =
        rules.iter().chain(&shown).flat_map(|expr| complaints(expr, &figures)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    // A figure that nobody looks at is one too many, or one forgotten.
    let used: BTreeSet<_> =
        rules.iter().chain(&shown).flat_map(|expr| used(expr)).map(|(name, _)| name).collect();
    let forgotten: Vec<_> = figures.keys().filter(|name| !used.contains(*name)).collect();
    assert!(forgotten.is_empty(), "neither the rules nor the dashboard use {forgotten:?}");
}

#[test]
fn every_alert_has_its_runbook_and_every_runbook_its_alert() {
    let rules = read("deploy/prometheus-rules.yml");
    let alerts = all(r"(?m)^ +- alert: (\w+)$", &rules);
    assert!(20 <= alerts.len(), "{alerts:?}");
    assert_eq!(all(r"(?m)^## (\w+)$", &read("docs/runbooks.md")), alerts);
    let leads_to: BTreeSet<_> = alerts.iter().map(|alert| alert.to_lowercase()).collect();
    assert_eq!(all(r"runbook_url: docs/runbooks\.md#(\w+)", &rules), leads_to);
    let tried =
        all(r#"(?:alertname="|alertname: )(\w+)"#, &read("deploy/prometheus-rules.test.yml"));
    assert_eq!(tried, alerts, "each alert has a case that makes it fire");

    let rule = Regex::new(r"(?ms)^ +- alert: (\w+)$(.*?)(?:^$|\z)").unwrap();
    for hit in rule.captures_iter(&rules) {
        let (name, body) = (&hit[1], &hit[2]);
        for needed in ["expr:", "severity: ", "summary: ", "description: ", "runbook_url: "] {
            assert!(body.contains(needed), "{name} has no {needed}");
        }
        let severity = all(r"severity: (\w+)", body);
        assert!(
            ["critical", "warning", "info"].iter().any(|known| severity.contains(*known)),
            "{name}: {severity:?}"
        );
    }
}

#[test]
fn the_dashboard_can_be_loaded_and_nothing_in_it_overlaps() {
    let board = dashboard();
    let panels = board["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut cells = BTreeMap::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is there twice");
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24 && 0 < at("w") && 0 < at("h"), "{title}: out of the grid");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                let there = cells.insert((x, y), title);
                assert!(there.is_none(), "{title} lies over {}", there.unwrap());
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(panel["description"].as_str().is_some_and(|text| text.ends_with('.')), "{title}");
        assert!(panel["fieldConfig"]["defaults"].is_object(), "{title}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title} shows nothing");
        let letters: BTreeSet<_> = targets.iter().map(|target| target["refId"].as_str()).collect();
        assert_eq!(letters.len(), targets.len(), "{title}");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            assert!(target["expr"].as_str().unwrap().contains("$instance"), "{title}");
        }
    }
    let variables = board["templating"]["list"].as_array().unwrap();
    let names: Vec<_> =
        variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "job", "instance"]);
}
