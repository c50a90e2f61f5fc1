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

/// Judges a token. One that is not good costs its sender a request, as a wrong key does; a good one
/// costs whoever it names, however many others come from the same address.
pub(super) async fn judge(
    settings: &Arc<GateSettings>,
    request: &ServiceRequest,
    token: &str,
) -> Result<Known, HttpResponse> {
    let Some(oauth) = &settings.oauth else { return Err(unknown(settings, Refusal::WrongKey)) };
    let refuse = |why: Refusal, refusal: HttpResponse| {
        settings.refusals.count(why);
        let peer = Asker::peer(request.peer_addr().map(|address| address.ip()));
        Err(match settings.limiter.take(peer, 1, Instant::now()) {
            Ok(()) => refusal,
            Err(wait) => retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait),
        })
    };
    let access = match oauth.judge(token, settings.clock.now()).await {
        Ok(access) => access,
        Err(Refused::Invalid(fault)) => return refuse(Refusal::WrongToken, oauth.not_good(fault)),
        Err(Refused::Unjudged(wait)) => {
            let why = "the issuer of tokens does not answer, so the token cannot be judged";
            let refusal = retry_later(StatusCode::SERVICE_UNAVAILABLE, refused(why), wait);
            return refuse(Refusal::UnjudgedToken, refusal);
        }
    };
    let role = match access.scope {
        Some(Scope::Read) => Role::Read,
        Some(Scope::Operate) => Role::Operate,
        None => return refuse(Refusal::NarrowToken, oauth.too_narrow(Scope::Read)),
    };
    let asker = Asker::token(&access.principal);
    Ok(Known { asker, caller: Caller { principal: access.principal, role }, ticket: None })
}
