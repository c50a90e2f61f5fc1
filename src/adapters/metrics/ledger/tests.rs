//! The ledger against targets that restart, come late, vanish and lie.

use proptest::prelude::*;

use super::*;
use crate::adapters::metrics::{Needs, Point, SeriesKey};
use crate::ids::{GateId, ModelId};

const POLL: Duration = Duration::from_secs(5);

fn look() -> Look {
    Look {
        model: ModelId::parse("ranker:2").unwrap(),
        gate: GateId::parse("canary").unwrap(),
        needs: Needs { errors: true, latency_target_ms: Some(250.0) },
        window: POLL,
        poll: POLL,
        lookback: POLL,
    }
}

fn series(name: &str, samples: &[(i64, f64)]) -> Series {
    let samples = samples.iter().map(|&(second, value)| Point { at_ms: second * 1_000, value });
    Series {
        key: SeriesKey::of([("name", name)]),
        process: SeriesKey::of([("instance", "a")]),
        samples: samples.collect(),
    }
}

fn looked(second: i64, total: Vec<Series>, failed: Vec<Series>) -> Looked {
    Looked {
        at_ms: second * 1_000,
        errors: Seen::Counters(ErrorCounters { total, failed }),
        latency: Seen::NotAsked,
        warnings: Vec::new(),
    }
}

fn absorb(ledger: &mut Counters, looked: &Looked) -> Sample {
    // Stored and restored between any two looks, as a restart of the daemon does.
    let stored = serde_json::to_string(ledger).unwrap();
    *ledger = serde_json::from_str(&stored).unwrap();
    ledger.absorb(&look(), looked).errors
}

fn counts(total: u64, bad: u64) -> Sample {
    Sample::Counts { total, bad, possibly_bad: bad }
}

