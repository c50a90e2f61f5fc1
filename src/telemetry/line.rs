//! How does a line of the log read?

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::span::{TraceId, trace_id};
use crate::clock::{Clock as _, SystemClock};

/// The time of a line, as everywhere else.
pub(super) struct LineTime;

impl FormatTime for LineTime {
    fn format_time(&self, out: &mut Writer<'_>) -> std::fmt::Result {
        write!(out, "{}", SystemClock.now())
    }
}

/// Adds the id of the trace, where something is traced.
pub(super) struct Traced<F> {
    inner: F,
    json: bool,
}

impl<F> Traced<F> {
    pub(super) fn json(inner: F) -> Self {
        Self { inner, json: true }
    }

    pub(super) fn text(inner: F) -> Self {
        Self { inner, json: false }
    }
}

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let Some(trace) = trace_id() else { return self.inner.format_event(context, out, event) };
        let mut line = String::new();
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        with_trace(&mut out, line.trim_end(), trace, self.json)
    }
}

fn with_trace(
    out: &mut impl std::fmt::Write,
    line: &str,
    trace: TraceId,
    json: bool,
) -> std::fmt::Result {
    match line.strip_suffix('}').filter(|_| json) {
        Some(object) => writeln!(out, r#"{object},"trace_id":"{trace}"}}"#),
        None => writeln!(out, "{line} trace_id={trace}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_said_and_the_trace() {
        let trace = TraceId::from_bytes([1; 16]);
        let mut out = String::new();
        with_trace(&mut out, r#"{"message":"a}"}"#, trace, true).unwrap();
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(read["message"], "a}");
        assert_eq!(read["trace_id"], "01010101010101010101010101010101");
        let mut out = String::new();
        with_trace(&mut out, "INFO a", trace, false).unwrap();
        assert_eq!(out, "INFO a trace_id=01010101010101010101010101010101\n");
    }
}
