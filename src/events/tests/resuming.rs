//! Where a stream takes up, and what it says when it cannot.

use super::*;

#[actix::test]
async fn a_recent_id_resumes_from_memory() {
    let bench = Bench::new(WIDE).await;
    let last = bench.emit_many("job/a", "update", 10).await;
    bench.published(last).await;
    for (topics, after) in [(vec!["jobs"], 4), (vec!["*", "jobs"], 0), (vec!["job/*"], last)] {
        let mut client = bench.follow(&topics, Resume::After(after)).await;
        if after < last {
            assert_eq!(client.ids_up_to(last).await, (after + 1..=last).collect::<Vec<_>>());
        }
        assert!(client.is_quiet().await);
    }
    assert_eq!(bench.hub.statistics().replayed, 0);
}

#[actix::test]
async fn an_old_id_resumes_from_the_log_and_goes_on_live() {
    let bench = Bench::new(SMALL).await;
    for n in 0..120 {
        bench.emit_many(&format!("job/{}", n % 3), "update", 10).await;
    }
    let live = bench.emit("job/0", "completed").await;
    bench.published(live - 1).await;
    let log = bench.log().await;
    for (topics, left_out) in [
        (vec!["jobs"], vec![]),
        (vec!["*"], vec![]),
        (vec!["*", "job/0"], vec![]),
        (vec!["job/0"], vec!["1", "2"]),
        (vec!["job/2", "job/0"], vec!["1"]),
        (vec!["models", "job/0"], vec!["1", "2"]),
    ] {
        let theirs = log.iter().filter(|e| 7 < e.seq && !left_out.contains(&&*e.entity.id));
        let expected: Vec<_> = theirs.map(|event| event.seq).collect();
        let mut client = bench.follow(&topics, Resume::After(7)).await;
        assert_eq!(client.ids_up_to(live).await, expected, "{topics:?}");
        assert!(client.is_quiet().await);
    }
    assert!(0 < bench.hub.statistics().replayed);
}

#[actix::test]
async fn a_replayed_event_is_the_same_to_the_byte() {
    let bench = Bench::new(SMALL).await;
    let mut last = bench.emit_many("job/a", "update", 30).await;
    for topics in [vec!["jobs"], vec!["job/*", "jobs"], vec!["jobs", "job/a"]] {
        bench.published(last).await;
        let mut live = bench.follow(&topics, Resume::Live).await;
        let next = bench.emit("job/a", "completed").await;
        let told = live.next().await;
        assert_eq!(told.id, Some(next));
        last = bench.emit_many("job/b", "update", 30).await;
        bench.published(last).await;
        let mut again = bench.follow(&topics, Resume::After(next - 1)).await;
        assert_eq!(again.next().await, told, "{topics:?}");
    }
    assert_eq!(bench.hub.statistics().replayed, 3 * 31);
}

#[actix::test]
async fn an_id_from_the_future_means_from_now_on() {
    let bench = Bench::new(WIDE).await;
    let head = bench.emit("job/a", "queued").await;
    bench.published(head).await;
    for after in [head, head + 1, i64::MAX] {
        let mut client = bench.follow(&["jobs"], Resume::After(after)).await;
        assert!(client.is_quiet().await);
        let next = bench.emit("job/a", "update").await;
        assert_eq!(client.next().await.id, Some(next));
    }
}

#[actix::test]
async fn who_comes_late_still_hears_how_a_job_ended() {
    let bench = Bench::new(SMALL).await;
    for event_type in ["queued", "running", "completed"] {
        bench.emit("job/a", event_type).await;
    }
    let last = bench.emit_many("job/b", "update", 500).await;
    bench.published(last).await;
    let mut client = bench.follow(&["job/a"], Resume::After(0)).await;
    for event_type in ["queued", "running", "completed"] {
        assert_eq!(client.next().await.event, event_type);
    }
    assert!(client.is_quiet().await);
    // A job that nobody heard of has an empty stream.
    assert!(bench.follow(&["job/nobody"], Resume::After(0)).await.is_quiet().await);
}

#[actix::test]
async fn what_is_no_longer_kept_is_announced_once() {
    let bench = Bench::new(SMALL).await;
    bench.emit("job/old", "queued").await;
    bench.emit_many("job/old", "update", 49).await;
    bench.emit("job/new", "queued").await;
    let last = bench.emit_many("job/new", "update", 49).await;
    bench.published(last).await;
    bench.prune(50).await;
    for (topics, after) in [
        (vec!["jobs"], 0),
        (vec!["job/*"], 10),
        (vec!["*"], 49),
        (vec!["job/old", "job/new"], 10),
        (vec!["job/new", "models"], 10),
    ] {
        let mut client = bench.follow(&topics, Resume::After(after)).await;
        let gap = client.next().await;
        assert_eq!((&*gap.event, gap.id, gap.json()), ("gap", None, json!({ "oldest": 51 })));
        assert_eq!(client.ids_up_to(last).await, (51..=last).collect::<Vec<_>>(), "{topics:?}");
    }
    assert_eq!(bench.hub.statistics().gaps, 5);
    // Nothing is missing from these: they have the last that is gone, or begin after it.
    let mut client = bench.follow(&["jobs"], Resume::After(50)).await;
    assert_eq!(client.ids_up_to(last).await.len(), 50);
    let mut client = bench.follow(&["job/new"], Resume::After(0)).await;
    assert_eq!(client.ids_up_to(last).await.len(), 50);
    // Of this one, nothing is left.
    let mut client = bench.follow(&["job/old"], Resume::After(10)).await;
    assert_eq!(client.next().await.event, "gap");
    let next = bench.emit("job/old", "update").await;
    assert_eq!(client.next().await.id, Some(next));
}

