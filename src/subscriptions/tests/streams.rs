//! Events as they are committed, as messages of the protocol.

use futures_util::StreamExt as _;

use super::*;

async fn open(bench: &Bench, params: Value) -> EventStream {
    bench.subscriptions.stream(OWNER, json!(7), &params).await.unwrap()
}

/// The next message: its method without what all have in common, and its params.
async fn next(stream: &mut EventStream) -> (String, Value) {
    let waited = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
    let message: Value = serde_json::from_slice(&waited.unwrap().unwrap()).unwrap();
    assert_eq!(message["jsonrpc"], "2.0");
    let meta = "io.modelcontextprotocol/subscriptionId";
    if message["method"].is_null() {
        assert_eq!((&message["id"], &message["result"]["_meta"][meta]), (&json!(7), &json!(7)));
        return ("result".to_owned(), message["result"].clone());
    }
    assert_eq!(message["params"]["_meta"][meta], 7);
    let method = message["method"].as_str().unwrap();
    (method.strip_prefix("notifications/events/").unwrap().to_owned(), message["params"].clone())
}

/// The next that is no sign of life.
async fn said(stream: &mut EventStream) -> (String, Value) {
    loop {
        let (method, params) = next(stream).await;
        if method != "heartbeat" {
            return (method, params);
        }
    }
}

#[actix::test]
async fn a_stream_says_where_it_begins_and_then_what_happens() {
    let bench = Bench::new(MADE).await;
    bench.promote("before").await;
    let mut stream = open(&bench, json!({ "name": "model.promoted" })).await;
    let (method, params) = said(&mut stream).await;
    assert_eq!((method.as_str(), &params["truncated"]), ("active", &json!(false)));
    bench.emit("model/other", "rolled_back", json!({ "gate": "g" })).await;
    bench.emit("job/job_x", "queued", json!({})).await;
    let mut last = params["cursor"].clone();
    for model in ["a", "b"] {
        bench.promote(model).await;
        let (method, event) = said(&mut stream).await;
        assert_eq!((method.as_str(), &event["data"]["modelId"]), ("event", &json!(model)));
        assert_eq!(event["name"], "model.promoted");
        assert_ne!(event["cursor"], last);
        last = event["cursor"].clone();
    }
    drop(stream);
    // Whoever comes back with the last cursor lacks nothing and gets nothing twice.
    bench.promote("c").await;
    let mut stream = open(&bench, json!({ "name": "model.promoted", "cursor": last })).await;
    assert_eq!(said(&mut stream).await.1["cursor"], last);
    assert_eq!(said(&mut stream).await.1["data"]["modelId"], "c");
    // The same as a poll tells.
    let poll = json!({ "name": "model.promoted", "cursor": last });
    let polled = bench.subscriptions.poll(&poll).await.unwrap();
    let mut again = open(&bench, poll).await;
    said(&mut again).await;
    let event = said(&mut again).await.1;
    for member in ["eventId", "name", "timestamp", "data"] {
        assert_eq!(event[member], polled["events"][0][member]);
    }
}

#[actix::test]
async fn arguments_choose_what_a_stream_says() {
    let bench = Bench::new(MADE).await;
    let arguments = json!({ "canaryId": "canary_x", "modelId": "m:2" });
    let mut stream =
        open(&bench, json!({ "name": "canary.aborted", "arguments": arguments })).await;
    said(&mut stream).await;
    for (canary, model, reason) in [
        ("canary_y", "m:2", "aborted"),
        ("canary_x", "m:1", "aborted"),
        ("canary_x", "m:2", "breach"),
        ("canary_x", "m:2", "aborted"),
    ] {
        let fields = json!({ "modelId": model, "reason": reason });
        bench.emit(&format!("canary/{canary}"), "rolled_back", fields).await;
    }
    let (_, event) = said(&mut stream).await;
    assert_eq!(event["name"], "canary.aborted");
    assert_eq!(
        (&event["data"]["modelId"], &event["data"]["reason"]),
        (&json!("m:2"), &json!("aborted"))
    );
}

#[actix::test]
async fn a_stream_says_what_it_lacks_and_that_it_lives_and_ends() {
    let bench = Bench::new(MADE).await;
    for n in 0..5 {
        bench.promote(&format!("m{n}")).await;
    }
    bench.prune(2).await;
    let cursor = bench.subscriptions.0.cursors.seal(1);
    let params = json!({ "name": "model.promoted", "cursor": cursor });
    let mut stream = open(&bench, params.clone()).await;
    let (method, active) = said(&mut stream).await;
    assert_eq!((method.as_str(), &active["truncated"]), ("active", &json!(true)));
    for n in 2..5 {
        assert_eq!(said(&mut stream).await.1["data"]["modelId"], format!("m{n}"));
    }
    let (method, beat) = next(&mut stream).await;
    assert_eq!(method, "heartbeat");
    assert_eq!(beat["cursor"], json!(bench.subscriptions.0.cursors.seal(5)));

    // Only so many at once, and nothing that cannot be meant.
    let second = open(&bench, params.clone()).await;
    let refused = bench.subscriptions.stream(OWNER, json!(1), &params).await.err().unwrap();
    assert_eq!(refused.code(EventErrorCodes::ChatGpt), -32013);
    assert_eq!(refused.data(), Some(json!({ "limit": "streams", "max": 2 })));
    drop(second);
    for (params, code) in [
        (json!({ "name": "model.exploded" }), -32011),
        (json!({ "name": "model.promoted", "cursor": "1" }), -32602),
        (json!({ "name": "model.promoted", "arguments": { "a": 1 } }), -32602),
    ] {
        let refused = bench.subscriptions.stream(OWNER, json!(1), &params).await.err().unwrap();
        assert_eq!(refused.code(EventErrorCodes::ChatGpt), code, "{params}");
    }

    bench.hub.shut_down();
    let (method, result) = said(&mut stream).await;
    assert_eq!((method.as_str(), &result["resultType"]), ("result", &json!("complete")));
    assert_eq!(stream.next().await, None);
}
