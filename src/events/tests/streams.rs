//! What comes in which stream, and who gets one.

use super::*;

#[actix::test]
async fn an_event_is_told_under_the_name_that_its_topic_asks_for() {
    let bench = Bench::new(WIDE).await;
    let telling =
        [("job/job_a", "completed"), ("job/*", "completed"), ("*", "completed"), ("jobs", "job")];
    let silent = ["job/job_b", "canary/job_a", "canary/*", "model/*", "canaries", "models"];
    let mut clients = Vec::new();
    for (topic, name) in telling {
        clients.push((bench.follow(&[topic], Resume::Live).await, name));
    }
    let mut others = Vec::new();
    for topic in silent {
        others.push(bench.follow(&[topic], Resume::Live).await);
    }
    let seq = bench.emit("job/job_a", "completed").await;
    for (client, name) in &mut clients {
        let frame = client.next().await;
        assert_eq!((frame.id, &*frame.event), (Some(seq), *name));
        let payload = frame.json();
        assert_eq!(payload["type"], "completed");
        assert_eq!(payload["topic"], "job/job_a");
        assert_eq!(payload["jobId"], "job_a");
        assert_eq!(payload["n"], 0);
        assert!(payload["ts"].as_str().unwrap().ends_with('Z'));
    }
    for client in &mut others {
        assert!(client.is_quiet().await);
    }
}

#[actix::test]
async fn every_class_has_its_name_and_topics_in_one_stream_share_their_events() {
    let bench = Bench::new(WIDE).await;
    let mut client = bench.follow(&["canaries", "models", "canary/*"], Resume::Live).await;
    let mut turned = bench.follow(&["canary/*", "canaries", "model/m"], Resume::Live).await;
    bench.emit("canary/c", "metric").await;
    bench.emit("job/j", "queued").await;
    let last = bench.emit("model/m", "promoted").await;
    let told = |frame: Frame| (frame.id, frame.event);
    assert_eq!(told(client.next().await), (Some(last - 2), "canary".into()));
    assert_eq!(told(client.next().await), (Some(last), "model".into()));
    assert_eq!(told(turned.next().await), (Some(last - 2), "metric".into()));
    assert_eq!(told(turned.next().await), (Some(last), "promoted".into()));
    assert!(client.is_quiet().await && turned.is_quiet().await);
}

#[actix::test]
async fn the_first_frame_repeats_the_topics_and_says_where_a_live_stream_begins() {
    let bench = Bench::new(WIDE).await;
    let seq = bench.emit("job/a", "queued").await;
    bench.published(seq).await;
    let open = |resume| {
        let mut client = bench.open(&["jobs", "job/a"], resume);
        async move { client.next().await }
    };
    let live = open(Resume::Live).await;
    assert_eq!((&*live.event, &*live.retry), ("open", "2000"));
    assert_eq!(live.json(), json!({ "ok": true, "topic": "jobs,job/a" }));
    assert_eq!(live.id, Some(seq));
    assert_eq!(open(Resume::After(seq)).await.id, None);
    assert_eq!(open(Resume::After(0)).await.id, None);
    assert_eq!(open(Resume::After(seq + 1000)).await.id, Some(seq));
}

#[actix::test]
async fn what_waits_for_a_reader_comes_in_one_piece_of_bounded_size() {
    let bench = Bench::new(WIDE).await;
    let mut client = bench.follow(&["jobs"], Resume::Live).await;
    let mut both = bench.follow(&["jobs", "*"], Resume::Live).await;
    let last = bench.emit_many("job/a", "update", 1000).await;
    bench.published(last).await;
    for client in [&mut client, &mut both] {
        let mut chunks = Vec::new();
        let mut ids = Vec::new();
        while ids.last() != Some(&last) {
            let chunk = client.reader.next().await.unwrap();
            ids.extend(parse(&chunk).iter().filter_map(|frame| frame.id));
            chunks.push(chunk.len());
        }
        assert_eq!(ids, (1..=1000).collect::<Vec<i64>>());
        assert!(chunks.iter().all(|size| *size <= 32 * 1024), "{chunks:?}");
        assert!(chunks.len() < 6, "{chunks:?}");
    }
    assert_eq!(bench.hub.statistics().replayed, 0);
}

