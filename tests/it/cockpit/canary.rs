//! A canary as a page follows it: its evidence look by look, and its report afterwards.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Response;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::canaries::site::{Face, Site};
use crate::canaries::{begin, home, status, until, until_over};
use crate::golden::events::frames;
use crate::harness::{Daemon, read_until};

/// A canary that is rolled back because every tenth request fails, and the events about it.
pub async fn rolled_back(daemon: &Daemon) -> (String, String) {
    let mut stream = daemon.sse("topic=canary/*").await;
    let policy = json!({
        "windowSeconds": 8, "pollSeconds": 0.5, "targets": { "max_error_rate": 0.02 },
    });
    let id = begin(daemon, "production", &policy).await;
    let heard = read_until(&mut stream, |text| text.contains("event: rolled_back")).await;
    until_over(daemon, &id, Duration::from_secs(10)).await;
    (id, heard)
}

pub async fn site() -> Site {
    Site::start([("production", Face::failing(0.1))]).await
}

#[tokio::test]
async fn the_evidence_grows_with_each_look_and_is_the_same_wherever_it_is_told() {
    let site = site().await;
    let home = home(&site);
    let mut daemon = home.start().await;
    let (id, heard) = rolled_back(&daemon).await;
    let looks: Vec<Value> = frames(&heard)
        .iter()
        .filter(|frame| frame.event() == "metric")
        .map(crate::golden::events::Frame::data)
        .collect();
    assert!(1 < looks.len(), "{heard}");
    let requests = |look: &Value| look["evidence"]["error_rate"]["requests"].as_u64().unwrap();
    assert!(looks.is_sorted_by_key(requests), "{heard}");
    let remaining = |look: &Value| -look["remainingSeconds"].as_f64().unwrap();
    assert!(looks.windows(2).all(|pair| remaining(&pair[0]) < remaining(&pair[1])), "{heard}");
    let last = &looks[looks.len() - 1]["evidence"]["error_rate"];
    assert!(last["breachAt"].as_f64() <= last["breach"].as_f64(), "{last}");
    assert_eq!(last["target"], 0.02);
    assert!(last["low"].as_f64() < last["estimate"].as_f64(), "{last}");
    assert!(last["estimate"].as_f64() < last["high"].as_f64(), "{last}");

    let ask = json!({ "canaryId": id, "series": true });
    let series = daemon.ask("canary_status", ask.clone()).await["series"].clone();
    let points = series.as_array().unwrap();
    assert_eq!(points.len(), looks.len());
    for (point, look) in points.iter().zip(&looks) {
        for member in ["poll", "elapsedSeconds", "latency_p95_ms", "error_rate", "dataQuality"] {
            assert_eq!(point[member], look[member], "{member}");
        }
        for member in ["breach", "proof"] {
            let (of_point, of_look) =
                (&point["evidence"]["error_rate"], &look["evidence"]["error_rate"]);
            assert_eq!(of_point[member], of_look[member], "{member}");
        }
    }
    let without = daemon.ask("canary_status", json!({ "canaryId": id })).await;
    assert!(without.get("series").is_none(), "{without}");

    let before = first_seen(&daemon).await;
    assert_eq!(before["evidence"]["error_rate"], *last);
    let newest = &looks[looks.len() - 1];
    assert_eq!(before["error_rate"], newest["error_rate"]);
    assert_eq!(before["dataQuality"], "ok");
    let listed = daemon.ask("list_canaries", json!({})).await["canaries"][0].clone();
    for (member, value) in listed.as_object().unwrap() {
        assert_eq!(&before[member], value, "{member}");
    }
    daemon.terminate().await;
    let daemon = home.start().await;
    assert_eq!(first_seen(&daemon).await, before);
    let status = daemon.ask("canary_status", ask).await;
    assert_eq!(status["series"], series);
    for member in ["latency_p95_ms", "error_rate", "dataQuality", "evidence"] {
        assert_eq!(status["standing"][member], before[member], "{member}");
    }
}

/// The newest canary of a first look.
async fn first_seen(daemon: &Daemon) -> Value {
    let mut stream = daemon.sse("topic=canary/*&snapshot=1").await;
    let text = read_until(&mut stream, |text| frames(text).len() == 2).await;
    frames(&text)[1].data()["canaries"][0].clone()
}

#[tokio::test]
async fn a_first_look_knows_what_is_left_of_a_window() {
    let site = site().await;
    let home = home(&site);
    let daemon = home.start().await;
    let policy = json!({
        "windowSeconds": 600, "pollSeconds": 0.5,
        "targets": { "max_error_rate": 0.9 },
    });
    let id = begin(&daemon, "production", &policy).await;
    let remaining = |canary: &Value| canary["remainingSeconds"].as_f64().unwrap();
    until(&daemon, &id, Duration::from_secs(10), |canary| remaining(canary) < 600.0).await;
    let before = remaining(&status(&daemon, &id).await);
    let seen = remaining(&first_seen(&daemon).await);
    let after = remaining(&status(&daemon, &id).await);
    assert!(after <= seen && seen <= before, "{before}, {seen}, {after}");
    daemon.call("abort_canary", json!({ "canaryId": id })).await;
    until_over(&daemon, &id, Duration::from_secs(10)).await;
    assert_eq!(first_seen(&daemon).await["remainingSeconds"], 0.0);
}

