//! Who may subscribe to what, where.

use super::receiver::{Doing, SECRET};
use super::*;

#[actix::test]
async fn a_subscription_is_made_once_for_the_same_question() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    let one = bench.subscribe(&receiver, "hook").await;
    assert!(one["id"].as_str().unwrap().starts_with("sub_"), "{one}");
    assert_eq!((&one["truncated"], one.get("deliveryStatus")), (&json!(false), None));
    let challenge = receiver.requests().remove(0);
    assert!(challenge.header("webhook-id").starts_with("msg_verification_"));
    assert_eq!(challenge.header("x-mcp-subscription-id"), one["id"]);
    assert_eq!(challenge.header("content-type"), "application/json");
    assert_eq!(challenge.signed_by(&[&key()]), 1);

    // The same is renewed, in whatever order its members are, and nobody is asked again.
    let again = bench.subscribe(&receiver, "hook").await;
    assert_eq!(again["id"], one["id"]);
    assert_eq!(again["deliveryStatus"]["active"], true);
    let mut other = asking(&receiver, "hook");
    other["arguments"] = json!({ "modelId": "ranker:2" });
    let other = bench.subscriptions.subscribe(OWNER, &other).await.unwrap();
    assert_ne!(other["id"], one["id"]);
    assert_eq!(receiver.requests().len(), 1);
    // Somebody else's is another one, and so is one at another address: both are asked.
    let theirs = bench.subscriptions.subscribe("key:ffffffff", &asking(&receiver, "hook")).await;
    assert_ne!(theirs.unwrap()["id"], one["id"]);
    let elsewhere = bench.subscribe(&receiver, "hook?a=b").await;
    assert_ne!(elsewhere["id"], one["id"]);
    assert_eq!(receiver.requests().len(), 3);
    assert_eq!(bench.rows().await.len(), 4);
    assert_eq!(bench.facts().await, ["event_subscribe"; 4]);
    assert_eq!(bench.subscriptions.counts().open, 4);
}

/// What [`SECRET`] stands for.
fn key() -> Vec<u8> {
    (0..32).collect()
}

#[actix::test]
async fn who_does_not_say_that_it_wants_to_be_told_is_not() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    for (doing, reason) in [
        (Doing::Mistakes, "challenge_failed"),
        (Doing::Leads, "challenge_failed"),
        (Doing::Rambles, "challenge_failed"),
        (Doing::Refuses(204), "challenge_failed"),
        (Doing::Refuses(404), "http_4xx"),
        (Doing::Refuses(410), "http_4xx"),
        (Doing::Refuses(500), "http_5xx"),
        (Doing::HangsUp, "connection_refused"),
    ] {
        receiver.does(doing);
        let (code, data, said) = refusal(bench.try_subscribe(&receiver, "hook").await);
        assert_eq!((code, data), (-32015, json!({ "reason": reason })), "{doing:?}");
        assert!(!said.contains("hush") && !said.contains("127"), "{said}");
    }
    let mut nobody = asking(&receiver, "hook");
    nobody["delivery"]["url"] = json!("http://127.0.0.1:1/");
    let (code, data, _) = refusal(bench.subscriptions.subscribe(OWNER, &nobody).await);
    assert_eq!((code, data), (-32015, json!({ "reason": "connection_refused" })));
    // TLS is spoken to somebody who speaks none.
    let mut plain = asking(&receiver, "hook");
    plain["delivery"]["url"] = json!(receiver.url("hook").replace("http:", "https:"));
    let (code, data, _) = refusal(bench.subscriptions.subscribe(OWNER, &plain).await);
    assert_eq!((code, data), (-32015, json!({ "reason": "tls_error" })));
    assert!(bench.rows().await.is_empty() && bench.facts().await.is_empty());
    // Each was asked once, and a host is asked only so often.
    receiver.does(Doing::Mistakes);
    let mut codes = Vec::new();
    for _ in 0..pace::MOST {
        codes.push(refusal(bench.try_subscribe(&receiver, "hook").await).0);
    }
    assert_eq!(codes.last(), Some(&-32013), "{codes:?}");
}

