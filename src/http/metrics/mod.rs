//! `GET /metrics`: the daemon's figures, in the Prometheus text format.

mod canaries;
mod chat;
mod subscriptions;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::http::health::{Proof, readiness};
use crate::http::{ChatDoor, Shared, answers};
use crate::notifications::WebhookCounts;
use crate::telemetry::{SpanCounts, span_counts};
use crate::tools::calls_waiting;

/// One figure with its labels.
#[derive(Debug)]
struct Sample {
    labels: Vec<(&'static str, String)>,
    value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// Figures of one name.
#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Figures(Vec<Family>);

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for family in &self.0 {
            let kind = match family.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
            };
            let mut metric = encoder.encode_descriptor(family.name, family.help, None, kind)?;
            for sample in &family.samples {
                let labelled = metric.encode_family(&sample.labels)?;
                match family.kind {
                    Kind::Counter => ConstCounter::new(sample.value).encode(labelled)?,
                    Kind::Gauge => ConstGauge::new(sample.value).encode(labelled)?,
                }
            }
        }
        Ok(())
    }
}

fn one(name: &'static str, help: &'static str, kind: Kind, value: f64) -> Family {
    Family { name, help, kind, samples: vec![Sample { labels: Vec::new(), value }] }
}

#[expect(clippy::cast_precision_loss, reason = "figures beyond 2^53 may be rounded")]
fn float(n: u64) -> f64 {
    n as f64
}

fn count(n: usize) -> f64 {
    float(n as u64)
}

pub(super) async fn get(
    (shared, door): (web::Data<Shared>, web::Data<ChatDoor>),
    proof: web::Data<Proof>,
) -> HttpResponse {
    let mut families = vec![build_info(), ready(&shared, &proof).await];
    families.extend(jobs(&shared).await);
    families.extend(canaries::families(&shared).await);
    families.extend(store(&shared));
    families.extend(events(&shared));
    families.extend(actors(&shared));
    families.push(tools(&shared));
    families.extend(protocol(&shared));
    families.extend(webhooks(&shared));
    families.extend(subscriptions::families(&shared));
    families.extend(chat::families(&shared, &door).await);
    families.extend(audit(&shared).await);
    families.extend(spans());
    if let Some(log) = &shared.request_log {
        let help = "Request log lines that found no room and were dropped";
        families.push(one("request_log_dropped_lines", help, Kind::Counter, float(log.dropped())));
    }
    let mut registry = Registry::with_prefix("lukhas_mcp");
    registry.register_collector(Box::new(Figures(families)));
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(text),
        Err(_unwritable) => {
            answers::error(StatusCode::INTERNAL_SERVER_ERROR, "the figures could not be written")
        }
    }
}

fn spans() -> [Family; 2] {
    let SpanCounts { delivered, dropped } = span_counts();
    let taken = "Spans that the collector of traces took";
    let lost = "Spans that found no room, or that the collector of traces did not take";
    [
        one("spans_delivered", taken, Kind::Counter, float(delivered)),
        one("spans_dropped", lost, Kind::Counter, float(dropped)),
    ]
}

fn build_info() -> Family {
    let labels = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    let samples = vec![Sample { labels, value: 1.0 }];
    Family { name: "build_info", help: "The program's version", kind: Kind::Gauge, samples }
}

async fn ready(shared: &Shared, proof: &Proof) -> Family {
    let value = f64::from(u8::from(readiness(shared, proof).await.is_ok()));
    one("ready", "Whether /readyz answers that requests are welcome", Kind::Gauge, value)
}

async fn jobs(shared: &Shared) -> Vec<Family> {
    let depth = shared.jobs.depth();
    let mut families = vec![
        one("jobs_running", "Jobs that hold a place", Kind::Gauge, count(depth.running)),
        one("jobs_waiting", "Jobs that wait for a place", Kind::Gauge, count(depth.waiting)),
    ];
    let ended = shared.jobs.ended().map(|(status, n)| Sample {
        labels: vec![("status", status.as_str().to_owned())],
        value: float(n),
    });
    families.push(Family {
        name: "jobs_ended",
        help: "Jobs that ended, by status",
        kind: Kind::Counter,
        samples: ended.into(),
    });
    // The database may be out of reach; then there are no such figures, and no wrong ones.
    if let Ok(counts) = shared.jobs.count_by_status().await {
        let samples = counts.into_iter().map(|(status, n)| Sample {
            labels: vec![("status", status.as_str().to_owned())],
            value: count(n),
        });
        families.push(Family {
            name: "jobs",
            help: "Jobs in the database by status",
            kind: Kind::Gauge,
            samples: samples.collect(),
        });
    }
    families
}

fn store(shared: &Shared) -> [Family; 6] {
    let now = shared.store.statistics();
    let seconds = |microseconds| float(microseconds) / 1e6;
    [
        one("store_commits", "Transactions committed", Kind::Counter, float(now.commits)),
        one("store_operations", "Changes in them", Kind::Counter, float(now.operations)),
        one(
            "store_failed_operations",
            "Changes lost with their transaction",
            Kind::Counter,
            float(now.failed),
        ),
        one(
            "store_commit_seconds",
            "Time spent in commits",
            Kind::Counter,
            seconds(now.commit_microseconds),
        ),
        one(
            "store_last_commit_seconds",
            "How long the last commit took",
            Kind::Gauge,
            seconds(now.last_commit_microseconds),
        ),
        one(
            "store_waiting",
            "Changes that clients wait for",
            Kind::Gauge,
            count(shared.store.waiting()),
        ),
    ]
}

