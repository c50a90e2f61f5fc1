//! What does the log say of a request, which is consumed before its answer is known?

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use tokio::time::Instant;

use crate::http::gate::{Admitted, GateSettings};
use crate::http::request_log::Entry;
use crate::telemetry::RequestTrace;

/// What the log has to know of a request that is about to be consumed.
pub(super) struct LogLine {
    ip: Option<std::net::IpAddr>,
    method: Method,
    path: String,
    query: String,
    user_agent: String,
    principal: Option<String>,
    trace: RequestTrace,
}

impl LogLine {
    pub(super) fn of(request: &ServiceRequest, admitted: &Result<Admitted, HttpResponse>) -> Self {
        let user_agent =
            request.headers().get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
        Self {
            ip: request.peer_addr().map(|address| address.ip()),
            method: request.method().clone(),
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
            user_agent: String::from_utf8_lossy(user_agent).into_owned(),
            principal: admitted.as_ref().ok().map(|admitted| admitted.caller.principal.clone()),
            trace: RequestTrace::current(),
        }
    }
}

/// Logs a request that is over, where requests are logged.
pub(super) fn log(
    settings: &GateSettings,
    line: Option<LogLine>,
    status: StatusCode,
    began: Instant,
    id: &HeaderValue,
) {
    if let (Some(log), Some(line)) = (&settings.log, line) {
        log.log(&Entry {
            ts: settings.clock.now(),
            ip: line.ip,
            method: line.method.as_str(),
            path: &line.path,
            query: &line.query,
            status: status.as_u16(),
            user_agent: &line.user_agent,
            duration: began.elapsed(),
            request_id: id.to_str().unwrap_or_default(),
            principal: line.principal.as_deref(),
            trace: line.trace.id(),
        });
    }
}
