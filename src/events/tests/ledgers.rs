//! Many clients that come and go, and what each has in the end.

use std::cell::OnceCell;
use std::rc::Rc;

use futures_util::future::join_all;

use super::*;
use crate::own_process::in_own_process;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % sides
    }
}

const JOBS: u64 = 40;

/// The topics of the n-th client.
fn topics(n: u64) -> Vec<String> {
    let job = |n: u64| format!("job/job_{}", n % JOBS);
    match n % 8 {
        0 => vec!["jobs".into()],
        1 => vec!["*".into()],
        2 => vec![job(n)],
        3 => vec!["job/*".into()],
        4 => vec![job(n), job(n + 1), job(n + 2)],
        5 => vec!["canaries".into(), job(n)],
        6 => vec!["job/*".into(), "*".into(), "models".into()],
        _ => vec!["models".into(), "canary/*".into()],
    }
}

fn covers(topics: &[String], entity: &Entity) -> bool {
    topics.iter().any(|topic| match topic.as_str() {
        "*" => true,
        "jobs" | "job/*" => entity.kind.as_str() == "job",
        "canaries" | "canary/*" => entity.kind.as_str() == "canary",
        "models" => entity.kind.as_str() == "model",
        one => entity.to_string() == one,
    })
}

/// What the log holds in the end, once it is the end.
type Outcome = Rc<OnceCell<Vec<CommittedEvent>>>;

/// Follows, with accidents, until it has the last event that is its own, and compares.
async fn keep_a_ledger(bench: &Bench, n: u64, outcome: Outcome) {
    let asked = topics(n);
    let topics: Vec<&str> = asked.iter().map(String::as_str).collect();
    let mut dice = Dice(n);
    let mut ledger: Vec<i64> = Vec::new();
    loop {
        let resume = Resume::After(ledger.last().copied().unwrap_or(0));
        let mut client = bench.follow(&topics, resume).await;
        for _ in 0..dice.roll(40) {
            // Once everything is written, accidents would only make the test long on a busy machine.
            let is_over = outcome.get().is_some();
            if !is_over && dice.roll(10) == 0 {
                tokio::time::sleep(Duration::from_millis(dice.roll(30))).await;
            }
            let wait = Duration::from_millis(if is_over { 1000 } else { dice.roll(60) });
            let Ok(chunk) = tokio::time::timeout(wait, client.reader.next()).await else { break };
            let frames = parse(&chunk.expect("nobody ended the stream"));
            assert!(frames.iter().all(|frame| frame.event != "gap"));
            ledger.extend(frames.iter().filter_map(|frame| frame.id));
        }
        drop(client);
        let Some(log) = outcome.get() else { continue };
        let theirs = log.iter().filter(|event| covers(&asked, &event.entity));
        let expected: Vec<_> = theirs.map(|event| event.seq).collect();
        let wrong = ledger.iter().zip(&expected).position(|(got, want)| got != want);
        assert_eq!(wrong, None, "client {n} of {asked:?}: {:?}", ledger.get(wrong.unwrap_or(0)..));
        assert!(ledger.len() <= expected.len(), "client {n} of {asked:?} got too much");
        if ledger.len() == expected.len() {
            return;
        }
    }
}

/// Writes `events` events about jobs, canaries and models, some alone and some together.
async fn write(bench: &Bench, events: u64) {
    let mut dice = Dice(42);
    let mut left = events;
    while 0 < left {
        let mut writes = Vec::new();
        for _ in 0..=dice.roll(20).min(left - 1) {
            left -= 1;
            let topic = match dice.roll(20) {
                0 => format!("model/m{}", dice.roll(3)),
                1 | 2 => format!("canary/c{}", dice.roll(3)),
                _ => format!("job/job_{}", dice.roll(JOBS)),
            };
            let entity = Entity::parse(&topic).unwrap();
            let number = left;
            writes.push(bench.store.write(move |transaction| {
                transaction.emit((&entity, None), "update", &json!({ "number": number }))
            }));
        }
        for written in join_all(writes).await {
            written.unwrap();
        }
    }
}

async fn ledgers_equal_the_log(clients: u64, limits: Limits, between: impl AsyncFn(u64)) {
    let bench = Bench::new(limits).await;
    let outcome = Outcome::default();
    let keepers = (0..clients).map(|n| keep_a_ledger(&bench, n, Rc::clone(&outcome)));
    let writer = async {
        for round in 0..5 {
            between(round).await;
            write(&bench, 1000).await;
        }
        let log = bench.log().await;
        assert_eq!(log.len(), 5000);
        outcome.set(log).unwrap();
    };
    let all = async { futures_util::join!(join_all(keepers), writer) };
    tokio::time::timeout(Duration::from_mins(1), all).await.expect("somebody never got it all");
    assert!(bench.hub.keeps_nothing_for_readers());
}

#[actix::test]
async fn two_hundred_clients_that_come_and_go_each_have_the_whole_log() {
    ledgers_equal_the_log(200, WIDE, async |_| ()).await;
}

#[actix::test]
async fn so_do_clients_when_memory_is_short() {
    ledgers_equal_the_log(50, SMALL, async |_| ()).await;
}

#[actix::test]
async fn so_do_clients_when_publishing_fails_now_and_then() {
    if !in_own_process!() {
        return;
    }
    let scenario = fail::FailScenario::setup();
    let fails = async |round: u64| {
        let point =
            if round.is_multiple_of(2) { "broadcast-publish" } else { "broadcast-half-pushed" };
        fail::cfg(point, "7*off->1*panic(planned)->off").unwrap();
    };
    ledgers_equal_the_log(50, Limits { ring_events: 64, ..SMALL }, fails).await;
    scenario.teardown();
}
