//! What looks in the past would have seen.

use std::time::Duration;

use super::api::{Reply, When, ask};
use super::{Prometheus, bucket_counters, error_counters, labelled, number, ranged};
use crate::adapters::metrics::collect::Labelled;
use crate::adapters::metrics::looked::{Bucket, ErrorCounters, Looked, Point, Seen};
use crate::adapters::metrics::measurement::Gap;
use crate::adapters::metrics::query::Query;
use crate::adapters::metrics::selector::Selector;
use crate::adapters::metrics::source::{Look, Past, PastError};
use crate::clock::Timestamp;

/// How much is asked for at once, so that an answer stays within its limit.
const CHUNK: Duration = Duration::from_mins(15);

/// How long an answer about the past may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How far back a look of the past sees at least: as the first look of a canary does.
const LOOKBACK: Duration = Duration::from_mins(5);

pub(super) async fn history(
    prometheus: &Prometheus,
    look: &Look,
    past: Past,
) -> Result<Vec<(Timestamp, Looked)>, PastError> {
    let moments = past.moments()?;
    let reader = Reader { prometheus, look, past };
    let errors = reader.errors(&moments).await.map_err(PastError::Failed)?;
    let latency = reader.latency(&moments).await.map_err(PastError::Failed)?;
    let looks = moments.into_iter().zip(errors).zip(latency);
    let looked = looks.map(|((moment, errors), latency)| {
        let at_ms = moment.unix_ms();
        (moment, Looked { at_ms, errors, latency, warnings: Vec::new() })
    });
    Ok(looked.collect())
}

struct Reader<'a> {
    prometheus: &'a Prometheus,
    look: &'a Look,
    past: Past,
}

impl Reader<'_> {
    async fn errors(&self, moments: &[Timestamp]) -> Result<Vec<Seen<ErrorCounters>>, Gap> {
        if !self.look.needs.errors {
            return Ok(moments.iter().map(|_| Seen::NotAsked).collect());
        }
        let Some((total, failed)) = &self.prometheus.selectors.errors else {
            return self.numbers(self.prometheus.queries.errors.as_ref(), moments).await;
        };
        let (total, failed) = (self.samples(total).await?, self.samples(failed).await?);
        let seen = moments.iter().map(|moment| {
            error_counters(self.visible(&total, *moment), self.visible(&failed, *moment))
        });
        seen.collect()
    }

    async fn latency(&self, moments: &[Timestamp]) -> Result<Vec<Seen<Vec<Bucket>>>, Gap> {
        if self.look.needs.latency_target_ms.is_none() {
            return Ok(moments.iter().map(|_| Seen::NotAsked).collect());
        }
        let Some((buckets, unit)) = &self.prometheus.selectors.buckets else {
            return self.numbers(self.prometheus.queries.latency.as_ref(), moments).await;
        };
        let found = self.samples(buckets).await?;
        let seen =
            moments.iter().map(|moment| bucket_counters(self.visible(&found, *moment), *unit));
        seen.collect()
    }

    /// All samples of the span and what its first look sees before it.
    async fn samples(&self, selector: &Selector) -> Result<Vec<Labelled>, Gap> {
        let selector = selector.bind(&self.look.model, &self.look.gate).to_string();
        let step = i64::try_from(CHUNK.as_millis()).unwrap_or(i64::MAX);
        let mut until_ms = self.past.from.unix_ms() - self.lookback_ms();
        let end_ms = self.past.to.unix_ms();
        let mut series: Vec<Labelled> = Vec::new();
        while until_ms < end_ms {
            until_ms = until_ms.saturating_add(step);
            let query = ranged(&selector, CHUNK);
            let at = When::At(until_ms);
            let reply = ask(&self.prometheus.outbound, &query, at, LIMIT).await?;
            for one in unquestioned(reply)? {
                match series.iter_mut().find(|known| known.labels == one.labels) {
                    Some(known) => append(&mut known.samples, &one.samples),
                    None => series.push(one),
                }
            }
        }
        Ok(series)
    }

    fn lookback_ms(&self) -> i64 {
        let lookback = LOOKBACK.max(self.past.step.saturating_mul(3));
        i64::try_from(lookback.as_millis()).unwrap_or(i64::MAX)
    }

    /// What a look at a moment would have seen.
    fn visible(&self, series: &[Labelled], moment: Timestamp) -> Vec<Labelled> {
        let until = moment.unix_ms();
        let after = until - self.lookback_ms();
        let cut = series.iter().map(|one| {
            let first = one.samples.partition_point(|point| point.at_ms <= after);
            let end = one.samples.partition_point(|point| point.at_ms <= until);
            Labelled { labels: one.labels.clone(), samples: one.samples[first..end].to_vec() }
        });
        cut.filter(|one| !one.samples.is_empty()).collect()
    }

    /// What a query gave at each moment.
    async fn numbers<T>(
        &self,
        query: Option<&Query>,
        moments: &[Timestamp],
    ) -> Result<Vec<Seen<T>>, Gap> {
        let Some(query) = query else {
            return Ok(moments.iter().map(|_| Seen::NotAsked).collect());
        };
        let query = query
            .bind(&self.look.model, &self.look.gate, self.look.window)
            .map_err(|error| format!("the query {error}"))?;
        let (from_ms, to_ms) = (self.past.from.unix_ms(), self.past.to.unix_ms());
        let when = When::Over { from_ms, to_ms, step: self.past.step };
        let reply = ask(&self.prometheus.outbound, &query.text, when, LIMIT).await?;
        let found = unquestioned(reply)?;
        let seen = moments.iter().map(|moment| {
            let mut at = found
                .iter()
                .filter_map(|one| one.samples.iter().find(|point| point.at_ms == moment.unix_ms()));
            match (at.next(), at.next()) {
                (Some(point), None) => number(point.value, query.window_ms),
                (None, _) => Seen::NoData("the query gave no result".to_owned()),
                (Some(_), Some(_)) => {
                    Seen::NoData("the query gave several series, and one is wanted".to_owned())
                }
            }
        });
        Ok(seen.collect())
    }
}

/// The series of a reply, unless something may be missing: nothing is tried on half of the past.
fn unquestioned(reply: Reply) -> Result<Vec<Labelled>, Gap> {
    let (found, warnings) = labelled(reply)?;
    match warnings.first() {
        Some(warning) => Err(format!("Prometheus warned: {warning}")),
        None => Ok(found),
    }
}

/// Adds what is newer.
fn append(samples: &mut Vec<Point>, more: &[Point]) {
    let newest = samples.last().map_or(i64::MIN, |point| point.at_ms);
    samples.extend(more.iter().filter(|point| newest < point.at_ms));
}
