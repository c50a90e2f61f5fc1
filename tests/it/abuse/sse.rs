//! S1 to S7 and S9 to S12: readers that ask for odd things, read nothing, or come and go.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use serde_json::json;

use crate::abuse::limits::resident_kib;
use crate::abuse::wire::{Wire, request};
use crate::abuse::{KEY, OTHER, Target, call};
use crate::harness::{Home, PATIENCE};

const AUTHORIZED: (&str, &str) = ("X-API-Key", KEY);

/// Opens a stream and reads through its first frame.
fn follow(target: &Target, query: &str) -> Wire {
    let mut wire = target.connect();
    wire.send(&request("GET", &format!("/sse?{query}"), &[AUTHORIZED], b""));
    let head = wire.head().unwrap();
    assert_eq!(head.status, 200, "{query}");
    wire.through(b"event: open\n").expect("a first frame");
    wire
}

/// Reads until a text came by.
fn hear(wire: &mut Wire, text: &str) -> String {
    let heard = wire.through(text.as_bytes()).unwrap_or_else(|| panic!("{text} never came"));
    String::from_utf8_lossy(&heard).into_owned()
}

/// Accepts a job, which is an event.
fn queued(target: &Target) -> String {
    let arguments = json!({ "taskId": "quick", "configId": "default" });
    let made = target.post(call(1, "run_eval", &arguments)).json();
    made["result"]["structuredContent"]["jobId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn topics_that_have_no_form_are_refused_without_an_echo() {
    let mut target = Target::start().await;
    let long = format!("topic=job/{}", "x".repeat(10_000));
    let sixteen = vec!["topic=jobs"; 16].join("&");
    let thousand = vec!["topic=jobs"; 1000].join("&");
    for (name, query, status) in [
        ("S1 none", "", 400),
        ("S1 empty", "topic=", 400),
        ("S1 a line end", "topic=job/x%0d%0aSet-Cookie:%20a=b", 400),
        ("S1 a line separator", "topic=job/x%e2%80%a8y", 400),
        ("S1 a NUL", "topic=job/x%00", 400),
        ("S1 bytes that are no UTF-8", "topic=job/%ff%fe", 400),
        ("S1 half an escape", "topic=job/%", 400),
        ("S1 10 kB", &long, 400),
        ("S1 a path", "topic=job/../x", 400),
        ("S1 a kind nobody knows", "topic=user/x", 400),
        ("S1 markup", "topic=%3Cscript%3Emarkup%3C/script%3E", 400),
        ("S1 one that is fine and one that is not", "topic=jobs&topic=jobs/x", 400),
        ("S1 in brackets", "topic[]=jobs", 400),
        ("S1 in upper case", "TOPIC=jobs", 400),
        ("S1 a list", "topic=jobs,models", 400),
        ("S9 a job that there is not", "topic=job/job_nothing", 200),
        ("S10 16 topics", &sixteen, 200),
        ("S10 17 topics", &format!("{sixteen}&topic=models"), 400),
        ("S10 1,000 topics", &thousand, 400),
    ] {
        let mut wire = target.connect();
        wire.send(&request("GET", &format!("/sse?{query}"), &[AUTHORIZED], b""));
        if status == 200 {
            assert_eq!(wire.head().unwrap().status, 200, "{name}");
            hear(&mut wire, "event: open\n");
        } else {
            let answer = wire.answer().unwrap();
            assert_eq!(answer.status, status, "{name}: {}", answer.text());
            let words = answer.whole_text();
            assert!(words.contains("job/<id>") || words.contains("topic="), "{name}: {words}");
            let echoed = ["Set-Cookie", "markup", "xxxx"].iter().any(|sign| words.contains(sign));
            assert!(!echoed, "{name}: {words}");
            target.tells_nothing(name, &answer);
        }
        target.is_well_after(name);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_text_cannot_forge_an_event() {
    let home = Home::new();
    home.task(
        "forger",
        r#"echo 'LUKHAS_PROGRESS 0.5 a\n\nevent: promoted\ndata: {}'
        printf 'LUKHAS_PROGRESS 0.6 b\r\revent: promoted\rdata: {}\r\r\n'
        printf 'LUKHAS_PROGRESS 0.7 c\342\200\250event: promoted\342\200\250\n'
        sleep 0.5
        printf '{"metrics":{"a\\n\\nevent: promoted\\ndata: {}":{"value":1}}}' > {result}"#,
    );
    let target = Target::start_in(home).await;
    let mut wire = follow(&target, "topic=*");
    let job = target.daemon.run_eval("forger").await;
    // Its one metric has a name that nothing may have.
    let heard = hear(&mut wire, "event: failed\n") + &hear(&mut wire, "\n\n");
    let names: Vec<&str> = heard
        .split(['\n', '\r'])
        .filter_map(|line| line.strip_prefix("event: ").or_else(|| line.strip_prefix("event:")))
        .collect();
    let known = ["queued", "running", "update", "failed"];
    assert!(names.iter().all(|name| known.contains(name)), "S2 {names:?}");
    assert!(heard.contains("update"), "S2 {heard}");
    assert!(heard.contains(&job), "S2");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_last_event_id_is_a_number_or_refused() {
    // Jobs that only wait say nothing more.
    let home = Home::new().with("LUKHAS_MCP_MAX_RUNNING_JOBS", "0");
    let mut target = Target::start_in(home).await;
    let first = queued(&target);
    for (name, id, status) in [
        ("S3 0", "0", 200),
        ("S3 far ahead", "9223372036854775807", 200),
        ("S3 empty", "", 200),
        ("S3 -1", "-1", 400),
        ("S3 2^64", "18446744073709551616", 400),
        ("S3 a word", "abc", 400),
        ("S3 a fraction", "1.5", 400),
        ("S3 an exponent", "1e3", 400),
        ("S3 a plus", "+1", 400),
        ("S3 another script's digit", "\u{663}", 400),
        ("S3 an escaped line end", "1%0d%0a", 400),
    ] {
        for in_query in [false, true] {
            // In a header, an escape is only three characters; in a query a plus is a blank.
            let header = [AUTHORIZED, ("Last-Event-ID", id)];
            let bytes = if in_query {
                request("GET", &format!("/sse?topic=*&lastEventId={id}"), &[AUTHORIZED], b"")
            } else {
                request("GET", "/sse?topic=*", &header, b"")
            };
            let mut wire = target.connect();
            wire.send(&bytes);
            assert_eq!(wire.head().unwrap().status, status, "{name}, in the query: {in_query}");
            if name == "S3 0" {
                hear(&mut wire, &first);
            }
            target.is_well_after(name);
        }
    }
    // One that is ahead of everything waits for what comes.
    let mut ahead = follow(&target, "topic=*&lastEventId=999999999");
    let next = queued(&target);
    let heard = hear(&mut ahead, &next);
    assert!(!heard.contains(&first), "S3 {heard}");
    let query = "/sse?topic=*&lastEventId=1&lastEventId=2";
    let twice = target.send(&request("GET", query, &[AUTHORIZED], b"")).unwrap();
    assert_eq!(twice.status, 400, "S3 twice");
    target.leaks_nothing().await;
}

/// How many of the daemon's connections have bytes that their peers did not take.
fn unsent(target: &Target) -> usize {
    let port: u16 = target.daemon.url.rsplit(':').next().unwrap().parse().unwrap();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let held_up = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_ours = fields[1].ends_with(&format!(":{port:04X}"));
        is_ours && fields[3] == "01" && !fields[4].starts_with("00000000:")
    };
    table.lines().skip(1).filter(held_up).count()
}

#[tokio::test]
async fn readers_that_do_not_read_cost_the_others_nothing() {
    let home = Home::new()
        .with("LUKHAS_MCP_MAX_SSE_STREAMS_PER_KEY", "100")
        .with("LUKHAS_MCP_MAX_RUNNING_JOBS", "0");
    // Its events are large, so that little of them fits into the buffers of the kernel.
    let task = "t".repeat(120);
    home.task(&task, "true");
    let target = Target::start_in(home).await;
    let before = resident_kib(&target);
    // They ask for everything there ever was, and read nothing of it.
    let stalled: Vec<Wire> = (0..50)
        .map(|_| {
            let mut wire = target.connect();
            wire.send(&request("GET", "/sse?topic=*&lastEventId=0", &[AUTHORIZED], b""));
            wire
        })
        .collect();
    let mut live = follow(&target, "topic=*");
    let mut slowest = Duration::ZERO;
    for _ in 0..30 {
        let batch =
            vec![call(1, "run_eval", &json!({ "taskId": task, "configId": "default" })); 50];
        let answers = target.post(format!("[{}]", batch.join(","))).json();
        let answered = Instant::now();
        let last = &answers[49]["result"]["structuredContent"]["jobId"];
        hear(&mut live, last.as_str().unwrap_or_else(|| panic!("S4 {answers}")));
        slowest = slowest.max(answered.elapsed());
    }
    // An event is heard as soon as it happened, whoever sleeps.
    assert!(slowest < Duration::from_secs(1), "S5: the live reader waited {slowest:?}");
    // They do stall: something waits in the kernel for each of them.
    let waiting = unsent(&target);
    assert!(50 <= waiting, "S4: only {waiting} connections are held up");
    let resident = resident_kib(&target);
    assert!(resident < 150 * 1024, "S5: {resident} KiB, and {before} before");
    drop((stalled, live));
    target.leaks_nothing().await;
}

#[tokio::test]
async fn who_comes_and_goes_leaves_nothing_open() {
    let mut target =
        Target::start_in(Home::new().with("LUKHAS_MCP_MAX_SSE_STREAMS_PER_KEY", "512")).await;
    let pid = target.daemon.child.id();
    // Each socket once: workers that are still starting share those that listen.
    let sockets = || {
        let all = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let what = all.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
        let sockets = what.filter(|what| what.to_string_lossy().starts_with("socket:"));
        sockets.collect::<BTreeSet<_>>().len()
    };
    let before = sockets();
    for n in 0..500 {
        let mut wire = target.connect();
        wire.send(&request("GET", &format!("/sse?topic=job/job_{n}"), &[AUTHORIZED], b""));
        if n % 2 == 0 {
            assert_eq!(wire.head().unwrap().status, 200, "S6 {n}");
        }
        drop(wire);
    }
    // A lost reader is noticed by what is written to it: two signs of life at most.
    let began = Instant::now();
    while before + 5 < sockets() {
        assert!(began.elapsed() < PATIENCE * 2, "S6: {} sockets, and {before} before", sockets());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    target.is_well_after("S6");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn two_readers_of_one_topic_both_hear_everything() {
    let target = Target::start().await;
    let mut readers = [follow(&target, "topic=jobs"), follow(&target, "topic=jobs")];
    let mut other = target.connect();
    other.send(&request("GET", &format!("/sse?topic=jobs&key={OTHER}"), &[], b""));
    let job = queued(&target);
    for reader in readers.iter_mut().chain([&mut other]) {
        hear(reader, &job);
    }
    let job = queued(&target);
    for reader in readers.iter_mut().chain([&mut other]) {
        hear(reader, &job);
    }
    drop((readers, other));
    // S7: their key is in no log line, and not in the database.
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_long_replay_is_whole_and_others_go_on() {
    const EVENTS: i64 = 200_000;
    let home = Home::new();
    // The tables are the daemon's to make.
    drop(home.start().await);
    let mut database = SqliteConnection::establish(home.db().to_str().unwrap()).unwrap();
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {EVENTS})
         INSERT INTO events (ts, topic, type, payload_json)
         SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'job/job_' || i, 'queued',
                '{{\"topic\":\"job/job_' || i || '\",\"type\":\"queued\"}}' FROM n"
    );
    database.batch_execute(&fill).unwrap();
    let target = Target::start_in(home).await;
    let before = resident_kib(&target);
    let mut wire = follow(&target, "topic=*&lastEventId=0");
    let mut slowest = Duration::ZERO;
    let mut last = 0;
    for part in 1..=20 {
        let until = format!("\nid: {}\n", EVENTS / 20 * part);
        let heard = hear(&mut wire, &until);
        for line in heard.lines() {
            if let Some(id) = line.strip_prefix("id: ") {
                let id: i64 = id.parse().unwrap();
                assert_eq!(id, last + 1, "S12");
                last = id;
            }
        }
        let began = Instant::now();
        let read = target.post(call(1, "list_jobs", &json!({ "limit": 1 })));
        assert_eq!(read.status, 200, "S12");
        slowest = slowest.max(began.elapsed());
    }
    assert_eq!(last, EVENTS, "S12");
    assert!(slowest < Duration::from_secs(1), "S12: another read took {slowest:?}");
    let grown = resident_kib(&target).saturating_sub(before);
    assert!(grown < 40 * 1024, "S12: {grown} KiB for one reader");
    drop(wire);
    target.leaks_nothing().await;
}
