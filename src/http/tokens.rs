//! May somebody enter who presents a token of OAuth, and as whom?

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use tokio::time::Instant;

use crate::audit::Refusal;
use crate::http::gate::{GateSettings, Known};
use crate::http::identity::unknown;
use crate::http::mcp::retry_later;
use crate::http::rate_limit::Asker;
use crate::mcp::{rate_limited, refused};
use crate::oauth::{Refused, Scope};
use crate::tools::{Caller, Role};

/// Judges a token. To look at one costs its sender a request, which is given back for a good one.
pub(super) async fn judge(
    settings: &Arc<GateSettings>,
    request: &ServiceRequest,
    token: &str,
) -> Result<Known, HttpResponse> {
    let Some(oauth) = &settings.oauth else { return Err(unknown(settings, Refusal::WrongKey)) };
    let peer = Asker::peer(request.peer_addr().map(|address| address.ip()));
    if let Err(wait) = settings.limiter.take(peer, 1, Instant::now()) {
        return Err(retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait));
    }
    let access = match oauth.judge(token, settings.clock.now()).await {
        Ok(access) => access,
        Err(Refused::Invalid(fault)) => {
            settings.refusals.count(Refusal::WrongToken);
            return Err(oauth.not_good(fault));
        }
        Err(Refused::Unjudged(wait)) => {
            settings.refusals.count(Refusal::UnjudgedToken);
            let why = "the issuer of tokens does not answer, so the token cannot be judged";
            return Err(retry_later(StatusCode::SERVICE_UNAVAILABLE, refused(why), wait));
        }
    };
    settings.limiter.give_back(peer);
    let role = match access.scope {
        Some(Scope::Read) => Role::Read,
        Some(Scope::Operate) => Role::Operate,
        None => {
            settings.refusals.count(Refusal::NarrowToken);
            return Err(oauth.too_narrow(Scope::Read));
        }
    };
    let asker = Asker::token(&access.principal);
    Ok(Known { asker, caller: Caller { principal: access.principal, role }, ticket: None })
}
