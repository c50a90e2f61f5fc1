//! A span for each request, for those who trace: by route and never by URL, which may hold a key.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use tracing::{Span, debug_span, field};
use tracing_actix_web::RootSpanBuilder;

use crate::http::routes;
use crate::telemetry::{self, Parent, SPANS};

/// Opens the spans.
pub struct RequestSpans;

impl RootSpanBuilder for RequestSpans {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let route = routes::pattern(request.path());
        if route.is_some_and(is_asked_by_machines) {
            return Span::none();
        }
        let method = name_of(request.method());
        let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        let span = debug_span!(
            target: SPANS,
            "request",
            otel.name = name,
            otel.kind = "server",
            otel.status_code = field::Empty,
            http.request.method = method,
            http.route = route,
            http.response.status_code = field::Empty,
            error.type = field::Empty,
        );
        telemetry::begin_request(&span, parent(request.headers()));
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            span.record("error.type", status.as_str());
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// Whether machines ask for it every few seconds, which nobody wants to see.
fn is_asked_by_machines(route: &str) -> bool {
    matches!(route, "/healthz" | "/readyz" | "/health" | "/metrics")
}

/// The methods that there are by name; the others by one, for they can be anything.
fn name_of(method: &Method) -> &'static str {
    let all = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    all.into_iter().find(|name| method == *name).unwrap_or("_OTHER")
}

/// The span that a request says it is a part of. More than one is none.
fn parent(headers: &HeaderMap) -> Option<Parent> {
    let mut parents = headers.get_all("traceparent");
    let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
    let states: Result<Vec<&str>, _> =
        headers.get_all("tracestate").map(|state| state.to_str()).collect();
    Parent::read(
        parent.to_str().ok()?.trim(),
        states.ok().map(|states| states.join(",")).as_deref(),
    )
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(lines: &[(&'static str, &'static str)]) -> Option<Parent> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        parent(&headers)
    }

    #[test]
    fn one_parent_is_read_and_states_are_joined() {
        let one = ("traceparent", PARENT);
        assert_eq!(read(&[one]), Parent::read(PARENT, None));
        let states = [one, ("tracestate", "a=1"), ("tracestate", "b=2")];
        assert_eq!(read(&states), Parent::read(PARENT, Some("a=1,b=2")));
        assert_eq!(read(&[one, one]), None);
        assert_eq!(read(&[("tracestate", "a=1")]), None);
    }

    #[test]
    fn a_method_that_can_be_anything_is_no_name() {
        assert_eq!(name_of(&Method::POST), "POST");
        assert_eq!(name_of(&Method::from_bytes(b"S3CRET").unwrap()), "_OTHER");
    }
}
