//! What the earlier server answered, and what this one does instead of its faults.

use serde_json::{Value, json};

use crate::canaries;
use crate::canaries::site::{Face, Site};
use crate::golden::text;
use crate::harness::{Daemon, Home};

const RECORDED: &str = include_str!("../../fixtures/golden.jsonl");

/// A recorded request and its answer.
pub(super) fn recorded(name: &str) -> (Value, Value) {
    let lines = RECORDED.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = lines.into_iter().find(|line| line["name"] == name);
    let found = found.unwrap_or_else(|| panic!("{name} is not recorded"));
    (found["request"].clone(), found["response"].clone())
}

/// Sends a recorded request, its arguments changed where they name what was made then.
pub(super) async fn replay(daemon: &Daemon, request: &Value, arguments: Value) -> (u16, String) {
    let url = format!("{}{}", daemon.url, request["path"].as_str().unwrap());
    let method = request["method"].as_str().unwrap().parse().unwrap();
    let mut sent = reqwest::Client::new().request(method, url);
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        sent = sent.header(name, value.as_str().unwrap());
    }
    if let Some(body) = request.get("body") {
        let mut body = body.clone();
        if let Value::Object(changed) = arguments {
            body["params"]["arguments"].as_object_mut().unwrap().extend(changed);
        }
        sent = sent.body(body.to_string());
    }
    let answer = sent.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// That everything recorded is there, with the same kind of value. More may be there.
#[track_caller]
fn has_the_shape_of(name: &str, recorded: &Value, answered: &Value) {
    match (recorded, answered) {
        (Value::Object(recorded), Value::Object(answered)) => {
            for (key, value) in recorded {
                let there = answered.get(key);
                let there =
                    there.unwrap_or_else(|| panic!("{name}: {key} is missing: {answered:?}"));
                has_the_shape_of(&format!("{name}.{key}"), value, there);
            }
        }
        (Value::Array(recorded), Value::Array(answered)) => {
            for (recorded, answered) in recorded.iter().zip(answered) {
                has_the_shape_of(name, recorded, answered);
            }
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Null, Value::Null) => {}
        _ => panic!("{name}: {answered} where {recorded} was recorded"),
    }
}

/// The answer of a tool: the recorded one and ours, both unwrapped, after the envelope was compared.
#[track_caller]
pub(super) fn answers(name: &str, response: &Value, status: u16, body: &str) -> (Value, Value) {
    assert_eq!(u64::from(status), response["status"].as_u64().unwrap(), "{name}: {body}");
    let body: Value = serde_json::from_str(body).unwrap();
    has_the_shape_of(name, &response["body"], &body);
    assert_eq!(body["id"], response["body"]["id"], "{name}");
    let unwrapped = |body: &Value| serde_json::from_str::<Value>(text(&body["result"])).unwrap();
    let (then, now) = (unwrapped(&response["body"]), unwrapped(&body));
    has_the_shape_of(name, &then, &now);
    assert_eq!(body["result"]["structuredContent"], now, "{name}");
    (then, now)
}

