//! What becomes of events whose receiver takes them, or does not.

use super::receiver::Doing;
use super::*;

#[actix::test]
async fn an_event_is_told_as_soon_as_it_is_committed() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    let begun = bench.subscribe(&receiver, "hook").await;
    for model in ["a", "b"] {
        bench.emit("job/job_x", "queued", json!({})).await;
        bench.emit("model/other", "rolled_back", json!({ "gate": "p" })).await;
        let began = std::time::Instant::now();
        let seq = bench.promote(model).await;
        until(model, || receiver.models().last().is_some_and(|last| last == model)).await;
        // Well before anybody would look without the bell.
        assert!(began.elapsed() < Duration::from_secs(10));
        let told = receiver.told().pop().unwrap();
        let body = told.json();
        assert_eq!(body["name"], "model.promoted");
        assert_eq!(body["eventId"], told.header("webhook-id"));
        assert_eq!(body["cursor"], json!(bench.subscriptions.0.cursors.seal(seq)));
        assert_eq!(body["data"]["gate"], "production");
        assert_eq!(told.header("x-mcp-subscription-id"), begun["id"]);
        assert_eq!(told.signed_by(&[&(0..32).collect::<Vec<u8>>()]), 1);
    }
    assert_eq!(receiver.models(), ["a", "b"]);
    until("the count", || bench.subscriptions.counts().delivered == 2).await;
    let row = bench.rows().await.remove(0);
    assert!(row.delivered_at.is_some() && row.last_error.is_none());
}

#[actix::test]
async fn arguments_choose_what_is_told() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    let mut params = asking(&receiver, "hook");
    params["arguments"] = json!({ "modelId": "ranker:2" });
    bench.subscriptions.subscribe(OWNER, &params).await.unwrap();
    for model in ["ranker:1", "ranker:2", "ranker:3", "ranker:2"] {
        bench.promote(model).await;
    }
    until("both", || receiver.told().len() == 2).await;
    assert_eq!(receiver.models(), ["ranker:2", "ranker:2"]);
}

#[actix::test]
async fn what_is_not_taken_is_told_again_and_nothing_is_lost() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    bench.subscribe(&receiver, "hook").await;
    let faults = [Doing::Answers(500), Doing::HangsUp, Doing::Leads, Doing::Rambles];
    receiver.does(faults[0]);
    for n in 0..4 {
        bench.promote(&format!("m{n}")).await;
    }
    for fault in faults {
        let before = receiver.told().len();
        receiver.does(fault);
        until("an attempt", || before < receiver.told().len()).await;
    }
    let row = bench.rows().await.remove(0);
    assert!(row.failed_since.is_some() && row.suspended_at.is_none());
    receiver.does(Doing::Takes);
    until("the last", || receiver.models().last().is_some_and(|last| last == "m3")).await;
    let told = receiver.told();
    let mut ids: Vec<_> = told.iter().map(|one| one.header("webhook-id")).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    // Every attempt has its own time, which its signature covers.
    for one in &told {
        one.signed_by(&[&(0..32).collect::<Vec<u8>>()]);
    }
    until("the count", || bench.subscriptions.counts().delivered == 4).await;
    assert!(4 <= bench.subscriptions.counts().failed);
    let row = bench.rows().await.remove(0);
    assert!(row.last_error.is_none() && row.failed_since.is_none());
    assert_eq!(bench.facts().await, ["event_subscribe"]);
}

#[actix::test]
async fn who_takes_nothing_is_told_nothing_until_it_is_renewed() {
    let (bench, receiver) = (Bench::new(HASTY).await, Receiver::start(Doing::Takes).await);
    bench.subscribe(&receiver, "hook").await;
    receiver.does(Doing::Answers(503));
    bench.promote("a").await;
    bench.promote("b").await;
    until("the stop", || bench.subscriptions.counts().suspended == 1).await;
    assert_eq!(receiver.told().len(), 3);
    receiver.does(Doing::Takes);
    bench.promote("c").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.told().len(), 3);
    let facts = bench.store.read(|conn| audits::about(conn, "daemon")).await.unwrap();
    let stop = facts.last().unwrap();
    assert_eq!(stop.action, "event_suspend");
    assert!(
        stop.message.contains("http_5xx") && !stop.message.contains("hook"),
        "{}",
        stop.message
    );
    // Renewed, it is told what it did not take, and nothing of that is lost.
    let renewed = bench.subscribe(&receiver, "hook").await;
    let status = &renewed["deliveryStatus"];
    assert_eq!((&status["active"], &status["lastError"]), (&json!(false), &json!("http_5xx")));
    assert!(status["failedSince"].is_string() && status["lastDeliveryAt"].is_null());
    until("the rest", || receiver.models().ends_with(&["b".to_owned(), "c".to_owned()])).await;
    assert_eq!(receiver.models(), ["a", "a", "a", "a", "b", "c"]);
}

