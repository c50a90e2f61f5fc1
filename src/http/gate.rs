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
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;
use tracing::error;

use crate::audit::{Refusal, Refusals};
use crate::clock::Clock;
use crate::http::head::{check_content_type, check_host, check_size};
use crate::http::hosts::Hosts;
use crate::http::identity::{Identity, identify, unknown};
use crate::http::keys::Keys;
use crate::http::log_line::{LogLine, Pending};
use crate::http::mcp::retry_later;
use crate::http::oauth::Oauth;
use crate::http::rate_limit::{Asker, RateLimiter};
use crate::http::request_ids::RequestIds;
use crate::http::request_log::RequestLog;
use crate::http::routes::{self, Access, Needs};
use crate::http::tickets::{Shown, Tickets};
use crate::http::until_shown_again::until_shown_again;
use crate::http::{answers, cors, tokens};
use crate::mcp::{internal_error, rate_limited};
use crate::oauth::Scope;
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
    /// Who else may enter, by tokens, if anybody may.
    pub oauth: Option<Arc<Oauth>>,
}

impl GateSettings {
    /// Whether nobody needs to say who it is.
    fn is_open(&self) -> bool {
        self.keys.is_open() && self.oauth.is_none()
    }
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
        self.settings.is_open()
    }

    /// Whether a token of OAuth was presented.
    pub(super) fn has_token(&self) -> bool {
        matches!(self.asker, Asker::Token(_))
    }

    /// What is answered to who has a token for reading and asks for a change: which scopes are
    /// needed. Nothing to others, whose refusal no token would lift.
    pub(super) fn needs_broader_token(
        &self,
        asks_for_change: impl FnOnce() -> bool,
    ) -> Option<HttpResponse> {
        let is_narrow = self.has_token() && self.caller.role == Role::Read && asks_for_change();
        let oauth = self.settings.oauth.as_ref().filter(|_| is_narrow)?;
        self.settings.refusals.count(Refusal::NarrowToken);
        Some(oauth.too_narrow(Scope::Operate))
    }

    /// Counts a refusal that a route has for itself.
    pub(super) fn count(&self, refusal: Refusal) {
        self.settings.refusals.count(refusal);
    }

    /// OAuth, where it is on.
    pub(super) fn oauth(&self) -> Option<&Arc<Oauth>> {
        self.settings.oauth.as_ref()
    }

    /// The keys that are valid.
    pub(super) fn keys(&self) -> &Keys {
        &self.settings.keys
    }

    /// The place of the key that was presented.
    pub(super) fn key(&self) -> Option<usize> {
        match self.asker {
            Asker::Key(place) => Some(place),
            Asker::Peer(_) | Asker::Visitor(_) | Asker::TokenClient(_) | Asker::Token(_) => None,
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
        let entry = identified(&settings, &request, began);
        let origin = admitted_origin(&settings.hosts, &request);
        let with_credentials = settings.hosts.shares_credentials(request.path(), origin.as_ref());
        let inner = Rc::clone(&self.inner);
        Box::pin(async move {
            let admitted = match entry {
                Ok(Entry::Known(known)) => admit(&settings, &request, known, began),
                Ok(Entry::Token(token)) => match tokens::judge(&settings, &request, &token).await {
                    Ok(known) => admit(&settings, &request, known, began),
                    Err(refusal) => Err(refusal),
                },
                Err(refusal) => Err(refusal),
            };
            let line = settings.log.is_some().then(|| LogLine::of(&request, &admitted));
            let line = Pending::new(&settings, line, began, &id);
            let mut response = match admitted {
                Err(refusal) => request.into_response(refusal).map_into_right_body(),
                Ok(admitted) => {
                    let has_token = admitted.has_token();
                    request.extensions_mut().insert(admitted);
                    // A route's state is its request's alone, so a panic leaves nothing behind.
                    let served = AssertUnwindSafe(inner.call(request)).catch_unwind().await;
                    match served {
                        Ok(Ok(response)) if has_token => response
                            .map_body(|_, body| until_shown_again(body))
                            .map_into_right_body(),
                        Ok(Ok(response)) => response.map_into_left_body(),
                        Ok(Err(error)) => {
                            line.answered(error.as_response_error().status_code());
                            return Err(error);
                        }
                        Err(_panic) => {
                            error!(
                                request.id = id.to_str().unwrap_or_default(),
                                "a route panicked"
                            );
                            line.answered(StatusCode::INTERNAL_SERVER_ERROR);
                            return Err(Panicked(id).into());
                        }
                    }
                }
            };
            cors::expose(response.headers_mut(), origin, with_credentials);
            answers::finish(response.headers_mut(), &id);
            line.answered(response.status());
            Ok(response)
        })
    }
}

