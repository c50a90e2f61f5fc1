//! Asking a Prometheus server, and reading what it answers as nothing better than it is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::debug;

use crate::adapters::metrics::collect::Labelled;
use crate::adapters::metrics::looked::Point;
use crate::adapters::metrics::measurement::Gap;
use crate::adapters::outbound::{Answer, Call, Outbound};

/// The most bytes of an answer: 256 buckets at each second of a quarter of an hour, and some.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// The longest query that goes into a URL, which proxies may cut.
const LONGEST_IN_URL: usize = 1_500;

/// What a server answered to a query.
#[derive(Debug, PartialEq)]
pub(super) struct Reply {
    pub(super) data: Data,
    /// What it warned of.
    pub(super) warnings: Vec<String>,
    /// Whether it says that something is missing.
    pub(super) is_partial: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum Data {
    /// Samples of series, or one each.
    Series(Vec<Labelled>),
    /// One number.
    Number(Point),
}

/// Asks for a query, within a time limit.
pub(super) async fn ask(
    outbound: &Outbound,
    query: &str,
    when: When,
    limit: Duration,
) -> Result<Reply, Gap> {
    // Unless it is told not to, VictoriaMetrics answers of half a minute ago and moves the start of
    // a span; others take no notice.
    let mut pairs = vec![("query", query.to_owned()), ("nocache", "1".to_owned())];
    let path = match when {
        When::Now => "query",
        When::At(at_ms) => {
            pairs.push(("time", seconds(at_ms)));
            "query"
        }
        When::Over { from_ms, to_ms, step } => {
            pairs.push(("start", seconds(from_ms)));
            pairs.push(("end", seconds(to_ms)));
            pairs.push(("step", format!("{}", step.as_secs_f64())));
            "query_range"
        }
    };
    pairs.push(("timeout", format!("{}ms", limit.as_millis())));
    let segments = ["api", "v1", path];
    let call = if query.len() <= LONGEST_IN_URL {
        pairs.iter().fold(Call::get(&segments), |call, (name, value)| call.query(name, value))
    } else {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Call::post(&segments).form(&pairs)
    };
    let call = call.header("Accept", "application/json").within(limit).at_most(LONGEST_ANSWER);
    let answer = outbound.call(&call).await.map_err(|error| {
        debug!(error = ?error, "the metrics server gave no answer");
        error.to_string()
    })?;
    read(&answer)
}

/// When a query is evaluated.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Now,
    At(i64),
    Over { from_ms: i64, to_ms: i64, step: Duration },
}

fn seconds(at_ms: i64) -> String {
    format!("{}.{:03}", at_ms.div_euclid(1_000), at_ms.rem_euclid(1_000))
}

#[derive(Deserialize)]
struct Envelope<'a> {
    status: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(rename = "errorType", default)]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
    #[serde(rename = "isPartial", default)]
    is_partial: bool,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum ResultData {
    Vector(Vec<Instant>),
    Matrix(Vec<Range>),
    Scalar(Pair),
    String(serde::de::IgnoredAny),
}

/// A time in seconds and a value, which is a number in quotes.
type Pair = (f64, String);

#[derive(Deserialize)]
struct Instant {
    metric: BTreeMap<String, String>,
    value: Pair,
}

#[derive(Deserialize)]
struct Range {
    metric: BTreeMap<String, String>,
    values: Vec<Pair>,
}

pub(super) fn read(answer: &Answer) -> Result<Reply, Gap> {
    let status = answer.status;
    let strange = |what: &str| format!("Prometheus answered {what} (status {status})");
    let envelope: Envelope<'_> = serde_json::from_slice(&answer.body)
        .map_err(|_| strange("something that is not its JSON"))?;
    if envelope.status != "success" || !answer.is_success() {
        debug!(status, error = envelope.error, "the metrics server refused a query");
        let kind = envelope.error_type.unwrap_or_default();
        let kind: String =
            kind.chars().filter(|next| next.is_ascii_alphanumeric() || *next == '_').collect();
        let kind = if kind.is_empty() { "no reason".to_owned() } else { kind };
        return Err(strange(&format!("with an error, {}", kind.get(..40).unwrap_or(&kind))));
    }
    let data = envelope.data.ok_or_else(|| strange("without data"))?;
    let data: ResultData =
        serde_json::from_str(data.get()).map_err(|_| strange("with data of another form"))?;
    let data = match data {
        ResultData::Vector(elements) => {
            let read = |one: Instant| Some((one.metric, vec![point(&one.value)?]));
            series(elements.into_iter().map(read))
        }
        ResultData::Matrix(elements) => {
            let read = |one: Range| {
                let points: Option<Vec<Point>> = one.values.iter().map(point).collect();
                Some((one.metric, points?))
            };
            series(elements.into_iter().map(read))
        }
        ResultData::Scalar(pair) => point(&pair).map(Data::Number),
        ResultData::String(_) => None,
    };
    let data = data.ok_or_else(|| strange("with values that are no numbers"))?;
    if let Some(infos) = envelope.infos.filter(|infos| !infos.is_empty()) {
        // They are advice on how the query is written, not on what is missing.
        debug!(?infos, "the metrics server has advice on a query");
    }
    let mut warnings = envelope.warnings.unwrap_or_default();
    if envelope.is_partial {
        warnings.push("the answer is partial".to_owned());
    }
    let warnings = warnings.iter().map(|text| plain(text)).collect();
    Ok(Reply { data, warnings, is_partial: envelope.is_partial })
}

fn series(
    elements: impl Iterator<Item = Option<(BTreeMap<String, String>, Vec<Point>)>>,
) -> Option<Data> {
    let labelled = elements.map(|element| {
        let (labels, samples) = element?;
        Some(Labelled { labels: labels.into_iter().collect(), samples })
    });
    Some(Data::Series(labelled.collect::<Option<_>>()?))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn point((seconds, value): &Pair) -> Option<Point> {
    let milliseconds = (seconds * 1_000.0).round();
    let value = value.parse().ok()?;
    (milliseconds.abs() <= 9e15).then_some(Point { at_ms: milliseconds as i64, value })
}

/// A warning as it may be shown: one line, not too long, and without the address of a server that
/// stands behind the one that was asked.
fn plain(text: &str) -> String {
    let words = text
        .split_whitespace()
        .map(|word| if word.contains("://") { "(an address)" } else { word });
    let line = words.collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|next| !next.is_control()).take(200).collect();
    line.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_millisecond() {
        assert_eq!(seconds(1_795_269_618_085), "1795269618.085");
        assert_eq!(seconds(-1), "-1.999");
    }

    #[test]
    fn warnings_name_no_address() {
        let said = "fetch from http://10.0.0.7:9090/api failed:\n timeout.";
        assert_eq!(plain(said), "fetch from (an address) failed: timeout");
    }
}
