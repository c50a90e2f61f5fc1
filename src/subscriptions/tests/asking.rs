//! What a client asks for itself: kinds, pages, the newest.

use proptest::prelude::*;

use super::*;
use crate::events::Topics;
use crate::store::events::EventFilter;

#[actix::test]
async fn the_kinds_are_listed_on_one_page() {
    let bench = Bench::new(MADE).await;
    for params in [None, Some(json!({})), Some(json!({ "cursor": null }))] {
        let list = bench.subscriptions.list(params.as_ref()).unwrap();
        let kinds = list["events"].as_array().unwrap();
        assert_eq!(kinds.len(), catalogue::KINDS.len());
        assert_eq!(kinds[0]["delivery"], json!(["webhook", "push", "poll"]));
    }
    let cursor = json!({ "cursor": "x" });
    assert_eq!(refusal(bench.subscriptions.list(Some(&cursor))).0, -32602);
    let none = Bench::new(Made { bounds: Bounds { all: 0, per_principal: 9 }, ..MADE }).await;
    let list = none.subscriptions.list(None).unwrap();
    assert_eq!(list["events"][0]["delivery"], json!(["push", "poll"]));
}

async fn poll(bench: &Bench, params: Value) -> Value {
    bench.subscriptions.poll(&params).await.unwrap()
}

#[actix::test]
async fn a_poll_begins_with_now_and_goes_on() {
    let bench = Bench::new(MADE).await;
    bench.promote("before").await;
    for params in [
        json!({ "name": "model.promoted", "maxAgeMs": 9 }),
        json!({ "name": "model.promoted", "cursor": null, "arguments": null }),
    ] {
        let first = poll(&bench, params).await;
        assert_eq!((&first["events"], &first["hasMore"]), (&json!([]), &json!(false)));
        assert_eq!((&first["truncated"], &first["nextPollMs"]), (&json!(false), &json!(5_000)));
    }
    let mut cursor = poll(&bench, json!({ "name": "model.promoted" })).await["cursor"].clone();
    for n in 0..5 {
        bench.promote(&format!("m{n}")).await;
        bench.emit("job/job_x", "queued", json!({})).await;
    }
    let mut models = Vec::new();
    loop {
        let page =
            poll(&bench, json!({ "name": "model.promoted", "cursor": cursor, "maxEvents": 2 }));
        let page = page.await;
        cursor = page["cursor"].clone();
        for event in page["events"].as_array().unwrap() {
            assert!(event.get("cursor").is_none());
            models.push(event["data"]["modelId"].clone());
        }
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(models, ["m0", "m1", "m2", "m3", "m4"]);
    // Even what does not match moves the cursor on.
    bench.emit("job/job_x", "queued", json!({})).await;
    let quiet = poll(&bench, json!({ "name": "model.promoted", "cursor": cursor })).await;
    assert_eq!(quiet["events"], json!([]));
    assert_ne!(quiet["cursor"], cursor);
}

#[actix::test]
async fn what_is_not_there_any_more_is_said() {
    let bench = Bench::new(MADE).await;
    for n in 0..6 {
        bench.promote(&format!("m{n}")).await;
    }
    let sealed = |seq| bench.subscriptions.0.cursors.seal(seq);
    let count = |page: &Value| page["events"].as_array().unwrap().len();
    let at = |seq| json!({ "name": "model.promoted", "cursor": sealed(seq) });
    bench.prune(3).await;
    let page = poll(&bench, at(1)).await;
    assert_eq!((&page["truncated"], count(&page)), (&json!(true), 3));
    let page = poll(&bench, at(3)).await;
    assert_eq!((&page["truncated"], count(&page)), (&json!(false), 3));
    // A cursor from before the database was put back is beyond what there is.
    let page = poll(&bench, at(99)).await;
    assert_eq!((&page["truncated"], count(&page)), (&json!(true), 0));
    assert_eq!(page["cursor"], json!(sealed(6)));
    // Nothing that is too old is told.
    let young = |seq, age: u64| {
        let mut params = at(seq);
        params["maxAgeMs"] = json!(age);
        params
    };
    for age in [3_600_000, 100_000_000_000_000, u64::MAX] {
        let page = poll(&bench, young(3, age)).await;
        assert_eq!((&page["truncated"], count(&page)), (&json!(false), 3), "{age}");
    }
    bench.move_clock(time::Duration::hours(2));
    bench.promote("young").await;
    let page = poll(&bench, young(3, 3_600_000)).await;
    assert_eq!((&page["truncated"], count(&page)), (&json!(true), 1));
    assert_eq!(poll(&bench, young(6, 3_600_000)).await["truncated"], false);
    for foreign in [json!("42"), json!(42), json!("x".repeat(32)), json!({})] {
        let params = json!({ "name": "model.promoted", "cursor": foreign });
        assert_eq!(refusal(bench.subscriptions.poll(&params).await).0, -32602, "{foreign}");
    }
    let unknown = json!({ "name": "model.exploded" });
    assert_eq!(refusal(bench.subscriptions.poll(&unknown).await).0, -32011);
}

#[actix::test]
async fn a_page_is_not_longer_than_can_be_answered() {
    let bench = Bench::new(MADE).await;
    for n in 0..8 {
        let fields = json!({ "gate": "g", "reason": "x".repeat(240_000), "n": n });
        bench.emit("model/long", "promoted", fields).await;
    }
    let first = bench.subscriptions.0.cursors.seal(0);
    let page = poll(&bench, json!({ "name": "model.promoted", "cursor": first })).await;
    assert_eq!((page["events"].as_array().unwrap().len(), &page["hasMore"]), (4, &json!(true)));
    let topics = Topics::parse(&["*"]).unwrap();
    let newest = bench.subscriptions.recent(&topics, None, 200).await.unwrap();
    let numbers: Vec<_> = newest.events.iter().map(|one| one.data["n"].clone()).collect();
    assert_eq!(numbers, [6, 7]);
    let next = bench.subscriptions.recent(&topics, Some(&first), 200).await.unwrap();
    assert_eq!((next.events.len(), next.has_more), (2, true));
    let next = bench.subscriptions.recent(&topics, Some(&next.cursor), 200).await.unwrap();
    assert_eq!(next.events[0].data["n"], 2);
}

#[actix::test]
async fn the_newest_are_found_by_what_they_are_about() {
    let bench = Bench::new(MADE).await;
    for n in 0..5 {
        bench.promote(&format!("m{n}")).await;
        bench.emit("job/job_x", "update", json!({ "n": n })).await;
    }
    let recent = |topic: &'static str, cursor: Option<String>, limit| {
        let subscriptions = bench.subscriptions.clone();
        async move {
            let topics = Topics::parse(&[topic]).unwrap();
            subscriptions.recent(&topics, cursor.as_deref(), limit).await.unwrap()
        }
    };
    let names = |recent: &Recent| -> Vec<String> {
        recent.events.iter().map(|one| one.name.to_owned()).collect()
    };
    let newest = recent("*", None, 3).await;
    assert_eq!(names(&newest), ["job.progress", "model.promoted", "job.progress"]);
    assert_eq!(names(&recent("model/m3", None, 9).await), ["model.promoted"]);
    assert_eq!(recent("job/*", None, 200).await.events.len(), 5);
    assert!(recent("canary/*", None, 200).await.events.is_empty());
    // With the cursor it goes on, each once.
    bench.promote("later").await;
    let next = recent("*", Some(newest.cursor), 3).await;
    assert_eq!(
        (names(&next), next.has_more, next.truncated),
        (vec!["model.promoted".to_owned()], false, false)
    );
    assert!(recent("*", Some(next.cursor), 3).await.events.is_empty());
    let topics = Topics::parse(&["*"]).unwrap();
    assert!(bench.subscriptions.recent(&topics, Some("7"), 3).await.is_err());
}

