//! Where the program's words go: standard error, as JSON lines or, on a terminal, as text. And
//! where its spans go, if somebody collects them.
//!
//! # Invariants
//!
//! 1. Without a collector no span is made.
//! 2. A request never waits for the collector: its spans go into a bounded queue, or are dropped
//!    and counted.
//! 3. A span has no argument, no key and no content, and says only words that there are few of.

mod line;
mod parent;
mod queue;
mod span;
mod traces;

use std::io::IsTerminal as _;
use std::panic;

use tracing::{error, level_filters::LevelFilter};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use self::line::{LineTime, Traced};
pub use self::parent::Parent;
pub use self::queue::{Deliver, Undelivered};
pub use self::span::{RequestTrace, SPANS, TraceId, begin_request, begin_within, is_traced};
pub use self::traces::{SpanCounts, Traces, span_counts};
use crate::config::LogFormat;

/// Starts logging, and tracing if there is a collector. The second and later calls in a process
/// change nothing.
pub fn start(level: &str, format: LogFormat, traces: Option<&Traces>) {
    let filter = without_mcp_messages(level);
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    // It fails only if logging was started before.
    let Some(traces) = traces else {
        let builder =
            fmt::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_timer(LineTime);
        if json {
            drop(builder.json().flatten_event(true).try_init());
        } else {
            drop(builder.try_init());
        }
        return;
    };
    let lines = fmt::layer().with_writer(std::io::stderr).with_timer(LineTime);
    let lines = if json {
        lines.json().flatten_event(true).map_event_format(Traced::json).boxed()
    } else {
        lines.map_event_format(Traced::text).boxed()
    };
    let spans = Targets::new().with_target(SPANS, LevelFilter::DEBUG);
    let layers = vec![lines.with_filter(filter).boxed(), traces.layer().with_filter(spans).boxed()];
    drop(tracing_subscriber::registry().with(layers).try_init());
}

/// The filter that somebody set. What the MCP library says is left out unless they name it: it logs
/// whole messages of other people's servers.
fn without_mcp_messages(level: &str) -> EnvFilter {
    let quiet = if level.contains("rmcp") { "" } else { ",rmcp=off" };
    EnvFilter::try_new(format!("{level}{quiet}"))
        .unwrap_or_else(|_| EnvFilter::new("info,rmcp=off"))
}

/// Has panics logged like everything else. Where they are caught, they are dealt with.
pub fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
        let text = info.payload_as_str().unwrap_or("a panic that said nothing");
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        error!(panic.place = place, panic.text = text, thread, "a panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_messages_of_servers_are_logged_only_where_somebody_wants_that() {
        let filter = |level: &str| without_mcp_messages(level).to_string();
        assert!(filter("info").contains("rmcp=off") && filter("info").contains("info"));
        assert!(filter("warn,lukhas_mcp=debug").contains("rmcp=off"));
        assert!(!filter("info,rmcp=debug").contains("rmcp=off"));
    }
}
