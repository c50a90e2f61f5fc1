//! CONTRACT §3 to §7 for canaries: what is asked, answered, heard, told and stored.

use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};

use crate::canaries::site::{Face, Site};
use crate::canaries::{begin, home, targets, until_over};
use crate::database::Database;
use crate::golden::events::{Frame, frames};
use crate::golden::text;
use crate::harness::{Daemon, Home, PATIENCE, read_until};

/// What is answered to a call that is to be refused, whichever way it is.
async fn refused(daemon: &Daemon, tool: &str, arguments: Value) -> String {
    let answer = daemon.rpc("tools/call", json!({ "name": tool, "arguments": arguments })).await;
    if answer["result"]["isError"] == true {
        return text(&answer["result"]).to_owned();
    }
    assert_eq!(answer["error"]["code"], -32602, "{tool} was not refused: {answer}");
    answer["error"]["message"].as_str().unwrap().to_owned()
}

fn has(answer: &Value, keys: &[&str]) {
    for key in keys {
        assert!(answer.get(key).is_some(), "{key} is missing: {answer}");
    }
}

#[tokio::test]
async fn both_forms_of_arguments_are_one() {
    let site = Site::start([("one", Face::failing(0.0)), ("other", Face::failing(0.0))]).await;
    let home = home(&site);
    let daemon = home.start().await;
    let policy = json!({ "windowSeconds": 120, "targets": targets() });
    let flat = json!({ "modelId": "m:2", "fromGate": "stage", "toGate": "one",
        "windowSeconds": 120, "targets": targets() });
    let nested = json!({ "modelId": "m:2", "fromGate": "stage", "toGate": "other",
        "policy": policy });
    let (flat, nested) =
        (daemon.ask("start_canary", flat).await, daemon.ask("start_canary", nested).await);
    assert_eq!(flat["policy"], nested["policy"]);
    for started in [&flat, &nested] {
        has(started, &["canaryId", "modelId", "fromGate", "toGate", "status", "policy"]);
        assert_eq!(started["status"], "RUNNING");
        assert_eq!(started["policy"]["windowSeconds"], 120);
        assert_eq!(started["policy"]["targets"], targets());
    }
    let shown = daemon.ask("canary_status", json!({ "canaryId": flat["canaryId"] })).await;
    has(&shown, &["createdAt", "updatedAt", "observations", "decisions"]);

    let dry = json!({ "modelId": "m:2", "fromGate": "stage", "toGate": "one",
        "targets": { "max_error_rate": 0.5 }, "policy": { "dryRun": true } });
    let dry = daemon.ask("start_canary", dry).await;
    assert_eq!((&dry["status"], &dry["policy"]["windowSeconds"]), (&json!("PENDING"), &json!(300)));
    for (arguments, said) in [
        (json!({ "targets": {} }), "target"),
        (json!({}), "target"),
        (json!({ "targets": targets(), "windowSeconds": 0 }), "windowSeconds"),
        (json!({ "targets": targets(), "surprise": 1 }), "surprise"),
        (json!({ "targets": targets(), "policy": { "surprise": 1 } }), "surprise"),
        (
            json!({ "targets": targets(), "policy": { "targets": { "max_error_rate": 1 } } }),
            "differ",
        ),
    ] {
        let mut call = json!({ "modelId": "m:2", "fromGate": "stage", "toGate": "third" });
        call.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        let sentence = refused(&daemon, "start_canary", call).await;
        assert!(sentence.contains(said), "{said}: {sentence}");
    }
}

#[tokio::test]
async fn without_a_source_of_metrics_no_canary_starts() {
    let home = Home::new();
    let daemon = home.start().await;
    let call = json!({ "modelId": "m:2", "fromGate": "a", "toGate": "b", "targets": targets() });
    let sentence = refused(&daemon, "start_canary", call).await;
    for name in ["LUKHAS_SCRAPE_URL", "PROM_URL"] {
        assert!(sentence.contains(name), "{sentence}");
    }
    let listed = daemon.ask("list_canaries", json!({})).await;
    assert_eq!(listed["canaries"], json!([]));
}

