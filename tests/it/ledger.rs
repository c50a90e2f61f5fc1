//! Two hundred readers that come and go, and two restarts of the daemon: everybody hears of
//! everything, and of nothing twice.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Client;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout_at};

use crate::database::{Database, Event};
use crate::dice::{Dice, free_port};
use crate::harness::{Daemon, Home, PATIENCE};

const READERS: usize = 200;

/// How long each of the three lives of the daemon is.
const LIFE: Duration = Duration::from_secs(3);

/// What readers ask for; the job's own topic is filled in.
const TOPICS: [&str; 6] = [
    "topic=jobs",
    "topic=job/*",
    "topic=*",
    "topic=jobs&topic=*",
    "topic=canaries&topic=job/*",
    "",
];

/// What a reader heard: ids and names, in the order in which they came.
type Ledger = Vec<(i64, String)>;

/// What all readers share.
struct Shared {
    port: u16,
    client: Client,
    /// The newest event, once there will be no further ones.
    last: Mutex<Option<i64>>,
    connections: AtomicU64,
    unusual: Mutex<Vec<String>>,
}

struct Reader {
    shared: Arc<Shared>,
    dice: Dice,
    query: String,
    ledger: Ledger,
}

impl Reader {
    /// Reads, leaves and comes back until it has the last event of its topics.
    async fn run(mut self) -> (String, Ledger) {
        loop {
            let last = *self.shared.last.lock().unwrap();
            let heard = self.ledger.last().map_or(0, |(id, _)| *id);
            if last.is_some_and(|last| last <= heard) {
                return (self.query, self.ledger);
            }
            self.read_a_while(last.is_some()).await;
        }
    }

    async fn read_a_while(&mut self, to_the_end: bool) {
        let heard = self.ledger.last().map_or(0, |(id, _)| *id);
        let url = format!("http://127.0.0.1:{}/sse?{}", self.shared.port, self.query);
        let request = self.shared.client.get(url).header("Last-Event-ID", heard.to_string());
        let Ok(mut stream) = request.send().await else {
            // The daemon is away.
            sleep(self.dice.milliseconds(5..50)).await;
            return;
        };
        if stream.status() != 200 {
            assert_eq!(stream.status(), 503, "{:?}", stream.text().await);
            sleep(self.dice.milliseconds(20..100)).await;
            return;
        }
        self.shared.connections.fetch_add(1, Ordering::Relaxed);
        let stay = if to_the_end { 300..301 } else { 100..2500 };
        let leave = Instant::now() + self.dice.milliseconds(stay);
        let mut buffer = String::new();
        // What is cut off in the middle of a frame was not heard.
        while let Ok(Ok(Some(chunk))) = timeout_at(leave, stream.chunk()).await {
            buffer.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some(end) = buffer.find("\n\n") {
                let frame: String = buffer.drain(..end + 2).collect();
                self.hear(&frame);
            }
        }
    }

    fn hear(&mut self, frame: &str) {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        let Some(name) = field("event: ") else { return };
        match (name, field("id: ")) {
            ("open" | "shutdown" | "lagged", _) => {}
            (name, Some(id)) => self.ledger.push((id.parse().unwrap(), name.to_owned())),
            (..) => self.shared.unusual.lock().unwrap().push(frame.to_owned()),
        }
    }
}

