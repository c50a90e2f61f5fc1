//! Canaries from their start to their end: the real binary, real pages of metrics, real kills.

mod aborted;
mod killed;
mod prometheus;
mod scraped;
pub mod site;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::site::Site;
use crate::harness::{Daemon, Home};
use crate::metrics::SELECTORS;

/// A home whose canaries are watched by reading the pages of a site.
pub fn home(site: &Site) -> Home {
    watched(Home::new(), site)
}

/// The same of a home with settings of its own.
pub fn watched(home: Home, site: &Site) -> Home {
    let page = format!("http://{}/gates/$__gate/metrics", site.address);
    let home = home.with("LUKHAS_SCRAPE_URL", &page);
    SELECTORS.iter().fold(home, |home, (name, value)| home.with(name, value))
}

/// Targets that a gate without faults meets easily.
pub fn targets() -> Value {
    json!({ "latency_p95_ms": 250, "max_error_rate": 0.05 })
}

/// Puts version 1 of a gate's model into it, and starts a canary of version 2.
pub async fn begin(daemon: &Daemon, gate: &str, policy: &Value) -> String {
    let old = json!({ "modelId": format!("{gate}-model:1"), "gate": gate });
    daemon.ask("promote_model", old).await;
    let new = json!({
        "modelId": format!("{gate}-model:2"), "fromGate": "stage", "toGate": gate, "policy": policy,
    });
    daemon.ask("start_canary", new).await["canaryId"].as_str().unwrap().to_owned()
}

/// Which version of its model stands in a gate.
pub async fn version_in(daemon: &Daemon, gate: &str) -> String {
    let listed = daemon.ask("list_models", json!({ "gate": gate })).await;
    let model = listed["models"][0]["modelId"].as_str().unwrap_or_default();
    model.rsplit(':').next().unwrap().to_owned()
}

/// How a canary stands.
pub async fn status(daemon: &Daemon, id: &str) -> Value {
    daemon.ask("canary_status", json!({ "canaryId": id, "observations": 500 })).await
}

/// Waits until a canary is as it should be, and returns it.
pub async fn until(
    daemon: &Daemon,
    id: &str,
    patience: Duration,
    enough: impl Fn(&Value) -> bool,
) -> Value {
    let began = Instant::now();
    loop {
        let shown = status(daemon, id).await;
        if enough(&shown) {
            return shown;
        }
        assert!(began.elapsed() < patience, "it takes too long: {shown}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a canary is over, and returns it.
pub async fn until_over(daemon: &Daemon, id: &str, patience: Duration) -> Value {
    until(daemon, id, patience, |shown| shown["phase"] == "over").await
}

/// Status and reason of a canary.
pub fn ending(shown: &Value) -> (&str, &str) {
    (shown["status"].as_str().unwrap(), shown["reason"].as_str().unwrap_or_default())
}