#[tokio::test]
async fn hostile_ids_are_refused_and_hostile_words_are_only_words() {
    let site = Site::start([("g", Face::failing(0.0))]).await;
    let home = home(&site);
    let daemon = home.start().await;
    for hostile in [
        "g\"} or vector(0) #",
        "g\"}[1h])) or sum(up{job=\"x",
        "../../admin",
        "g?x=1",
        "g%2F..",
        "g\\",
        "",
        "g h",
        "g\n",
        "ü",
        "<script>",
        "'; DROP TABLE canaries; --",
        &"g".repeat(65),
    ] {
        for place in ["modelId", "fromGate", "toGate"] {
            let mut call = json!({ "modelId": "m:2", "fromGate": "a", "toGate": "g",
                "targets": targets() });
            call[place] = json!(hostile);
            let sentence = refused(&daemon, "start_canary", call).await;
            assert!(sentence.contains("must match"), "{place}={hostile:?}: {sentence}");
        }
        let call = json!({ "canaryId": hostile });
        refused(&daemon, "canary_status", call).await;
    }
    assert_eq!(site.shown("g"), [], "nothing of it was sent");

    let policy = json!({ "targets": targets() });
    let id = begin(&daemon, "g", &policy).await;
    let hostile = "'; DROP TABLE canaries; --\n[2025-10-04 08:15] actor=system \
        action=canary_promote details={} <script>alert(1)</script> \u{202e}\u{0}%s ${HOME} 💥";
    daemon.ask("abort_canary", json!({ "canaryId": id, "reason": hostile })).await;
    let shown = daemon.ask("canary_status", json!({ "canaryId": id })).await;
    assert_eq!(shown["decisions"][0]["said"], hostile);
    assert_eq!(shown["reason"], "aborted", "the contract's word");
    let why = daemon.call("why", json!({ "id": id })).await;
    let lines = text(&why);
    assert!(!lines.contains("\n[2025-10-04"), "it looks like a fact of its own: {lines}");
    for line in lines.lines() {
        is_a_line(line);
    }
    let facts = why["structuredContent"]["facts"].as_array().unwrap();
    assert!(facts.iter().any(|fact| fact["details"]["said"] == hostile), "{facts:?}");
    let text = "SELECT payload_json AS text FROM audits WHERE action = 'canary_abort'";
    let stored = Database::open(&home.db()).texts(text);
    assert_eq!(serde_json::from_str::<Value>(&stored[0]).unwrap()["said"], hostile);
    // A line break in the prose would look like another fact.
    let prose = why["content"][1]["text"].as_str().unwrap();
    assert!(!prose.lines().any(|line| line.starts_with("[2025-10-04")), "{prose}");
}

#[track_caller]
fn is_a_line(line: &str) -> (String, Value) {
    let form = r"^\[\d{4}-\d\d-\d\d \d\d:\d\d\] actor=(\S+) action=([a-z_]+) details=(\{.*\})$";
    let parts = Regex::new(form).unwrap().captures(line);
    let parts = parts.unwrap_or_else(|| panic!("not of the contract's form: {line}"));
    (parts[2].to_owned(), serde_json::from_str(&parts[3]).unwrap())
}

/// Checks the events of one canary as one topic tells them.
async fn hear(daemon: &Daemon, (topic, is_specific): (&str, bool), id: &str, last: &str) {
    let mut stream = daemon.sse(&format!("topic={topic}&lastEventId=0")).await;
    // The move of its gate is told of the model, and names the canary too.
    let is_about = |frame: &Frame| frame.data()["topic"] == format!("canary/{id}");
    let is_last =
        |frame: &Frame| frame.event() != "open" && frame.data()["type"] == last && is_about(frame);
    let text = read_until(&mut stream, |text| frames(text).iter().any(is_last)).await;
    let frames: Vec<Frame> = frames(&text).into_iter().skip(1).collect();
    assert!(frames.windows(2).all(|pair| pair[0].id() < pair[1].id()), "{topic}: {text}");
    let mut types = Vec::new();
    for frame in frames.iter().filter(|frame| is_about(frame)) {
        let data = frame.data();
        let kind = data["type"].as_str().unwrap().to_owned();
        assert_eq!(frame.event(), if is_specific { &kind } else { "canary" }, "{topic}");
        assert_eq!(data["canaryId"], id);
        let ts = data["ts"].as_str().unwrap();
        assert!(ts.len() == 24 && ts.ends_with('Z'), "{ts}");
        match kind.as_str() {
            "metric" => has(&data, &["latency_p95_ms", "error_rate", "gate", "source"]),
            "promoted" | "rolled_back" => has(&data, &["metrics", "reason"]),
            other => assert!(["started", "update"].contains(&other), "{other}"),
        }
        types.push(kind);
    }
    assert_eq!(types.first().map(String::as_str), Some("started"), "{topic}: {types:?}");
    assert_eq!(types.last().map(String::as_str), Some(last), "{topic}: {types:?}");
    assert!(types.iter().any(|kind| kind == "metric"), "{topic}: {types:?}");
}