#[actix::test]
async fn who_does_not_answer_is_not_waited_for_without_end() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Hangs).await);
    let began = std::time::Instant::now();
    let (code, data, _) = refusal(bench.try_subscribe(&receiver, "hook").await);
    assert_eq!((code, data), (-32015, json!({ "reason": "timeout" })));
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[actix::test]
async fn addresses_that_must_not_be_called_are_refused() {
    let receiver = Receiver::start(Doing::Takes).await;
    let made = Made { reach: Reach::Public, ..MADE };
    let bench = Bench::new(made).await;
    let port = receiver.url("").rsplit_once(':').unwrap().1.to_owned();
    for url in [
        receiver.url("hook"),
        receiver.url("hook").replace("http:", "https:"),
        format!("https://127.1:{port}"),
        format!("https://2130706433:{port}"),
        format!("https://[::1]:{port}"),
        format!("https://[::ffff:127.0.0.1]:{port}"),
        "https://10.0.0.1/".to_owned(),
        "https://192.168.1.1/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        "https://[fe80::1]/".to_owned(),
        "https://0.0.0.0/".to_owned(),
        "http://example.org/".to_owned(),
        "https://user:hush@example.org/".to_owned(),
        "https://example.org/#hush".to_owned(),
        "ftp://example.org/".to_owned(),
        "hush".to_owned(),
    ] {
        let mut params = asking(&receiver, "");
        params["delivery"]["url"] = json!(url);
        let (code, _, said) = refusal(bench.subscriptions.subscribe(OWNER, &params).await);
        assert_eq!(code, -32602, "{url}: {said}");
        assert!(said.starts_with("delivery.url must be") && !said.contains("hush"), "{said}");
    }
    // A name is judged by where it leads, and what stands there is not told.
    let mut params = asking(&receiver, "");
    params["delivery"]["url"] = json!(format!("https://localhost:{port}"));
    let (code, data, _) = refusal(bench.subscriptions.subscribe(OWNER, &params).await);
    assert_eq!((code, data), (-32015, json!({ "reason": "connection_refused" })));
    assert!(receiver.requests().is_empty());
}

#[actix::test]
async fn what_cannot_be_meant_is_refused_before_anybody_is_asked() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    let with = |pointer: &str, value: Value| {
        let mut params = asking(&receiver, "hook");
        *params.pointer_mut(pointer).unwrap() = value;
        params
    };
    let mut foreign = asking(&receiver, "hook");
    foreign["cursor"] = json!("foreign");
    for (params, expected) in [
        (with("/name", json!("job.exploded")), -32011),
        (with("/arguments", json!({ "jobId": "job_x" })), -32602),
        (with("/delivery", json!("hush")), -32602),
        (with("/delivery/mode", json!("push")), -32014),
        (with("/delivery/url", json!(7)), -32602),
        (with("/delivery/secret", json!("hush")), -32602),
        (with("/delivery/secret", json!("whsec_aHVzaA==")), -32602),
        (with("/delivery/secret", json!(null)), -32602),
        (foreign, -32602),
        (json!({}), -32602),
        (json!([]), -32602),
    ] {
        let (code, _, said) = refusal(bench.subscriptions.subscribe(OWNER, &params).await);
        assert_eq!(code, expected, "{params}: {said}");
        assert!(!said.contains("hush") && !said.contains("aHVz"), "{said}");
    }
    let (code, ..) =
        refusal(bench.subscriptions.subscribe("anonymous", &asking(&receiver, "hook")).await);
    assert_eq!(code, -32012);
    assert!(receiver.requests().is_empty());
}

#[actix::test]
async fn there_are_only_so_many() {
    let bounds = Bounds { all: 3, per_principal: 2 };
    let bench = Bench::new(Made { bounds, ..MADE }).await;
    let receiver = Receiver::start(Doing::Takes).await;
    bench.subscribe(&receiver, "a").await;
    bench.subscribe(&receiver, "b").await;
    let (code, data, _) = refusal(bench.try_subscribe(&receiver, "c").await);
    assert_eq!((code, data), (-32013, json!({ "limit": "subscriptions", "max": 2 })));
    // What is there is renewed all the same.
    bench.subscribe(&receiver, "a").await;
    let of = |principal, path| {
        let (bench, params) = (&bench, asking(&receiver, path));
        async move { bench.subscriptions.subscribe(principal, &params).await }
    };
    of("key:ffffffff", "a").await.unwrap();
    let (code, data, _) = refusal(of("key:eeeeeeee", "a").await);
    assert_eq!((code, data), (-32013, json!({ "limit": "subscriptions", "max": 3 })));
    // Nobody was asked in vain.
    assert_eq!(receiver.requests().len(), 3);
}

#[actix::test]
async fn an_end_is_its_owners() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    bench.subscribe(&receiver, "hook").await;
    let params = asking(&receiver, "hook");
    for principal in ["key:ffffffff", "oauth:somebody"] {
        let (code, data, _) = refusal(bench.subscriptions.unsubscribe(principal, &params).await);
        assert_eq!((code, data), (-32011, json!({ "kind": "subscription" })));
    }
    let mut unlike = params.clone();
    unlike["arguments"] = json!({ "modelId": "ranker:2" });
    assert_eq!(refusal(bench.subscriptions.unsubscribe(OWNER, &unlike).await).0, -32011);
    assert_eq!(bench.rows().await.len(), 1);
    assert_eq!(bench.subscriptions.unsubscribe(OWNER, &params).await.unwrap(), json!({}));
    assert_eq!(refusal(bench.subscriptions.unsubscribe(OWNER, &params).await).0, -32011);
    assert!(bench.rows().await.is_empty());
    bench.promote("a").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(receiver.told().is_empty());
    // Neither the row nor its secret is left in the database.
    bench.store.checkpoint().await.unwrap();
    let file = std::fs::read(bench.directory.path().join("state.db")).unwrap();
    let secret = SECRET.as_bytes();
    assert!(!file.windows(secret.len()).any(|window| window == secret));
    assert_eq!(bench.facts().await, ["event_subscribe", "event_unsubscribe"]);
}