fn no_data(sample: &Sample) -> &str {
    match sample {
        Sample::NoData { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_there_before_is_not_counted_and_what_comes_later_is() {
    let mut ledger = Counters::default();
    let first = looked(10, vec![series("ok", &[(5, 900.0), (10, 1_000.0)])], vec![]);
    assert_eq!(absorb(&mut ledger, &first), counts(0, 0));
    let late = vec![series("failed", &[(15, 4.0)])];
    let second = vec![series("ok", &[(10, 1_000.0), (15, 1_030.0)]), late[0].clone()];
    assert_eq!(absorb(&mut ledger, &looked(15, second.clone(), late.clone())), counts(34, 4));
    assert_eq!(absorb(&mut ledger, &looked(16, second, late)), counts(0, 0), "counted once");
}

#[test]
fn no_failed_series_is_no_failed_request_and_no_series_at_all_is_a_gap() {
    let mut ledger = Counters::default();
    let empty = absorb(&mut ledger, &looked(0, vec![], vec![]));
    assert_eq!(no_data(&empty), "no series matches the selector of all requests");
    let came = looked(5, vec![series("ok", &[(5, 7.0)])], vec![]);
    assert_eq!(absorb(&mut ledger, &came), counts(7, 0), "it began at nothing");
}

#[test]
fn a_restart_counts_from_nothing_even_where_a_counter_does_not_fall() {
    let mut ledger = Counters::default();
    let (total, failed) = (series("ok", &[(5, 1_000.0)]), series("failed", &[(5, 3.0)]));
    absorb(&mut ledger, &looked(5, vec![total], vec![failed]));
    let (total, failed) = (series("ok", &[(10, 40.0)]), series("failed", &[(10, 4.0)]));
    assert_eq!(absorb(&mut ledger, &looked(10, vec![total], vec![failed])), counts(40, 4));
    // A restart between two samples of one look.
    let (total, failed) = (series("ok", &[(12, 50.0), (14, 2.0)]), series("failed", &[(14, 5.0)]));
    assert_eq!(absorb(&mut ledger, &looked(15, vec![total], vec![failed])), counts(12, 5));
}

#[test]
fn a_series_that_vanished_goes_on_where_it_was() {
    let mut ledger = Counters::default();
    let both = vec![series("a", &[(5, 500.0)]), series("b", &[(5, 100.0)])];
    absorb(&mut ledger, &looked(5, both, vec![]));
    assert_eq!(
        absorb(&mut ledger, &looked(10, vec![series("a", &[(10, 510.0)])], vec![])),
        counts(10, 0)
    );
    let back = vec![series("a", &[(15, 510.0)]), series("b", &[(15, 101.0)])];
    assert_eq!(absorb(&mut ledger, &looked(15, back, vec![])), counts(1, 0));
}

#[test]
fn a_target_that_died_is_noticed_by_the_third_poll_and_nothing_of_it_is_lost() {
    let mut ledger = Counters::default();
    let at = |second: i64, value: f64| vec![series("ok", &[(second, value)])];
    absorb(&mut ledger, &looked(0, at(0, 10.0), vec![]));
    assert_eq!(absorb(&mut ledger, &looked(5, at(0, 10.0), vec![])), counts(0, 0));
    assert_eq!(absorb(&mut ledger, &looked(10, at(0, 10.0), vec![])), counts(0, 0));
    let third = absorb(&mut ledger, &looked(15, at(0, 10.0), vec![]));
    let lookback = ledger.lookback(POLL, 100_000);
    assert_eq!(lookback, Duration::from_millis(90_000 + 12_500), "back to where all was seen");
    assert_eq!(no_data(&third), "the target's newest sample is 15 s old");
    assert_eq!(absorb(&mut ledger, &looked(20, at(20, 17.0), vec![])), counts(7, 0));
}

#[test]
fn a_target_that_is_scraped_rarely_is_not_dead() {
    let mut ledger = Counters::default();
    absorb(
        &mut ledger,
        &looked(120, vec![series("ok", &[(0, 1.0), (60, 2.0), (120, 3.0)])], vec![]),
    );
    let later = looked(179, vec![series("ok", &[(120, 3.0)])], vec![]);
    assert_eq!(absorb(&mut ledger, &later), counts(0, 0));
    assert_eq!(ledger.lookback(POLL, 184_000), Duration::from_secs(5 + 150));
}

#[test]
fn failures_that_were_read_before_their_totals_wait() {
    let mut ledger = Counters::default();
    absorb(
        &mut ledger,
        &looked(5, vec![series("ok", &[(5, 0.0)])], vec![series("bad", &[(5, 0.0)])]),
    );
    let (total, failed) = (series("ok", &[(10, 3.0)]), series("bad", &[(10, 5.0), (11, 9.0)]));
    assert_eq!(absorb(&mut ledger, &looked(11, vec![total], vec![failed])), counts(3, 3));
    let (total, failed) = (series("ok", &[(11, 13.0)]), series("bad", &[(10, 5.0), (11, 9.0)]));
    assert_eq!(absorb(&mut ledger, &looked(12, vec![total], vec![failed])), counts(10, 6));
}

#[test]
fn what_is_no_count_is_an_error_and_changes_nothing() {
    let mut ledger = Counters::default();
    absorb(&mut ledger, &looked(5, vec![series("ok", &[(5, 10.0)])], vec![]));
    for value in [f64::NAN, -1.0, f64::INFINITY, 1e300] {
        let strange = looked(6, vec![series("ok", &[(6, value)])], vec![]);
        assert!(matches!(absorb(&mut ledger, &strange), Sample::Error { .. }), "{value}");
    }
    let many: Vec<_> = (0..65).map(|n| series(&n.to_string(), &[(7, 1.0)])).collect();
    assert!(matches!(absorb(&mut ledger, &looked(7, many, vec![])), Sample::Error { .. }));
    let good = looked(8, vec![series("ok", &[(8, 12.0)])], vec![]);
    assert_eq!(absorb(&mut ledger, &good), counts(2, 0));
}

#[test]
fn scalars_are_passed_on_and_a_share_above_one_is_an_error() {
    let scalar = |value| Looked {
        errors: Seen::Scalar { value, window_ms: 60_000 },
        latency: Seen::Scalar { value: 120.0, window_ms: 0 },
        ..looked(5, vec![], vec![])
    };
    let measured = Counters::default().absorb(&look(), &scalar(0.25));
    assert_eq!(measured.errors, Sample::Scalar { value: 0.25, window_ms: 60_000 });
    assert_eq!((measured.error_rate, measured.latency_p95_ms), (Some(0.25), Some(120.0)));
    let percent = Counters::default().absorb(&look(), &scalar(2.5));
    assert!(matches!(percent.errors, Sample::Error { .. }), "{percent:?}");
}

fn histogram(second: i64, counts: [f64; 3]) -> Looked {
    let edges = [("250", 250.0), ("500", 500.0), ("+Inf", f64::INFINITY)];
    let buckets = edges.iter().zip(counts).map(|(&(le, upper_edge_ms), count)| Bucket {
        series: series(le, &[(second, count)]),
        histogram: SeriesKey::of([("h", "one")]),
        upper_edge_ms,
    });
    Looked { latency: Seen::Counters(buckets.collect()), ..looked(second, vec![], vec![]) }
}

#[test]
fn slow_requests_are_counted_from_buckets_also_over_a_restart() {
    let mut ledger = Counters::default();
    let mut measured = |looked| {
        let measured = ledger.absorb(&look(), &looked);
        (measured.latency, measured.latency_p95_ms)
    };
    assert_eq!(measured(histogram(5, [10.0, 90.0, 100.0])), (counts(0, 0), None));
    let (sample, p95) = measured(histogram(10, [100.0, 180.0, 200.0]));
    assert_eq!(sample, counts(100, 10));
    assert_eq!(p95, Some(500.0));
    // The whole histogram restarted, though its first bucket already is above what it was.
    assert_eq!(measured(histogram(15, [101.0, 102.0, 102.0])).0, counts(102, 1));
}

#[test]
fn a_stored_ledger_is_small() {
    let mut ledger = Counters::default();
    let mut looked = histogram(1_795_269_618, [0.0; 3]);
    let Seen::Counters(buckets) = &mut looked.latency else { panic!() };
    let more = (0..12).map(|edge| Bucket {
        series: series(&edge.to_string(), &[(1_795_269_618, 123_456.0)]),
        histogram: buckets[0].histogram,
        upper_edge_ms: f64::from(edge),
    });
    let more: Vec<_> = more.collect();
    buckets.extend(more);
    let total = vec![series("ok", &[(1_795_269_618, 1e9)]), series("bad", &[(1_795_269_618, 7.0)])];
    looked.errors = Seen::Counters(ErrorCounters { failed: vec![total[1].clone()], total });
    ledger.absorb(&look(), &looked);
    let stored = serde_json::to_string(&ledger).unwrap();
    assert!(stored.len() < 1_024, "{} bytes: {stored}", stored.len());
}

#[test]
fn a_target_between_buckets_is_said_at_the_start() {
    let looked = histogram(5, [0.0, 0.0, 0.0]);
    assert_eq!(looked.latency_caveat(250.0), None);
    let caveat = looked.latency_caveat(300.0).unwrap();
    assert_eq!(caveat, "300 ms lies between the buckets 250 and 500");
    assert!(looked.latency_caveat(900.0).unwrap().contains("above the last bucket 500"));
}

/// What a target does between two scrapes.
#[derive(Debug, Clone)]
enum Event {
    Requests { ok: u32, failed: u32 },
    Restart,
    Look,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (0u32..50, 0u32..5).prop_map(|(ok, failed)| Event::Requests { ok, failed }),
        1 => Just(Event::Restart),
        3 => Just(Event::Look),
    ];
    proptest::collection::vec(event, 1..120)
}

proptest! {
    /// Scraped each second and looked at now and then, every request that a scrape showed is
    /// counted once.
    #[test]
    fn counts_equal_the_truth(events in events()) {
        let mut ledger = Counters::default();
        let mut ok: Vec<(i64, f64)> = vec![(0, 500.0)];
        let mut failed: Vec<(i64, f64)> = vec![];
        let (mut truth, mut counted) = ((0u64, 0u64), (0u64, 0u64));
        let mut now = (500.0, 0.0);
        let take = |ledger: &mut Counters, second, ok: &[_], failed: &[_], counted: &mut (u64, u64)| {
            let failed = if failed.is_empty() { vec![] } else { vec![series("failed", failed)] };
            let total: Vec<_> = failed.iter().cloned().chain([series("ok", ok)]).collect();
            match absorb(ledger, &looked(second, total, failed)) {
                Sample::Counts { total, bad, .. } => {
                    counted.0 += total;
                    counted.1 += bad;
                }
                other => panic!("{other:?}"),
            }
        };
        take(&mut ledger, 0, &ok, &failed, &mut counted);
        let mut second = 0;
        for event in events.into_iter().chain([Event::Look]) {
            match event {
                Event::Requests { ok: more, failed: bad } => {
                    second += 1;
                    now = (now.0 + f64::from(more), now.1 + f64::from(bad));
                    truth = (truth.0 + u64::from(more + bad), truth.1 + u64::from(bad));
                    ok.push((second, now.0));
                    if now.1 > 0.0 || !failed.is_empty() {
                        failed.push((second, now.1));
                    }
                }
                // Only a restart that shows in the sum can be seen by anybody.
                Event::Restart if 60.0 < now.0 + now.1 => now = (0.0, 0.0),
                Event::Restart => {}
                Event::Look => take(&mut ledger, second, &ok, &failed, &mut counted),
            }
        }
        prop_assert_eq!(counted, truth);
    }
}

#[test]
fn a_target_that_was_named_anew_brings_nothing_from_its_life_before() {
    let mut ledger = Counters::default();
    absorb(&mut ledger, &looked(0, vec![series("a", &[(0, 1_000_100.0)])], vec![]));
    let renamed = series("b", &[(5, 1_000_200.0)]);
    assert_eq!(absorb(&mut ledger, &looked(5, vec![renamed], vec![])), counts(0, 0));
    let on = series("b", &[(10, 1_000_250.0)]);
    assert_eq!(absorb(&mut ledger, &looked(10, vec![on], vec![])), counts(50, 0));
}
