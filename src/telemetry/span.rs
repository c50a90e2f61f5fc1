//! How does a span begin, whose part is it, and which trace is it of?

use std::sync::{Arc, OnceLock};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
pub use opentelemetry::trace::TraceId;
use tracing::{Level, Span, span_enabled};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::parent::Parent;

/// The target of all spans that are collected, and of nothing else: this module.
pub const SPANS: &str = module_path!();

/// Whether anybody looks at spans.
pub fn is_traced() -> bool {
    span_enabled!(target: SPANS, Level::DEBUG)
}

/// The trace of an HTTP request, or rather of the JSON-RPC request in it, once that is known.
#[derive(Debug, Clone, Default)]
pub struct RequestTrace {
    own: Option<TraceId>,
    inner: Arc<OnceLock<TraceId>>,
}

impl RequestTrace {
    /// That of the request that is being served.
    pub fn current() -> Self {
        Context::map_current(|context| Self {
            own: id_of(context),
            inner: context.get::<Inner>().map(|inner| Arc::clone(&inner.0)).unwrap_or_default(),
        })
    }

    /// Which trace it is; nothing if nobody looks.
    pub fn id(&self) -> Option<TraceId> {
        self.inner.get().copied().or(self.own)
    }
}

/// Where a span inside of an HTTP request leaves its trace.
struct Inner(Arc<OnceLock<TraceId>>);

fn id_of(context: &Context) -> Option<TraceId> {
    let span = context.span().span_context().clone();
    span.is_valid().then(|| span.trace_id())
}

/// The trace of what is being done.
pub(super) fn trace_id() -> Option<TraceId> {
    Context::map_current(id_of)
}

/// Makes a new span that of an HTTP request, and a part of a span of somebody else.
pub fn begin_request(span: &Span, parent: Option<Parent>) {
    let context = Context::new().with_value(Inner(Arc::default()));
    let context = match parent {
        Some(Parent(parent)) => context.with_remote_span_context(parent),
        None => context,
    };
    // It fails where nobody collects, and nothing is to be done there.
    drop(span.set_parent(context));
}

/// Makes a new span a part of a span of somebody else, and links it to the one it is inside of;
/// without one of somebody else, it is a part of that.
pub fn begin_within(span: &Span, parent: Option<Parent>) {
    let Some(Parent(parent)) = parent else { return };
    Context::map_current(|around| {
        span.add_link(around.span().span_context().clone());
        if let Some(Inner(inner)) = around.get() {
            // Of several requests in one, the first is as good as any.
            let _ = inner.set(parent.trace_id());
        }
    });
    drop(span.set_parent(Context::new().with_remote_span_context(parent)));
}
