//! How does an answer come in, within its bounds?

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::Answer;
use super::provider::Provider;
use super::reading::Reading;
use super::trouble::Trouble;
use super::words::Delta;
use crate::adapters::outbound::Opened;

/// How long figures are waited for once the model has ended.
const GRACE: Duration = Duration::from_secs(5);

/// How long the end of an answer is waited for that is known to be over, so that its connection can
/// be used again.
const DRAIN: Duration = Duration::from_millis(5);

/// How long an answer may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Between two bytes.
    pub idle: Duration,
    /// In all, for messages.
    pub total: Duration,
    /// In all, as a moment.
    pub until: Instant,
}

/// Nothing came in time.
struct Late;

/// An answer that comes in.
pub(super) struct Streaming {
    /// Where from; nothing when no more is to come.
    source: Option<Opened>,
    reading: Reading,
    limits: Limits,
    /// When it is looked whether something came in time. It is set anew when it rings, because
    /// setting it for each part costs more than reading one.
    alarm: Pin<Box<Sleep>>,
    pending: VecDeque<Delta>,
    /// What is to be told when nothing is pending.
    trouble: Option<Trouble>,
}

impl Streaming {
    /// An answer of which nothing was read yet.
    pub fn new(source: Opened, reading: Reading, limits: Limits) -> Self {
        let pending = VecDeque::new();
        let alarm = Box::pin(sleep_until(limits.until.min(Instant::now() + limits.idle)));
        Self { source: Some(source), reading, limits, alarm, pending, trouble: None }
    }

    /// Waits for the first part.
    pub async fn begin(&mut self) -> Result<(), Trouble> {
        self.wait().await;
        match (self.pending.is_empty(), self.trouble.take()) {
            (true, Some(trouble)) => Err(trouble),
            (_, trouble) => {
                self.trouble = trouble;
                Ok(())
            }
        }
    }

    /// Waits until something is pending or nothing more is to come.
    async fn wait(&mut self) {
        while self.pending.is_empty() && self.source.is_some() {
            if let Err(trouble) = self.read().await {
                self.source = None;
                self.trouble = Some(trouble);
            }
        }
    }

    async fn read(&mut self) -> Result<(), Trouble> {
        let Some(source) = &mut self.source else { return Ok(()) };
        let Limits { idle, total, until } = self.limits;
        let has_ended = self.reading.may_end();
        let idle = if has_ended { idle.min(GRACE) } else { idle };
        let at = until.min(Instant::now() + idle);
        if at < self.alarm.deadline() {
            self.alarm.as_mut().reset(at);
        }
        let came = loop {
            tokio::select! {
                biased;
                came = source.chunk() => break Ok(came),
                () = &mut self.alarm => {
                    if at <= Instant::now() {
                        break Err(Late);
                    }
                    self.alarm.as_mut().reset(at);
                }
            }
        };
        match came {
            Ok(Ok(Some(bytes))) => {
                self.reading.push(&bytes, &mut self.pending)?;
                if self.reading.is_over() {
                    // All that can come is the end; a server that sends more is hung up on.
                    drop(timeout(DRAIN, source.chunk()).await);
                    self.source = None;
                }
                Ok(())
            }
            Ok(Ok(None)) => self.end(),
            // The model has ended, so the answer is whole; only figures may be missing.
            Ok(Err(_)) | Err(Late) if has_ended => self.end(),
            Ok(Err(_)) => Err(Trouble::broken("the connection broke")),
            Err(Late) if until <= at => {
                Err(Trouble::broken(format!("it was not at its end after {} s", seconds(total))))
            }
            Err(Late) => Err(Trouble::broken(format!("nothing came for {} s", seconds(idle)))),
        }
    }

    fn end(&mut self) -> Result<(), Trouble> {
        self.source = None;
        self.reading.end(&mut self.pending)
    }

    /// The parts, for whoever asked; `place` is held until no more is to come.
    pub fn into_answer(self, provider: Arc<Provider>, place: OwnedSemaphorePermit) -> Answer {
        let state = (self, provider, Some(place));
        stream::unfold(state, |(mut streaming, provider, mut place)| async {
            streaming.wait().await;
            if streaming.source.is_none() {
                place = None;
            }
            let item = match (streaming.pending.pop_front(), streaming.trouble.is_some()) {
                (Some(delta), _) => {
                    provider.note(&delta);
                    Ok(delta)
                }
                (None, true) => Err(provider.broke(streaming.trouble.take()?)),
                (None, false) => return None,
            };
            Some((item, (streaming, provider, place)))
        })
        .boxed()
    }
}

/// Seconds, for people: without a fraction from ten on.
fn seconds(span: Duration) -> f64 {
    if span < Duration::from_secs(10) {
        (span.as_secs_f64() * 10.0).round() / 10.0
    } else {
        span.as_secs_f64().round()
    }
}
