//! The gate that every request passes, in one piece: what it refuses never reaches a route.
//!
//! The order is the contract's: host and origin, size, key, rate limit, content type. A request
//! whose route panics is answered with 500 instead of a closed connection.

use std::fmt;
use std::future::{Ready, ready};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;
use tracing::error;

use crate::audit::{Refusal, Refusals};
use crate::clock::Clock;
use crate::http::hosts::Hosts;
use crate::http::identity::{Identity, identify, unknown};
use crate::http::keys::Keys;
use crate::http::mcp::{BODY, retry_later};
use crate::http::rate_limit::{Asker, RateLimiter};
use crate::http::request_ids::RequestIds;
use crate::http::request_log::{Entry, RequestLog};
use crate::http::routes::{self, Access};
use crate::http::tickets::{Shown, Tickets};
use crate::http::{answers, cors};
use crate::mcp::{internal_error, rate_limited, refused};
use crate::tools::{Caller, Role};

/// What the gate goes by.
pub struct GateSettings {
    /// Which names the daemon answers to.
    pub hosts: Hosts,
    /// Who may enter.
    pub keys: Keys,
    /// How often.
    pub limiter: RateLimiter,
    /// Where requests are logged, if they are.
    pub log: Option<Arc<RequestLog>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Counts who is not let in.
    pub refusals: Arc<Refusals>,
    /// The tickets for streams that were given out.
    pub tickets: Tickets,
}

/// Somebody who passed the gate.
#[derive(Clone)]
pub(super) struct Admitted {
    pub(super) caller: Caller,
    asker: Asker,
    ticket: Option<Shown>,
    settings: Arc<GateSettings>,
}

impl Admitted {
    /// Whether the daemon is open, so that nobody needs a key.
    pub(super) fn is_open(&self) -> bool {
        self.settings.keys.is_open()
    }

    /// The place of the key that was presented.
    pub(super) fn key(&self) -> Option<usize> {
        match self.asker {
            Asker::Key(place) => Some(place),
            Asker::Peer(_) => None,
        }
    }

    pub(super) fn tickets(&self) -> &Tickets {
        &self.settings.tickets
    }

    /// Uses the ticket that was shown, if one was: the stream begins at `position`, and its reader
    /// has everything up to the event `has`, if it comes back. Whoever was quicker has it.
    pub(super) fn use_ticket(&self, has: Option<i64>, position: i64) -> Result<(), HttpResponse> {
        let Some(shown) = &self.ticket else { return Ok(()) };
        if self.settings.tickets.open(shown, has, position, Instant::now()) {
            return Ok(());
        }
        Err(unknown(&self.settings, Refusal::StaleTicket))
    }

    /// Takes more requests from the bucket that this one was taken from.
    pub(super) fn take(&self, requests: usize) -> Result<(), Duration> {
        self.settings.limiter.take(self.asker, requests, Instant::now())
    }
}

/// The gate; one for all workers.
#[derive(Clone)]
pub struct Gate {
    settings: Arc<GateSettings>,
    ids: Arc<RequestIds>,
}

impl Gate {
    /// A gate that goes by these settings.
    pub fn new(settings: GateSettings) -> Self {
        Self { settings: Arc::new(settings), ids: Arc::default() }
    }
}

impl<S, B> Transform<S, ServiceRequest> for Gate
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = Guarded<S>;
    type InitError = ();
    type Future = Ready<Result<Guarded<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(Guarded { inner: Rc::new(inner), gate: self.clone() }))
    }
}

/// The routes behind the gate.
pub struct Guarded<S> {
    inner: Rc<S>,
    gate: Gate,
}

impl<S, B> Service<ServiceRequest> for Guarded<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let began = Instant::now();
        let settings = Arc::clone(&self.gate.settings);
        let id = self.gate.ids.id_of(&request);
        let admitted = admit(&settings, &request, began);
        let origin = admitted_origin(&settings.hosts, &request);
        let line = settings.log.is_some().then(|| LogLine::of(&request, &admitted));
        let inner = Rc::clone(&self.inner);
        Box::pin(async move {
            let mut response = match admitted {
                Err(refusal) => request.into_response(refusal).map_into_right_body(),
                Ok(admitted) => {
                    request.extensions_mut().insert(admitted);
                    // A route's state is its request's alone, so a panic leaves nothing behind.
                    let served = AssertUnwindSafe(inner.call(request)).catch_unwind().await;
                    match served {
                        Ok(Ok(response)) => response.map_into_left_body(),
                        Ok(Err(error)) => {
                            log(
                                &settings,
                                line,
                                error.as_response_error().status_code(),
                                began,
                                &id,
                            );
                            return Err(error);
                        }
                        Err(_panic) => {
                            error!(
                                request.id = id.to_str().unwrap_or_default(),
                                "a route panicked"
                            );
                            log(&settings, line, StatusCode::INTERNAL_SERVER_ERROR, began, &id);
                            return Err(Panicked(id).into());
                        }
                    }
                }
            };
            cors::expose(response.headers_mut(), origin);
            answers::finish(response.headers_mut(), &id);
            log(&settings, line, response.status(), began, &id);
            Ok(response)
        })
    }
}

/// The origin of the page that a request comes from, if the whole of `check_host` lets it in.
fn admitted_origin(hosts: &Hosts, request: &ServiceRequest) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN).cloned()?;
    check_host(hosts, request).is_ok().then_some(origin)
}

