//! What does the log say of a request, which is consumed before its answer is known?

use std::sync::Arc;

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

/// The line of a request that is under way. It is written once: with the status of the answer, or,
/// if the client hangs up before there is one, with the one that proxies have for that.
pub(super) struct Pending {
    settings: Arc<GateSettings>,
    line: Option<LogLine>,
    began: Instant,
    id: HeaderValue,
}

/// The client hung up before it had an answer; no client ever sees it.
const HUNG_UP: u16 = 499;

impl Pending {
    pub(super) fn new(
        settings: &Arc<GateSettings>,
        line: Option<LogLine>,
        began: Instant,
        id: &HeaderValue,
    ) -> Self {
        Self { settings: Arc::clone(settings), line, began, id: id.clone() }
    }

    /// The request is over.
    pub(super) fn answered(mut self, status: StatusCode) {
        self.write(status.as_u16());
    }

    fn write(&mut self, status: u16) {
        if let (Some(log), Some(line)) = (&self.settings.log, self.line.take()) {
            log.log(&Entry {
                ts: self.settings.clock.now(),
                ip: line.ip,
                method: line.method.as_str(),
                path: &line.path,
                query: &line.query,
                status,
                user_agent: &line.user_agent,
                duration: self.began.elapsed(),
                request_id: self.id.to_str().unwrap_or_default(),
                principal: line.principal.as_deref(),
                trace: line.trace.id(),
            });
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.write(HUNG_UP);
    }
}
