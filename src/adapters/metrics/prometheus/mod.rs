//! A Prometheus server, or one that answers like it: VictoriaMetrics, Mimir, Thanos.
//!
//! Counters are read as raw samples, by an instant query of a selector with a range: their times
//! are true, nothing is extrapolated, and the first sample of a series is not lost. A query that
//! gives one number is taken only if it gives exactly one, finite and not negative.

mod api;
mod history;
mod skew;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::api::{Data, Reply, When, ask};
use self::skew::Skew;
use super::collect::{self, Labelled};
use super::ledger::{NO_BUCKETS, NO_REQUESTS};
use super::looked::{Bucket, ErrorCounters, Looked, Seen};
use super::measurement::Gap;
use super::query::{BoundQuery, Query};
use super::scrape::Selectors;
use super::selector::Selector;
use super::source::{Look, MetricsSource, Offer, Offers, Past, PastError};
use super::time_limit;
use crate::adapters::outbound::{Outbound, ServerState};
use crate::clock::{Clock, Timestamp};
use crate::config::BucketUnit;

const NAME: &str = "prometheus";

/// Queries for where there are no counters.
#[derive(Debug, Clone, Default)]
pub struct Queries {
    /// The share of failed requests.
    pub errors: Option<Query>,
    /// The 95th percentile of latency in milliseconds.
    pub latency: Option<Query>,
}

/// A server that is asked.
pub struct Prometheus {
    outbound: Outbound,
    selectors: Selectors,
    queries: Queries,
    clock: Arc<dyn Clock>,
    skew: Skew,
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Prometheus");
        shown.field("selectors", &self.selectors).field("queries", &self.queries);
        shown.finish_non_exhaustive()
    }
}

/// What a part of a look saw, with what the server warned of.
type Part<T> = (Seen<T>, Vec<String>);

impl Prometheus {
    /// A server behind `outbound`. Selectors go before queries.
    pub fn new(
        outbound: Outbound,
        selectors: Selectors,
        queries: Queries,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { outbound, selectors, queries, clock, skew: Skew::default() }
    }

    async fn errors(&self, look: &Look, limit: Duration) -> Part<ErrorCounters> {
        if !look.needs.errors {
            return (Seen::NotAsked, Vec::new());
        }
        if let Some((total, failed)) = &self.selectors.errors {
            let (total, failed) =
                tokio::join!(self.samples(total, look, limit), self.samples(failed, look, limit));
            let counters = total.and_then(|(total, mut warnings)| {
                let (failed, more) = failed?;
                warnings.extend(more);
                Ok((error_counters(total, failed)?, warnings))
            });
            return seen(counters);
        }
        self.number(self.queries.errors.as_ref(), look, limit).await
    }

    async fn latency(&self, look: &Look, limit: Duration) -> Part<Vec<Bucket>> {
        if look.needs.latency_target_ms.is_none() {
            return (Seen::NotAsked, Vec::new());
        }
        if let Some((buckets, unit)) = &self.selectors.buckets {
            let samples = self.samples(buckets, look, limit).await;
            return seen(
                samples
                    .and_then(|(found, warnings)| Ok((bucket_counters(found, *unit)?, warnings))),
            );
        }
        self.number(self.queries.latency.as_ref(), look, limit).await
    }

    /// The raw samples of a selector.
    async fn samples(
        &self,
        selector: &Selector,
        look: &Look,
        limit: Duration,
    ) -> Result<(Vec<Labelled>, Vec<String>), Gap> {
        let selector = selector.bind(&look.model, &look.gate);
        let query = ranged(&selector.to_string(), look.lookback);
        labelled(ask(&self.outbound, &query, When::Now, limit).await?)
    }

    async fn number<T>(&self, query: Option<&Query>, look: &Look, limit: Duration) -> Part<T> {
        let Some(query) = query else { return (Seen::NotAsked, Vec::new()) };
        let reply = match query.bind(&look.model, &look.gate, look.window) {
            Ok(query) => {
                let reply = ask(&self.outbound, &query.text, When::Now, limit).await;
                reply.map(|reply| (query, reply))
            }
            Err(error) => Err(format!("the query {error}")),
        };
        match reply {
            Ok((query, reply)) => {
                let warnings = reply.warnings.clone();
                (one_number(&query, reply), warnings)
            }
            Err(why) => (Seen::Error(why), Vec::new()),
        }
    }
}