/// Decides whether a request may go on, and as whom; or what is answered at once.
fn admit(
    settings: &Arc<GateSettings>,
    request: &ServiceRequest,
    now: Instant,
) -> Result<Admitted, HttpResponse> {
    check_host(&settings.hosts, request)?;
    check_size(request)?;
    let access = routes::access(request.path());
    let peer = Asker::peer(request.peer_addr().map(|address| address.ip()));
    let anonymous = |role| (peer, Caller { principal: "anonymous".to_owned(), role });
    let mut ticket = None;
    let (asker, caller) = if settings.keys.is_open() {
        anonymous(Role::Operate)
    } else {
        match identify(settings, request, access) {
            Ok(Identity::Nobody) => anonymous(Role::Read),
            Ok(Identity::Key(place)) => (Asker::Key(place), settings.keys.caller(place)),
            Ok(Identity::Ticket(shown)) => {
                ticket = Some(shown);
                (Asker::Key(shown.key()), settings.keys.caller(shown.key()))
            }
            Err(refusal) => {
                // Guessing costs the guesser's own tokens.
                return Err(match settings.limiter.take(peer, 1, now) {
                    Ok(()) => refusal,
                    Err(wait) => retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait),
                });
            }
        }
    };
    if routes::is_limited(access, request.path())
        && let Err(wait) = settings.limiter.take(asker, 1, now)
    {
        return Err(retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait));
    }
    if let Some(answer) = cors::preflight(request) {
        return Err(answer);
    }
    check_content_type(request)?;
    Ok(Admitted { caller, asker, ticket, settings: Arc::clone(settings) })
}

fn check_host(hosts: &Hosts, request: &ServiceRequest) -> Result<(), HttpResponse> {
    let forbidden = |why: &str| Err(answers::error(StatusCode::FORBIDDEN, why));
    let headers = request.headers();
    let mut all = headers.get_all(header::HOST);
    let (Some(host), None) = (all.next().and_then(|host| host.to_str().ok()), all.next()) else {
        return forbidden("the request must have one Host header");
    };
    if !hosts.admits(host) {
        return forbidden(
            "this Host is not one of the daemon's; set server.allowed_hosts to add it",
        );
    }
    if let Some(authority) = request.uri().authority()
        && !hosts.admits(authority.as_str())
    {
        return forbidden("the request line names a host that is not the daemon's");
    }
    let mut origins = headers.get_all(header::ORIGIN);
    match (origins.next(), origins.next()) {
        (None, _) => {}
        (Some(origin), None)
            if origin.to_str().is_ok_and(|origin| hosts.admits_origin(origin, host)) =>
        {
            return Ok(());
        }
        (Some(_), _) => return forbidden("pages of this Origin may not talk to the daemon"),
    }
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let navigates = headers.get("sec-fetch-mode").map(HeaderValue::as_bytes) == Some(b"navigate");
    match site {
        // A link from elsewhere may lead to what everybody may see.
        Some(b"cross-site" | b"same-site")
            if !(navigates
                && request.method() == Method::GET
                && routes::access(request.path()) == Access::Public) =>
        {
            forbidden("pages of other sites may not talk to the daemon")
        }
        _ => Ok(()),
    }
}

fn check_size(request: &ServiceRequest) -> Result<(), HttpResponse> {
    let headers = request.headers();
    let encoding = headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        let why = "the body must not be compressed";
        return Err(answers::json_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, refused(why)));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|n| BODY as u64 <= n.saturating_sub(1))
    {
        let why = "the body must have at most 4 MiB";
        return Err(answers::json_text(StatusCode::PAYLOAD_TOO_LARGE, refused(why)));
    }
    Ok(())
}

fn check_content_type(request: &ServiceRequest) -> Result<(), HttpResponse> {
    // Where nothing can be posted, the route says so.
    let is_posted = routes::allowed(request.path()).is_none_or(|all| all.contains("POST"));
    if request.method() != Method::POST || !is_posted {
        return Ok(());
    }
    let kind = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if kind.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    let why = "Content-Type must be application/json";
    Err(answers::json_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, refused(why)))
}

/// What the log has to know of a request that is about to be consumed.
struct LogLine {
    ip: Option<std::net::IpAddr>,
    method: Method,
    path: String,
    query: String,
    user_agent: String,
    principal: Option<String>,
}

impl LogLine {
    fn of(request: &ServiceRequest, admitted: &Result<Admitted, HttpResponse>) -> Self {
        let user_agent =
            request.headers().get(header::USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
        Self {
            ip: request.peer_addr().map(|address| address.ip()),
            method: request.method().clone(),
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
            user_agent: String::from_utf8_lossy(user_agent).into_owned(),
            principal: admitted.as_ref().ok().map(|admitted| admitted.caller.principal.clone()),
        }
    }
}

fn log(
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
        });
    }
}

/// A route panicked; the client is told no more than that.
#[derive(Debug)]
struct Panicked(HeaderValue);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a route panicked")
    }
}

impl ResponseError for Panicked {
    fn error_response(&self) -> HttpResponse {
        let mut response = answers::json_text(StatusCode::INTERNAL_SERVER_ERROR, internal_error());
        answers::finish(response.headers_mut(), &self.0);
        response
    }
}
