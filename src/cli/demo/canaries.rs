//! Canaries of the demo's model server: a good version and a bad one, each until it is decided, and
//! one that is left to be watched.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{indented, model_server};
use crate::cli::exit::Failure;
use crate::client::{Daemon, EventStream};

/// The model of the demo, without its version.
const MODEL: &str = "adder";

/// How long a canary is watched whose decision the demo tells, in seconds.
const WINDOW: u32 = 15;

/// How long the one is watched that is left running, in seconds.
const LONG_WINDOW: u32 = 300;

/// Watches both versions and returns the canary of the bad one.
pub(super) async fn show(daemon: &Daemon, server: SocketAddr) -> Result<String, Failure> {
    println!(
        "Now two canaries. A model server at http://{server} answers 50 requests a second for"
    );
    println!("each version of {MODEL}, and the daemon reads its /metrics.\n");
    let call = json!({ "modelId": format!("{MODEL}:1"), "gate": "production" });
    println!("promote_model {call}\n");
    daemon.call("promote_model", &call).await?;
    watch(daemon, server, 2).await?;
    watch(daemon, server, 3).await
}

/// Leaves a good version running for a while, asked by somebody for as long as the demo serves.
pub(super) async fn leave_one_running(daemon: &Daemon, server: SocketAddr) -> Result<(), Failure> {
    let model = format!("{MODEL}:4");
    start(daemon, &model, LONG_WINDOW).await?;
    actix::spawn(async move { model_server::ask_for_ever(server, &model).await });
    Ok(())
}

async fn watch(daemon: &Daemon, server: SocketAddr, version: u32) -> Result<String, Failure> {
    let model = format!("{MODEL}:{version}");
    let asked = model.clone();
    let requests = actix::spawn(async move { model_server::ask_for_ever(server, &asked).await });
    let mut stream = daemon.events("canary/*").await?;
    let canary = start(daemon, &model, WINDOW).await?;
    follow(&mut stream, &canary).await?;
    requests.abort();
    let why = daemon.call("why", &json!({ "id": canary })).await?;
    println!("\nWhy? Its story:\n\n{}", indented(&why["content"][1]["text"]));
    let gates = daemon.call("list_models", &json!({ "gate": "production" })).await?;
    let models = gates["structuredContent"]["models"].as_array().cloned().unwrap_or_default();
    let ids: Vec<&str> = models.iter().filter_map(|model| model["modelId"].as_str()).collect();
    println!("  production: {}\n", ids.join(", "));
    Ok(canary)
}

async fn start(daemon: &Daemon, model: &str, window: u32) -> Result<String, Failure> {
    let call = json!({
        "modelId": model, "fromGate": "staging", "toGate": "production", "windowSeconds": window,
        "targets": { "max_error_rate": 0.02, "latency_p95_ms": 50 },
    });
    println!("start_canary {call}");
    let started = daemon.call("start_canary", &call).await?;
    let started = &started["structuredContent"];
    let canary = started["canaryId"].as_str().unwrap_or_default().to_owned();
    println!("  -> {canary} {}", started["status"]);
    println!("  {}\n", started["feasibility"]["sentence"].as_str().unwrap_or_default());
    Ok(canary)
}

async fn follow(stream: &mut EventStream, canary: &str) -> Result<(), Failure> {
    while let Some(event) = stream.next().await? {
        if event.data["canaryId"] != canary {
            continue;
        }
        let detail = match event.name.as_str() {
            "metric" => measured(&event.data),
            "update" => event.data["phase"].as_str().unwrap_or_default().to_owned(),
            "promoted" | "rolled_back" => {
                event.data["reason"].as_str().unwrap_or_default().to_owned()
            }
            _ => String::new(),
        };
        println!("  event {:>3} {:<11} {detail}", event.id.unwrap_or_default(), event.name);
        if matches!(event.name.as_str(), "promoted" | "rolled_back") {
            return Ok(());
        }
    }
    Err(Failure::new("the event stream ended before the canary did"))
}

fn measured(data: &Value) -> String {
    let seconds = data["elapsedSeconds"].as_f64().unwrap_or_default();
    let number = |name: &str| data[name].as_f64();
    let errors =
        number("error_rate").map_or_else(|| "-".to_owned(), |e| format!("{:.1} %", e * 100.0));
    let latency = number("latency_p95_ms").map_or_else(|| "-".to_owned(), |l| format!("{l:.1} ms"));
    format!("{seconds:>5.1} s: errors {errors}, p95 {latency}")
}
