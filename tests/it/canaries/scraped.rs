//! Canaries that are watched by reading the pages of a site: all gates at once, in one daemon.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::site::{Counted, Face, Site, page};
use super::{begin, ending, home, targets, until, until_over, version_in};
use crate::fault_server::Fault;
use crate::harness::Daemon;

const WINDOW: Duration = Duration::from_secs(10);

/// How long after its window a canary may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(25);

fn policy() -> Value {
    json!({ "windowSeconds": WINDOW.as_secs(), "targets": targets() })
}

/// Sends requests to a gate, one after the other, until the site is gone.
async fn use_it(site: String, gate: &'static str) {
    let client = Client::new();
    while client.get(format!("http://{site}/serve/{gate}")).send().await.is_ok() {
        sleep(Duration::from_millis(15)).await;
    }
}

/// What a canary must come to: an ending, and whether before the end of its window.
struct Expected {
    gate: &'static str,
    face: Face,
    ending: (&'static str, &'static str),
    early: bool,
}

fn expected(
    gate: &'static str,
    face: Face,
    ending: (&'static str, &'static str),
    early: bool,
) -> Expected {
    Expected { gate, face, ending, early }
}

/// Gates that serve, in all ways in which one can.
fn serving() -> Vec<Expected> {
    let promoted = ("PROMOTED", "conforms");
    let breach = ("ROLLED_BACK", "error_rate_breach");
    let doubt = |reason| ("ROLLED_BACK", reason);
    vec![
        expected("real-good", Face::Real { fails_each: 1_000_000 }, promoted, false),
        expected("real-bad", Face::Real { fails_each: 3 }, breach, true),
        expected("good", Face::failing(0.0), promoted, false),
        expected("nearly-good", Face::failing(0.01), promoted, false),
        expected("bad", Face::failing(0.4), breach, true),
        expected("slow", Face::slow(0.5), ("ROLLED_BACK", "latency_breach"), true),
        expected("idle", Face::idle(), doubt("inconclusive_too_few_requests"), false),
    ]
}

/// Gates whose pages cannot be read, or cannot be true.
fn strange() -> Vec<Expected> {
    let blind = ("ROLLED_BACK", "no_data");
    let plain = |body: &str| Fault::answer("200 OK", "text/plain; version=0.0.4", body);
    let honest = page([("cut", Counted { total: 100, failed: 0, slow: 0 })]);
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{honest}");
    let nan = "http_requests_total{gate=\"nan\",code=\"200\"} NaN\n\
        http_request_duration_seconds_bucket{gate=\"nan\",le=\"0.25\"} NaN\n\
        http_request_duration_seconds_bucket{gate=\"nan\",le=\"+Inf\"} NaN\n";
    [
        ("redirect", Fault::redirect("302 Found", "/gates/good/metrics")),
        ("hanging", Fault::Silence),
        ("dripping", Fault::Drip),
        ("endless", Fault::Endless(b"# nothing\n")),
        ("cut", Fault::Raw(cut.into_bytes())),
        ("page-of-html", Fault::answer("200 OK", "text/html", "<html>Sign in</html>")),
        ("failing-page", Fault::answer("500 Internal Server Error", "text/plain", &honest)),
        ("empty", plain("")),
        ("nan", plain(nan)),
        ("other-gate", plain(&page([("good", Counted { total: 5, failed: 0, slow: 0 })]))),
    ]
    .into_iter()
    .map(|(gate, fault)| expected(gate, Face::Strange(fault), blind, true))
    .collect()
}

