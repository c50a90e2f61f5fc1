//! Who asks: which key is presented, or which ticket, or neither where neither is needed?

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use tokio::time::Instant;

use crate::audit::Refusal;
use crate::events::Resume;
use crate::http::answers;
use crate::http::gate::GateSettings;
use crate::http::keys::{Presented, presented};
use crate::http::routes::Access;
use crate::http::tickets::Shown;
use crate::mcp::{refused, unauthorized};
use crate::oauth::Scope;

/// By what somebody is known.
pub(super) enum Identity {
    /// By nothing, and nothing is needed.
    Nobody,
    /// By the key at this place.
    Key(usize),
    /// By a ticket, which is not used yet.
    Ticket(Shown),
    /// By a token of OAuth, of which nothing is known yet.
    Token(String),
}

/// Finds out who sends a request; or what is answered to who cannot be told.
pub(super) fn identify(
    settings: &GateSettings,
    request: &ServiceRequest,
    access: Access,
) -> Result<Identity, HttpResponse> {
    if access == Access::Public || request.method() == Method::OPTIONS {
        return Ok(Identity::Nobody);
    }
    let in_query = access == Access::KeyOrQuery && request.method() == Method::GET;
    let is_socket = settings.hosts.socket().is_at(request.path());
    let refusal = match presented(request, in_query, is_socket) {
        Presented::Ambiguous(why) => {
            settings.refusals.count(Refusal::ManyKeys);
            return Err(answers::json_text(StatusCode::BAD_REQUEST, refused(why)));
        }
        Presented::Nothing => Refusal::NoKey,
        Presented::Key(key) => match settings.keys.find(&key) {
            Some(place) => return Ok(Identity::Key(place)),
            None => Refusal::WrongKey,
        },
        Presented::Bearer(bearer) => match (settings.keys.find(&bearer), &settings.oauth) {
            (Some(place), _) => return Ok(Identity::Key(place)),
            (None, None) => Refusal::WrongKey,
            (None, Some(_)) => match String::from_utf8(bearer) {
                Ok(token) if !token.is_empty() => return Ok(Identity::Token(token)),
                _ => Refusal::WrongToken,
            },
        },
        Presented::Ticket(ticket) => {
            let has = last_event(request.headers().get("last-event-id"));
            match settings.tickets.show(&ticket, has, Instant::now()) {
                Some(shown) => return Ok(Identity::Ticket(shown)),
                None => Refusal::StaleTicket,
            }
        }
    };
    Err(unknown(settings, refusal))
}

/// The event up to which a reader that comes back has everything, as `Last-Event-ID` says it; what
/// the address says is not believed, because addresses are written into logs.
pub(super) fn last_event(header: Option<&HeaderValue>) -> Option<i64> {
    match Resume::parse(header?.to_str().ok()?) {
        Ok(Resume::After(id)) => Some(id),
        Ok(Resume::Live) | Err(_) => None,
    }
}

/// What is answered to who is not known, and counted.
pub(super) fn unknown(settings: &GateSettings, refusal: Refusal) -> HttpResponse {
    settings.refusals.count(refusal);
    let challenge = match &settings.oauth {
        Some(oauth) => oauth.challenge(None, Scope::Operate),
        None => HeaderValue::from_static("Bearer"),
    };
    let mut response = answers::json_text(StatusCode::UNAUTHORIZED, unauthorized());
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}