fn events(shared: &Shared) -> [Family; 7] {
    let now = shared.events.statistics();
    [
        one("sse_readers", "Open event streams", Kind::Gauge, count(now.readers)),
        one("events_published", "Events published", Kind::Counter, float(now.published)),
        one("sse_delivered", "Events handed to streams", Kind::Counter, float(now.delivered)),
        one("sse_bytes", "Bytes handed to streams", Kind::Counter, float(now.bytes)),
        one(
            "sse_lagged",
            "Times a stream fell behind what is in memory",
            Kind::Counter,
            float(now.lagged),
        ),
        one("sse_gaps", "Times a stream was told of a gap", Kind::Counter, float(now.gaps)),
        one("sse_refused", "Streams that were refused", Kind::Counter, float(now.refused)),
    ]
}

fn protocol(shared: &Shared) -> [Family; 3] {
    let (sessions, listeners) = (shared.server.sessions(), shared.server.listeners());
    [
        one("sessions", "Sessions of MCP clients", Kind::Gauge, count(sessions)),
        one("listeners", "Streams of subscriptions/listen", Kind::Gauge, count(listeners)),
        one("calls_waiting", "Calls that wait for an end", Kind::Gauge, count(calls_waiting())),
    ]
}

fn actors(shared: &Shared) -> [Family; 2] {
    let counts = shared.supervision.counts();
    let samples = |of: fn(&crate::supervision::RestartCounts) -> u64| {
        let sample = |(kind, counts): (&&'static str, &_)| Sample {
            labels: vec![("actor", (*kind).to_owned())],
            value: float(of(counts)),
        };
        counts.iter().map(sample).collect::<Vec<_>>()
    };
    [
        Family {
            name: "actor_restarts",
            help: "Restarts of failed actors",
            kind: Kind::Counter,
            samples: samples(|counts| counts.restarted),
        },
        Family {
            name: "actors_given_up",
            help: "Actors that failed too often",
            kind: Kind::Counter,
            samples: samples(|counts| counts.gave_up),
        },
    ]
}

fn tools(shared: &Shared) -> Family {
    let samples = shared.server.call_counts().flat_map(|calls| {
        let outcomes =
            [("answered", calls.answered), ("refused", calls.refused), ("failed", calls.failed)];
        outcomes.map(|(outcome, n)| Sample {
            labels: vec![("tool", calls.tool.to_owned()), ("outcome", outcome.to_owned())],
            value: float(n),
        })
    });
    Family {
        name: "tool_calls",
        help: "Calls of tools by outcome",
        kind: Kind::Counter,
        samples: samples.collect(),
    }
}

fn webhooks(shared: &Shared) -> [Family; 4] {
    let counts = shared.notifications.counts();
    let family = |name, help, kind, of: fn(&WebhookCounts) -> u64| Family {
        name,
        help,
        kind,
        samples: counts
            .iter()
            .map(|counts| Sample {
                labels: vec![("webhook", counts.webhook.clone())],
                value: float(of(counts)),
            })
            .collect(),
    };
    [
        family("webhook_delivered", "Notifications taken", Kind::Counter, |of| of.delivered),
        family("webhook_failed_attempts", "Attempts that failed", Kind::Counter, |of| of.failed),
        family("webhook_skipped", "Notifications given up", Kind::Counter, |of| of.skipped),
        family(
            "webhook_waiting_seconds",
            "How long the oldest notification has waited",
            Kind::Gauge,
            |of| of.waiting_seconds,
        ),
    ]
}

/// The database may be out of reach; then there are no such figures, and no wrong ones.
async fn audit(shared: &Shared) -> Vec<Family> {
    let anchors = &shared.anchors;
    let age = |since: i64| shared.clock.now().unix_seconds() - since;
    let age = anchors.waiting_since().map_or(0, |since| u64::try_from(age(since)).unwrap_or(0));
    let mut families = vec![
        one("audit_anchored", "Checkpoints anchored", Kind::Counter, float(anchors.anchored())),
        one(
            "audit_anchor_failures",
            "Attempts to anchor that failed",
            Kind::Counter,
            float(anchors.failed()),
        ),
        one(
            "audit_anchor_waiting_seconds",
            "How long the oldest checkpoint has waited for its anchor",
            Kind::Gauge,
            float(age),
        ),
    ];
    let Ok(state) = shared.audit.chain_state().await else { return families };
    let rows = |n: i64| float(n.unsigned_abs());
    families.extend([
        one("audit_rows", "Rows the audit chain ever had", Kind::Gauge, rows(state.last_row)),
        one(
            "audit_rows_without_checkpoint",
            "Rows that no checkpoint covers yet",
            Kind::Gauge,
            rows(state.last_row - state.covered),
        ),
    ]);
    families
}
