//! Choosing the source that the settings ask for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};

use super::looked::Looked;
use super::prometheus::{Prometheus, Queries};
use super::query::{Query, QueryError};
use super::scrape::{PageUrl, PageUrlError, Scrape, Selectors};
use super::selector::{Selector, SelectorError};
use super::source::{Look, MetricsSource, Needs, Offer, Offers, Past, PastError};
use crate::adapters::outbound::{
    Credentials, Outbound, OutboundError, OutboundOptions, ServerState,
};
use crate::clock::{Clock, Timestamp};
use crate::config::{MetricsSettings, PrometheusSettings, ScrapeSettings, Settings};

/// What stands for the gate in selectors and addresses.
const GATE: &str = "$__gate";

/// The longest file of certificates, in bytes.
const LONGEST_PEM: u64 = 1024 * 1024;

/// Why no source can be made of the settings: one sentence that names the setting.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A selector cannot be read.
    #[error("{setting} is no selector of series: {source}")]
    Selector {
        /// Its name.
        setting: &'static str,
        /// What is wrong, and where.
        source: SelectorError,
    },
    /// A query cannot be used.
    #[error("{setting} {source}")]
    Query {
        /// Its name.
        setting: &'static str,
        /// What is wrong.
        source: QueryError,
    },
    /// The address of pages cannot be used.
    #[error("scrape.url {0}")]
    PageUrl(PageUrlError),
    /// One setting needs another.
    #[error("{0} is set without {1}, which it needs")]
    Without(&'static str, &'static str),
    /// Two settings exclude one another.
    #[error("{0} and {1} are both set, and only one can be used")]
    Both(&'static str, &'static str),
    /// The further headers are not written as they should be.
    #[error("prometheus.headers must be Name:value, with commas between several")]
    Headers,
    /// The file of certificates cannot be used.
    #[error("{0} names a file that cannot be read, or that is longer than 1 MiB")]
    Authorities(&'static str),
    /// The server cannot be called so.
    #[error("{0}")]
    Outbound(#[source] OutboundError),
}

/// The source that the settings ask for: for each number counters on the page of the served model,
/// else counters on a Prometheus server, else a query. `None` when there is nothing to ask.
///
/// # Errors
/// A setting cannot be used.
pub fn from_settings(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn MetricsSource>>, SourceError> {
    let selectors = selectors(&settings.metrics)?;
    let scrape = scrape(&settings.scrape, &selectors, clock)?;
    let prometheus = prometheus(&settings.prometheus, selectors, clock)?;
    let sources: Vec<Arc<dyn MetricsSource>> = scrape.into_iter().chain(prometheus).collect();
    let with = |offers: fn(Offers) -> Offer| {
        sources.iter().find(|source| offers(source.offers()) != Offer::Nothing)
    };
    let (errors, latency) = (with(|offers| offers.errors), with(|offers| offers.latency));
    Ok(match (errors, latency) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(Arc::clone(one)),
        (Some(one), Some(other)) if Arc::ptr_eq(one, other) => Some(Arc::clone(one)),
        (Some(errors), Some(latency)) => {
            let mixed = Mixed { errors: Arc::clone(errors), latency: Arc::clone(latency) };
            Some(Arc::new(mixed))
        }
    })
}

/// Whether the counters of one gate are told from those of another, so that two can be compared.
pub fn tells_gates_apart(settings: &Settings) -> bool {
    let names_gate = |text: &&Option<String>| text.as_ref().is_none_or(|text| text.contains(GATE));
    let page = settings.scrape.url.as_ref().is_some_and(|url| url.contains(GATE));
    let MetricsSettings { total, errors, bucket, .. } = &settings.metrics;
    page || [total, errors, bucket].iter().all(names_gate)
}

fn selectors(settings: &MetricsSettings) -> Result<Selectors, SourceError> {
    let parse = |setting: &'static str, text: &Option<String>| {
        let parsed = text.as_deref().map(Selector::parse).transpose();
        parsed.map_err(|source| SourceError::Selector { setting, source })
    };
    let total = parse("metrics.total", &settings.total)?;
    let failed = parse("metrics.errors", &settings.errors)?;
    let errors = match (total, failed) {
        (Some(total), Some(failed)) => Some((total, failed)),
        (Some(_), None) => return Err(SourceError::Without("metrics.total", "metrics.errors")),
        (None, Some(_)) => return Err(SourceError::Without("metrics.errors", "metrics.total")),
        (None, None) => None,
    };
    let buckets = parse("metrics.bucket", &settings.bucket)?;
    Ok(Selectors { errors, buckets: buckets.map(|buckets| (buckets, settings.bucket_unit)) })
}

