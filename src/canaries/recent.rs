//! Which canaries does somebody see who looks for the first time?

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::canaries::rule::Report;
use crate::canaries::sample::StoredSample;
use crate::canaries::standing::{Standings, standings};
use crate::canaries::view::CanaryView;
use crate::canaries::{Canaries, CanaryError};
use crate::store::canaries::{self, CanaryRow, MetricRow};
use crate::store::{Reader, StoreError, decisions};

/// A canary with what was seen of it last.
#[derive(Debug)]
pub struct RecentCanary {
    /// Its row.
    pub row: CanaryRow,
    /// What is left of its window, by the window's clock; nothing of it once it is over.
    pub remaining: Duration,
    /// The 95th percentile of latency at its newest look, as the wire shows it.
    pub latency_p95_ms: Option<f64>,
    /// The share of failed requests at its newest look, as the wire shows it.
    pub error_rate: Option<f64>,
    /// Whether that look measured everything that was asked for; nothing where nobody looked yet.
    pub data_quality: Option<&'static str>,
    /// What its evidence amounts to, or amounted to when it was decided; nothing where neither is
    /// known.
    pub evidence: Option<Standings>,
}

impl Canaries {
    /// The newest `open` of the canaries that are not over, and the newest `over` of those that are;
    /// newest first, each once.
    ///
    /// Whatever became of a canary before this was called is in its row.
    ///
    /// # Errors
    /// The store's.
    pub async fn recent(&self, open: usize, over: u16) -> Result<Vec<RecentCanary>, CanaryError> {
        let board = Arc::clone(&self.deps.board);
        let read = self.deps.store.read(move |conn| {
            // The board first: a canary that ends in between is then in both and not in neither.
            let mut views = board.all_open();
            views.sort_unstable_by_key(|view| Reverse(view.row.number));
            views.truncate(open);
            let over = canaries::newest_over(conn, over.into())?;
            gathered(conn, &views, &over)
        });
        Ok(read.await?)
    }
}

/// What the wire showed of the newest look.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    latency_p95_ms: Option<f64>,
    error_rate: Option<f64>,
    data_quality: Option<&'static str>,
}

impl From<&StoredSample> for Look {
    fn from(sample: &StoredSample) -> Self {
        Self {
            latency_p95_ms: sample.shown_latency_ms(),
            error_rate: sample.shown_error_rate(),
            data_quality: Some(sample.data_quality()),
        }
    }
}

impl From<&MetricRow> for Look {
    fn from(row: &MetricRow) -> Self {
        Self {
            latency_p95_ms: row.latency_p95_ms,
            error_rate: row.error_rate,
            data_quality: StoredSample::of(row).map(|sample| sample.data_quality()),
        }
    }
}

fn gathered(
    conn: &mut Reader,
    views: &[Arc<CanaryView>],
    over: &[CanaryRow],
) -> Result<Vec<RecentCanary>, StoreError> {
    let mut rows: HashMap<&str, CanaryRow> =
        views.iter().map(|view| (view.row.canary_id.as_str(), view.row.clone())).collect();
    rows.extend(over.iter().map(|row| (row.canary_id.as_str(), row.clone())));
    let mut looks: HashMap<&str, Look> = views
        .iter()
        .filter_map(|view| {
            Some((view.row.canary_id.as_str(), Look::from(&**view.newest.as_ref()?)))
        })
        .collect();
    for id in rows.keys() {
        if !looks.contains_key(id) {
            // One canary at a time: grouped, all of their measurements would be read.
            let newest = canaries::newest_measurements(conn, id, 1)?;
            looks.insert(id, newest.last().map(Look::from).unwrap_or_default());
        }
    }
    let mut evidence: HashMap<&str, Standings> = views
        .iter()
        .filter_map(|view| Some((view.row.canary_id.as_str(), standings(&view.report()?))))
        .collect();
    // What is on no board is over; and so is what ended after the board was looked at.
    let mut remaining: HashMap<&str, Duration> =
        views.iter().map(|view| (view.row.canary_id.as_str(), view.remaining())).collect();
    for row in over {
        remaining.remove(row.canary_id.as_str());
    }
    let decided: Vec<&str> = rows
        .values()
        .filter(|row| !evidence.contains_key(row.canary_id.as_str()))
        .filter_map(|row| row.decision_id.as_deref())
        .collect();
    let recorded: HashMap<String, Standings> = decisions::all_of(conn, &decided)?
        .into_iter()
        .filter_map(|decision| Some((decision.canary_id, decided_on(&decision.record_json)?)))
        .collect();
    let mut recent: Vec<_> = rows
        .into_values()
        .map(|row| {
            let id = row.canary_id.as_str();
            let Look { latency_p95_ms, error_rate, data_quality } =
                looks.remove(id).unwrap_or_default();
            let evidence = evidence.remove(id).or_else(|| recorded.get(id).cloned());
            RecentCanary {
                remaining: remaining.remove(id).unwrap_or_default(),
                latency_p95_ms,
                error_rate,
                data_quality,
                evidence,
                row,
            }
        })
        .collect();
    recent.sort_unstable_by_key(|canary| Reverse(canary.row.number));
    Ok(recent)
}

/// What the evidence of a recorded decision amounted to; a decision without evidence has none.
pub fn decided_on(record_json: &str) -> Option<Standings> {
    let mut record: Value = serde_json::from_str(record_json).ok()?;
    let report: Report = serde_json::from_value(record["evidence"].take()).ok()?;
    Some(standings(&report))
}
