//! The daemon is killed at random moments under load, and owes nobody anything afterwards.

mod books;
mod load;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Client;
use tokio::time::{Instant, sleep};

use self::load::{Load, Tally};
use crate::database::Database;
use crate::dice::{Dice, free_port};
use crate::harness::{Daemon, Home, PATIENCE};

/// Clients that ask at the same time.
const CLIENTS: usize = 8;

/// How long after the last start a job may still be open.
const STUCK: Duration = Duration::from_secs(10);

/// How long a start may take until `/readyz` says 200.
const READY: Duration = Duration::from_secs(1);

fn kills() -> usize {
    std::env::var("LUKHAS_KILLS").map_or(50, |kills| kills.parse().unwrap())
}

/// Starts a daemon and measures how long it takes from there to the first 200 of `/readyz`.
async fn start(home: &Home, port: u16, client: &Client) -> (Daemon, Duration) {
    let began = Instant::now();
    let daemon = home.spawn_at(port);
    let url = format!("http://127.0.0.1:{port}/readyz");
    loop {
        let answer = client.get(&url).timeout(PATIENCE).send().await;
        if answer.is_ok_and(|answer| answer.status() == 200) {
            return (daemon, began.elapsed());
        }
        assert!(began.elapsed() < PATIENCE, "not ready: {:?}", daemon.log());
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_random_moments_lose_nothing_start_nothing_twice_and_leave_nothing_stuck() {
    let mut dice = Dice::new();
    let (home, port, kills) = (load::home(), free_port(), kills());
    lukhas_mcp::client::install_tls();
    let client = Client::new();
    let tally = Arc::<Tally>::default();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(Load::new(port, dice.split(), Arc::clone(&tally)).run()))
        .collect();

    let mut slowest = Duration::ZERO;
    for _ in 0..kills {
        if dice.one_in(6) {
            // Not even ready, and killed already.
            let daemon = home.spawn_at(port);
            sleep(dice.milliseconds(0..120)).await;
            daemon.kill();
            continue;
        }
        let (daemon, ready) = start(&home, port, &client).await;
        slowest = slowest.max(ready);
        sleep(dice.milliseconds(20..800)).await;
        daemon.kill();
    }
    tally.is_enough.store(true, Ordering::Relaxed);
    let (mut daemon, ready) = start(&home, port, &client).await;
    slowest = slowest.max(ready);
    let last_start = Instant::now();
    for client in clients {
        client.await.unwrap();
    }
    let mut database = Database::open(&home.db());
    while 0 < database.open_jobs() && last_start.elapsed() < STUCK {
        sleep(Duration::from_millis(20)).await;
    }
    let stuck = database.open_jobs();
    let settled = last_start.elapsed();
    let ended = daemon.terminate().await;
    assert_eq!(ended.code(), Some(0), "{:?}", daemon.log());

    let check = home.command(&["check", "--port", "0"]).output().unwrap();
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(check.status.success(), "{said}");
    assert!(said.contains("ok   audit chain:"), "{said}");

    let books = books::audit(&home, &mut database, &tally.figures());
    println!(
        "kills={kills} acked={} keyed={} cancelled={} jobs={} events={} lost={} duplicated={} \
         stuck={stuck} settled_ms={} ready_max_ms={}",
        books.acked,
        books.keyed,
        books.cancelled,
        books.jobs,
        books.events,
        books.lost.len(),
        books.duplicated.len(),
        settled.as_millis(),
        slowest.as_millis(),
    );
    assert_eq!(books.lost, Vec::<String>::new());
    assert_eq!(books.duplicated, Vec::<String>::new());
    assert_eq!(stuck, 0, "after {settled:?}");
    assert_eq!(books.wrong, Vec::<String>::new());
    assert!(kills <= books.acked, "there was hardly any load");
}

#[actix::test]
async fn a_killed_daemon_with_eleven_thousand_jobs_is_ready_within_a_second() {
    let port = free_port();
    let home = load::home()
        .with("LUKHAS_MCP_MAX_RUNNING_JOBS", "2")
        .with("LUKHAS_MCP_MAX_QUEUED_JOBS", "20000");
    books::fill(&home, 10_000, 1_000).await;
    lukhas_mcp::client::install_tls();
    let client = Client::new();
    let mut took = Vec::new();
    for _ in 0..3 {
        let (daemon, ready) = start(&home, port, &client).await;
        took.push(ready);
        // It runs what waits; the next one has to take up what is left.
        daemon.kill();
    }
    println!("jobs=11000 ready_ms={:?}", took.iter().map(Duration::as_millis).collect::<Vec<_>>());
    // Other tests share the machine, which can only make it slower.
    assert!(took.iter().min().unwrap() <= &READY, "{took:?}");
}
