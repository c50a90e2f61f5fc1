//! Metrics of real targets, from real servers, and from servers that misbehave.

mod faults;
mod prometheus;
mod scrape;
pub mod servers;
pub mod target;

use std::sync::Arc;
use std::time::Duration;

use lukhas_mcp::adapters::metrics::{
    Counters, Look, Measurement, MetricsSource, Needs, Sample, SourceError, from_settings,
};
use lukhas_mcp::clock::{Clock, SystemClock};
use lukhas_mcp::config::{Environment, Overrides, Settings};
use lukhas_mcp::ids::{GateId, ModelId};

pub const SELECTORS: &[(&str, &str)] = &[
    ("PROM_TOTAL", "http_requests_total{gate=$__gate}"),
    ("PROM_ERRORS", "http_requests_total{gate=$__gate,code=~\"5..\"}"),
    ("PROM_BUCKET", "http_request_duration_seconds_bucket{gate=$__gate}"),
];

/// The source that a daemon with these variables has.
fn configured(variables: &[(&str, &str)]) -> Result<Option<Arc<dyn MetricsSource>>, SourceError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment: Environment = variables.collect();
    let directory = tempfile::tempdir().unwrap();
    let loaded = Settings::load(&Overrides::default(), &environment, directory.path()).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    from_settings(&loaded.settings, &clock)
}

fn source(variables: &[(&str, &str)]) -> Arc<dyn MetricsSource> {
    configured(variables).unwrap().unwrap()
}

/// A look at the gate `canary`, both numbers wanted, latency within 250 ms.
fn look(poll: Duration) -> Look {
    Look {
        model: ModelId::parse("ranker:2").unwrap(),
        gate: GateId::parse("canary").unwrap(),
        needs: Needs { errors: true, latency_target_ms: Some(250.0) },
        window: Duration::from_secs(30),
        poll,
        lookback: Duration::from_secs(30),
    }
}

/// What a canary does poll by poll: looks, and accounts for it in a ledger that is stored each time.
struct Watch {
    source: Arc<dyn MetricsSource>,
    stored: String,
    poll: Duration,
    sum: Sums,
}

/// What was counted since the first look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    total: u64,
    failed: u64,
    timed: u64,
    slow: u64,
}

impl Watch {
    fn new(source: Arc<dyn MetricsSource>, poll: Duration) -> Self {
        let stored = serde_json::to_string(&Counters::default()).unwrap();
        Self { source, stored, poll, sum: Sums::default() }
    }

    async fn poll(&mut self) -> Measurement {
        let mut ledger: Counters = serde_json::from_str(&self.stored).unwrap();
        let lookback = ledger.lookback(self.poll, SystemClock.now().unix_ms());
        let look = Look { lookback, ..look(self.poll) };
        let looked = self.source.look(&look).await;
        let measured = ledger.absorb(&look, &looked);
        self.stored = serde_json::to_string(&ledger).unwrap();
        self.sum.add(&measured);
        measured
    }
}

impl Sums {
    fn add(&mut self, measured: &Measurement) {
        if let Sample::Counts { total, bad, .. } = measured.errors {
            self.total += total;
            self.failed += bad;
        }
        if let Sample::Counts { total, bad, possibly_bad } = measured.latency {
            assert_eq!(bad, possibly_bad, "250 ms is an edge");
            self.timed += total;
            self.slow += bad;
        }
    }
}

#[test]
fn what_is_configured_decides_who_is_asked() {
    let scrape = ("LUKHAS_SCRAPE_URL", "http://127.0.0.1:1/$__gate/metrics");
    let prometheus = ("PROM_URL", "http://127.0.0.1:1");
    let query = ("PROM_Q_LAT", "a");
    let name = |variables: &[(&str, &str)]| source(variables).name();
    let [total, errors, bucket] = SELECTORS else { panic!() };
    assert!(configured(&[]).unwrap().is_none());
    assert!(configured(&[*total, *errors, query]).unwrap().is_none());
    assert_eq!(name(&[scrape, prometheus, *total, *errors, *bucket, query]), "scrape");
    assert_eq!(name(&[prometheus, *total, *errors, query]), "prometheus");
    assert_eq!(name(&[scrape, prometheus, *total, *errors, query]), "scrape+prometheus");
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let refusal =
        |variables: &[(&str, &str)]| configured(variables).map(drop).unwrap_err().to_string();
    let prometheus = ("PROM_URL", "http://127.0.0.1:1");
    for (variables, said) in [
        (vec![("PROM_TOTAL", "a")], "metrics.total is set without metrics.errors, which it needs"),
        (
            vec![("PROM_BUCKET", "rate(a[5m])")],
            "metrics.bucket is no selector of series: character 5",
        ),
        (vec![("LUKHAS_SCRAPE_URL", "http://h/m")], "scrape.url is set without metrics.total"),
        (
            vec![("LUKHAS_SCRAPE_URL", "http://$__gate/m"), ("PROM_BUCKET", "a")],
            "scrape.url may hold",
        ),
        (
            vec![("PROM_Q_ERR", "a[$__interval]")],
            "prometheus.error_query holds $__ that begins none",
        ),
        (
            vec![prometheus, ("PROM_USER", "me")],
            "prometheus.user is set without prometheus.password",
        ),
        (
            vec![prometheus, ("PROM_USER", "me"), ("PROM_PASSWORD", "p"), ("PROM_BEARER", "b")],
            "prometheus.bearer and prometheus.user are both set",
        ),
        (vec![prometheus, ("PROM_HEADERS", "secret")], "prometheus.headers must be Name:value"),
        (vec![prometheus, ("PROM_CA_FILE", "/nowhere.pem")], "prometheus.ca_file names a file"),
    ] {
        let refused = refusal(&variables);
        assert!(refused.starts_with(said), "{refused}");
        assert!(!refused.contains("nowhere") && !refused.contains("secret"), "{refused}");
    }
}