#[actix::test]
async fn a_log_that_was_pruned_to_its_newest_event_is_a_gap_too() {
    let bench = Bench::new(WIDE).await;
    bench.emit_many("job/a", "update", 10).await;
    bench.prune(100).await;
    let bench = bench.restarted(WIDE).await;
    assert_eq!(bench.hub.head(), 10);
    let mut client = bench.follow(&["jobs"], Resume::After(3)).await;
    assert_eq!(client.next().await.json(), json!({ "oldest": 10 }));
    assert_eq!(client.next().await.id, Some(10));
    assert!(bench.follow(&["jobs"], Resume::After(10)).await.is_quiet().await);
    let next = bench.emit("job/a", "update").await;
    assert_eq!(client.next().await.id, Some(next));
}

#[actix::test]
async fn after_a_restart_clients_resume_and_those_that_are_recent_from_memory() {
    let bench = Bench::new(WIDE).await;
    let last = bench.emit_many("job/a", "update", 1000).await;
    let bench = bench.restarted(WIDE).await;
    assert_eq!(bench.hub.head(), last);
    let mut recent = bench.follow(&["jobs"], Resume::After(last - 200)).await;
    assert_eq!(recent.ids_up_to(last).await.len(), 200);
    assert_eq!(bench.hub.statistics().replayed, 0);
    let mut old = bench.follow(&["jobs"], Resume::After(1)).await;
    assert_eq!(old.ids_up_to(last).await.len(), 999);
    let mut live = bench.follow(&["jobs"], Resume::Live).await;
    assert!(live.is_quiet().await);
}

#[actix::test]
async fn a_reader_that_pauses_is_told_and_loses_nothing() {
    let bench = Bench::new(SMALL).await;
    let mut clients = Vec::new();
    for topics in [vec!["jobs"], vec!["job/a"], vec!["*", "job/a"]] {
        clients.push(bench.follow(&topics, Resume::Live).await);
    }
    let first = bench.emit("job/a", "queued").await;
    for client in &mut clients {
        assert_eq!(client.next().await.id, Some(first));
    }
    let mut last = 0;
    for _ in 0..10 {
        last = bench.emit_many("job/a", "update", 50).await;
    }
    bench.published(last).await;
    for client in &mut clients {
        let lagged = client.next().await;
        assert_eq!((&*lagged.event, lagged.id), ("lagged", None));
        assert_eq!(lagged.json(), json!({ "after": first }));
        assert_eq!(client.ids_up_to(last).await, (first + 1..=last).collect::<Vec<_>>());
        let next = bench.emit("job/a", "update").await;
        let caught_up = client.ids_up_to(next).await;
        assert!(caught_up.len() <= 3, "{caught_up:?}");
    }
    assert_eq!(bench.hub.statistics().lagged, 3);
}

#[actix::test]
async fn long_payloads_are_replayed_whole_and_one_by_one() {
    let bench = Bench::new(SMALL).await;
    let long = "x".repeat(100_000);
    for _ in 0..30 {
        let text = long.clone();
        let entity = Entity::parse("job/a").unwrap();
        let emitted = bench.store.write(move |transaction| {
            transaction.emit((&entity, None), "completed", &json!({ "result": text }))
        });
        emitted.await.unwrap();
    }
    bench.published(30).await;
    let mut client = bench.follow(&["jobs"], Resume::After(0)).await;
    for seq in 1..=30 {
        let frames = parse(&client.reader.next().await.unwrap());
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].id, Some(seq));
        assert_eq!(frames[0].json()["result"].as_str().unwrap().len(), long.len());
    }
}

#[actix::test]
async fn a_rare_topic_is_found_far_away_in_a_long_log() {
    let bench = Bench::new(SMALL).await;
    let early = bench.emit("model/m", "promoted").await;
    for _ in 0..5 {
        bench.emit_many("job/a", "update", 5000).await;
    }
    let late = bench.emit("model/n", "promoted").await;
    bench.emit_many("job/a", "update", 100).await;
    bench.published(late + 100).await;
    let mut client = bench.follow(&["models", "canaries"], Resume::After(0)).await;
    assert_eq!(client.ids_up_to(late).await, [early, late]);
    assert!(client.is_quiet().await);
}
