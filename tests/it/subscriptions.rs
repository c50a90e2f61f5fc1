//! Followed events as MCP clients see them: the real daemon, a real receiver, and power cuts.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::database::Database;
use crate::harness::{Daemon, Home, PATIENCE, read_until};
use crate::hook::{Doing, Hook};

const KEY: &str = "subscriber-key-0123456789";
const OTHER_KEY: &str = "another-key-0123456789ab";
const SECRET_BYTES: [u8; 32] = [7; 32];

fn secret() -> String {
    format!("whsec_{}", BASE64.encode(SECRET_BYTES))
}

fn home() -> Home {
    Home::new()
        .with("LUKHAS_MCP_API_KEYS", &format!("{KEY},{OTHER_KEY}"))
        .with("LUKHAS_MCP_ALLOW_LOOPBACK_WEBHOOKS", "true")
}

async fn start(home: &Home) -> Daemon {
    home.start().await.with_key(KEY)
}

fn asking(hook: &Hook, path: &str, name: &str) -> Value {
    let delivery = json!({ "mode": "webhook", "url": hook.url(path), "secret": secret() });
    json!({ "name": name, "arguments": {}, "delivery": delivery })
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < 2 * PATIENCE, "{what} never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Commits promotions as the daemon would, while none runs.
fn promotions(home: &Home, models: std::ops::Range<usize>) {
    let mut database = Database::open(&home.db());
    for n in models {
        database.execute(&format!(
            "INSERT INTO events (seq, ts, topic, type, payload_json) SELECT \
             coalesce(max(seq), 0) + 1, '2026-11-21T00:00:00.000Z', 'model/m{n}', 'promoted', \
             '{{\"topic\":\"model/m{n}\",\"type\":\"promoted\",\"ts\":\"2026-11-21T00:00:00.000Z\",\
             \"modelId\":\"m{n}\",\"gate\":\"production\"}}' FROM events"
        ));
    }
}

#[tokio::test]
async fn an_eval_is_followed_in_each_of_the_ways() {
    let (home, hook) = (home(), Hook::start(Doing::Takes).await);
    let daemon = start(&home).await;
    let list = daemon.rpc("events/list", json!({})).await;
    assert_eq!(list["result"]["events"][0]["name"], "job.queued");
    let begun = daemon.rpc("events/subscribe", asking(&hook, "a", "job.completed")).await;
    let id = begun["result"]["id"].as_str().unwrap_or_else(|| panic!("{begun}")).to_owned();
    let asked = json!({ "name": "job.completed", "arguments": { "taskId": "quick" } });
    let cursor = daemon.rpc("events/poll", asked.clone()).await["result"]["cursor"].clone();
    let body = json!({
        "jsonrpc": "2.0", "id": "a stream", "method": "events/stream", "params": asked,
    });
    let stream =
        daemon.post(body.to_string()).header("Accept", "application/json, text/event-stream");
    let mut stream = stream.send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    read_until(&mut stream, |text| text.contains("notifications/events/active")).await;

    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    until("the webhook", || !hook.told().is_empty()).await;
    let told = hook.told().remove(0);
    let mut polled = asked;
    polled["cursor"] = cursor;
    let page = daemon.rpc("events/poll", polled).await;
    let event = page["result"]["events"][0].clone();
    assert_eq!((&event["data"]["jobId"], &event["name"]), (&json!(job), &json!("job.completed")));
    assert!(event["data"]["result"]["metrics"]["accuracy"].is_number(), "{event}");
    let text = read_until(&mut stream, |text| text.contains("notifications/events/event")).await;
    let body = told.json();
    for member in ["eventId", "name", "timestamp", "data"] {
        assert_eq!(body[member], event[member]);
    }
    assert!(text.contains(event["eventId"].as_str().unwrap()) && text.contains("\"a stream\""));
    assert_eq!(
        (told.header("x-mcp-subscription-id"), told.header("webhook-id")),
        (&*id, body["eventId"].as_str().unwrap())
    );
    let signed =
        format!("{}.{}.{}", told.header("webhook-id"), told.header("webhook-timestamp"), told.body);
    let tag = BASE64.decode(told.header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET_BYTES);
    hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
    // Who was woken and sees nothing finds it.
    let recent = daemon.ask("get_recent_events", json!({ "topic": format!("job/{job}") })).await;
    let names: Vec<&Value> =
        recent["events"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["job.queued", "job.running", "job.completed"]);
    assert_eq!(recent["events"][2]["eventId"], event["eventId"]);

    // The stream ends with an answer when the daemon goes down.
    let mut daemon = daemon;
    daemon.signal(rustix::process::Signal::TERM);
    let end = read_until(&mut stream, |text| text.contains("\"result\"")).await;
    assert!(end.contains("\"resultType\":\"complete\""), "{end}");
    drop(stream);
    assert!(daemon.ended().await.success());
}

#[tokio::test]
async fn each_event_is_told_whatever_becomes_of_the_daemon_and_the_receiver() {
    let (home, hook) = (home(), Hook::start(Doing::Takes).await);
    let daemon = start(&home).await;
    let begun = daemon.rpc("events/subscribe", asking(&hook, "a", "model.promoted")).await;
    assert!(begun["result"]["id"].is_string(), "{begun}");
    daemon.kill();
    promotions(&home, 0..40);

    hook.does(Doing::Answers(503));
    let daemon = start(&home).await;
    until("an attempt", || !hook.told().is_empty()).await;
    daemon.kill();
    hook.does(Doing::Takes);
    for n in 1..4 {
        let daemon = start(&home).await;
        until("some more", || n * 8 <= hook.models().len()).await;
        daemon.kill();
    }
    let mut daemon = start(&home).await;
    until("the last", || hook.models().last().is_some_and(|last| last == "m39")).await;
    let mut models = hook.models();
    models.dedup();
    let in_order: Vec<String> = (0..40).map(|n| format!("m{n}")).collect();
    assert_eq!(models, in_order);
    let mut ids: Vec<String> =
        hook.told().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 40);
    // Nothing is told again that was taken, and nobody was asked a second time.
    assert!(daemon.terminate().await.success());
    let count = hook.requests().len();
    let daemon = start(&home).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(hook.requests().len(), count);
    assert_eq!(hook.requests().iter().filter(|one| one.is_challenge()).count(), 1);

    // The secret is nowhere but in the database, and there no longer than it is needed.
    let metrics = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("lukhas_mcp_event_subscriptions{} 1.0"), "{metrics}");
    let mut database = Database::open(&home.db());
    let facts = database.texts("SELECT message || payload_json AS text FROM audits").join("\n");
    assert!(facts.contains("subscribed to model.promoted at 127.0.0.1"), "{facts}");
    for told in [metrics, daemon.log().join("\n"), facts] {
        assert!(!told.contains("whsec_") && !told.contains(&hook.url("a")), "{told}");
    }
    let ended = daemon.rpc("events/unsubscribe", asking(&hook, "a", "model.promoted")).await;
    assert_eq!(ended["result"], json!({}));
    assert_eq!(database.number("SELECT count(*) AS number FROM subscriptions"), 0);
}

