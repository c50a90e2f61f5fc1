//! A span for each request, for those who trace: by route and never by URL, which may hold a key.

use actix_web::Error;
use actix_web::HttpMessage as _;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use tracing::{Span, debug_span, field};
use tracing_actix_web::{RequestId, RootSpanBuilder};

/// Opens the spans.
pub struct RequestSpans;

impl RootSpanBuilder for RequestSpans {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().copied();
        debug_span!(
            "request",
            http.method = %request.method(),
            http.path = request.path(),
            http.status_code = field::Empty,
            trace.id = id.map(field::display),
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("http.status_code", status.as_u16());
    }
}
