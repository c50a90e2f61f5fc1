//! Webhooks as their receivers see them, whatever becomes of the receiver or the daemon.

use std::time::Duration;

use ring::hmac;
use serde_json::Value;
use tokio::time::Instant;

use crate::database::Database;
use crate::fault_server::{Fault, FaultServer};
use crate::harness::{Home, PATIENCE};

const SECRETS: [&str; 2] = ["whsec-new-0123456789", "whsec-old-0123456789"];

/// How many transitions there are to tell.
const TOLD: i64 = 12;

fn ok() -> Fault {
    Fault::answer("200 OK", "text/plain", "ok")
}

/// Commits transitions, and events that are none, as the daemon would.
fn transitions(home: &Home) {
    let mut database = Database::open(&home.db());
    for n in 1..=TOLD {
        for (topic, name) in [
            ("canary/canary_x".to_owned(), "metric"),
            (format!("model/ranker:{n}"), "promoted"),
            ("job/job_x".to_owned(), "completed"),
        ] {
            database.execute(&format!(
                "INSERT INTO events (seq, ts, topic, type, payload_json) SELECT \
                 coalesce(max(seq), 0) + 1, '2026-11-21T00:00:00.000Z', '{topic}', '{name}', \
                 '{{\"topic\":\"{topic}\",\"type\":\"{name}\",\"ts\":\"9999-11-21T00:00:00.000Z\",\
                 \"modelId\":\"ranker:{n}\",\"reason\":\"<!here> & more\"}}' FROM events"
            ));
        }
    }
}

struct Received {
    delivery: String,
    seq: i64,
    model: String,
}

/// Reads a signed request and checks its signature with each key.
fn read(request: &str) -> Received {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
    };
    let signed = format!("{}.{body}", header("x-lukhas-timestamp: "));
    let signatures = header("x-lukhas-signature: ");
    let signatures: Vec<&str> = signatures.split(',').collect();
    assert_eq!(signatures.len(), SECRETS.len());
    for (key, signature) in SECRETS.iter().zip(signatures) {
        let tag: Vec<u8> = signature
            .strip_prefix("v1=")
            .unwrap()
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
    }
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], "model.promoted");
    let delivery = header("x-lukhas-delivery: ");
    assert_eq!(body["id"], delivery);
    let model = body["data"]["modelId"].as_str().unwrap().to_owned();
    Received { delivery, seq: body["seq"].as_i64().unwrap(), model }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < 2 * PATIENCE, "{what} never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn every_transition_is_told_in_order_whatever_the_receiver_and_the_daemon_do() {
    let receiver = FaultServer::start(Fault::answer("500 Oh", "text/plain", "no")).await;
    let slack = FaultServer::start(Fault::Silence).await;
    let url = receiver.url.join("/hook/secret-token?a=b").unwrap();
    let home = Home::new()
        .with("LUKHAS_MCP_WEBHOOKS", url.as_str())
        .with("LUKHAS_MCP_SLACK_WEBHOOKS", slack.url.as_str())
        .with("LUKHAS_MCP_WEBHOOK_SIGNING_KEYS", &SECRETS.join(","));
    home.start().await.kill();
    transitions(&home);

    let daemon = home.start().await;
    until("a second attempt", || 2 <= receiver.requests().len()).await;
    for fault in [Fault::Raw(Vec::new()), Fault::redirect("302 Found", "http://127.0.0.1:1/")] {
        let before = receiver.requests().len();
        receiver.becomes(fault);
        until("another attempt", || before < receiver.requests().len()).await;
    }
    receiver.becomes(ok());
    until("the first few", || 5 <= successes(&receiver.requests())).await;
    let log = daemon.log().join("\n");
    daemon.kill();
    let daemon = home.start().await;
    let told_all = || {
        let last = receiver.requests();
        last.last().is_some_and(|last| read(last).model == format!("ranker:{TOLD}"))
    };
    until("the last", told_all).await;

    let all: Vec<Received> = receiver.requests().iter().map(|one| read(one)).collect();
    let mut models: Vec<&str> = all.iter().map(|one| one.model.as_str()).collect();
    models.dedup();
    let in_order: Vec<String> = (1..=TOLD).map(|n| format!("ranker:{n}")).collect();
    assert_eq!(models, in_order);
    for pair in all.windows(2) {
        assert_eq!(pair[0].seq == pair[1].seq, pair[0].delivery == pair[1].delivery);
    }

    // The other receiver hung all the while. Now it answers, and is told the same as sentences.
    slack.becomes(ok());
    let sentence = format!("Model ranker:{TOLD} was promoted: &lt;!here&gt; &amp; more.");
    until("the last sentence", || {
        slack.requests().last().is_some_and(|last| last.contains(&sentence))
    })
    .await;

    let metrics = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("lukhas_mcp_webhook_delivered_total{webhook=\"webhook:"), "{metrics}");
    let told = log + &daemon.log().join("\n") + &metrics;
    for secret in SECRETS.iter().chain(&["secret-token"]) {
        assert!(!told.contains(secret), "{secret} was told");
    }
    // Nothing is told again that was taken.
    let count = receiver.requests().len();
    daemon.kill();
    let _daemon = home.start().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(receiver.requests().len(), count);
}

/// How many transitions were surely taken: all before the one that was told last.
fn successes(requests: &[String]) -> usize {
    let mut seqs: Vec<i64> = requests.iter().map(|one| read(one).seq).collect();
    seqs.dedup();
    seqs.len().saturating_sub(1)
}

#[test]
fn webhooks_that_cannot_be_meant_are_refused() {
    for (name, value, words) in [
        ("LUKHAS_MCP_WEBHOOKS", "https://example.org/", "openssl rand -hex 32"),
        ("LUKHAS_MCP_WEBHOOKS", "http://example.org/", "notifications.webhooks"),
        ("LUKHAS_MCP_SLACK_WEBHOOKS", "http://169.254.169.254/", "notifications.slack"),
        ("LUKHAS_MCP_SLACK_WEBHOOKS", "https://hush:hush@example.org/", "notifications.slack"),
        ("LUKHAS_MCP_SLACK_WEBHOOKS", "file:///etc/hush", "notifications.slack"),
    ] {
        let home = Home::new().with(name, value);
        let ended = home.command(&["serve", "--port", "0"]).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(3), "{value}: {said}");
        assert!(said.contains(words) && !said.contains("hush"), "{value}: {said}");
    }
}
