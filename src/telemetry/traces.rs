//! Which spans are made, and what became of them?

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use super::queue::{Deliver, Sending, SpanQueue};
use crate::config::TraceSampler;

/// A number that only rises. There is one collector for the process, as there is one log.
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) static DELIVERED: Count = Count(AtomicU64::new(0));
pub(super) static DROPPED: Count = Count(AtomicU64::new(0));

/// What became of the spans since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanCounts {
    /// The collector took them.
    pub delivered: u64,
    /// They found no room, or the collector did not take them.
    pub dropped: u64,
}

/// What became of the spans since the start.
pub fn span_counts() -> SpanCounts {
    SpanCounts { delivered: DELIVERED.get(), dropped: DROPPED.get() }
}

/// Makes spans and has them sent.
#[derive(Debug)]
pub struct Traces {
    tracer: SdkTracer,
    sending: Sending,
}

impl Traces {
    /// Starts sending.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(sampler: TraceSampler, deliver: Deliver) -> std::io::Result<Self> {
        let (queue, sending) = SpanQueue::start(deliver)?;
        let TraceSampler { follows_parent, ratio } = sampler;
        let sampler = Sampler::TraceIdRatioBased(ratio);
        let sampler =
            if follows_parent { Sampler::ParentBased(Box::new(sampler)) } else { sampler };
        let provider =
            SdkTracerProvider::builder().with_sampler(sampler).with_span_processor(queue).build();
        Ok(Self { tracer: provider.tracer("lukhas-mcp"), sending })
    }

    /// What turns the program's spans into those of OpenTelemetry.
    pub(super) fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        OpenTelemetryLayer::new(self.tracer.clone())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
    }

    /// Sends what is left, but no longer than this.
    pub fn finish(self, limit: Duration) {
        self.sending.finish(limit);
    }
}
