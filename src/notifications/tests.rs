//! Couriers between a real store and real sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::adapters::webhook::Form;
use crate::clock::SystemClock;
use crate::ids::Entity;
use crate::store::{Database, StoreDeps, Transaction, audits};
use crate::supervision::RestartPolicy;

/// Answers every request with this status and keeps what it got.
async fn receiver(status: u16) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let got = Arc::<Mutex<Vec<String>>>::default();
    let sink = Arc::clone(&got);
    actix::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 64 * 1024];
            let mut length = 0;
            // The body is a JSON object and ends so.
            while !bytes[..length].ends_with(b"}") {
                length += stream.read(&mut bytes[length..]).await.unwrap();
            }
            sink.lock().unwrap().push(String::from_utf8_lossy(&bytes[..length]).into_owned());
            let answer =
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, got)
}

struct Bench {
    store: Store,
    notifications: Notifications,
    _directory: TempDir,
}

impl Bench {
    async fn new(urls: &[String]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::at(&directory.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let (clock, supervision) =
            (Arc::new(SystemClock), Supervision::new(RestartPolicy::default()));
        let bell = Arc::<Bell>::default();
        let deps = StoreDeps {
            clock: clock.clone(),
            publish: bell.hung_on(Arc::new(|_| ())),
            supervision: supervision.clone(),
            arbiter: Arbiter::new().handle(),
            on_end: Box::new(|_| ()),
        };
        let store = Store::start(database, deps);
        let webhook = |url: &String| Webhook::new(&url.clone().into(), Form::Slack).unwrap();
        let deps = NotificationDeps {
            store: store.clone(),
            clock,
            supervision,
            arbiter: Arbiter::new().handle(),
            bell,
            webhooks: urls.iter().map(webhook).collect(),
            patience: Patience { give_up: Duration::from_millis(1), least_attempts: 2 },
        };
        let notifications = Notifications::start(deps).await.unwrap();
        Self { store, notifications, _directory: directory }
    }

    async fn promote(&self, model: &str) {
        let model = Entity::parse(&format!("model/{model}")).unwrap();
        let emit = move |tx: &mut Transaction<'_>| {
            tx.emit((&model, None), "promoted", &json!({ "gate": "production" }))
        };
        self.store.write(emit).await.unwrap();
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} never came");
}

#[actix::test]
async fn a_transition_is_told_as_soon_as_it_is_committed() {
    let (url, got) = receiver(204).await;
    let bench = Bench::new(&[url]).await;
    for model in ["a", "b"] {
        let began = std::time::Instant::now();
        bench.promote(model).await;
        let text = format!("{{\"text\":\"Model {model} was promoted in production.\"}}");
        until(&text, || got.lock().unwrap().last().is_some_and(|last| last.ends_with(&text))).await;
        // Well before anybody would look without the bell.
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    until("the count", || bench.notifications.counts()[0].delivered == 2).await;
}

#[actix::test]
async fn what_nobody_takes_is_skipped_and_that_is_a_fact() {
    let (url, got) = receiver(500).await;
    let bench = Bench::new(&[url]).await;
    bench.promote("a").await;
    bench.promote("b").await;
    until("the skips", || bench.notifications.counts()[0].skipped == 2).await;
    let counts = bench.notifications.counts().remove(0);
    assert_eq!((counts.delivered, counts.failed, counts.waiting_seconds), (0, 4, 0));
    assert_eq!(got.lock().unwrap().len(), 4);
    let facts = bench.store.read(|conn| audits::about(conn, "daemon")).await.unwrap();
    let actions: Vec<_> = facts.iter().map(|fact| fact.action.as_str()).collect();
    assert_eq!(actions, ["webhook_skip", "webhook_skip"]);
    assert!(facts[0].message.contains("status 500"), "{}", facts[0].message);
}

#[actix::test]
async fn what_is_still_to_be_told_is_not_pruned() {
    // Nobody listens at port 1; the first wait is short, and the test is over before the second.
    let bench = Bench::new(&["http://127.0.0.1:1/".to_owned()]).await;
    let pinned = bench.store.write(|tx| {
        for model in ["a", "b", "c"] {
            let model = Entity::parse(&format!("model/{model}")).unwrap();
            tx.emit((&model, None), "promoted", &json!({}))?;
        }
        crate::store::events::prune(tx, "9999-01-01T00:00:00.000Z", 100)
    });
    assert_eq!(pinned.await.unwrap(), 0);
}
