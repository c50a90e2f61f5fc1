//! Canaries that are watched through a real Prometheus, by counters and by queries.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::site::{Face, Site};
use super::{begin, ending, targets, until, until_over, version_in};
use crate::harness::{Daemon, Home, PATIENCE as LONG};
use crate::metrics::SELECTORS;
use crate::metrics::servers::Server;

/// How long after its start a canary may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(45);

/// The share of failures, zero where there was none yet, and the latency.
const QUERIES: &[(&str, &str)] = &[
    (
        "PROM_Q_ERR",
        "(sum(rate(http_requests_total{gate=$__gate,code=~\"5..\"}[$__window])) or vector(0)) \
         / sum(rate(http_requests_total{gate=$__gate}[$__window]))",
    ),
    (
        "PROM_Q_LAT",
        "1000 * histogram_quantile(0.95, sum by (le) \
         (rate(http_request_duration_seconds_bucket{gate=$__gate}[$__window])))",
    ),
];

fn home(server: &Server, variables: &[(&str, &str)]) -> Home {
    let home = Home::new().with("PROM_URL", &server.url);
    variables.iter().fold(home, |home, (name, value)| home.with(name, value))
}

/// Waits until the server has read so many seconds of a gate of each target.
async fn until_read(server: &Server, gates: &[&str], seconds: u32) {
    let (client, began) = (Client::new(), Instant::now());
    for gate in gates {
        let series = format!("http_requests_total{{gate=\"{gate}\",code=\"200\"}}");
        let query = format!("count_over_time({series}[1m])");
        loop {
            let asked = client
                .get(format!("{}/api/v1/query", server.url))
                .query(&[("query", &query)])
                .send();
            let answer: Value = asked.await.unwrap().json().await.unwrap();
            let samples = answer["data"]["result"][0]["value"][1].as_str().unwrap_or("0");
            if seconds <= samples.parse().unwrap() {
                break;
            }
            assert!(began.elapsed() < LONG, "{gate} is not read: {answer}");
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Checks how a canary ended, what stands in its gate, and that the decision can be made again.
async fn ends(daemon: &Daemon, (gate, id): (&str, &str), status: &str, reasons: &[&str]) -> Value {
    let shown = until_over(daemon, id, PATIENCE).await;
    let (ended, reason) = ending(&shown);
    assert_eq!(ended, status, "{gate}: {shown}");
    assert!(reasons.contains(&reason), "{gate}: {reason}: {shown}");
    assert_eq!(version_in(daemon, gate).await, if status == "PROMOTED" { "2" } else { "1" });
    let replay = daemon.ask("replay_decision", json!({ "id": id })).await;
    assert_eq!(replay["matches"], true, "{gate}: {replay}");
    shown
}

fn elapsed(shown: &Value) -> f64 {
    shown["elapsedSeconds"].as_f64().unwrap()
}

/// Counters, a window of twelve seconds, and a target that dies.
async fn by_counters(server: &Server, mortal: Site) {
    let home = home(server, SELECTORS);
    let daemon = home.start().await;
    let policy = json!({ "windowSeconds": 12, "pollSeconds": 1, "targets": targets() });
    let good = begin(&daemon, "good", &policy).await;
    let also_good = begin(&daemon, "also-good", &policy).await;
    let bad = begin(&daemon, "bad", &policy).await;
    let slow = begin(&daemon, "slow", &policy).await;
    let absent = begin(&daemon, "absent", &policy).await;
    let dying = begin(&daemon, "mortal", &policy).await;

    let seen = |shown: &Value| 4 <= shown["polls"].as_i64().unwrap();
    let alive = until(&daemon, &dying, PATIENCE, seen).await["polls"].as_i64().unwrap();
    drop(mortal);
    let dead = ends(&daemon, ("mortal", &dying), "ROLLED_BACK", &["no_data"]).await;
    let missing = dead["observations"].as_array().unwrap().iter();
    let missing = missing.filter(|one| one["dataQuality"] == "missing");
    let first = missing.map(|one| one["poll"].as_i64().unwrap()).min().unwrap();
    // A poll may be under way when it dies, and the newest sample is good for two and a half.
    assert!(first <= alive + 4, "noticed {} polls later", first - alive);
    assert_eq!(dead["polls"], first + 2, "and given up two polls after that");

    for (gate, id) in [("good", &good), ("also-good", &also_good)] {
        let shown = ends(&daemon, (gate, id), "PROMOTED", &["conforms"]).await;
        assert!((12.0..15.0).contains(&elapsed(&shown)), "{gate}: {shown}");
    }
    let shown = ends(&daemon, ("bad", &bad), "ROLLED_BACK", &["error_rate_breach"]).await;
    assert!(elapsed(&shown) < 12.0, "{shown}");
    let shown = ends(&daemon, ("slow", &slow), "ROLLED_BACK", &["latency_breach"]).await;
    assert!(elapsed(&shown) < 12.0, "{shown}");
    let shown = ends(&daemon, ("absent", &absent), "ROLLED_BACK", &["no_data"]).await;
    assert_eq!(shown["polls"], 3, "an empty answer is nothing to see: {shown}");
}

/// Queries alone and a window of twenty seconds: the evidence is weak and must do.
async fn by_queries(server: &Server) {
    let home = home(server, QUERIES);
    let daemon = home.start().await;
    let policy = json!({ "windowSeconds": 20, "targets": targets() });
    let good = begin(&daemon, "good", &policy).await;
    let bad = begin(&daemon, "bad", &policy).await;
    let slow = begin(&daemon, "slow", &policy).await;
    let absent = begin(&daemon, "absent", &policy).await;
    let idle = begin(&daemon, "idle", &policy).await;

    // An empty vector over an empty vector, and zero by zero, which is NaN.
    for (gate, id) in [("absent", &absent), ("idle", &idle)] {
        let shown = ends(&daemon, (gate, id), "ROLLED_BACK", &["no_data"]).await;
        let first = &shown["observations"][0];
        assert_eq!(first["error_rate"], 1.0, "{gate}: {first}");
        assert_eq!(first["latency_p95_ms"], 9999.0, "{gate}: {first}");
    }
    for (gate, id, reason) in
        [("bad", &bad, "error_rate_breach"), ("slow", &slow, "latency_breach")]
    {
        let shown = ends(&daemon, (gate, id), "ROLLED_BACK", &[reason]).await;
        assert!(elapsed(&shown) < 20.0, "{gate}: {shown}");
    }
    // There never was a failure, and so no series of failures.
    let shown = ends(&daemon, ("good", &good), "PROMOTED", &["conforms"]).await;
    assert!((20.0..24.0).contains(&elapsed(&shown)), "{shown}");
    assert_eq!(shown["evidence"]["strength"], "weak", "{shown}");
    let why = daemon.call("why", json!({ "id": good })).await;
    assert!(why["content"][1]["text"].as_str().unwrap().contains("weak evidence"), "{why}");
}

/// Without `or vector(0)`, a gate that never failed has no series of failures: nothing to see.
/// With it around everything, a gate that nobody serves seems to be without failures; it has no
/// latency either, so that it is not promoted.
async fn by_careless_queries(server: &Server) {
    let fraction = "sum(rate(http_requests_total{gate=$__gate,code=~\"5..\"}[$__window]))";
    let zero = format!("{fraction} or vector(0)");
    let plain = home(server, &[("PROM_Q_ERR", fraction), QUERIES[1]]);
    let zeroed = home(server, &[("PROM_Q_ERR", &zero), QUERIES[1]]);
    let (plain, zeroed) = (plain.start().await, zeroed.start().await);
    let policy = json!({ "windowSeconds": 8, "targets": targets() });
    let good = begin(&plain, "good", &policy).await;
    let absent = begin(&zeroed, "absent", &policy).await;
    ends(&plain, ("good", &good), "ROLLED_BACK", &["no_data"]).await;
    ends(&zeroed, ("absent", &absent), "ROLLED_BACK", &["no_data"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gates_behind_a_real_prometheus_get_what_they_deserve() {
    let site = Site::start([
        ("good", Face::failing(0.0)),
        ("also-good", Face::failing(0.005)),
        ("bad", Face::failing(0.4)),
        ("slow", Face::slow(0.5)),
        ("idle", Face::idle()),
    ])
    .await;
    let mortal = Site::start([("mortal", Face::failing(0.0))]).await;
    let targets = [site.address.as_str(), mortal.address.as_str()];
    let server = Server::prometheus(&targets, "canaries behind a real Prometheus").await;
    let Some(server) = server else { return };
    // Queries look back five seconds.
    until_read(&server, &["good", "mortal"], 6).await;
    tokio::join!(by_counters(&server, mortal), by_queries(&server), by_careless_queries(&server));
}