fn scrape(
    settings: &ScrapeSettings,
    selectors: &Selectors,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn MetricsSource>>, SourceError> {
    let Some(url) = &settings.url else { return Ok(None) };
    let url = PageUrl::parse(url).map_err(SourceError::PageUrl)?;
    if selectors.errors.is_none() && selectors.buckets.is_none() {
        return Err(SourceError::Without("scrape.url", "metrics.total or metrics.bucket"));
    }
    let options = OutboundOptions {
        credentials: settings.bearer.clone().map_or(Credentials::None, Credentials::Bearer),
        authorities: authorities("scrape.ca_file", settings.ca_file.as_ref())?,
        ..OutboundOptions::default()
    };
    let outbound = Outbound::new("the page of metrics", url.origin(), &options)
        .map_err(SourceError::Outbound)?
        // A gate whose page cannot be read must not blind the canaries of the others.
        .without_breaker();
    Ok(Some(Arc::new(Scrape::new(outbound, url, selectors.clone(), Arc::clone(clock)))))
}

fn prometheus(
    settings: &PrometheusSettings,
    selectors: Selectors,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn MetricsSource>>, SourceError> {
    let parse = |setting: &'static str, text: &Option<String>| {
        let parsed = text.as_deref().map(Query::parse).transpose();
        parsed.map_err(|source| SourceError::Query { setting, source })
    };
    let queries = Queries {
        errors: parse("prometheus.error_query", &settings.error_query)?,
        latency: parse("prometheus.latency_query", &settings.latency_query)?,
    };
    let Some(url) = &settings.url else { return Ok(None) };
    let options = OutboundOptions {
        credentials: credentials(settings)?,
        headers: headers(settings.headers.as_ref())?,
        authorities: authorities("prometheus.ca_file", settings.ca_file.as_ref())?,
        connect_timeout: None,
    };
    let outbound =
        Outbound::new("Prometheus", url.clone(), &options).map_err(SourceError::Outbound)?;
    // Neither must a query that takes too long for one gate.
    let outbound = outbound.without_breaker();
    Ok(Some(Arc::new(Prometheus::new(outbound, selectors, queries, Arc::clone(clock)))))
}

fn credentials(settings: &PrometheusSettings) -> Result<Credentials, SourceError> {
    let (user, password) = ("prometheus.user", "prometheus.password");
    match (&settings.bearer, &settings.user, &settings.password) {
        (None, None, None) => Ok(Credentials::None),
        (Some(token), None, None) => Ok(Credentials::Bearer(token.clone())),
        (None, Some(user), Some(password)) => {
            Ok(Credentials::Basic { user: user.clone(), password: password.clone() })
        }
        (Some(_), _, _) => Err(SourceError::Both("prometheus.bearer", user)),
        (None, Some(_), None) => Err(SourceError::Without(user, password)),
        (None, None, Some(_)) => Err(SourceError::Without(password, user)),
    }
}

fn headers(settings: Option<&SecretString>) -> Result<Vec<(String, SecretString)>, SourceError> {
    let Some(text) = settings else { return Ok(Vec::new()) };
    let pairs = text.expose_secret().split(',').map(|pair| {
        let (name, value) = pair.split_once(':').ok_or(SourceError::Headers)?;
        Ok((name.to_owned(), SecretString::from(value)))
    });
    pairs.collect()
}

fn authorities(
    setting: &'static str,
    file: Option<&PathBuf>,
) -> Result<Option<Vec<u8>>, SourceError> {
    let read = |file: &Path| {
        let is_short = std::fs::metadata(file).is_ok_and(|facts| facts.len() <= LONGEST_PEM);
        is_short.then(|| std::fs::read(file).ok()).flatten()
    };
    match file {
        None => Ok(None),
        Some(file) => read(file).map(Some).ok_or(SourceError::Authorities(setting)),
    }
}

/// One source for errors and another for latency.
#[derive(Debug)]
struct Mixed {
    errors: Arc<dyn MetricsSource>,
    latency: Arc<dyn MetricsSource>,
}

impl Mixed {
    fn parted(look: &Look) -> (Look, Look) {
        let errors = Needs { latency_target_ms: None, ..look.needs };
        let latency = Needs { errors: false, ..look.needs };
        (Look { needs: errors, ..look.clone() }, Look { needs: latency, ..look.clone() })
    }

    /// Both halves as one, at the later of two presents, so that no sample seems fresher than it is.
    fn joined(errors: Looked, latency: Looked) -> Looked {
        let mut warnings = errors.warnings;
        warnings.extend(latency.warnings);
        Looked {
            at_ms: errors.at_ms.max(latency.at_ms),
            errors: errors.errors,
            latency: latency.latency,
            warnings,
        }
    }
}

#[async_trait]
impl MetricsSource for Mixed {
    fn name(&self) -> &'static str {
        "scrape+prometheus"
    }

    fn servers(&self) -> Vec<(&'static str, ServerState)> {
        [self.errors.servers(), self.latency.servers()].concat()
    }

    fn offers(&self) -> Offers {
        Offers { errors: self.errors.offers().errors, latency: self.latency.offers().latency }
    }

    async fn look(&self, look: &Look) -> Looked {
        let (errors, latency) = Self::parted(look);
        let (errors, latency) =
            tokio::join!(self.errors.look(&errors), self.latency.look(&latency));
        Self::joined(errors, latency)
    }

    async fn history(
        &self,
        look: &Look,
        past: Past,
    ) -> Result<Vec<(Timestamp, Looked)>, PastError> {
        let (errors, latency) = Self::parted(look);
        let errors = self.errors.history(&errors, past).await?;
        let latency = self.latency.history(&latency, past).await?;
        let pairs = errors.into_iter().zip(latency);
        Ok(pairs.map(|((at, errors), (_, latency))| (at, Self::joined(errors, latency))).collect())
    }
}
