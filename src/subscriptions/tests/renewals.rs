//! What becomes of a subscription with time: renewed, signed anew, over, taken up by another daemon.

use super::receiver::{Doing, SECRET};
use super::*;
use crate::store::oauth::grants::{self, GrantRow};

const OTHER_SECRET: &str = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

fn key(first: u8) -> Vec<u8> {
    (first..first + 32).collect()
}

fn until_when(answer: &Value) -> Timestamp {
    Timestamp::parse(answer["refreshBefore"].as_str().unwrap()).unwrap()
}

#[actix::test]
async fn a_new_secret_signs_beside_the_old_one_for_a_while() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    bench.subscribe(&receiver, "hook").await;
    let mut renewed = asking(&receiver, "hook");
    renewed["delivery"]["secret"] = json!(OTHER_SECRET);
    bench.subscriptions.subscribe(OWNER, &renewed).await.unwrap();
    bench.promote("a").await;
    until("the first", || receiver.told().len() == 1).await;
    let both = [&*key(0), &*key(32)];
    assert_eq!(receiver.told()[0].signed_by(&both), 2);
    bench.move_clock(time::Duration::minutes(61));
    bench.promote("b").await;
    until("the second", || receiver.told().len() == 2).await;
    assert_eq!(receiver.told()[1].signed_by(&[&key(32)]), 1);
    assert!(bench.rows().await[0].old_secret.is_none());
    bench.store.checkpoint().await.unwrap();
    let file = std::fs::read(bench.directory.path().join("state.db")).unwrap();
    let holds = |secret: &str| file.windows(secret.len()).any(|part| part == secret.as_bytes());
    assert!(!holds(SECRET) && holds(OTHER_SECRET));
    assert_eq!(bench.facts().await, ["event_subscribe", "event_secret"]);
}

#[actix::test]
async fn a_subscription_ends_unless_it_is_renewed() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    let with = |path: &str, ttl: Value| {
        let mut params = asking(&receiver, path);
        params["ttlMs"] = ttl;
        params
    };
    let now = bench.clock.now();
    let lasts = |answer: &Value| (until_when(answer).since(now)).whole_minutes();
    for (ttl, minutes) in
        [(json!(3_600_000), 60), (json!(1), 5), (json!(null), 7 * 24 * 60), (json!(1e18), 10_080)]
    {
        let answer = bench.subscriptions.subscribe(OWNER, &with("hook", ttl)).await.unwrap();
        assert_eq!(lasts(&answer), minutes);
    }
    assert_eq!(lasts(&bench.subscribe(&receiver, "other").await), 24 * 60);
    bench.move_clock(time::Duration::hours(25));
    bench.promote("a").await;
    until("the one that lasts", || receiver.told().len() == 1).await;
    until("the end", || bench.subscriptions.counts().open == 1).await;
    assert_eq!(bench.rows().await.len(), 1);
    assert_eq!(bench.facts().await.last().unwrap(), "event_expire");
    // Who comes back after the end begins anew, and is asked anew.
    let before = receiver.requests().len();
    let again = bench.subscribe(&receiver, "other").await;
    assert_eq!((again.get("deliveryStatus"), receiver.requests().len()), (None, before + 1));
}

#[actix::test]
async fn a_cursor_says_where_a_new_subscription_begins() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    for model in ["a", "b", "c"] {
        bench.promote(model).await;
    }
    let mut params = asking(&receiver, "hook");
    params["cursor"] = json!(bench.subscriptions.0.cursors.seal(1));
    let begun = bench.subscriptions.subscribe(OWNER, &params).await.unwrap();
    assert_eq!((&begun["cursor"], &begun["truncated"]), (&params["cursor"], &json!(false)));
    until("what came before", || receiver.models() == ["b", "c"]).await;
    until("the count", || bench.subscriptions.counts().delivered == 2).await;
    // To who is told already it says nothing.
    let renewed = bench.subscriptions.subscribe(OWNER, &params).await.unwrap();
    assert_eq!(renewed["cursor"], json!(bench.subscriptions.0.cursors.seal(3)));
    assert!(renewed["deliveryStatus"]["lastDeliveryAt"].is_string());
    bench.promote("d").await;
    until("what comes", || receiver.models() == ["b", "c", "d"]).await;
    // What is no longer kept is not passed over in silence.
    bench.prune(2).await;
    params["delivery"]["url"] = json!(receiver.url("late"));
    let late = bench.subscriptions.subscribe(OWNER, &params).await.unwrap();
    assert_eq!(late["truncated"], true);
}

