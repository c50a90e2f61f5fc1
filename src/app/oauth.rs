//! OAuth, from the settings.

use std::sync::Arc;

use url::Url;

use super::parts::Parts;
use super::{AppError, system};
use crate::adapters::outbound::Reach;
use crate::http::{Keys, Oauth};
use crate::oauth::server::{AuthorizationServer, Bounds, Lives, ServerSettings};
use crate::oauth::{Issuer, IssuerSettings, Scope};
use crate::tools::Role;

/// The daemon's own authorization server, if there is to be one. Settings without an address for it
/// were refused.
pub(super) async fn server(parts: &Parts<'_>) -> Result<Option<AuthorizationServer>, AppError> {
    let settings = &parts.settings.oauth;
    let base = parts.settings.server.public_base_url.as_ref().filter(|_| settings.built_in);
    let Some(base) = base else { return Ok(None) };
    let auth = &parts.settings.auth;
    let keys = Keys::new(&auth.api_keys, &auth.read_keys);
    let scope = |role| match role {
        Role::Read => Scope::Read,
        Role::Operate => Scope::Operate,
    };
    let server = AuthorizationServer::start(ServerSettings {
        store: parts.store.clone(),
        clock: Arc::clone(parts.clock),
        base: base.as_str().trim_end_matches('/').to_owned(),
        keys: keys.holders().map(|(name, role)| (name.to_owned(), scope(role))).collect(),
        lives: Lives {
            code: time::Duration::minutes(1),
            access: time::Duration::minutes(settings.access_token_minutes.into()),
            grant: time::Duration::days(settings.refresh_token_days.into()),
        },
        bounds: Bounds::default(),
        // Whoever develops on one machine has clients there as well.
        reach: if base.scheme() == "http" { Reach::PublicAndLoopback } else { Reach::Public },
    });
    Ok(Some(server.await?))
}

/// OAuth, if it is on.
pub(super) fn build(
    parts: &Parts<'_>,
    server: Option<AuthorizationServer>,
) -> Result<Option<Arc<Oauth>>, AppError> {
    let settings = &parts.settings.oauth;
    let base = parts.settings.server.public_base_url.as_ref();
    let Some(base) = base.filter(|_| settings.is_on()) else { return Ok(None) };
    let issuer =
        settings.issuer.as_ref().map(|issuer| issuer_of(parts, base, issuer)).transpose()?;
    Ok(Some(Arc::new(Oauth::new(base, issuer, server))))
}

fn issuer_of(parts: &Parts<'_>, base: &Url, issuer: &str) -> Result<Issuer, AppError> {
    let settings = &parts.settings.oauth;
    let authorities = settings.ca_file.as_ref().map(std::fs::read).transpose();
    let resource = || format!("{}/mcp", base.as_str().trim_end_matches('/'));
    Ok(Issuer::new(IssuerSettings {
        issuer: issuer.to_owned(),
        audience: settings.audience.clone().unwrap_or_else(resource),
        jwks_uri: settings.jwks_uri.clone(),
        authorities: authorities.map_err(system("read the file of oauth.ca_file"))?,
        clock: Arc::clone(parts.clock),
    })?)
}
