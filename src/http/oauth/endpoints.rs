//! `/oauth/token`, `/oauth/register` and `/oauth/revoke`: what clients ask for themselves.

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde_json::json;

use super::form;
use crate::http::gate::Admitted;
use crate::http::mcp::retry_later;
use crate::http::routes::nothing_here;
use crate::mcp::rate_limited;
use crate::oauth::server::{AuthorizationServer, Denied, Params};

/// What a registration costs beside the request itself, in requests: it leaves something behind.
const REGISTRATION: usize = 9;

fn server_of(request: &HttpRequest) -> Option<(Admitted, AuthorizationServer)> {
    let admitted = request.extensions().get::<Admitted>().cloned()?;
    let server = admitted.oauth()?.server.clone()?;
    Some((admitted, server))
}

async fn params(payload: web::Payload) -> Result<Params, Denied> {
    Params::read(&form::read(payload).await?)
}

/// Gives out tokens for a code or a refresh token.
pub(in crate::http) async fn token(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let Some((_, server)) = server_of(&request) else { return nothing_here() };
    let issued = match params(payload).await {
        Ok(params) => server.exchange(&params).await,
        Err(denied) => Err(denied),
    };
    match issued {
        Ok(issued) => HttpResponse::Ok().json(json!({
            "access_token": issued.access,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "refresh_token": issued.refresh,
            "scope": issued.scope,
        })),
        Err(denied) => form::refusal(&denied),
    }
}

/// Registers a client.
pub(in crate::http) async fn register(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let Some((admitted, server)) = server_of(&request) else { return nothing_here() };
    if let Err(wait) = admitted.take(REGISTRATION) {
        return retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait);
    }
    let registered = match form::read(payload).await {
        Ok(body) => server.register(&body).await,
        Err(denied) => Err(denied),
    };
    match registered {
        Ok(client) => HttpResponse::Created().json(json!({
            "client_id": client.id,
            "client_name": client.name,
            "redirect_uris": client.addresses(),
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        })),
        Err(denied) => form::refusal(&denied),
    }
}

/// Ends what a token was given out for.
pub(in crate::http) async fn revoke(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let Some((_, server)) = server_of(&request) else { return nothing_here() };
    let revoked = match params(payload).await {
        Ok(params) => server.revoke(&params).await,
        Err(denied) => Err(denied),
    };
    match revoked {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(denied) => form::refusal(&denied),
    }
}
