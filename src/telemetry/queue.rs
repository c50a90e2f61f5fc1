//! How do spans get to the collector without anybody waiting for it?
//!
//! A span that is over goes into a bounded queue, from where a thread of its own sends spans by the
//! batch. What finds no room, and what the collector does not take, is dropped and counted.

use std::sync::mpsc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::traces::{DELIVERED, DROPPED};

/// How many spans may wait.
const QUEUE: usize = 2048;

/// The most spans in one post.
const BATCH: usize = 512;

/// How long spans gather before they are sent.
const GATHER: Duration = Duration::from_secs(1);

/// The waits before a batch is sent again.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// How often the log says that spans are lost.
const SAY: Duration = Duration::from_mins(1);

/// A batch that the collector did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// Why, for the log.
    pub why: String,
    /// Whether it may take it later.
    pub is_transient: bool,
}

/// Sends spans to the collector, in bounded time, and says how many of them it took.
pub type Deliver =
    Box<dyn Fn(Vec<SpanData>) -> BoxFuture<'static, Result<usize, Undelivered>> + Send + Sync>;

/// Takes the spans that are over.
#[derive(Debug)]
pub(super) struct SpanQueue {
    spans: Sender<SpanData>,
}

/// Sees to it that what is in the queue is sent before the program ends.
#[derive(Debug)]
pub(super) struct Sending {
    stop: CancellationToken,
    ended: mpsc::Receiver<()>,
}

impl SpanQueue {
    /// Starts the thread that sends.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(deliver: Deliver) -> std::io::Result<(Self, Sending)> {
        let (spans, waiting) = channel(QUEUE);
        let (end, ended) = mpsc::channel::<()>();
        let stop = CancellationToken::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stopped = stop.clone();
        std::thread::Builder::new().name("spans".into()).spawn(move || {
            runtime.block_on(send(waiting, stopped, &deliver));
            drop(end);
        })?;
        Ok((Self { spans }, Sending { stop, ended }))
    }
}

impl Sending {
    /// Sends what is left, but no longer than this.
    pub(super) fn finish(&self, limit: Duration) {
        self.stop.cancel();
        // Nothing is ever sent: the other end is dropped, or it takes too long.
        let _ = self.ended.recv_timeout(limit);
    }
}

impl SpanProcessor for SpanQueue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.spans.try_send(span).is_err() {
            DROPPED.add(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _limit: Duration) -> OTelSdkResult {
        Ok(())
    }
}

async fn send(mut spans: Receiver<SpanData>, stop: CancellationToken, deliver: &Deliver) {
    let mut said: Option<Instant> = None;
    loop {
        let batch = gather(&mut spans, &stop).await;
        if batch.is_empty() {
            return;
        }
        let count = batch.len();
        let outcome = persist(batch, &stop, deliver).await;
        let taken = *outcome.as_ref().unwrap_or(&0);
        DELIVERED.add(taken);
        DROPPED.add(count.saturating_sub(taken));
        if taken < count && said.is_none_or(|said| SAY <= said.elapsed()) {
            said = Some(Instant::now());
            let why = outcome.map_or_else(|lost| lost.why, |_| "it refused some".to_owned());
            warn!(dropped = DROPPED.get(), why, "the collector of traces does not take all spans");
        }
    }
}

/// The next batch; an empty one if there will be none.
async fn gather(spans: &mut Receiver<SpanData>, stop: &CancellationToken) -> Vec<SpanData> {
    let mut batch = Vec::new();
    let mut deadline = None;
    loop {
        let room = BATCH - batch.len();
        let until = deadline.unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
        tokio::select! {
            biased;
            more = timeout_at(until, spans.recv_many(&mut batch, room)) => match more {
                Ok(0) => return batch,
                Err(_late) if deadline.is_some() => return batch,
                Ok(_) if batch.len() == BATCH => return batch,
                Ok(_) | Err(_) => {}
            },
            // What is in the queue can still be read, and then it ends.
            () = stop.cancelled(), if !spans.is_closed() => spans.close(),
        }
        if !batch.is_empty() {
            deadline.get_or_insert_with(|| Instant::now() + GATHER);
        }
    }
}

/// Sends a batch, and again if the collector may take it later.
async fn persist(
    batch: Vec<SpanData>,
    stop: &CancellationToken,
    deliver: &Deliver,
) -> Result<usize, Undelivered> {
    let mut outcome = deliver(batch.clone()).await;
    for wait in AGAIN {
        match &outcome {
            Err(lost) if lost.is_transient && !stop.is_cancelled() => {}
            _ => break,
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(wait) => {}
        }
        outcome = deliver(batch.clone()).await;
    }
    outcome
}
