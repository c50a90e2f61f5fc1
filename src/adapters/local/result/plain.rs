//! The plain form: `{"metrics": {"accuracy": {"value": 0.9, "stderr": 0.03, "n": 100}}}`.
//!
//! A bare number stands for a value alone. Members beside `metrics` are the task's own; a member of
//! a metric that nobody knows is refused, because it may be a misspelt one.

use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::metrics::Metrics;
use super::{ResultProblem, parse};
use crate::adapters::Metric;

pub(super) fn read(from: impl Read) -> Result<Metrics, ResultProblem> {
    parse::<Document>(from).map(|document| document.metrics)
}

#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "metrics")]
    metrics: Metrics,
}

fn metrics<'de, D: Deserializer<'de>>(from: D) -> Result<Metrics, D::Error> {
    from.deserialize_map(MetricsVisitor)
}

struct MetricsVisitor;

impl<'de> Visitor<'de> for MetricsVisitor {
    type Value = Metrics;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metrics by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metrics, A::Error> {
        let mut metrics = Metrics::default();
        while let Some((name, measured)) = map.next_entry::<String, Measured>()? {
            metrics.add(name, measured.0).map_err(|problem| match problem {
                ResultProblem::Invalid(why) | ResultProblem::EvalFailed(why) => {
                    A::Error::custom(why)
                }
            })?;
        }
        Ok(metrics)
    }
}

/// A metric as the plain form writes it.
struct Measured(Metric);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    value: f64,
    #[serde(default)]
    stderr: Option<f64>,
    #[serde(default)]
    n: Option<u64>,
}

impl<'de> Deserialize<'de> for Measured {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(MeasuredVisitor)
    }
}

struct MeasuredVisitor;

impl<'de> Visitor<'de> for MeasuredVisitor {
    type Value = Measured;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or an object with `value` and perhaps `stderr` and `n`")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Measured, E> {
        Ok(Measured(Metric { value, stderr: None, n: None }))
    }

    #[expect(clippy::cast_precision_loss, reason = "a metric is a float; JSON makes no difference")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Measured, E> {
        self.visit_f64(value as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "a metric is a float; JSON makes no difference")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Measured, E> {
        self.visit_f64(value as f64)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Measured, A::Error> {
        let Members { value, stderr, n } = Members::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Measured(Metric { value, stderr, n }))
    }
}
