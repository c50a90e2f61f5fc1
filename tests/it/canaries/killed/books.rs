//! What the site showed against what the daemon counted, and what the rule makes of that against
//! what the daemon decided.

use std::time::Duration;

use lukhas_mcp::adapters::metrics::Sample;
use lukhas_mcp::canaries::StoredSample;
use lukhas_mcp::canaries::policy::Policy;
use lukhas_mcp::canaries::rule::{Evidence, Moment, Verdict};
use serde_json::{Value, json};

use super::{LONGEST_GAP, WINDOW};
use crate::canaries::site::{Counted, Site};
use crate::canaries::{ending, status, version_in};
use crate::harness::Daemon;

/// A canary whose end is known.
pub struct Watched {
    pub kind: &'static str,
    pub gate: String,
    pub id: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Books {
    pub promoted: usize,
    pub breached: usize,
    pub dead: usize,
    pub unproved: usize,
    pub gaps: usize,
    polls: usize,
    /// Everything that must not be.
    pub wrong: Vec<String>,
}

impl Books {
    pub fn figures(&self) -> String {
        let Self { promoted, breached, dead, unproved, gaps, polls, wrong } = self;
        let canaries = promoted + breached + dead + unproved + gaps;
        format!(
            "canaries={canaries} promoted={promoted} breached={breached} dead={dead} \
             unproved={unproved} gaps={gaps} polls={polls} wrong={}",
            wrong.len()
        )
    }

    /// Holds a canary that is over against what the site knows.
    pub async fn check(&mut self, daemon: &Daemon, site: &Site, watched: &Watched) {
        let shown = status(daemon, &watched.id).await;
        let samples = samples(&shown);
        self.polls += samples.len();
        let (status, reason) = ending(&shown);
        self.count(watched, (status, reason));
        let mut faults = Vec::new();
        faults.extend(miscounted(&samples, &site.shown(&watched.gate)));
        faults.extend(unlike_the_rule(&shown, &samples));
        if reason == "gap" && !is_a_gap(&shown) {
            faults.push("there was no gap".to_owned());
        }
        if is_too_far_apart(&samples) {
            faults.push("it went on over a gap".to_owned());
        }
        let replay = daemon.ask("replay_decision", json!({ "id": watched.id })).await;
        if replay["matches"] != true {
            faults.push(format!("the decision comes out differently: {replay}"));
        }
        let version = version_in(daemon, &watched.gate).await;
        if version != if status == "PROMOTED" { "2" } else { "1" } {
            faults.push(format!("version {version} stands in the gate"));
        }
        let name = &watched.gate;
        self.wrong.extend(faults.into_iter().map(|fault| format!("{name}: {fault}: {shown}")));
    }