#[actix::test]
async fn two_streams_of_one_principal_on_one_topic_both_get_everything() {
    let bench = Bench::new(WIDE).await;
    let mut first = bench.follow(&["jobs"], Resume::Live).await;
    let mut second = bench.follow(&["jobs"], Resume::Live).await;
    let last = bench.emit_many("job/a", "update", 3).await;
    assert_eq!(first.ids_up_to(last).await, [1, 2, 3]);
    assert_eq!(second.ids_up_to(last).await, [1, 2, 3]);
}

#[actix::test]
async fn places_are_limited_in_all_and_for_each_principal_and_come_back() {
    let limits = Limits { readers: 3, readers_per_principal: 2, ..WIDE };
    let bench = Bench::new(limits).await;
    let topics = Topics::parse(&["jobs", "job/a"]).unwrap();
    let open = |principal: &str| bench.hub.subscribe(&topics, Resume::Live, principal);
    let a = (open("a").unwrap(), open("a").unwrap());
    assert_eq!(open("a").err(), Some(SubscribeError::PrincipalFull(2)));
    let b = open("b").unwrap();
    assert_eq!(open("c").err(), Some(SubscribeError::Full));
    drop(b);
    let c = open("c").unwrap();
    drop(a.0);
    let again = open("a").unwrap();
    assert_eq!(bench.hub.statistics().readers, 3);
    assert_eq!(bench.hub.statistics().refused, 2);
    drop((a.1, c, again));
    for _ in 0..10_000 {
        drop(open("a").unwrap());
    }
    assert_eq!(bench.hub.statistics().readers, 0);
    assert!(bench.hub.keeps_nothing_for_readers());
}

#[actix::test]
async fn a_drain_ends_every_stream_with_a_word_and_lets_nobody_in() {
    let bench = Bench::new(SMALL).await;
    let last = bench.emit_many("job/a", "update", 1000).await;
    bench.published(last).await;
    let mut waiting = bench.follow(&["jobs"], Resume::Live).await;
    let mut replaying = bench.follow(&["jobs"], Resume::After(0)).await;
    assert_eq!(replaying.next().await.id, Some(1));
    replaying.waiting.clear();
    assert!(waiting.is_quiet().await);
    let ended = bench.hub.ended();
    bench.hub.shut_down();
    ended.await;
    for client in [&mut waiting, &mut replaying] {
        let mut frame = client.next().await;
        while frame.event != "shutdown" {
            frame = client.next().await;
        }
        assert_eq!((&*frame.retry, &*frame.data), ("1000", "{}"));
        assert_eq!(client.maybe_next().await, None);
        assert_eq!(client.maybe_next().await, None);
    }
    let topics = Topics::parse(&["jobs"]).unwrap();
    let refused = bench.hub.subscribe(&topics, Resume::Live, "a").err().unwrap();
    assert_eq!(refused, SubscribeError::Draining);
    assert!(0 < refused.retry_after_seconds());
}

#[actix::test]
async fn every_stream_gets_a_sign_of_life_each_fifteen_seconds() {
    let directory = tempfile::tempdir().unwrap();
    Store::prepare(&database(&directory)).unwrap();
    let bench = Bench::over(directory, WIDE, Arbiter::current()).await;
    tokio::time::pause();
    let mut readers = Vec::new();
    for _ in 0..40 {
        readers.push(bench.follow(&["jobs"], Resume::Live).await);
    }
    let count_beats = |mut client: Client| async move {
        let mut beats = 0;
        let over = tokio::time::sleep(Duration::from_millis(150_500));
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return beats,
                chunk = client.reader.next() => {
                    assert_eq!(chunk.unwrap(), ": hb\n\n");
                    beats += 1;
                }
            }
        }
    };
    let beats = futures_util::future::join_all(readers.into_iter().map(count_beats)).await;
    assert!(beats.iter().all(|beats| *beats == 10), "{beats:?}");
}

#[test]
fn a_reader_is_small() {
    // The contract is about 1 KiB; entries in the maps and a ring of its own come on top of this.
    let size = size_of::<Reader>() + size_of::<seat::Seat>() + size_of::<ring::Ring>();
    assert!(size <= 256, "{size}");
}
