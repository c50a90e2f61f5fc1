//! Reading a target's own page.

use std::time::Duration;

use lukhas_mcp::adapters::metrics::{Past, PastError, Sample};
use lukhas_mcp::clock::{Clock as _, SystemClock};

use super::target::Target;
use super::{SELECTORS, Sums, Watch, look, source};

/// Long, because half of it is what a page may take, and a busy machine can take some seconds.
const POLL: Duration = Duration::from_secs(20);

fn watch(target: &Target) -> Watch {
    let url = format!("http://{}/gates/$__gate/metrics?model=$__model", target.address);
    let variables: Vec<_> =
        SELECTORS.iter().copied().chain([("LUKHAS_SCRAPE_URL", url.as_str())]).collect();
    Watch::new(source(&variables), POLL)
}

#[tokio::test]
async fn counts_equal_the_truth_in_both_formats() {
    for speaks_open_metrics in [false, true] {
        let target = Target::start(speaks_open_metrics).await;
        let mut watch = watch(&target);
        target.requests(900, false, 700);
        watch.poll().await;
        assert_eq!(watch.sum, Sums::default(), "nothing from before counts");
        target.requests(95, false, 90);
        target.requests(5, true, 300);
        let measured = watch.poll().await;
        assert_eq!(measured.error_rate, Some(0.05), "{measured:?}");
        assert_eq!(measured.latency, Sample::Counts { total: 100, bad: 5, possibly_bad: 5 });
        let p95 = measured.latency_p95_ms.unwrap();
        assert!((95.0..=100.0).contains(&p95), "{p95}");
        target.restart();
        target.requests(30, false, 200);
        target.requests(6, true, 2_000);
        watch.poll().await;
        watch.poll().await;
        assert_eq!(watch.sum, Sums { total: 136, failed: 11, timed: 136, slow: 11 });
    }
}

#[tokio::test]
async fn a_target_that_is_gone_is_noticed_at_once_and_counted_on_when_it_is_back() {
    let target = Target::start(true).await;
    let mut watch = watch(&target);
    target.requests(10, false, 10);
    watch.poll().await;
    target.requests(3, false, 10);
    let there = watch.source.clone();
    let nowhere = super::source(&[
        ("LUKHAS_SCRAPE_URL", "http://127.0.0.1:1/metrics"),
        SELECTORS[0],
        SELECTORS[1],
        SELECTORS[2],
    ]);
    watch.source = nowhere;
    let measured = watch.poll().await;
    let Sample::Error { why } = &measured.errors else { panic!("{measured:?}") };
    assert_eq!(why, "the page of metrics cannot be reached");
    assert!(matches!(measured.latency, Sample::Error { .. }));
    watch.source = there;
    watch.poll().await;
    assert_eq!((watch.sum.total, watch.sum.timed), (3, 3));
}

#[tokio::test]
async fn a_page_has_no_past() {
    let target = Target::start(true).await;
    let now = SystemClock.now();
    let past = Past { from: now, to: now, step: POLL };
    let refused = watch(&target).source.history(&look(POLL), past).await.unwrap_err();
    assert_eq!(refused, PastError::NoPast("the page of metrics"));
}
