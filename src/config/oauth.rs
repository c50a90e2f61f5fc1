//! The settings of OAuth, and what must be true of them together.

use std::path::PathBuf;

use url::Url;

use super::error::ConfigError;
use super::keys::{Group, declare_group, setting};
use super::load::Reader;
use super::settings::{AuthSettings, ServerSettings};
use super::value::{Kind, is_safe};

declare_group! {
    /// Letting clients in by tokens of OAuth beside keys; off unless one of its two halves is set.
    oauth: OauthSettings {
        /// The authorization server whose tokens are accepted, exactly as its tokens name it. Needs
        /// `server.public_base_url`.
        issuer: Option<String> = setting("oauth.issuer", Kind::Issuer)
            .variables(&["LUKHAS_MCP_OAUTH_ISSUER"])
            .optional("https://id.example.org/realms/ops");
        /// The audience that tokens must name; without it, `server.public_base_url` with `/mcp`.
        audience: Option<String> = setting("oauth.audience", Kind::Text)
            .variables(&["LUKHAS_MCP_OAUTH_AUDIENCE"])
            .optional("https://mcp.example.org/mcp");
        /// Where the issuer publishes its keys; without it, its metadata say so.
        jwks_uri: Option<Url> = setting("oauth.jwks_uri", Kind::SafeUrl)
            .variables(&["LUKHAS_MCP_OAUTH_JWKS_URI"])
            .optional("https://id.example.org/realms/ops/protocol/openid-connect/certs");
        /// Certificates in PEM of the authorities that are trusted for the issuer instead of the
        /// system's.
        ca_file: Option<PathBuf> = setting("oauth.ca_file", Kind::Path)
            .variables(&["LUKHAS_MCP_OAUTH_CA_FILE"])
            .optional("issuer-ca.pem");
        /// Whether the daemon is an authorization server itself, for clients that know nothing but
        /// OAuth. Consent is given with an API key. Needs keys, and an https
        /// `server.public_base_url`.
        built_in: bool = setting("oauth.built_in", Kind::Bool)
            .variables(&["LUKHAS_MCP_OAUTH_BUILT_IN"])
            .default("false");
        /// Minutes that an access token of the daemon's own is good.
        access_token_minutes: u32 = setting("oauth.access_token_minutes", Kind::integer(1, 1_440))
            .variables(&["LUKHAS_MCP_OAUTH_ACCESS_TOKEN_MINUTES"])
            .default("60");
        /// Days without a refresh after which a consent ends.
        refresh_token_days: u32 = setting("oauth.refresh_token_days", Kind::integer(1, 365))
            .variables(&["LUKHAS_MCP_OAUTH_REFRESH_TOKEN_DAYS"])
            .default("30");
    }
}

impl OauthSettings {
    /// Whether somebody may come in by a token.
    pub fn is_on(&self) -> bool {
        self.built_in || self.issuer.is_some()
    }

    /// Refuses halves that lack what they need.
    pub(super) fn refuse_half_measures(
        &self,
        server: &ServerSettings,
        auth: &AuthSettings,
    ) -> Result<(), ConfigError> {
        let base = server.public_base_url.as_ref();
        if self.issuer.is_some() && base.is_none() {
            return Err(ConfigError::NoPublicAddress);
        }
        let has_keys = !(auth.api_keys.is_empty() && auth.read_keys.is_empty());
        if self.built_in && !(has_keys && base.is_some_and(is_safe)) {
            return Err(ConfigError::NoConsent);
        }
        Ok(())
    }
}