    /// Counts an end, and judges by what the gate is known to have done.
    fn count(&mut self, watched: &Watched, (status, reason): (&str, &str)) {
        let is_doubt = reason.starts_with("inconclusive");
        *match (status, reason) {
            ("PROMOTED", _) => &mut self.promoted,
            (_, "error_rate_breach" | "latency_breach") => &mut self.breached,
            (_, "no_data") => &mut self.dead,
            (_, "gap") => &mut self.gaps,
            _ => &mut self.unproved,
        } += 1;
        let expected = match (watched.kind, status) {
            ("good" | "good-strict" | "fair", "PROMOTED") => reason == "conforms",
            // Too many looks may have been missed, which the rule is asked about.
            ("good" | "good-strict" | "fair" | "idle", "ROLLED_BACK") => {
                is_doubt || reason == "gap"
            }
            ("bad" | "turning", "ROLLED_BACK") => ["error_rate_breach", "gap"].contains(&reason),
            ("slow", "ROLLED_BACK") => ["latency_breach", "gap"].contains(&reason),
            ("dying", "ROLLED_BACK") => ["no_data", "gap"].contains(&reason) || is_doubt,
            _ => false,
        };
        if !expected {
            self.wrong.push(format!("{} became {status}: {reason}", watched.gate));
        }
    }
}

fn samples(shown: &Value) -> Vec<StoredSample> {
    let all = shown["observations"].as_array().unwrap().iter();
    all.map(|one| serde_json::from_value(one["measured"].clone()).unwrap()).collect()
}

/// Counting goes from page to page: the sums after each poll, added to what the first page showed,
/// are what some later page showed. Whatever was lost or counted twice would fit none.
fn miscounted(samples: &[StoredSample], pages: &[Counted]) -> Option<String> {
    let sums = samples.iter().scan(Counted::default(), |sum, sample| {
        if let Sample::Counts { total, bad, .. } = sample.canary.errors {
            (sum.total, sum.failed) = (sum.total + total, sum.failed + bad);
        }
        if let Sample::Counts { bad, .. } = sample.canary.latency {
            sum.slow += bad;
        }
        Some(*sum)
    });
    let sums: Vec<Counted> = sums.collect();
    let fits = |base: &Counted| {
        let shown = |sum: &Counted| Counted {
            total: base.total + sum.total,
            failed: base.failed + sum.failed,
            slow: base.slow + sum.slow,
        };
        sums.iter().all(|sum| pages.contains(&shown(sum)))
    };
    let polls: Vec<i64> = samples.iter().map(|sample| sample.poll).collect();
    if !polls.iter().copied().eq(1..=i64::try_from(polls.len()).unwrap()) {
        return Some(format!("its polls are {polls:?}"));
    }
    // Which page its counters began with is not stored; that one of them fits is.
    let counts = samples.is_empty() || pages.iter().any(fits);
    (!counts).then(|| format!("{sums:?} were counted of {pages:?}"))
}

/// Folds the polls through the rule, without a daemon: it must say the same at the same poll.
fn unlike_the_rule(shown: &Value, samples: &[StoredSample]) -> Option<String> {
    let policy: Policy = serde_json::from_value(shown["policy"].clone()).unwrap();
    let mut evidence = Evidence::new(&policy);
    let mut said = None;
    for sample in samples {
        if let Some(early) = said {
            return Some(format!("the rule had {early:?} before poll {}", sample.poll));
        }
        evidence.observe(&sample.as_poll());
        let elapsed = Duration::from_millis(sample.elapsed_ms);
        let moment = Moment { elapsed, window_over: policy.window() <= elapsed };
        said = Some(evidence.verdict(moment)).filter(|verdict| *verdict != Verdict::Continue);
    }
    let (status, reason) = ending(shown);
    let agrees = match &said {
        None => reason == "gap",
        Some(Verdict::Promote) => (status, reason) == ("PROMOTED", "conforms"),
        Some(Verdict::RollBack { reason: why }) => (status, reason) == ("ROLLED_BACK", why.code()),
        Some(Verdict::Inconclusive { reasons }) => {
            (status, reason) == ("ROLLED_BACK", reasons[0].code.code())
        }
        Some(Verdict::Continue) => false,
    };
    let healthy = samples.iter().filter(|sample| sample.data_quality() == "ok").count();
    #[expect(clippy::cast_precision_loss, reason = "some polls")]
    let covered = healthy as f64 * policy.poll().as_secs_f64();
    if status == "PROMOTED" {
        let last = samples.last().map_or(0, |sample| sample.elapsed_ms);
        if Duration::from_millis(last) < WINDOW {
            return Some("promoted before the end of its window".to_owned());
        }
        if covered < policy.coverage() * WINDOW.as_secs_f64() {
            return Some(format!("promoted after {covered} s of healthy observation"));
        }
    }
    (!agrees).then(|| format!("the rule says {said:?}"))
}

/// Whether between the last poll and the decision more time passed than may.
fn is_a_gap(shown: &Value) -> bool {
    let last = shown["observations"].as_array().unwrap().last();
    let seen = last.map_or(0.0, |one| one["elapsedSeconds"].as_f64().unwrap());
    LONGEST_GAP.as_secs_f64() < shown["elapsedSeconds"].as_f64().unwrap() - seen
}

/// Whether two polls that were believed lie further apart than may be.
fn is_too_far_apart(samples: &[StoredSample]) -> bool {
    let far = |pair: &[StoredSample]| {
        LONGEST_GAP < Duration::from_millis(pair[1].elapsed_ms - pair[0].elapsed_ms)
    };
    samples.windows(2).any(far)
}
