//! A collector that is away, silent or broken, and one that cannot be used.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::collector::{Collector, Doing};
use crate::harness::{Daemon, Home};

/// How long a hundred answers take.
async fn hundred(daemon: &Daemon) -> Duration {
    let began = Instant::now();
    for _ in 0..100 {
        daemon.call("list_jobs", json!({})).await;
    }
    began.elapsed()
}

async fn figure(daemon: &Daemon, name: &str) -> f64 {
    let text = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    let line =
        text.lines().find_map(|line| line.strip_prefix(&format!("lukhas_mcp_{name}_total{{}} ")));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[tokio::test]
async fn a_collector_that_does_not_listen_costs_no_answer_and_no_stop() {
    let refused = Collector::start(Doing::Answers(400)).await;
    let broken = Collector::start(Doing::Answers(500)).await;
    let silent = Collector::start(Doing::Silence).await;
    let away = "http://127.0.0.1:9".to_owned();
    for (what, url) in [
        ("refuses", &refused.url),
        ("broken", &broken.url),
        ("silent", &silent.url),
        ("away", &away),
    ] {
        let home = Home::new()
            .with("OTEL_EXPORTER_OTLP_ENDPOINT", url)
            .with("OTEL_EXPORTER_OTLP_TIMEOUT", "1500");
        let mut daemon = home.start().await;
        let took = hundred(&daemon).await;
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
        let patience = Instant::now();
        while figure(&daemon, "spans_dropped").await < 200.0 {
            assert!(patience.elapsed() < Duration::from_secs(15), "{what}: nothing was given up");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(figure(&daemon, "spans_delivered").await < 1.0, "{what}");
        let complains =
            |line: &str| line.contains("the collector of traces does not take all spans");
        daemon.until_logged(complains).await;
        hundred(&daemon).await;
        let began = Instant::now();
        assert!(daemon.terminate().await.success(), "{what}");
        let took = began.elapsed();
        assert!(took < Duration::from_millis(3500), "{what}: the stop took {took:?}");
        let times = daemon.log().iter().filter(|line| complains(line)).count();
        assert_eq!(times, 1, "{what}: one line a minute");
    }
}

#[tokio::test]
async fn a_stop_sends_what_is_left() {
    let collector = Collector::start(Doing::Answers(200)).await;
    let home = Home::new().with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    let mut daemon = home.start().await;
    hundred(&daemon).await;
    let began = Instant::now();
    assert!(daemon.terminate().await.success());
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(collector.spans().len(), 200);
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_at_the_start_and_what_is_off_is_not_looked_at() {
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=s3cret"),
        ("OTEL_TRACES_SAMPLER", "xray"),
    ] {
        let at = "http://127.0.0.1:9";
        let home = Home::new().with("OTEL_EXPORTER_OTLP_ENDPOINT", at).with(variable, value);
        let output = home.command(&["serve", "--port", "0"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{variable}: {said}");
        assert!(!said.contains("s3cret") && said.lines().count() < 3, "{variable}: {said}");
    }
    let home = Home::new()
        .with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .with("OTEL_TRACES_EXPORTER", "none");
    home.start().await.call("list_jobs", json!({})).await;
}
