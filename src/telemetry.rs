//! Where the program's words go: standard error, as JSON lines or, on a terminal, as text.

use std::io::IsTerminal as _;
use std::panic;

use tracing::error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{self, format};

use crate::clock::{Clock as _, SystemClock};
use crate::config::LogFormat;

/// The time of a log line, as everywhere else.
struct LogTime;

impl FormatTime for LogTime {
    fn format_time(&self, out: &mut format::Writer<'_>) -> std::fmt::Result {
        write!(out, "{}", SystemClock.now())
    }
}

/// Starts logging. The second and later calls in a process change nothing.
pub fn start(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let builder =
        fmt::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_timer(LogTime);
    // It fails only if logging was started before.
    if json {
        drop(builder.json().flatten_event(true).try_init());
    } else {
        drop(builder.try_init());
    }
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
