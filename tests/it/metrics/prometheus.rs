//! Asking real servers.

use std::time::{Duration, Instant};

use lukhas_mcp::adapters::metrics::{Looked, Past, Sample, Seen};
use lukhas_mcp::clock::{Clock as _, SystemClock};

use super::servers::Server;
use super::target::Target;
use super::{SELECTORS, Sums, Watch, look, source};
use crate::harness::PATIENCE;

const POLL: Duration = Duration::from_secs(1);

async fn seconds(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

fn with_selectors(server: &Server) -> Vec<(&str, &str)> {
    SELECTORS.iter().copied().chain([("PROM_URL", server.url.as_str())]).collect()
}

/// Waits until the server has read the target, and twice more.
async fn until_read(server: &Server) {
    let source = source(&with_selectors(server));
    let began = Instant::now();
    while !matches!(source.look(&look(POLL)).await.errors, Seen::Counters(_)) {
        assert!(began.elapsed() < PATIENCE, "the server does not read the target");
        seconds(0.1).await;
    }
    seconds(2.1).await;
}

/// Serves for some seconds, being looked at each, and returns what it served.
async fn serve(target: &Target, watch: &mut Watch, rounds: u64) -> Sums {
    let mut truth = Sums::default();
    for round in 0..rounds {
        target.requests(20 + round, false, 90);
        target.requests(round, true, 400);
        let all = 20 + 2 * round;
        let more = Sums { total: all, failed: round, timed: all, slow: round };
        truth = sum(truth, more);
        watch.poll().await;
        seconds(1.0).await;
    }
    truth
}

fn sum(one: Sums, other: Sums) -> Sums {
    Sums {
        total: one.total + other.total,
        failed: one.failed + other.failed,
        timed: one.timed + other.timed,
        slow: one.slow + other.slow,
    }
}

/// Looks until all that was served was scraped and counted.
async fn settle(watch: &mut Watch, truth: Sums) {
    let began = Instant::now();
    // VictoriaMetrics may take some ten seconds until it finds a new series.
    while watch.sum != truth && began.elapsed() < 2 * PATIENCE {
        seconds(0.5).await;
        watch.poll().await;
    }
    assert_eq!(watch.sum, truth);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_equal_the_truth_and_a_dead_target_is_noticed() {
    let target = Target::start(true).await;
    target.requests(1_000, false, 700);
    let Some(server) = Server::prometheus(&[&target.address], "counts from Prometheus").await
    else {
        return;
    };
    let mut watch = Watch::new(source(&with_selectors(&server)), POLL);
    // What was there before the first look is scraped before it.
    until_read(&server).await;
    let from = SystemClock.now();
    let first = watch.poll().await;
    assert_eq!(first.errors, Sample::Counts { total: 0, bad: 0, possibly_bad: 0 });
    let before = serve(&target, &mut watch, 4).await;
    settle(&mut watch, before).await;
    target.restart();
    let after = serve(&target, &mut watch, 3).await;
    let truth = sum(before, after);
    settle(&mut watch, truth).await;
    seconds(1.0).await;

    let mut ledger = super::Counters::default();
    let past = Past { from, to: SystemClock.now(), step: POLL };
    let mut replayed = Sums::default();
    for (_, looked) in watch.source.history(&look(POLL), past).await.unwrap() {
        replayed.add(&ledger.absorb(&look(POLL), &looked));
    }
    assert_eq!(replayed, truth, "the past shows what was seen live");

    drop(target);
    let mut polls = 0;
    let why = loop {
        seconds(1.0).await;
        polls += 1;
        match watch.poll().await.errors {
            Sample::NoData { why } => break why,
            other => assert!(polls < 3, "not noticed by the third poll: {other:?}"),
        }
    };
    assert!(why.starts_with("the target's newest sample is "), "{why}");
    assert_eq!(watch.sum, truth);
}

/// What a query for the share of errors shows.
async fn scalar(server: &Server, query: &str) -> Looked {
    let source = source(&[("PROM_URL", &server.url), ("PROM_Q_ERR", query)]);
    source.look(&look(Duration::from_secs(5))).await
}

fn is_no_data<T>(seen: &Seen<T>, part: &str) -> bool {
    matches!(seen, Seen::NoData(why) if why.contains(part))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_counts_only_if_it_gives_one_number() {
    let target = Target::start(true).await;
    target.requests(1_000, false, 10);
    let server = Server::prometheus(&[&target.address], "queries to Prometheus").await;
    let Some(server) = server else { return };
    until_read(&server).await;
    let seen = async |query: &str| scalar(&server, query).await.errors;

    // Without a failure yet, the plain quotient is empty, and the one with a zero is not.
    let failed = "sum(rate(http_requests_total{gate=$__gate,code=~\"5..\"}[10s]))";
    let total = "sum(rate(http_requests_total{gate=$__gate}[10s]))";
    target.requests(500, false, 10);
    seconds(2.2).await;
    assert!(is_no_data(&seen(&format!("{failed} / {total}")).await, "no result"));
    let with_zero = seen(&format!("({failed} or vector(0)) / {total}")).await;
    assert_eq!(with_zero, Seen::Scalar { value: 0.0, window_ms: 10_000 });
    let of_nobody = "(vector(0)) / sum(rate(http_requests_total{gate=\"nobody\"}[10s]))";
    assert!(is_no_data(&seen(of_nobody).await, "no result"));

    assert!(is_no_data(&seen("vector(0) / vector(0)").await, "NaN"));
    assert!(is_no_data(&seen("vector(1) / vector(0)").await, "inf"));
    assert!(is_no_data(&seen("vector(-1)").await, "negative"));
    assert!(is_no_data(&seen("http_requests_total").await, "2 series"));
    assert!(is_no_data(&seen("http_requests_total{gate=$__gate}[5s]").await, "a range"));
    assert_eq!(seen("scalar(vector(0.25))").await, Seen::Scalar { value: 0.25, window_ms: 0 });
    let refused = seen("sum(").await;
    assert!(matches!(&refused, Seen::Error(why) if why.contains("bad_data")), "{refused:?}");
    // Longer than a URL may be.
    let long = format!("vector(0.5) # {}", "x".repeat(5_000));
    assert_eq!(seen(&long).await, Seen::Scalar { value: 0.5, window_ms: 0 });
    let now = SystemClock.now();
    let past = Past { from: now.plus(-time::Duration::seconds(3)), to: now, step: POLL };
    let query = [("PROM_URL", server.url.as_str()), ("PROM_Q_ERR", "vector(0.25)")];
    let looks = source(&query).history(&look(POLL), past).await.unwrap();
    assert_eq!(looks.len(), 4);
    for (_, looked) in looks {
        assert_eq!(looked.errors, Seen::Scalar { value: 0.25, window_ms: 0 });
    }
    assert_eq!(scalar(&server, "vector(0)").await.warnings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victoria_metrics_shows_the_present_too() {
    let target = Target::start(false).await;
    target.requests(1_000, false, 700);
    let server = Server::victoria_metrics(&[&target.address], "counts from VictoriaMetrics").await;
    let Some(server) = server else { return };
    let mut variables = with_selectors(&server);
    // Of counters, the ones that are silent now; of queries, the newest value.
    variables.retain(|(name, _)| *name != "PROM_BUCKET");
    variables.push(("PROM_Q_LAT", "sum(http_requests_total{gate=$__gate})"));
    let mut watch = Watch::new(source(&variables), POLL);
    until_read(&server).await;
    watch.poll().await;
    target.requests(40, false, 10);
    target.requests(4, true, 10);
    settle(&mut watch, Sums { total: 44, failed: 4, timed: 0, slow: 0 }).await;
    seconds(1.2).await;
    let measured = watch.poll().await;
    assert_eq!(measured.latency, Sample::Scalar { value: 1_044.0, window_ms: 0 });
    assert_eq!(measured.warnings, Vec::<String>::new(), "its clock is ours");
    let broken = source(&[("PROM_URL", &server.url), ("PROM_Q_ERR", "sum(")]);
    let refused = broken.look(&look(POLL)).await.errors;
    assert!(matches!(&refused, Seen::Error(why) if why.contains("422")), "{refused:?}");
}