/// The text of an answer whose digest is that of its body.
async fn intact(answer: Response) -> String {
    let told = answer.headers()["repr-digest"].to_str().unwrap().to_owned();
    let body = answer.bytes().await.unwrap();
    assert_eq!(told, format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&body))));
    String::from_utf8(body.to_vec()).unwrap()
}

async fn report(daemon: &Daemon, id: &str, format: &str, kind: &str) -> String {
    let path = format!("/api/report/{id}?format={format}");
    let answer = daemon.get(&path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), kind);
    let name = format!("attachment; filename=\"{id}.{format}\"");
    assert_eq!(header("content-disposition"), name);
    assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
    let text = intact(answer).await;
    let again = daemon.get(&path).send().await.unwrap();
    assert_eq!(intact(again).await, text, "nothing happened in between");
    text
}

#[tokio::test]
async fn a_report_has_everything_in_three_forms() {
    let site = site().await;
    let home = home(&site);
    let daemon = home.start().await;
    let (id, heard) = rolled_back(&daemon).await;
    let looks = heard.matches("event: metric").count();
    let whole: Value =
        serde_json::from_str(&report(&daemon, &id, "json", "application/json").await).unwrap();
    let status = daemon.ask("canary_status", json!({ "canaryId": id, "series": true })).await;
    assert_eq!((&whole["id"], &whole["kind"]), (&json!(id), &json!("canary")));
    for member in ["status", "reason", "policy", "decisionId"] {
        assert_eq!(whole["status"][member], status[member], "{member}");
    }
    assert_eq!(whole["evidence"], status["evidence"]);
    assert_eq!(whole["series"], status["series"]);
    assert_eq!(whole["decisions"][0]["intact"], true);
    assert_eq!(whole["decisions"][0]["hash"], status["decisions"][0]["hash"]);
    let facts = daemon.ask("why", json!({ "id": id })).await["facts"].clone();
    let (told, known) = (whole["facts"].as_array().unwrap(), facts.as_array().unwrap());
    assert_eq!(told.len(), known.len());
    for (told, known) in told.iter().zip(known) {
        for (member, value) in known.as_object().unwrap() {
            assert_eq!(&told[member], value, "{member}");
        }
        assert_eq!(told["prevHash"].as_str().unwrap().len(), 64);
    }

    let page = report(&daemon, &id, "md", "text/markdown; charset=utf-8").await;
    for part in [
        "## Story",
        "## Numbers",
        "## Decisions",
        "## Looks",
        "## Record",
        "error_rate_breach",
        known[0]["hash"].as_str().unwrap(),
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
    let table = report(&daemon, &id, "csv", "text/csv; charset=utf-8").await;
    assert_eq!(table.matches("\r\n").count(), 1 + looks, "{table}");
    let columns = table.lines().map(|line| line.split(',').count()).collect::<Vec<_>>();
    assert!(columns.iter().all(|count| *count == 10), "{table}");
}

#[tokio::test]
async fn jobs_and_models_have_reports_and_nothing_else_has() {
    let home = crate::harness::Home::new();
    let daemon = home.start().await;
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let promotion = json!({ "modelId": "adder:2", "gate": "production" });
    daemon.call("promote_model", promotion).await;
    for (id, facts) in [(job.as_str(), 3), ("adder:2", 2)] {
        let whole: Value =
            serde_json::from_str(&report(&daemon, id, "json", "application/json").await).unwrap();
        let count = whole["facts"].as_array().unwrap().len();
        assert!(facts <= count, "{whole}");
        let table = report(&daemon, id, "csv", "text/csv; charset=utf-8").await;
        assert_eq!(table.matches("\r\n").count(), 1 + count, "{table}");
        let page = report(&daemon, id, "md", "text/markdown; charset=utf-8").await;
        assert!(page.starts_with(&format!("# {id}\n")) && page.contains("## Record"), "{page}");
    }
    let head = reqwest::Client::new().head(format!("{}/api/report/adder:2", daemon.url));
    let head = head.send().await.unwrap();
    assert!(head.status() == 200 && head.headers().contains_key("repr-digest"));
    for (path, status) in [
        ("/api/report/adder:2", 200),
        ("/api/report/adder:2?format=pdf", 400),
        ("/api/report/adder:2?format=", 400),
        ("/api/report/adder:2?form=json", 400),
        ("/api/report/adder:2?format=md&format=md", 400),
        ("/api/report/adder:9", 404),
        ("/api/report/job_V1StGXR8_Z5jdHi6B-myT", 404),
        ("/api/report/..%2F..%2Fetc%2Fpasswd", 404),
        ("/api/report/", 404),
    ] {
        let answer = daemon.get(path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let answer: Value = answer.json().await.unwrap();
        if status == 400 {
            assert!(answer["message"].as_str().unwrap().contains("json, md, csv"), "{answer}");
        }
    }
}
