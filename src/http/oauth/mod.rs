//! OAuth over HTTP: what clients are told about it, and whose tokens are judged by whom.

mod authorize;
mod challenge;
mod endpoints;
mod form;
mod metadata;
mod page;

use actix_web::HttpResponse;
use actix_web::http::header::HeaderValue;
use url::Url;

pub(super) use self::authorize::{get as authorize, post as consent};
pub(super) use self::endpoints::{register, revoke, token};
pub(super) use self::metadata::{
    RESOURCE, RESOURCE_OF_MCP, SERVER, SERVER_OF_MCP, authorization_server, protected_resource,
};
use crate::clock::Timestamp;
use crate::http::answers::MCP_ENDPOINT;
use crate::oauth::server::AuthorizationServer;
use crate::oauth::{Access, Fault, Issuer, Refused, Scope};

/// OAuth, where it is on.
pub struct Oauth {
    /// Where clients reach the daemon, without a slash at the end.
    base: String,
    /// Whose tokens are accepted, if those of anybody else are.
    issuer: Option<Issuer>,
    /// The daemon's own.
    server: Option<AuthorizationServer>,
}

impl Oauth {
    /// OAuth for a daemon that clients reach at `base`.
    pub fn new(base: &Url, issuer: Option<Issuer>, server: Option<AuthorizationServer>) -> Self {
        Self { base: base.as_str().trim_end_matches('/').to_owned(), issuer, server }
    }

    /// Whether the daemon gives out tokens of its own.
    pub(super) fn gives_out_tokens(&self) -> bool {
        self.server.is_some()
    }

    /// The MCP endpoint, as tokens are asked for.
    fn resource(&self) -> String {
        format!("{}{}", self.base, MCP_ENDPOINT)
    }

    /// Judges a token.
    ///
    /// # Errors
    /// It is not good, or cannot be judged.
    pub(super) async fn judge(&self, token: &str, now: Timestamp) -> Result<Access, Refused> {
        match (&self.server, &self.issuer) {
            (Some(server), _) if AuthorizationServer::may_be_ours(token) => {
                server.judge(token, now).map_err(Refused::Invalid)
            }
            (_, Some(issuer)) => issuer.judge(token).await,
            (_, None) => Err(Refused::Invalid(Fault::NotOurs)),
        }
    }

    /// What a request without a good token is told: where to get one, with which scopes.
    pub(super) fn challenge(&self, error: Option<(&str, &str)>, scope: Scope) -> HeaderValue {
        challenge::challenge(&self.base, error, scope)
    }

    /// The answer to a token that is not good.
    pub(super) fn not_good(&self, fault: Fault) -> HttpResponse {
        challenge::not_good(self, fault)
    }

    /// The answer to a token that allows less than is asked for.
    pub(super) fn too_narrow(&self, needed: Scope) -> HttpResponse {
        challenge::too_narrow(self, needed)
    }
}