/// A selector over the last so many seconds.
fn ranged(selector: &str, lookback: Duration) -> String {
    format!("{selector}[{}s]", lookback.as_millis().div_ceil(1_000).max(1))
}

fn labelled(reply: Reply) -> Result<(Vec<Labelled>, Vec<String>), Gap> {
    match reply.data {
        Data::Series(found) => Ok((found, reply.warnings)),
        Data::Number(_) => Err("Prometheus answered a number where series were asked".to_owned()),
    }
}

fn seen<T>(counters: Result<(Seen<T>, Vec<String>), Gap>) -> Part<T> {
    counters.unwrap_or_else(|why| (Seen::Error(why), Vec::new()))
}

/// The counters of requests. Without any, the server may just not have read the target yet: then
/// what it shows first is what a ledger begins with, and not what happened.
fn error_counters(total: Vec<Labelled>, failed: Vec<Labelled>) -> Result<Seen<ErrorCounters>, Gap> {
    if total.is_empty() {
        return Ok(Seen::NoData(NO_REQUESTS.to_owned()));
    }
    let total = collect::counters(total)?;
    Ok(Seen::Counters(ErrorCounters { total, failed: collect::counters(failed)? }))
}

/// The buckets of latency, likewise.
fn bucket_counters(found: Vec<Labelled>, unit: BucketUnit) -> Result<Seen<Vec<Bucket>>, Gap> {
    if found.is_empty() {
        return Ok(Seen::NoData(NO_BUCKETS.to_owned()));
    }
    collect::buckets(found, unit).map(Seen::Counters)
}

/// The one number of a reply; whatever else it is, is a gap.
fn one_number<T>(query: &BoundQuery, reply: Reply) -> Seen<T> {
    if reply.is_partial {
        return Seen::NoData("the query gave a partial result".to_owned());
    }
    let point = match reply.data {
        Data::Number(point) => point,
        Data::Series(found) => match found.as_slice() {
            [] => return Seen::NoData("the query gave no result".to_owned()),
            [one] => match one.samples.as_slice() {
                [point] => *point,
                _ => return Seen::NoData("the query gave a range and not one number".to_owned()),
            },
            many => {
                let why = format!("the query gave {} series, and one is wanted", many.len());
                return Seen::NoData(why);
            }
        },
    };
    number(point.value, query.window_ms)
}

fn number<T>(value: f64, window_ms: u64) -> Seen<T> {
    if !value.is_finite() {
        Seen::NoData(format!("the query gave {value}, which is no number"))
    } else if value < 0.0 {
        Seen::NoData(format!("the query gave {value}, which is negative"))
    } else {
        Seen::Scalar { value, window_ms }
    }
}

#[async_trait]
impl MetricsSource for Prometheus {
    fn name(&self) -> &'static str {
        NAME
    }

    fn servers(&self) -> Vec<(&'static str, ServerState)> {
        vec![(NAME, self.outbound.state())]
    }

    fn offers(&self) -> Offers {
        let counts = self.selectors.offers();
        let or_query = |offer, query: &Option<Query>| match (offer, query) {
            (Offer::Nothing, Some(_)) => Offer::Scalar,
            (offer, _) => offer,
        };
        Offers {
            errors: or_query(counts.errors, &self.queries.errors),
            latency: or_query(counts.latency, &self.queries.latency),
        }
    }

    async fn look(&self, look: &Look) -> Looked {
        let limit = time_limit(look.poll);
        let (skew, (errors, mut warnings), (latency, more)) = tokio::join!(
            self.skew.measured(&self.outbound, self.clock.as_ref(), limit),
            self.errors(look, limit),
            self.latency(look, limit),
        );
        warnings.extend(more);
        warnings.extend(skew.warning());
        warnings.sort_unstable();
        warnings.dedup();
        let at_ms = self.clock.now().unix_ms().saturating_add(skew.ahead_ms);
        Looked { at_ms, errors, latency, warnings }
    }

    async fn history(
        &self,
        look: &Look,
        past: Past,
    ) -> Result<Vec<(Timestamp, Looked)>, PastError> {
        history::history(self, look, past).await
    }
}
