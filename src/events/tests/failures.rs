//! What a failure costs: a moment, and no event.

use fail::FailScenario;

use super::*;
use crate::own_process::in_own_process;

/// Publishes under the eyes of three clients while the actor fails, and expects every event once.
async fn fails_and_loses_nothing(point: &'static str, fails: u64) {
    let scenario = FailScenario::setup();
    let bench = Bench::new(WIDE).await;
    let mut clients = Vec::new();
    for topics in [vec!["jobs"], vec!["job/a"], vec!["job/*", "*", "job/a", "jobs"]] {
        clients.push(bench.follow(&topics, Resume::Live).await);
    }
    let mut last = bench.emit_many("job/a", "update", 5).await;
    bench.published(last).await;
    for _ in 0..fails {
        fail::cfg(point, "1*panic(planned)").unwrap();
        last = bench.emit_many("job/a", "update", 5).await;
        bench.published(last).await;
    }
    // One that failed on the way is not the last to be heard of.
    last = bench.emit_many("job/a", "update", 5).await;
    for client in &mut clients {
        assert_eq!(client.ids_up_to(last).await, (1..=last).collect::<Vec<_>>());
    }
    assert!(clients[0].is_quiet().await);
    bench.hub.ping().await.unwrap();
    assert_eq!(bench.supervision.counts()["broadcast"].restarted, fails);
    scenario.teardown();
}

#[actix::test]
async fn a_panic_before_publishing_costs_no_event() {
    if !in_own_process!() {
        return;
    }
    fails_and_loses_nothing("broadcast-publish", 2).await;
}

#[actix::test]
async fn a_panic_halfway_through_publishing_costs_no_event_and_repeats_none() {
    if !in_own_process!() {
        return;
    }
    fails_and_loses_nothing("broadcast-half-pushed", 2).await;
}

#[actix::test]
async fn an_actor_that_cannot_be_kept_alive_is_given_up_and_says_so() {
    if !in_own_process!() {
        return;
    }
    let scenario = FailScenario::setup();
    let bench = Bench::new(WIDE).await;
    fail::cfg("broadcast-publish", "panic(planned)").unwrap();
    let counts = || bench.supervision.counts().get("broadcast").copied().unwrap_or_default();
    tokio::time::timeout(Duration::from_secs(20), async {
        // Back-off makes each failure wait for the one before.
        while counts().gave_up == 0 {
            bench.emit("job/a", "update").await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert!(matches!(bench.hub.ping().await, Err(HubError::Down)));
    scenario.teardown();
}

#[actix::test]
async fn events_that_did_not_reach_the_actor_are_taken_from_the_log_as_soon_as_it_can_be_read() {
    if !in_own_process!() {
        return;
    }
    let scenario = FailScenario::setup();
    let bench = Bench::new(WIDE).await;
    let mut client = bench.follow(&["jobs"], Resume::Live).await;
    // A second writer that publishes nowhere, as if its messages were lost.
    let silent = Store::start(
        database(&bench.directory),
        StoreDeps {
            clock: Arc::new(SystemClock),
            publish: Arc::new(|_| ()),
            supervision: bench.supervision.clone(),
            arbiter: Arbiter::new().handle(),
            on_end: Box::new(|_| ()),
        },
    );
    let unheard = silent.write(|transaction| {
        let entity = Entity::parse("job/a").unwrap();
        (0..600).try_for_each(|n| transaction.emit((&entity, None), "update", &json!({ "n": n })))
    });
    unheard.await.unwrap();
    assert!(client.is_quiet().await);
    fail::cfg("events-catch-up", "2*return->off").unwrap();
    let last = bench.emit("job/a", "completed").await;
    assert_eq!(last, 601);
    assert_eq!(client.ids_up_to(last).await, (1..=601).collect::<Vec<_>>());
    assert_eq!(bench.hub.statistics().published, 601);
    scenario.teardown();
}

#[actix::test]
async fn a_replay_that_fails_ends_its_stream_and_the_next_one_resumes() {
    if !in_own_process!() {
        return;
    }
    let scenario = FailScenario::setup();
    let bench = Bench::new(SMALL).await;
    let last = bench.emit_many("job/a", "update", 1000).await;
    bench.published(last).await;
    let mut ledger = Vec::new();
    for failure in ["1*off->return", "1*off->panic(planned)"] {
        fail::cfg("events-replay", failure).unwrap();
        let after = ledger.last().copied().unwrap_or(0);
        let mut client = bench.follow(&["jobs"], Resume::After(after)).await;
        let mut frame = client.next().await;
        while let Some(id) = frame.id {
            ledger.push(id);
            frame = client.next().await;
        }
        assert!(frame.comment.contains("resume with the last id"), "{frame:?}");
        assert_eq!(client.maybe_next().await, None);
    }
    fail::cfg("events-replay", "off").unwrap();
    let after = ledger.last().copied().unwrap();
    let mut client = bench.follow(&["jobs"], Resume::After(after)).await;
    ledger.extend(client.ids_up_to(last).await);
    assert_eq!(ledger, (1..=last).collect::<Vec<_>>());
    scenario.teardown();
}

#[actix::test]
async fn clients_that_stall_in_the_middle_of_a_replay_keep_nobody_from_theirs() {
    let bench = Bench::new(SMALL).await;
    let last = bench.emit_many("job/a", "update", 1000).await;
    bench.published(last).await;
    let mut stalled = Vec::new();
    for _ in 0..50 {
        let mut client = bench.follow(&["jobs"], Resume::After(0)).await;
        // Its replay begins, and nobody looks at it again.
        assert!(client.is_quiet().await);
        stalled.push(client);
    }
    let mut client = bench.follow(&["jobs"], Resume::After(0)).await;
    assert_eq!(client.ids_up_to(last).await.len(), 1000);
    assert_eq!(stalled[49].ids_up_to(last).await.len(), 1000);
}