#[actix::test]
async fn another_daemon_goes_on_where_the_last_one_was() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    let begun = bench.subscribe(&receiver, "hook").await;
    bench.promote("a").await;
    until("the first", || receiver.models() == ["a"]).await;
    until("its note", || bench.subscriptions.counts().delivered == 1).await;
    receiver.does(Doing::Answers(503));
    bench.promote("b").await;
    until("an attempt", || 2 <= receiver.told().len()).await;
    let bench = bench.restarted(|_| true).await;
    bench.promote("c").await;
    receiver.does(Doing::Takes);
    until("the last", || receiver.models().last().is_some_and(|last| last == "c")).await;
    let mut models = receiver.models();
    models.dedup();
    assert_eq!(models, ["a", "b", "c"]);
    // The same event is known by the same id, whoever tells it.
    let ids: Vec<_> =
        receiver.told().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    let mut different = ids.clone();
    different.dedup();
    assert_eq!(different.len(), 3, "{ids:?}");
    assert!(receiver.told().iter().all(|one| one.header("x-mcp-subscription-id") == begun["id"]));
    // A cursor of the last daemon is one of this.
    let poll = json!({ "name": "model.promoted", "cursor": begun["cursor"] });
    let page = bench.subscriptions.poll(&poll).await.unwrap();
    assert_eq!(page["events"].as_array().unwrap().len(), 3);
}

#[actix::test]
async fn what_a_key_asked_for_ends_with_the_key() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    bench.subscribe(&receiver, "hook").await;
    let bench = bench.restarted(|_| false).await;
    assert!(bench.rows().await.is_empty());
    assert_eq!(bench.facts().await, ["event_subscribe", "event_end"]);
    bench.promote("a").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(receiver.told().is_empty());
}

#[actix::test]
async fn who_ends_and_begins_at_once_is_told_in_the_end() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    // Keeps the address known, so that nobody is asked again and again.
    let mut other = asking(&receiver, "hook");
    other["name"] = json!("model.rolled_back");
    bench.subscriptions.subscribe(OWNER, &other).await.unwrap();
    let params = asking(&receiver, "hook");
    for n in 0..30 {
        let (begun, _ended) = futures_util::join!(
            bench.subscriptions.subscribe(OWNER, &params),
            bench.subscriptions.unsubscribe(OWNER, &params),
        );
        begun.unwrap();
        if n % 3 == 0 {
            bench.promote("between").await;
        }
    }
    bench.subscriptions.subscribe(OWNER, &params).await.unwrap();
    bench.promote("last").await;
    until("the last", || receiver.models().last().is_some_and(|last| last == "last")).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let times = receiver.models().iter().filter(|model| *model == "last").count();
    assert_eq!((times, bench.subscriptions.counts().open), (1, 2));
}

#[actix::test]
async fn what_a_consent_gave_goes_with_it() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    let owner = "oauth:0123abcd/chat.example";
    let grant = GrantRow {
        id: "grant_1".to_owned(),
        client_id: "https://chat.example/client".to_owned(),
        client_name: "Chat".to_owned(),
        key_name: OWNER.to_owned(),
        principal: owner.to_owned(),
        scope: "read".to_owned(),
        resource: "https://daemon.example/mcp".to_owned(),
        redirect_uri: "https://chat.example/back".to_owned(),
        challenge: String::new(),
        created_at: bench.clock.now().to_string(),
        expires_at: bench.clock.now().plus(time::Duration::days(30)).to_string(),
    };
    bench.store.write(move |tx| grants::add(tx, &grant)).await.unwrap();
    bench.subscriptions.subscribe(owner, &asking(&receiver, "hook")).await.unwrap();
    bench.promote("a").await;
    until("the first", || receiver.models() == ["a"]).await;
    bench.store.write(|tx| grants::end(tx, "grant_1")).await.unwrap();
    bench.promote("b").await;
    for _ in 0..2_000 {
        if bench.rows().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(bench.rows().await.is_empty());
    assert_eq!(receiver.models(), ["a"]);
    assert_eq!(bench.facts().await, ["event_subscribe", "event_end"]);
}

#[actix::test]
async fn a_token_of_an_issuer_elsewhere_is_told_for_an_hour() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    let mut params = asking(&receiver, "hook");
    params["ttlMs"] = json!(null);
    let answer = bench.subscriptions.subscribe("oauth:ops@example.org", &params).await.unwrap();
    let minutes = until_when(&answer).since(bench.clock.now()).whole_minutes();
    assert!((59..=60).contains(&minutes), "{minutes}");
}