/// Something that is committed: about one of three things, under a name, with a phase.
const EVENTS: [(&str, &str, &str); 8] = [
    ("job/job_a", "queued", ""),
    ("job/job_b", "queued", ""),
    ("job/job_a", "completed", ""),
    ("canary/canary_a", "update", "awaiting_approval"),
    ("canary/canary_b", "update", "paused"),
    ("canary/canary_a", "metric", ""),
    ("model/m:1", "promoted", ""),
    ("model/m:2", "promoted", ""),
];

/// What is followed: a kind, and arguments.
fn questions() -> Vec<(&'static str, Value)> {
    vec![
        ("job.queued", json!({})),
        ("job.queued", json!({ "jobId": "job_a" })),
        ("job.completed", json!({})),
        ("canary.updated", json!({})),
        ("canary.awaiting_approval", json!({ "canaryId": "canary_a" })),
        ("canary.awaiting_approval", json!({ "canaryId": "canary_b" })),
        ("model.promoted", json!({ "modelId": "m:2" })),
        ("model.rolled_back", json!({})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_pages_have_each_event_once_and_in_order(
        committed in prop::collection::vec(0..EVENTS.len(), 0..160),
        most in 1u64..60,
        pause in 1usize..50,
    ) {
        actix::System::new().block_on(async move {
            let bench = Bench::new(MADE).await;
            let mut cursors: Vec<Value> =
                vec![json!(bench.subscriptions.0.cursors.seal(0)); questions().len()];
            let mut seen: Vec<Vec<String>> = vec![Vec::new(); questions().len()];
            for chunk in committed.chunks(pause).chain([&[][..]]) {
                for n in chunk {
                    let (topic, name, phase) = EVENTS[*n];
                    bench.emit(topic, name, json!({ "phase": phase })).await;
                }
                for (place, (name, arguments)) in questions().into_iter().enumerate() {
                    loop {
                        let params = json!({
                            "name": name, "arguments": arguments, "cursor": cursors[place],
                            "maxEvents": most,
                        });
                        let page = poll(&bench, params).await;
                        cursors[place] = page["cursor"].clone();
                        let events = page["events"].as_array().unwrap();
                        assert!(events.len() as u64 <= most);
                        let ids = events.iter().map(|one| one["eventId"].as_str().unwrap());
                        seen[place].extend(ids.map(str::to_owned));
                        if page["hasMore"] == false {
                            break;
                        }
                    }
                }
            }
            let log = bench
                .store
                .read(|conn| events::replay(conn, &[EventFilter::All], 0, i64::MAX, i64::MAX))
                .await
                .unwrap();
            for (place, (name, arguments)) in questions().into_iter().enumerate() {
                let (_, kind) = catalogue::find(name).unwrap();
                let filter = filter::Filter::read(kind, arguments.as_object().unwrap()).unwrap();
                let all = log.iter().filter_map(|row| occurrence::Occurrence::of(kind, &filter, row));
                let expected: Vec<String> = all.map(|one| one.event_id).collect();
                assert_eq!(seen[place], expected, "{name} {arguments}");
            }
        });
    }
}