#[tokio::test]
async fn jobs_answer_as_they_were_recorded() {
    let home = Home::new().with("LUKHAS_MCP_MAX_RUNNING_JOBS", "1");
    home.task("gate", r#"until [ -e open ]; do sleep 0.05; done; printf '{"metrics":{"m":{"value":1}}}' > {result}"#);
    let result = r#"printf '{"metrics":{"accuracy":{"value":0.91},"f1":{"value":0.88},"latency_ms_p50":{"value":120}}}' > {result}"#;
    home.task("matriz.quick", result);
    home.task("t", "true");
    std::fs::write(home.path().join("evals/configs/c.toml"), "").unwrap();
    let daemon = home.start().await;
    // While it runs, the next one waits.
    let gate = daemon.run_eval("gate").await;
    daemon.until(&gate, &["RUNNING"]).await;

    let (request, response) = recorded("run_eval_ok");
    let (status, body) = replay(&daemon, &request, Value::Null).await;
    let (then, now) = answers("run_eval_ok", &response, status, &body);
    for key in ["taskId", "configId", "status"] {
        assert_eq!(now[key], then[key], "{key}");
    }
    let job = now["jobId"].as_str().unwrap();
    let form = regex::Regex::new("^job_[A-Za-z0-9_-]{21}$").unwrap();
    assert!(form.is_match(job), "{job}");
    is_a_time(&now["startedAt"]);

    let (request, response) = recorded("status_queued");
    let (status, body) = replay(&daemon, &request, json!({ "jobId": job })).await;
    let (_, now) = answers("status_queued", &response, status, &body);
    assert_eq!((&now["status"], &now["result"]), (&json!("QUEUED"), &Value::Null));
    // These are new, and always there.
    assert_eq!((now.get("progress"), now.get("error")), (Some(&Value::Null), Some(&Value::Null)));

    std::fs::write(home.path().join("open"), "").unwrap();
    daemon.until(job, &["COMPLETED", "FAILED"]).await;
    let (request, response) = recorded("status_completed");
    let (status, body) = replay(&daemon, &request, json!({ "jobId": job })).await;
    let (then, now) = answers("status_completed", &response, status, &body);
    assert_eq!(now["status"], "COMPLETED");
    let metrics = |answer: &Value| {
        ["accuracy", "f1", "latency_ms_p50"].map(|name| answer["result"]["metrics"][name].as_f64())
    };
    assert_eq!(metrics(&now), metrics(&then));
    is_a_time(&now["updatedAt"]);

    let (request, response) = recorded("run_eval_dry_run");
    let (status, body) = replay(&daemon, &request, Value::Null).await;
    let (_, now) = answers("run_eval_dry_run", &response, status, &body);
    assert_eq!(now["status"], "DRY_RUN");
}

#[tokio::test]
async fn promotions_answer_as_they_were_recorded() {
    let home = Home::new();
    let daemon = home.start().await;
    for name in [
        "promote_model_dry_run_first",
        "promote_model_ok",
        "promote_model_again",
        "promote_model_second_gate",
    ] {
        let (request, response) = recorded(name);
        let (status, body) = replay(&daemon, &request, Value::Null).await;
        let (then, now) = answers(name, &response, status, &body);
        for (key, value) in then.as_object().unwrap() {
            if key == "promotedAt" && !value.is_null() {
                is_a_time(&now[key]);
            } else {
                assert_eq!(&now[key], value, "{name}: {key}");
            }
        }
    }
}

#[tokio::test]
async fn canaries_answer_as_they_were_recorded() {
    let site = Site::start([("production", Face::failing(0.0)), ("b", Face::idle())]).await;
    let home = canaries::home(&site);
    let daemon = home.start().await;
    let form = regex::Regex::new("^canary_[A-Za-z0-9_-]{21}$").unwrap();
    let mut canary = Value::Null;
    for name in [
        "start_canary_ok",
        "canary_status_running",
        "abort_canary_ok",
        "canary_status_after_abort",
        "start_canary_dry_run",
    ] {
        let (request, response) = recorded(name);
        let asks_for_one = !name.starts_with("start_canary");
        let arguments = if asks_for_one { json!({ "canaryId": canary }) } else { Value::Null };
        let (status, body) = replay(&daemon, &request, arguments).await;
        let (then, now) = answers(name, &response, status, &body);
        for (key, value) in then.as_object().unwrap() {
            match key.as_str() {
                "canaryId" if asks_for_one => assert_eq!(now[key], canary, "{name}"),
                "canaryId" => assert!(form.is_match(now[key].as_str().unwrap()), "{name}: {now}"),
                "createdAt" | "updatedAt" => is_a_time(&now[key]),
                // More is in a policy now.
                "policy" => {
                    for (member, value) in value.as_object().unwrap() {
                        assert_eq!(&now[key][member], value, "{name}: {member}");
                    }
                }
                _ => assert_eq!(&now[key], value, "{name}: {key}"),
            }
        }
        canary = now["canaryId"].clone();
        if name == "abort_canary_ok" {
            why_math_answers_as_it_was_recorded(&daemon, &canary).await;
        }
    }
}

async fn why_math_answers_as_it_was_recorded(daemon: &Daemon, canary: &Value) {
    let (request, mut response) = recorded("why_math_canary_aborted");
    // The earlier server had a place for drift, which nothing ever filled.
    let then = text(&response["body"]["result"]).replace(",\"max_drift\":null", "");
    let then = then.replace(",\"drift\":null", "");
    response["body"]["result"]["content"][0]["text"] = json!(then);
    let (status, body) = replay(daemon, &request, json!({ "id": canary })).await;
    let (then, now) = answers("why_math_canary_aborted", &response, status, &body);
    for key in ["decision", "observed"] {
        assert_eq!(now[key], then[key], "{key}");
    }
    for key in ["latency_p95_ms", "max_error_rate"] {
        assert_eq!(now["thresholds"][key].as_f64(), then["thresholds"][key].as_f64(), "{key}");
    }
    assert_eq!(now["id"], *canary);
    let aborts = now["evidence"].as_array().unwrap().iter();
    // It was written twice then.
    assert_eq!(aborts.filter(|fact| fact["action"] == "canary_abort").count(), 1, "{now}");
}

#[track_caller]
pub(super) fn is_a_time(value: &Value) {
    let form = regex::Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$").unwrap();
    assert!(form.is_match(value.as_str().unwrap()), "{value}");
}

#[tokio::test]
async fn health_answers_as_it_was_recorded() {
    let home = Home::new();
    let daemon = home.start().await;
    let (request, response) = recorded("noauth__health");
    let (status, body) = replay(&daemon, &request, Value::Null).await;
    assert_eq!(u64::from(status), response["status"].as_u64().unwrap());
    let body: Value = serde_json::from_str(&body).unwrap();
    has_the_shape_of("health", &response["body"], &body);
    for key in ["status", "transport"] {
        assert_eq!(body[key], response["body"][key]);
    }
    is_a_time(&body["timestamp"]);
    let (request, _) = recorded("noauth__healthz");
    assert_eq!(replay(&daemon, &request, Value::Null).await, (200, String::new()));
}

#[tokio::test]
async fn keys_and_limits_answer_as_they_were_recorded() {
    let home = Home::new()
        .with("LUKHAS_MCP_API_KEYS", "k1,k2")
        .with("MCP_RL_BUCKET", "2")
        .with("MCP_RL_WINDOW_MS", "3600000");
    let daemon = home.start().await;
    let (request, response) = recorded("auth_missing");
    let (status, body) = replay(&daemon, &request, Value::Null).await;
    assert_eq!(
        (status, serde_json::from_str::<Value>(&body).unwrap()),
        (401, response["body"].clone())
    );

    // The earlier server lost the request's id and called an unknown job a fault of its own.
    for name in ["auth_x_api_key", "auth_bearer"] {
        let (request, response) = recorded(name);
        let (status, body) = replay(&daemon, &request, Value::Null).await;
        assert_eq!(u64::from(status), response["status"].as_u64().unwrap(), "{name}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["id"], request["body"]["id"], "{name}");
        assert_eq!(body["result"]["isError"], true, "{name}: {body}");
        assert!(text(&body["result"]).contains("job_nope"), "{name}: {body}");
    }

    let (request, response) = recorded("rate_limited");
    let (status, body) = replay(&daemon, &request, Value::Null).await;
    assert_eq!(
        (status, serde_json::from_str::<Value>(&body).unwrap()),
        (429, response["body"].clone())
    );
}
