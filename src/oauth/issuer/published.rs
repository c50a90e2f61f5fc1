//! Where does an issuer publish its keys, and what are they just now?

use serde::Deserialize;
use url::Url;

use crate::adapters::outbound::{Answer, Call, Outbound, OutboundError, OutboundOptions};
use crate::oauth::issuer::key_set::{KeySet, UnusableSet};

/// How much of an answer is read, in bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// What errors call it.
const SERVER: &str = "the issuer of tokens";

/// The issuer, as it is asked for its keys.
#[derive(Debug)]
pub(super) struct Published {
    /// Exactly as tokens name it.
    issuer: String,
    /// Where its metadata are, in the order of trying.
    metadata: Vec<Url>,
    /// Where its keys are, if the settings say it.
    keys: Option<Url>,
    options: OutboundOptions,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("{SERVER} answered with status {0} where its keys should be")]
    Status(u16),
    #[error("{SERVER} publishes metadata at none of their places")]
    NoMetadata,
    #[error("{SERVER} publishes metadata of another issuer")]
    AnotherIssuer,
    #[error("{SERVER} names a place of its keys that is neither https nor its own server")]
    KeysElsewhere,
    #[error("{SERVER} cannot be used: {0}")]
    Keys(#[from] UnusableSet),
    #[error("{SERVER} did not publish its keys in time")]
    TooSlow,
}

/// What is read of RFC 8414's or `OpenID`'s metadata.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Published {
    /// The issuer as the settings have it.
    ///
    /// # Errors
    /// It cannot be called, or its certificates are none.
    pub(super) fn new(
        issuer: &str,
        keys: Option<Url>,
        options: OutboundOptions,
    ) -> Result<Self, OutboundError> {
        let base = Url::parse(issuer).map_err(|_not_one| OutboundError::Base { server: SERVER })?;
        Outbound::new(SERVER, base.clone(), &options)?;
        Ok(Self { issuer: issuer.to_owned(), metadata: places(&base), keys, options })
    }

    /// Asks for the keys.
    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let place = match &self.keys {
            Some(place) => place.clone(),
            None => self.discover().await?,
        };
        let answer = self.get(&place).await?;
        match answer.status {
            200 => Ok(KeySet::read(&answer.body)?),
            status => Err(FetchError::Status(status)),
        }
    }

    async fn discover(&self) -> Result<Url, FetchError> {
        for place in &self.metadata {
            let answer = self.get(place).await?;
            let metadata = (answer.status == 200).then(|| answer.json::<Metadata>());
            let Some(Ok(metadata)) = metadata else { continue };
            if metadata.issuer != self.issuer {
                return Err(FetchError::AnotherIssuer);
            }
            let keys = Url::parse(&metadata.jwks_uri).ok();
            let is_safe = |keys: &Url| keys.scheme() == "https" || keys.origin() == place.origin();
            return keys.filter(is_safe).ok_or(FetchError::KeysElsewhere);
        }
        Err(FetchError::NoMetadata)
    }

    async fn get(&self, place: &Url) -> Result<Answer, FetchError> {
        // Who asks keeps a pace of its own, whatever became of the last time.
        let outbound = Outbound::new(SERVER, place.clone(), &self.options)?.without_breaker();
        let call = Call::get(&[]).header("accept", "application/json").at_most(LONGEST_ANSWER);
        Ok(outbound.call(&call).await?)
    }
}

/// Where the metadata of an issuer may be: after RFC 8414, then after `OpenID`, which has its own
/// word before the path or after it.
fn places(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let paths = [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    let mut places = Vec::new();
    for path in paths {
        let mut place = issuer.clone();
        place.set_path(&path);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_are_looked_for_before_and_after_the_path() {
        let of = |issuer: &str| -> Vec<String> {
            places(&Url::parse(issuer).unwrap()).into_iter().map(String::from).collect()
        };
        let bare = [
            "https://id.example/.well-known/oauth-authorization-server",
            "https://id.example/.well-known/openid-configuration",
        ];
        assert_eq!(of("https://id.example"), bare);
        assert_eq!(of("https://id.example/"), bare);
        assert_eq!(
            of("https://id.example/realms/ops"),
            [
                "https://id.example/.well-known/oauth-authorization-server/realms/ops",
                "https://id.example/.well-known/openid-configuration/realms/ops",
                "https://id.example/realms/ops/.well-known/openid-configuration",
            ]
        );
    }
}
