//! One JSON line for each request, written by a thread of its own.
//!
//! A request hands its line over and goes on. If the disk or the terminal is too slow for the
//! queue, lines are dropped and counted, and the count is logged.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::telemetry::TraceId;

/// How many lines may wait.
const QUEUE: usize = 8192;

/// How long the writer lets lines gather before it looks again: one wake-up then serves many.
const GATHER: Duration = Duration::from_millis(2);

/// The longest user agent in a line, in characters.
const USER_AGENT: usize = 200;

/// Takes lines.
#[derive(Debug)]
pub struct RequestLog {
    lines: SyncSender<String>,
    dropped: AtomicU64,
}

/// What a line says.
pub(super) struct Entry<'a> {
    pub(super) ts: Timestamp,
    pub(super) ip: Option<IpAddr>,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) status: u16,
    pub(super) user_agent: &'a str,
    pub(super) duration: Duration,
    pub(super) request_id: &'a str,
    pub(super) principal: Option<&'a str>,
    pub(super) trace: Option<TraceId>,
}

impl RequestLog {
    /// Starts the writer, which writes to standard error.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start() -> std::io::Result<Arc<Self>> {
        let (lines, waiting) = sync_channel(QUEUE);
        std::thread::Builder::new().name("request-log".into()).spawn(move || write(&waiting))?;
        Ok(Arc::new(Self { lines, dropped: AtomicU64::new(0) }))
    }

    pub(super) fn log(&self, entry: &Entry<'_>) {
        if self.lines.try_send(line(entry)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines found no room since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn write(waiting: &Receiver<String>) {
    let mut buffer = String::new();
    while let Ok(first) = waiting.recv() {
        buffer.push_str(&first);
        while let Ok(next) = waiting.try_recv() {
            buffer.push_str(&next);
            if 64 * 1024 < buffer.len() {
                break;
            }
        }
        // There is nowhere left to report that the log cannot be written.
        drop(std::io::stderr().lock().write_all(buffer.as_bytes()));
        buffer.clear();
        #[expect(clippy::disallowed_methods, reason = "this thread has nothing else to do")]
        std::thread::sleep(GATHER);
    }
}

fn line(entry: &Entry<'_>) -> String {
    let mut out = String::with_capacity(256);
    // Writing to a string cannot fail.
    let _ = write!(out, r#"{{"ts":"{}","ip":""#, entry.ts);
    if let Some(ip) = entry.ip {
        let _ = write!(out, "{ip}");
    }
    let _ = write!(out, r#"","method":{},"url":"#, quoted(entry.method));
    out.push_str(&quoted(&shown_url(entry.path, entry.query)));
    let user_agent: String = entry.user_agent.chars().take(USER_AGENT).collect();
    let milliseconds = entry.duration.as_secs_f64() * 1000.0;
    let _ = write!(
        out,
        r#","status":{},"ua":{},"duration_ms":{milliseconds:.3},"request_id":{}"#,
        entry.status,
        quoted(&user_agent),
        quoted(entry.request_id),
    );
    if let Some(principal) = entry.principal {
        let _ = write!(out, r#","principal":{}"#, quoted(principal));
    }
    if let Some(trace) = entry.trace {
        let _ = write!(out, r#","trace_id":"{trace}""#);
    }
    out.push_str("}\n");
    out
}

/// The URL without what may be a key: of the query, only topics, cursors and the wish for a
/// snapshot are shown.
fn shown_url(path: &str, query: &str) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name @ ("topic" | "lastEventId" | "snapshot"), value)) => format!("{name}={value}"),
        Some((name, _)) if name.eq_ignore_ascii_case("key") => "key=****".to_owned(),
        _ => "****".to_owned(),
    });
    format!("{path}?{}", shown.collect::<Vec<_>>().join("&"))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_line_is_one_json_object_without_any_key() {
        let text = line(&Entry {
            ts: Timestamp::new(datetime!(2026-11-21 03:38:52.150 UTC)),
            ip: "127.0.0.1".parse().ok(),
            method: "GET",
            path: "/sse",
            query: "topic=jobs&snapshot=1&key=s3cret&KEY=s3cret&x=s3cret&s3cret",
            status: 200,
            user_agent: "curl\n\u{1b}[31m\"",
            duration: Duration::from_micros(1500),
            request_id: "r-1",
            principal: Some("key:0011"),
            trace: Some(TraceId::from_bytes([1; 16])),
        });
        assert!(!text.contains("s3cret"), "{text}");
        assert_eq!(text.matches('\n').count(), 1);
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["url"], "/sse?topic=jobs&snapshot=1&key=****&key=****&****&****");
        assert_eq!(read["duration_ms"], 1.5);
        assert_eq!(read["trace_id"], "01".repeat(16));
        assert_eq!(read["ts"], "2026-11-21T03:38:52.150Z");
        assert!(!text.contains('\u{1b}'));
    }
}
