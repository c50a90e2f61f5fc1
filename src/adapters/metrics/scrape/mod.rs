//! The source that is built in: the page of metrics that a served model shows of itself.
//!
//! One page is one look at all of a gate's counters at the same moment. Nothing is kept between
//! looks; the past is in the ledger.

mod exposition;
mod page_url;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use self::exposition::{Format, PageError};
pub use self::page_url::{PageUrl, PageUrlError};
use super::collect::{self, Labelled};
use super::looked::{ErrorCounters, Looked, Point, Seen};
use super::measurement::Gap;
use super::selector::{BoundSelector, Selector};
use super::source::{Look, MetricsSource, Offer, Offers, Past, PastError};
use super::time_limit;
use crate::adapters::outbound::{Answer, Call, Outbound, ServerState};
use crate::clock::{Clock, Timestamp};
use crate::config::BucketUnit;

const NAME: &str = "scrape";

/// The longest page that is read, in bytes.
const LONGEST_PAGE: usize = 8 * 1024 * 1024;

const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

/// Which series are counted.
#[derive(Debug, Clone)]
pub struct Selectors {
    /// All requests and failed requests.
    pub errors: Option<(Selector, Selector)>,
    /// The buckets of latency, and the unit of their edges.
    pub buckets: Option<(Selector, BucketUnit)>,
}

impl Selectors {
    /// What they let a source see.
    pub(super) fn offers(&self) -> Offers {
        let counts = |is_there| if is_there { Offer::Counts } else { Offer::Nothing };
        Offers { errors: counts(self.errors.is_some()), latency: counts(self.buckets.is_some()) }
    }
}

/// Pages of metrics at an address in which the gate and the model stand.
pub struct Scrape {
    outbound: Outbound,
    url: PageUrl,
    selectors: Selectors,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").field("selectors", &self.selectors).finish_non_exhaustive()
    }
}

impl Scrape {
    /// Pages at `url`, called over `outbound`, whose address is of the same origin.
    pub fn new(
        outbound: Outbound,
        url: PageUrl,
        selectors: Selectors,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { outbound, url, selectors, clock }
    }

    async fn page(&self, look: &Look) -> Result<Answer, Gap> {
        let url = self.url.with(&look.model, &look.gate)?;
        let call = Call::get_url(url)
            .header("Accept", ACCEPT)
            .within(time_limit(look.poll))
            .at_most(LONGEST_PAGE);
        let answer = self.outbound.call(&call).await.map_err(|error| error.to_string())?;
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(format!("the page of metrics answered with status {}", answer.status))
        }
    }

    fn read(&self, answer: &Answer, look: &Look, at_ms: i64) -> Result<Looked, Gap> {
        let format = format_of(answer.header("content-type"))?;
        let page = std::str::from_utf8(&answer.body)
            .map_err(|_| "the page of metrics is not UTF-8".to_owned())?;
        let bind = |selector: &Selector| selector.bind(&look.model, &look.gate);
        let pair = self.selectors.errors.as_ref().filter(|_| look.needs.errors);
        let buckets =
            self.selectors.buckets.as_ref().filter(|_| look.needs.latency_target_ms.is_some());
        let wanted = [
            pair.map(|(total, _)| bind(total)),
            pair.map(|(_, failed)| bind(failed)),
            buckets.map(|(bucket, _)| bind(bucket)),
        ];
        let [total, failed, bucket] =
            pick(page, format, &wanted, at_ms).map_err(|error| error.to_string())?;
        let errors = match pair {
            Some(_) => error_counters(total, failed),
            None => Seen::NotAsked,
        };
        let latency = match buckets {
            Some((_, unit)) => match collect::buckets(bucket, *unit) {
                Ok(buckets) => Seen::Counters(buckets),
                Err(why) => Seen::Error(why),
            },
            None => Seen::NotAsked,
        };
        Ok(Looked { at_ms, errors, latency, warnings: Vec::new() })
    }
}

fn error_counters(total: Vec<Labelled>, failed: Vec<Labelled>) -> Seen<ErrorCounters> {
    let counters = collect::counters(total)
        .and_then(|total| Ok(ErrorCounters { total, failed: collect::counters(failed)? }));
    match counters {
        Ok(counters) => Seen::Counters(counters),
        Err(why) => Seen::Error(why),
    }
}

/// The series of a page that each selector means.
fn pick(
    page: &str,
    format: Format,
    wanted: &[Option<BoundSelector>; 3],
    at_ms: i64,
) -> Result<[Vec<Labelled>; 3], PageError> {
    let mut picked: [Vec<Labelled>; 3] = Default::default();
    exposition::read(page, format, |sample| {
        let label = |wanted: &str| {
            let found = sample.labels.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_ref())
        };
        for (selector, picked) in wanted.iter().zip(&mut picked) {
            let is_meant =
                selector.as_ref().is_some_and(|selector| selector.matches(&sample.name, label));
            if is_meant {
                let named = [("__name__".to_owned(), sample.name.clone().into_owned())];
                let labels = sample.labels.iter();
                let labels = labels.map(|(name, value)| (name.to_string(), value.to_string()));
                let at_ms = sample.at_ms.unwrap_or(at_ms);
                picked.push(Labelled {
                    labels: named.into_iter().chain(labels).collect(),
                    samples: vec![Point { at_ms, value: sample.value }],
                });
            }
        }
    })?;
    Ok(picked)
}

/// How a page says it is written. One that says nothing counts as text, as Prometheus took it.
fn format_of(content_type: Option<&str>) -> Result<Format, Gap> {
    let kind = content_type.unwrap_or("text/plain").split(';').next().unwrap_or_default();
    match kind.trim().to_ascii_lowercase().as_str() {
        "text/plain" => Ok(Format::Text),
        "application/openmetrics-text" => Ok(Format::OpenMetrics),
        _ => Err("the page of metrics is neither Prometheus text nor OpenMetrics".to_owned()),
    }
}

#[async_trait]
impl MetricsSource for Scrape {
    fn name(&self) -> &'static str {
        NAME
    }

    fn servers(&self) -> Vec<(&'static str, ServerState)> {
        vec![(NAME, self.outbound.state())]
    }

    fn offers(&self) -> Offers {
        self.selectors.offers()
    }

    async fn look(&self, look: &Look) -> Looked {
        let page = self.page(look).await;
        let at_ms = self.clock.now().unix_ms();
        let looked = page.and_then(|answer| self.read(&answer, look, at_ms));
        looked.unwrap_or_else(|why| Looked::failed(look.needs, at_ms, &why))
    }

    async fn history(&self, _: &Look, _: Past) -> Result<Vec<(Timestamp, Looked)>, PastError> {
        Err(PastError::NoPast("the page of metrics"))
    }
}
