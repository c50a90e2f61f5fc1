//! Ends that were asked for, in the middle of everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, sleep};

use crate::database::Database;
use crate::harness::{Daemon, Home, read_until};

/// How long PM2 waits before it kills.
const PM2_KILLS: Duration = Duration::from_millis(1600);

/// What the daemon takes of that.
const DEADLINE: Duration = Duration::from_millis(1200);

/// Sends a request that never becomes whole.
async fn half_a_request(daemon: &Daemon) -> TcpStream {
    let address = daemon.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
    stream.write_all(format!("{head}Content-Length: 100\r\n\r\n{{").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    // It is in flight once a request that came later was answered.
    daemon.get("/healthz").send().await.unwrap();
    stream
}

/// Tries more than once, because other tests share the machine; PM2 must never have to kill.
async fn stops_in_time(signal: Signal) {
    let mut quickest = Duration::MAX;
    for _ in 0..3 {
        let took = stop(signal).await;
        assert!(took < PM2_KILLS, "{took:?}");
        quickest = quickest.min(took);
        if quickest < DEADLINE {
            return;
        }
    }
    panic!("{quickest:?}");
}

/// Stops a busy daemon, checks that it does so in order, and says how long that took.
async fn stop(signal: Signal) -> Duration {
    let home = Home::new().with("pm_id", "0").with("LUKHAS_MCP_MAX_SSE_STREAMS_PER_KEY", "100");
    let mut daemon = home.start().await;
    let mut streams = Vec::new();
    for _ in 0..50 {
        streams.push(daemon.sse("topic=*").await);
    }
    let (acknowledged, is_over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let arguments = json!({ "taskId": "quick", "configId": "default" });
            let params = json!({ "name": "run_eval", "arguments": arguments });
            let body =
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
            let request = daemon.post(body.to_string());
            let (acknowledged, is_over) = (Arc::clone(&acknowledged), Arc::clone(&is_over));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let sent = request.try_clone().unwrap().send().await;
                    let Ok(answer) = sent else { continue };
                    if answer.status() == 200 && answer.text().await.is_ok() {
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    while acknowledged.load(Ordering::Relaxed) < 50 {
        sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    daemon.signal(signal);
    let ended = daemon.ended().await;
    let took = began.elapsed();
    is_over.store(true, Ordering::Relaxed);
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(ended.code(), Some(0), "{:?}", daemon.log());
    println!("signal={signal:?} streams=50 stopped_ms={}", took.as_millis());
    for stream in &mut streams {
        read_until(stream, |text| text.contains("event: shutdown")).await;
    }
    let jobs = Database::open(&home.db()).jobs().len();
    assert!(acknowledged.load(Ordering::Relaxed) <= jobs, "{jobs}");
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_fifty_streams_and_what_is_in_flight_in_time() {
    stops_in_time(Signal::TERM).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigint_ends_fifty_streams_and_what_is_in_flight_in_time() {
    stops_in_time(Signal::INT).await;
}

#[tokio::test]
async fn a_request_that_never_becomes_whole_does_not_hold_the_daemon_until_it_is_killed() {
    let home = Home::new().with("pm_id", "0");
    let mut daemon = home.start().await;
    let half = half_a_request(&daemon).await;
    let began = Instant::now();
    let ended = daemon.terminate().await;
    let took = began.elapsed();
    assert_eq!(ended.code(), Some(0), "{:?}", daemon.log());
    println!("half a request, stopped_ms={}", took.as_millis());
    assert!(took < PM2_KILLS, "{took:?}");
    drop(half);
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let home = Home::new();
    let mut daemon = home.start().await;
    let mut stream = daemon.sse("topic=*").await;
    let _half = half_a_request(&daemon).await;
    daemon.signal(Signal::INT);
    read_until(&mut stream, |text| text.contains("event: shutdown")).await;
    assert!(daemon.child.try_wait().unwrap().is_none(), "it does not wait for what is in flight");
    let began = Instant::now();
    let ended = daemon.terminate().await;
    assert_eq!(ended.code(), Some(143), "{:?}", daemon.log());
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
}