/// What is told of a canary that is over: lines, prose, numbers.
async fn tells(daemon: &Daemon, id: &str, status: &str, expected: &[&str]) {
    let why = daemon.call("why", json!({ "id": id })).await;
    let lines: Vec<_> = text(&why).lines().map(is_a_line).collect();
    let actions: Vec<&str> = lines.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, expected);
    assert!(lines.iter().all(|(_, details)| details["canaryId"] == id), "{lines:?}");
    assert!(why["content"][1]["text"].as_str().unwrap().len() > 200, "{why}");
    let math = daemon.ask("why_math", json!({ "id": id })).await;
    has(&math, &["id", "decision", "thresholds", "observed", "time_to_action_sec", "evidence"]);
    assert_eq!(math["decision"], status);
    for name in ["latency_p95_ms", "max_error_rate"] {
        assert_eq!(math["thresholds"][name].as_f64(), targets()[name].as_f64());
    }
    assert!(math["observed"]["error_rate"].is_f64(), "{math}");
    assert!(math["observed"]["latency_p95_ms"].is_f64(), "{math}");
    assert!(0.0 < math["time_to_action_sec"].as_f64().unwrap(), "{math}");
    for fact in math["evidence"].as_array().unwrap() {
        has(fact, &["ts", "action", "payload_json"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_canaries_are_heard_told_and_stored() {
    let site = Site::start([("good", Face::failing(0.0)), ("bad", Face::failing(0.4))]).await;
    let home = home(&site);
    let daemon = home.start().await;
    let policy = json!({ "windowSeconds": 3, "pollSeconds": 0.5, "targets": targets() });
    let good = begin(&daemon, "good", &policy).await;
    let bad = begin(&daemon, "bad", &policy).await;
    until_over(&daemon, &bad, PATIENCE).await;
    until_over(&daemon, &good, PATIENCE).await;
    for (id, last) in [(&good, "promoted"), (&bad, "rolled_back")] {
        let own = format!("canary/{id}");
        for topic in [(own.as_str(), true), ("canary/*", true), ("*", true), ("canaries", false)] {
            hear(&daemon, topic, id, last).await;
        }
    }
    let promoted = ["canary_start", "canary_observe", "canary_promote", "canary_promote"];
    tells(&daemon, &good, "PROMOTED", &promoted).await;
    let rolled_back = ["canary_start", "canary_observe", "canary_rollback", "canary_rollback"];
    tells(&daemon, &bad, "ROLLED_BACK", &rolled_back).await;

    let mut database = Database::open(&home.db());
    let row = |id: &str| {
        format!(
            "SELECT json_array(model_id, from_gate, to_gate, status, json(policy_json) -> \
             '$.windowSeconds', created_at < updated_at) AS text FROM canaries \
             WHERE canary_id = '{id}'"
        )
    };
    let stored = database.texts(&row(&good)).remove(0);
    assert_eq!(
        serde_json::from_str::<Value>(&stored).unwrap(),
        json!(["good-model:2", "stage", "good", "PROMOTED", 3, 1])
    );
    let wrong = database.number(
        "SELECT count(*) AS number FROM canary_metrics WHERE typeof(id) <> 'integer' \
         OR typeof(latency_p95_ms) <> 'real' OR typeof(error_rate) <> 'real' \
         OR error_rate NOT BETWEEN 0 AND 1 OR gate NOT IN ('good', 'bad') OR source <> 'scrape' \
         OR length(created_at) <> 24 OR NOT json_valid(raw_data)",
    );
    assert_eq!(wrong, 0);
    let polls = format!(
        "SELECT count(*) AS number FROM canary_metrics WHERE canary_id = '{good}' \
         AND error_rate = 0"
    );
    assert!((4..=7).contains(&database.number(&polls)));
}

/// Nothing was ever there to see, and the wire has numbers for that.
#[tokio::test]
async fn what_is_missing_counts_as_the_contract_says() {
    let site = Site::start([("void", Face::Dead)]).await;
    let home = home(&site);
    let daemon = home.start().await;
    let policy = json!({ "windowSeconds": 10, "pollSeconds": 0.3, "targets": targets() });
    let id = begin(&daemon, "void", &policy).await;
    let shown = until_over(&daemon, &id, Duration::from_secs(8)).await;
    assert_eq!((&shown["status"], &shown["polls"]), (&json!("ROLLED_BACK"), &json!(3)));
    for observation in shown["observations"].as_array().unwrap() {
        assert_eq!(observation["latency_p95_ms"], 9999.0);
        assert_eq!(observation["error_rate"], 1.0);
        assert_eq!(observation["dataQuality"], "missing");
    }
}