/// The origin of the page that a request comes from, if the whole of `check_host` lets it in.
fn admitted_origin(hosts: &Hosts, request: &ServiceRequest) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN).cloned()?;
    check_host(hosts, request).is_ok().then_some(origin)
}

/// Somebody whose name is known, if there is one.
pub(super) struct Known {
    pub(super) asker: Asker,
    pub(super) caller: Caller,
    pub(super) ticket: Option<Shown>,
}

/// How far one comes without waiting for anything.
enum Entry {
    Known(Known),
    /// A token, which has to be judged first.
    Token(String),
}

/// Finds out who sends a request; or what is answered at once.
fn identified(
    settings: &Arc<GateSettings>,
    request: &ServiceRequest,
    now: Instant,
) -> Result<Entry, HttpResponse> {
    check_host(&settings.hosts, request)?;
    check_size(request)?;
    let address = request.peer_addr().map(|address| address.ip());
    let peer = Asker::peer(address);
    let known = |asker, caller, ticket| Ok(Entry::Known(Known { asker, caller, ticket }));
    let anonymous = |role| Caller { principal: "anonymous".to_owned(), role };
    if settings.is_open() {
        return known(peer, anonymous(Role::Operate), None);
    }
    match identify(settings, request, access(settings, request.path())) {
        Ok(Identity::Nobody) => {
            known(Asker::without_key(address, request.path()), anonymous(Role::Read), None)
        }
        Ok(Identity::Key(place)) => known(Asker::Key(place), settings.keys.caller(place), None),
        Ok(Identity::Ticket(shown)) => {
            known(Asker::Key(shown.key()), settings.keys.caller(shown.key()), Some(shown))
        }
        Ok(Identity::Token(token)) => Ok(Entry::Token(token)),
        // Guessing costs the guesser's own tokens.
        Err(refusal) => Err(match settings.limiter.take(peer, 1, now) {
            Ok(()) => refusal,
            Err(wait) => retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait),
        }),
    }
}

/// Who may use a path; one of OAuth's that is off is as unknown as any.
fn access(settings: &GateSettings, path: &str) -> Access {
    match routes::access(path) {
        Access::Public if path.starts_with("/oauth/") && !is_served(settings, path) => Access::Key,
        access => access,
    }
}

/// Whether what serves a path is on.
fn is_served(settings: &GateSettings, path: &str) -> bool {
    let oauth = settings.oauth.as_deref();
    match routes::needs(path) {
        Needs::Nothing => true,
        Needs::Oauth => oauth.is_some(),
        Needs::OauthServer => oauth.is_some_and(Oauth::gives_out_tokens),
    }
}

/// Decides whether a request of somebody may go on; or what is answered at once.
fn admit(
    settings: &Arc<GateSettings>,
    request: &ServiceRequest,
    known: Known,
    now: Instant,
) -> Result<Admitted, HttpResponse> {
    let Known { asker, caller, ticket } = known;
    let path = request.path();
    let (access, is_served) = (access(settings, path), is_served(settings, path));
    let is_limited = routes::is_limited(access, path) && (is_served || access != Access::Public);
    if is_limited && let Err(wait) = settings.limiter.take(asker, 1, now) {
        return Err(retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait));
    }
    let is_hidden = settings.hosts.socket().hides(request.app_config().local_addr(), path);
    if !is_served || is_hidden {
        return Err(routes::nothing_here());
    }
    if let Some(answer) = cors::preflight(request) {
        return Err(answer);
    }
    check_content_type(request)?;
    Ok(Admitted { caller, asker, ticket, settings: Arc::clone(settings) })
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
