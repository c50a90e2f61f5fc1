//! What a page shows of the daemon's own parts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::canaries::site::{Face, Site};
use crate::canaries::{begin, home, until};
use crate::harness::{Home, PATIENCE};

fn by<'a>(rows: &'a Value, member: &str) -> BTreeMap<&'a str, &'a Value> {
    rows.as_array().unwrap().iter().map(|row| (row[member].as_str().unwrap(), row)).collect()
}

#[tokio::test]
async fn every_part_says_how_it_is() {
    let home = Home::new();
    let daemon = home.start().await;
    let running = daemon.run_eval("sleep").await;
    daemon.until(&running, &["RUNNING"]).await;
    let _stream = daemon.sse("topic=jobs").await;
    let told = daemon.ask("get_infrastructure_status", json!({})).await;

    let actors = by(&told["actors"], "actor");
    for kind in [
        "database",
        "broadcast",
        "jobs",
        "job",
        "canaries",
        "gates",
        "audit keeper",
        "housekeeping",
    ] {
        let actor = actors.get(kind).unwrap_or_else(|| panic!("no {kind}: {told}"));
        let expected = json!({
            "actor": kind, "alive": 1, "restarts": 0, "givenUp": 0, "lastFailureAt": null,
        });
        assert_eq!(**actor, expected);
    }
    let queues = by(&told["queues"], "queue");
    for (queue, depth) in [("open jobs", 1), ("running jobs", 1), ("readers of events", 1)] {
        assert_eq!(queues[queue]["depth"], depth, "{told}");
    }
    for queue in
        queues.values().filter(|queue| queue["queue"] != "webhooks with something to deliver")
    {
        assert!(0 < queue["limit"].as_u64().unwrap(), "{queue}");
    }
    assert_eq!(queues["writes waiting for a commit"]["limit"], 1024);
    let database = &told["database"];
    let time = |name: &str| database["commitMs"][name].as_f64().unwrap();
    assert!(0.0 < database["lastCommitMs"].as_f64().unwrap(), "{database}");
    assert!(0.0 < time("p50") && time("p50") <= time("p99") && time("p99") <= time("max"));
    let unused = json!([
        { "adapter": "metrics", "kind": null, "state": "unused", "failures": 0,
          "lastError": null, "retryInSeconds": null },
        { "adapter": "registry", "kind": "local", "state": "unused", "failures": 0,
          "lastError": null, "retryInSeconds": null },
    ]);
    assert_eq!(told["adapters"], unused);
    assert_eq!(told["stream"]["readers"], 1);
    assert!(2 <= told["stream"]["published"].as_u64().unwrap(), "{told}");
}

#[tokio::test]
async fn a_server_that_fails_is_told_with_its_reason_and_without_its_address() {
    let site = Site::start([("production", Face::Dead)]).await;
    let home = home(&site);
    let daemon = home.start().await;
    let policy = json!({
        "windowSeconds": 60, "pollSeconds": 0.5, "targets": { "max_error_rate": 0.02 },
    });
    let id = begin(&daemon, "production", &policy).await;
    until(&daemon, &id, PATIENCE, |shown| 1 < shown["polls"].as_i64().unwrap()).await;
    let told = daemon.ask("get_infrastructure_status", json!({})).await;
    let metrics = &told["adapters"][0];
    assert_eq!((&metrics["adapter"], &metrics["kind"]), (&json!("metrics"), &json!("scrape")));
    assert!(1 < metrics["failures"].as_u64().unwrap(), "{metrics}");
    let why = metrics["lastError"].as_str().unwrap();
    assert!(why.contains("the page of metrics") && !why.contains(&site.address), "{why}");
    site.becomes("production", Face::failing(0.0));
    until(&daemon, &id, PATIENCE, |shown| 5 < shown["polls"].as_i64().unwrap()).await;
    let told = daemon.ask("get_infrastructure_status", json!({})).await;
    assert_eq!(told["adapters"][0]["state"], "closed");
    assert_eq!(told["adapters"][0]["failures"], 0);
}