/// A17
#[tokio::test]
async fn what_is_somebody_elses_is_not_there() {
    let (home, hook) = (home(), Hook::start(Doing::Takes).await);
    let daemon = start(&home).await;
    let asked = asking(&hook, "a", "model.promoted");
    let mine = daemon.rpc("events/subscribe", asked.clone()).await;
    let daemon = daemon.with_key(OTHER_KEY);
    let refused = daemon.rpc("events/unsubscribe", asked.clone()).await;
    assert_eq!(refused["error"]["code"], -32011);
    assert_eq!(refused["error"]["data"], json!({ "kind": "subscription" }));
    let theirs = daemon.rpc("events/subscribe", asked.clone()).await;
    assert_ne!(theirs["result"]["id"], mine["result"]["id"]);
    assert_eq!(hook.requests().len(), 2);
    daemon.kill();

    // A key that is gone takes along what it asked for.
    let home = home.with("LUKHAS_MCP_API_KEYS", KEY).with("LUKHAS_MCP_EVENT_ERROR_CODES", "sep");
    let daemon = start(&home).await;
    let mut database = Database::open(&home.db());
    assert_eq!(database.number("SELECT count(*) AS number FROM subscriptions"), 1);
    let unknown = daemon.rpc("events/poll", json!({ "name": "model.exploded" })).await;
    assert_eq!(unknown["error"]["code"], -32023);
    daemon.rpc("events/unsubscribe", asked.clone()).await;
    let again = daemon.rpc("events/unsubscribe", asked).await;
    assert_eq!(again["error"]["code"], -32023);
}

#[tokio::test]
async fn nothing_inside_is_called_unless_that_was_set() {
    let hook = Hook::start(Doing::Takes).await;
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", KEY);
    let daemon = start(&home).await;
    let at = |url: String| {
        let mut asked = asking(&hook, "a", "model.promoted");
        asked["delivery"]["url"] = json!(url);
        asked
    };
    let port = hook.url("").rsplit_once(':').unwrap().1.trim_end_matches('/').to_owned();
    for (url, code) in [
        (hook.url("a"), -32602),
        (format!("https://127.0.0.1:{port}/"), -32602),
        (format!("https://[::ffff:7f00:1]:{port}/"), -32602),
        (format!("https://0x7f000001:{port}/"), -32602),
        ("https://169.254.169.254/latest/meta-data/iam".to_owned(), -32602),
        ("https://10.1.2.3/".to_owned(), -32602),
        (format!("https://localhost:{port}/"), -32015),
    ] {
        let refused = daemon.rpc("events/subscribe", at(url.clone())).await;
        assert_eq!(refused["error"]["code"], code, "{url}: {refused}");
    }
    assert!(hook.requests().is_empty());
    // Who has no key has nothing that a subscription could belong to.
    let open = Home::new().with("LUKHAS_MCP_ALLOW_LOOPBACK_WEBHOOKS", "true");
    let daemon = open.start().await;
    let refused = daemon.rpc("events/subscribe", at(hook.url("a"))).await;
    assert_eq!(refused["error"]["code"], -32012);
    assert!(hook.requests().is_empty());
}