/// Asks the daemon again and again, and returns the longest time that an answer took.
async fn slowest_answer(daemon: &Daemon, id: &str) -> Duration {
    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    while began.elapsed() < WINDOW {
        let asked = Instant::now();
        daemon.ask("canary_status", json!({ "canaryId": id })).await;
        assert_eq!(daemon.get("/readyz").send().await.unwrap().status(), 200);
        slowest = slowest.max(asked.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    slowest
}

/// Checks how a canary ended and when, and what its gate shows then.
async fn check(daemon: &Daemon, id: &str, expected: &Expected) {
    let shown = until_over(daemon, id, PATIENCE).await;
    let gate = expected.gate;
    let seen: Vec<&Value> = shown["observations"].as_array().unwrap().iter().collect();
    let seen: Vec<String> = seen.iter().map(|one| one["measured"]["canary"].to_string()).collect();
    assert_eq!(ending(&shown), expected.ending, "{gate}: {seen:#?}");
    let elapsed = shown["elapsedSeconds"].as_f64().unwrap();
    assert_eq!(elapsed < WINDOW.as_secs_f64(), expected.early, "{gate} after {elapsed} s");
    assert!(elapsed < WINDOW.as_secs_f64() + 3.0, "{gate} after {elapsed} s");
    let version = if expected.ending.0 == "PROMOTED" { "2" } else { "1" };
    assert_eq!(version_in(daemon, gate).await, version, "{gate}");
    if expected.ending.1 == "no_data" {
        assert_eq!(shown["polls"], 3, "{gate} was never to be seen: {shown}");
    }
    let replay = daemon.ask("replay_decision", json!({ "id": id })).await;
    assert_eq!(replay["matches"], true, "{gate}: {replay}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_gates_promote_at_the_end_of_their_window_and_all_others_are_put_back() {
    let all: Vec<Expected> = serving().into_iter().chain(strange()).collect();
    let site = Site::start(all.iter().map(|one| (one.gate, one.face.clone()))).await;
    let (home, address) = (home(&site), site.address.clone());
    let daemon = home.start().await;
    let users = ["real-good", "real-bad"].map(|gate| tokio::spawn(use_it(address.clone(), gate)));
    let mut ids = Vec::new();
    for one in &all {
        ids.push(begin(&daemon, one.gate, &policy()).await);
        assert_eq!(version_in(&daemon, one.gate).await.len(), 1);
    }
    let slowest = slowest_answer(&daemon, &ids[0]).await;
    for (id, one) in ids.iter().zip(&all) {
        check(&daemon, id, one).await;
    }
    println!("gates={} slowest_answer_ms={}", all.len(), slowest.as_millis());
    assert!(slowest < Duration::from_secs(2), "strange pages cost the others {slowest:?}");
    users.iter().for_each(tokio::task::JoinHandle::abort);
    let served = site.counted("real-good");
    assert!(100 < served.total, "hardly a real request came: {served:?}");
}

/// Whatever lies between two polls: counters that fall, and more failures than requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_lies_proves_nothing_good() {
    let plain =
        |body: &str| Face::Strange(Fault::answer("200 OK", "text/plain; version=0.0.4", body));
    // As many requests as one likes, none of them in a bucket, and buckets that fall.
    let absurd = |gate: &str, n: u64| {
        format!(
            "http_requests_total{{gate=\"{gate}\",code=\"200\"}} -{n}\n\
             http_request_duration_seconds_bucket{{gate=\"{gate}\",le=\"0.25\"}} {n}\n\
             http_request_duration_seconds_bucket{{gate=\"{gate}\",le=\"+Inf\"}} 0\n"
        )
    };
    let site =
        Site::start([("liar", plain(&absurd("liar", 1))), ("fickle", Face::failing(0.0))]).await;
    let home = home(&site);
    let daemon = home.start().await;
    let policy = json!({ "windowSeconds": 5, "targets": targets() });
    let liar = begin(&daemon, "liar", &policy).await;
    let fickle = begin(&daemon, "fickle", &policy).await;
    let began = Instant::now();
    let mut n = 1;
    while began.elapsed() < Duration::from_secs(6) {
        n += 100_000;
        site.becomes("liar", plain(&absurd("liar", n)));
        // Of every three polls, one shows somebody else's page.
        let face = if n % 300_000 == 1 { Face::Dead } else { Face::failing(0.0) };
        site.becomes("fickle", face);
        sleep(Duration::from_millis(500)).await;
    }
    let shown = until_over(&daemon, &liar, PATIENCE).await;
    assert_eq!(shown["status"], "ROLLED_BACK", "{shown}");
    let shown = until_over(&daemon, &fickle, PATIENCE).await;
    // Two thirds of its polls are not the four fifths that are asked for.
    let (status, reason) = ending(&shown);
    assert_eq!(status, "ROLLED_BACK", "{shown}");
    // On a machine that stood still meanwhile, nobody looked, which is a gap.
    assert!(matches!(reason, "inconclusive_coverage" | "gap"), "{shown}");
    for gate in ["liar", "fickle"] {
        assert_eq!(version_in(&daemon, gate).await, "1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_dies_is_noticed_within_three_polls() {
    let site = Site::start([("mortal", Face::failing(0.0))]).await;
    let home = home(&site);
    let daemon = home.start().await;
    let id = begin(&daemon, "mortal", &policy()).await;
    let alive = until(&daemon, &id, PATIENCE, |shown| 3 <= shown["polls"].as_i64().unwrap()).await;
    // The listener itself goes away.
    drop(site);
    let shown = until_over(&daemon, &id, PATIENCE).await;
    assert_eq!(ending(&shown), ("ROLLED_BACK", "no_data"), "{shown}");
    let polls = shown["polls"].as_i64().unwrap() - alive["polls"].as_i64().unwrap();
    // One may have been under way.
    assert!((3..=4).contains(&polls), "{polls} polls later");
    assert_eq!(version_in(&daemon, "mortal").await, "1");
}
