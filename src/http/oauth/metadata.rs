//! `/.well-known/oauth-…`: who gives out tokens for this daemon, and how?

use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde_json::json;

use super::Oauth;
use crate::http::gate::Admitted;
use crate::http::routes::nothing_here;
use crate::oauth::server::AuthorizationServer;
use crate::oauth::{Issuer, Scope};

/// Where RFC 9728 has a client look that knows the host alone.
pub(in crate::http) const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// Where it has a client look that knows the endpoint.
pub(in crate::http) const RESOURCE_OF_MCP: &str = "/.well-known/oauth-protected-resource/mcp";

/// Where RFC 8414 has a client look for the daemon's own server.
pub(in crate::http) const SERVER: &str = "/.well-known/oauth-authorization-server";

/// Where clients look that take the endpoint for the server.
pub(in crate::http) const SERVER_OF_MCP: &str = "/.well-known/oauth-authorization-server/mcp";

fn oauth_of(request: &HttpRequest) -> Option<Arc<Oauth>> {
    request.extensions().get::<Admitted>().and_then(|admitted| admitted.oauth().cloned())
}

/// The protected resource's metadata.
pub(in crate::http) async fn protected_resource(request: HttpRequest) -> HttpResponse {
    let Some(oauth) = oauth_of(&request) else { return nothing_here() };
    let theirs = oauth.issuer.iter().map(Issuer::name);
    let servers: Vec<&str> =
        theirs.chain(oauth.server.iter().map(AuthorizationServer::issuer)).collect();
    HttpResponse::Ok().json(json!({
        "resource": oauth.resource(),
        "authorization_servers": servers,
        "scopes_supported": Scope::NAMES,
        "bearer_methods_supported": ["header"],
        "resource_name": "lukhas-mcp",
    }))
}

/// The authorization server's metadata.
pub(in crate::http) async fn authorization_server(request: HttpRequest) -> HttpResponse {
    let oauth = oauth_of(&request).filter(|oauth| oauth.gives_out_tokens());
    let Some(oauth) = oauth else { return nothing_here() };
    let at = |path: &str| format!("{}{path}", oauth.base);
    HttpResponse::Ok().json(json!({
        "issuer": oauth.base,
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "registration_endpoint": at("/oauth/register"),
        "revocation_endpoint": at("/oauth/revoke"),
        "scopes_supported": Scope::NAMES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
    }))
}
