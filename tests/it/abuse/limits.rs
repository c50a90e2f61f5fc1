//! A20 and R1 to R8: how often, how many at once, and what is kept of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::json;

use crate::abuse::wire::{Answer, Wire, request};
use crate::abuse::{KEY, OTHER, Target, call};
use crate::harness::{Home, PATIENCE, skip};

const PING: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A daemon that allows 60 requests and gives back nearly nothing while a test runs.
async fn limited() -> Target {
    Target::start_in(Home::new().with("MCP_RL_BUCKET", "60").with("MCP_RL_WINDOW_MS", "3600000"))
        .await
}

fn ping(wire: &mut Wire, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![JSON];
    all.extend(headers);
    wire.ask(&request("POST", "/mcp", &all, PING))
}

/// That an answer is the refusal of the contract.
#[track_caller]
fn is_too_many(name: &str, answer: &Answer) {
    assert_eq!(answer.status, 429, "{name}: {}", answer.text());
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(0 < seconds, "{name}");
    let expected = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32001, "message": "Rate limit" } });
    assert_eq!(answer.json(), expected, "{name}");
}

#[tokio::test]
async fn the_sixty_first_call_waits_and_other_keys_do_not() {
    let target = limited().await;
    let mut wire = target.connect();
    for n in 0..60 {
        assert_eq!(ping(&mut wire, &[("X-API-Key", KEY)]).status, 200, "R1 {n}");
    }
    is_too_many("R1", &ping(&mut wire, &[("X-API-Key", KEY)]));
    let bearer = format!("Bearer {KEY}");
    is_too_many("R1 by the other header", &ping(&mut wire, &[("Authorization", &bearer)]));
    let mut stream = target.connect();
    stream.send(&request("GET", &format!("/sse?topic=jobs&key={KEY}"), &[], b""));
    is_too_many("R1 by the query", &stream.answer().unwrap());
    assert_eq!(ping(&mut wire, &[("X-API-Key", OTHER)]).status, 200, "R1 another key");
    // Health is for machines that must not be turned away.
    for _ in 0..100 {
        let answer = wire.ask(&request("GET", "/healthz", &[], b""));
        assert_eq!(answer.status, 200, "R1 health");
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_bucket_fills_up_again() {
    let home = Home::new().with("MCP_RL_BUCKET", "5").with("MCP_RL_WINDOW_MS", "500");
    let target = Target::start_in(home).await;
    let mut wire = target.connect();
    let began = Instant::now();
    let mut answered = 0;
    while began.elapsed() < Duration::from_secs(2) {
        answered += u32::from(ping(&mut wire, &[("X-API-Key", KEY)]).status == 200);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Five at once, and ten in each second of two.
    assert!((10..=28).contains(&answered), "R1 {answered} answered");
    target.leaks_nothing().await;
}

/// A library that changes the wall clock of the program it is loaded into.
fn faketime() -> Option<PathBuf> {
    let triplets = std::fs::read_dir("/usr/lib").ok()?;
    let of = |triplet: std::fs::DirEntry| triplet.path().join("faketime/libfaketime.so.1");
    triplets.filter_map(|triplet| triplet.ok().map(of)).find(|library| library.exists())
}

#[tokio::test]
async fn a_change_of_the_wall_clock_neither_fills_a_bucket_nor_locks_one() {
    let Some(library) = faketime() else {
        return skip("R5: the rate limit and the wall clock", "there is no libfaketime");
    };
    let home = Home::new();
    let clock = home.path().join("clock");
    let set = |offset: &str| std::fs::write(&clock, offset).unwrap();
    set("+0");
    let home = home
        .with("MCP_RL_BUCKET", "6")
        .with("MCP_RL_WINDOW_MS", "6000")
        .with("LD_PRELOAD", library.to_str().unwrap())
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .with("FAKETIME_NO_CACHE", "1")
        .with("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap());
    let target = Target::start_in(home).await;
    let mut wire = target.connect();
    let mut ask = || ping(&mut wire, &[("X-API-Key", KEY)]);
    let date = |answer: &Answer| answer.header("date").unwrap().to_owned();
    let mut now = date(&(0..6).map(|_| ask()).last().unwrap());
    for offset in ["-1h", "+1d"] {
        set(offset);
        // The daemon did see the change: its answers carry another date, once a second anew.
        let began = Instant::now();
        let mut seen = now.clone();
        while seen[..20] == now[..20] {
            seen = date(&target.send(&request("GET", "/healthz", &[], b"")).unwrap());
            assert!(began.elapsed() < PATIENCE, "R5: the clock did not change");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        now = seen;
        while ask().status == 200 {
            assert!(began.elapsed() < PATIENCE, "R5: {offset} is a free burst");
        }
        is_too_many("R5", &ask());
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        assert_eq!(ask().status, 200, "R5: {offset} locks out");
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn who_is_not_known_is_counted_by_address_whatever_it_claims() {
    let home = Home::new().with("MCP_RL_BUCKET", "60").with("MCP_RL_WINDOW_MS", "3600000");
    let daemon = home.start().await;
    let mut wire = Wire::open(&daemon.url);
    let claims = |n: usize| {
        let address = format!("10.{}.{}.{}", n / 256, n % 256, n % 7);
        [
            ("X-Forwarded-For", address.clone()),
            ("Forwarded", format!("for={address}")),
            ("X-Real-IP", address.clone()),
            ("True-Client-IP", format!("2001:db8:{n:x}::1")),
            ("CF-Connecting-IP", format!("::ffff:{address}")),
            // Without keys there is none to verify.
            ("X-API-Key", format!("key-{n}")),
        ]
    };
    let mut admitted = 0;
    for n in 0..120 {
        let claims = claims(n);
        let claims: Vec<_> = claims.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = ping(&mut wire, &claims);
        match answer.status {
            200 => admitted += 1,
            _ => is_too_many("R2", &answer),
        }
    }
    assert_eq!(admitted, 60, "R2 and R4");
    // A new connection, from another port, is the same peer.
    is_too_many("R2 another connection", &ping(&mut Wire::open(&daemon.url), &[]));
}

#[tokio::test]
async fn guessing_keys_costs_the_guesser_and_nobody_else() {
    let target = limited().await;
    let mut wire = target.connect();
    let before = resident_kib(&target);
    let (mut refused, mut limited) = (0, 0);
    for n in 0..5000 {
        let answer = ping(&mut wire, &[("X-API-Key", &format!("guess-{n}"))]);
        match answer.status {
            401 => refused += 1,
            _ => {
                is_too_many("A20", &answer);
                limited += 1;
            }
        }
    }
    assert_eq!((refused, limited), (60, 4940), "A20 and R3");
    let grown = resident_kib(&target).saturating_sub(before);
    assert!(grown < 10 * 1024, "R3: {grown} KiB for 5,000 guesses");
    assert_eq!(ping(&mut wire, &[("X-API-Key", KEY)]).status, 200, "A20 a valid key");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn what_is_refused_is_not_done() {
    let target = limited().await;
    let mut wire = target.connect();
    let body =
        call(1, "run_eval", &json!({ "taskId": "quick", "configId": "default", "dryRun": true }));
    let headers = [JSON, ("X-API-Key", KEY)];
    let mut made = 0;
    for _ in 0..80 {
        let answer = wire.ask(&request("POST", "/mcp", &headers, body.as_bytes()));
        match answer.status {
            200 => made += 1,
            _ => is_too_many("R6", &answer),
        }
    }
    let body = call(1, "list_jobs", &json!({ "limit": 100 }));
    let asked = request("POST", "/mcp", &[JSON, ("X-API-Key", OTHER)], body.as_bytes());
    let listed = wire.ask(&asked).json();
    let listed = listed["result"]["structuredContent"]["jobs"].as_array().unwrap().len();
    assert_eq!((made, listed), (60, 60), "R6");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_batch_is_no_way_around_the_limit() {
    let target = limited().await;
    let mut wire = target.connect();
    let one = std::str::from_utf8(PING).unwrap();
    let headers = [JSON, ("X-API-Key", KEY)];
    let batch = |n: usize| {
        request("POST", "/mcp", &headers, format!("[{}]", vec![one; n].join(",")).as_bytes())
    };
    assert_eq!(wire.ask(&batch(50)).status, 200, "H14");
    is_too_many("H14 a batch of 11 where 10 are left", &wire.ask(&batch(11)));
    target.leaks_nothing().await;
}

#[tokio::test]
async fn streams_are_bounded_for_each_key_and_in_all() {
    let home = Home::new()
        .with("LUKHAS_MCP_MAX_SSE_STREAMS", "15")
        .with("LUKHAS_MCP_MAX_SSE_STREAMS_PER_KEY", "10");
    let target = Target::start_in(home).await;
    let open = |key: &str| {
        let mut wire = target.connect();
        wire.send(&request("GET", "/sse?topic=jobs", &[("X-API-Key", key)], b""));
        let head = wire.head().unwrap();
        (head.status, head.header("retry-after").is_some(), wire)
    };
    let mut streams = Vec::new();
    for n in 0..10 {
        let (status, _, wire) = open(KEY);
        assert_eq!(status, 200, "R7 {n}");
        streams.push(wire);
    }
    let (status, when, _) = open(KEY);
    assert_eq!((status, when), (429, true), "R7 the eleventh of a key");
    for n in 0..5 {
        let (status, _, wire) = open(OTHER);
        assert_eq!(status, 200, "R7 {n} of the other key");
        streams.push(wire);
    }
    let (status, when, _) = open(OTHER);
    assert_eq!((status, when), (429, true), "R7 the sixteenth in all");
    drop(streams);
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_database_that_is_held_up_refuses_what_finds_no_place_at_once() {
    let target = Target::start().await;
    let arguments = json!({ "taskId": "quick", "configId": "default", "dryRun": true });
    let body = call(1, "run_eval", &arguments);
    let bytes = request("POST", "/mcp", &[JSON, ("X-API-Key", KEY)], body.as_bytes());
    let mut wires: Vec<Wire> = (0..1400).map(|_| target.connect()).collect();

    let mut holder = SqliteConnection::establish(target.home.db().to_str().unwrap()).unwrap();
    holder.batch_execute("BEGIN IMMEDIATE").unwrap();
    for wire in &mut wires {
        wire.send(&bytes);
    }
    // The daemon has taken as much as it has places for, and refused the rest of what was sent; a busy
    // machine takes its time.
    let began = Instant::now();
    loop {
        let metrics = target.daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
        let figure = |name: &str| -> f64 {
            let line = metrics.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
        };
        let waiting = figure("lukhas_mcp_store_waiting{");
        let refused = figure(r#"lukhas_mcp_tool_calls_total{tool="run_eval",outcome="failed"}"#);
        // Up to a batch of them is no longer waiting.
        if waiting >= 1024.0 && 1400.0 <= waiting + refused + 64.0 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "R8 {waiting} wait, {refused} refused: {metrics}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Reads and health do not wait for the writer.
    let began = Instant::now();
    let read = target.post(call(2, "list_jobs", &json!({})));
    assert_eq!(read.status, 200, "R8");
    assert!(began.elapsed() < Duration::from_secs(2), "R8 a read took {:?}", began.elapsed());
    // Whoever comes when all places are taken hears so at once.
    let began = Instant::now();
    let mut late = target.connect();
    late.send(&bytes);
    let refused = late.answer().unwrap();
    assert_eq!(refused.status, 503, "R8 {}", refused.text());
    assert!(refused.header("retry-after").is_some(), "R8");
    assert!(began.elapsed() < Duration::from_secs(1), "R8 refused after {:?}", began.elapsed());
    holder.batch_execute("ROLLBACK").unwrap();

    let statuses: Vec<u16> = wires.iter_mut().map(|wire| wire.answer().unwrap().status).collect();
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!(count(200) + count(503), statuses.len(), "R8 {statuses:?}");
    assert!((1..=1024 + 64).contains(&count(200)), "R8: {} found a place", count(200));
    assert_eq!(target.daemon.ask("run_eval", arguments).await["status"], "DRY_RUN", "R8");
    drop(wires);
    target.leaks_nothing().await;
}

/// What the daemon holds in memory.
pub(super) fn resident_kib(target: &Target) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", target.daemon.child.id()));
    let status = status.unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