/// Asks for evals until it is told to end; what is refused or cut off is asked for again.
async fn keep_asking(
    port: u16,
    client: Client,
    is_enough: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
) {
    while !is_enough.load(Ordering::Relaxed) {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {
                "name": "run_eval",
                "arguments": { "taskId": "quick", "configId": "default" },
            },
        });
        let call = client.post(format!("http://127.0.0.1:{port}/mcp")).json(&body);
        if call.timeout(PATIENCE).send().await.is_ok_and(|answer| answer.status() == 200) {
            asked.fetch_add(1, Ordering::Relaxed);
        }
        sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_hears_of_every_event_once_through_two_restarts() {
    let mut dice = Dice::new();
    let port = free_port();
    let home = Home::new()
        .with("LUKHAS_MCP_LOG_REQUESTS", "false")
        .with("LUKHAS_MCP_MAX_SSE_STREAMS", "20000")
        .with("LUKHAS_MCP_MAX_SSE_STREAMS_PER_KEY", "20000");
    let mut daemon = home.start_at(port).await;
    let first = daemon.run_eval("sleep").await;
    let shared = Arc::new(Shared {
        port,
        client: Client::new(),
        last: Mutex::new(None),
        connections: AtomicU64::new(0),
        unusual: Mutex::default(),
    });
    let readers: Vec<_> = (0..READERS)
        .map(|n| {
            let query = match TOPICS[n % TOPICS.len()] {
                "" => format!("topic=job/{first}"),
                query => query.to_owned(),
            };
            // The first job is ended last of all, so the last event is everybody's.
            let (shared, dice) = (Arc::clone(&shared), dice.split());
            tokio::spawn(Reader { shared, dice, query, ledger: Vec::new() }.run())
        })
        .collect();
    let (is_enough, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let asking = tokio::spawn(keep_asking(
        port,
        shared.client.clone(),
        Arc::clone(&is_enough),
        Arc::clone(&asked),
    ));

    sleep(LIFE).await;
    let ended = daemon.terminate().await;
    assert_eq!(ended.code(), Some(0), "{:?}", daemon.log());
    let daemon = home.start_at(port).await;
    sleep(LIFE).await;
    daemon.kill();
    let daemon = home.start_at(port).await;
    sleep(LIFE).await;
    is_enough.store(true, Ordering::Relaxed);
    asking.await.unwrap();
    finish(&daemon, &home, &first).await;
    let mut database = Database::open(&home.db());
    let events = database.events();
    *shared.last.lock().unwrap() = events.last().map(|event| event.seq);

    let mut heard = 0;
    for reader in readers {
        let ended = tokio::time::timeout(PATIENCE, reader).await;
        let (query, ledger) = ended.expect("a reader still lacks something").unwrap();
        heard += ledger.len();
        check(&query, &ledger, &events);
    }
    println!(
        "readers={READERS} connections={} restarts=2 jobs={} events={} heard={heard} missing=0 twice=0",
        shared.connections.load(Ordering::Relaxed),
        asked.load(Ordering::Relaxed),
        events.len(),
    );
    assert_eq!(*shared.unusual.lock().unwrap(), Vec::<String>::new());
    assert!(100 < events.len(), "there was hardly anything to hear");
}

/// Waits until all jobs but the first are over, and ends that one.
async fn finish(daemon: &Daemon, home: &Home, first: &str) {
    let mut database = Database::open(&home.db());
    let began = Instant::now();
    while 1 < database.open_jobs() {
        assert!(began.elapsed() < PATIENCE, "{} jobs are open", database.open_jobs());
        sleep(Duration::from_millis(20)).await;
    }
    let ended = daemon.ask("cancel_job", json!({ "jobId": first })).await;
    assert_eq!(ended["status"], "CANCELLED");
}

/// Compares what a reader heard with what the database has for its topics.
#[track_caller]
fn check(query: &str, ledger: &Ledger, events: &[Event]) {
    let own = query.strip_prefix("topic=job/").filter(|id| *id != "*");
    let is_class = query.starts_with("topic=jobs");
    let expected: Ledger = events
        .iter()
        .filter(|event| own.is_none_or(|id| event.topic == format!("job/{id}")))
        .map(|event| (event.seq, if is_class { "job".to_owned() } else { event.name.clone() }))
        .collect();
    let ids: BTreeSet<i64> = ledger.iter().map(|(id, _)| *id).collect();
    let missing = expected.iter().filter(|(id, _)| !ids.contains(id)).count();
    let twice = ledger.len() - ids.len();
    assert_eq!((missing, twice), (0, 0), "{query}: missing and twice");
    assert!(ledger.is_sorted_by(|a, b| a.0 < b.0), "{query}: not strictly rising");
    assert!(*ledger == expected, "{query}: other names than in the database");
}