#[actix::test]
async fn what_is_refused_for_good_is_not_told_again() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    bench.subscribe(&receiver, "hook").await;
    for (status, model) in [(410, "a"), (413, "b")] {
        receiver.does(Doing::Answers(status));
        bench.promote(model).await;
        until("the skip", || receiver.models().last().is_some_and(|last| last == model)).await;
    }
    until("the counts", || bench.subscriptions.counts().skipped == 2).await;
    receiver.does(Doing::Takes);
    bench.promote("c").await;
    until("the next", || receiver.models().len() == 3).await;
    assert_eq!(receiver.models(), ["a", "b", "c"]);
    assert_eq!(bench.facts().await, ["event_subscribe", "event_skip", "event_skip"]);
    assert_eq!(bench.rows().await.len(), 1);
}

#[actix::test]
async fn who_wants_nothing_again_and_again_is_gone() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    bench.subscribe(&receiver, "hook").await;
    receiver.does(Doing::Answers(410));
    for n in 0..12 {
        bench.promote(&format!("m{n}")).await;
    }
    until("the end", || bench.subscriptions.counts().open == 0).await;
    assert_eq!(receiver.told().len(), 8);
    assert!(bench.rows().await.is_empty());
    let facts = bench.facts().await;
    assert_eq!((facts.len(), facts.last().unwrap().as_str()), (10, "event_end"));
}

#[actix::test]
async fn who_hangs_holds_up_nobody_else() {
    let bench = Bench::new(MADE).await;
    let (slow, quick) = (Receiver::start(Doing::Takes).await, Receiver::start(Doing::Takes).await);
    bench.subscribe(&slow, "hook").await;
    bench.subscribe(&quick, "hook").await;
    slow.does(Doing::Hangs);
    for n in 0..20 {
        bench.promote(&format!("m{n}")).await;
    }
    until("all", || quick.told().len() == 20).await;
    assert_eq!(slow.told().len(), 1);
    // Whoever hangs is let go at once when the subscription ends.
    bench.subscriptions.unsubscribe(OWNER, &asking(&slow, "hook")).await.unwrap();
    until("the end", || bench.subscriptions.counts().open == 1).await;
}

#[actix::test]
async fn events_that_are_gone_before_they_were_told_are_told_as_a_gap() {
    let (bench, receiver) = (Bench::new(MADE).await, Receiver::start(Doing::Takes).await);
    bench.subscribe(&receiver, "hook").await;
    receiver.does(Doing::Answers(500));
    for model in ["a", "b", "c", "d"] {
        bench.promote(model).await;
    }
    until("an attempt", || !receiver.told().is_empty()).await;
    let bench = bench.restarted(|_| true).await;
    bench.prune(2).await;
    // The one that looks now finds that the log begins later.
    bench.subscriptions.0.desk.stop(&bench.rows().await[0].id);
    let bench = bench.restarted(|_| true).await;
    receiver.does(Doing::Takes);
    until("the last", || receiver.models().last().is_some_and(|last| last == "d")).await;
    let told = receiver.told();
    let gap = told.iter().find(|one| one.json()["type"] == "gap").unwrap();
    assert!(gap.header("webhook-id").starts_with("msg_gap_"));
    gap.signed_by(&[&(0..32).collect::<Vec<u8>>()]);
    let cursor = gap.json()["cursor"].as_str().unwrap().to_owned();
    let poll = json!({ "name": "model.promoted", "cursor": cursor });
    let page = bench.subscriptions.poll(&poll).await.unwrap();
    assert_eq!((page["events"].as_array().unwrap().len(), &page["truncated"]), (2, &json!(false)));
}
