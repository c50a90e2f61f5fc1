//! The registry that is configured, built.

use std::sync::Arc;

use crate::adapters::git::{Author, GitError, GitSettings};
use crate::adapters::outbound::{Credentials, OutboundError};
use crate::adapters::registry::{
    GitRegistry, HttpRegistry, MlflowRegistry, ModelRegistry, RemoteSettings,
};
use crate::config::{RegistryKind, RegistrySettings};
use crate::models::LocalRegistry;
use crate::store::Store;

/// Why the registry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistrySetupError {
    /// The git repository.
    #[error("the registry cannot be used: {0}")]
    Git(#[from] GitError),
    /// The server.
    #[error("the registry cannot be used: {0}")]
    Remote(#[from] OutboundError),
    /// The file with certificates.
    #[error("the registry cannot be used: registry.ca_file cannot be read: {0}")]
    Authorities(std::io::Error),
    /// A setting that it needs is missing.
    #[error("the registry cannot be used: {because} needs {setting}; set it")]
    Missing {
        /// What is set.
        because: &'static str,
        /// What that needs.
        setting: &'static str,
    },
    /// Two ways to say who calls.
    #[error(
        "the registry cannot be used: registry.bearer and registry.user are both set, and only \
         one of them can be sent"
    )]
    TwoCredentials,
}

/// Builds the registry. A server need not answer yet; a repository must be there.
pub(super) fn build(
    settings: &RegistrySettings,
    store: &Store,
) -> Result<Arc<dyn ModelRegistry>, RegistrySetupError> {
    Ok(match settings.kind {
        RegistryKind::Local => Arc::new(LocalRegistry::new(store.clone())),
        RegistryKind::Git => Arc::new(GitRegistry::open(git(settings)?)?),
        RegistryKind::Mlflow => Arc::new(MlflowRegistry::new(&remote(settings)?)?),
        RegistryKind::Http => Arc::new(HttpRegistry::new(&remote(settings)?)?),
    })
}

fn git(settings: &RegistrySettings) -> Result<GitSettings, RegistrySetupError> {
    Ok(GitSettings {
        repository: needed(
            settings.git_repository.clone(),
            ("registry.kind = git", "registry.git_repository"),
        )?,
        branch: settings.git_branch.clone(),
        author: Author {
            name: settings.git_author_name.clone(),
            email: settings.git_author_email.clone(),
        },
    })
}

fn remote(settings: &RegistrySettings) -> Result<RemoteSettings, RegistrySetupError> {
    let credentials = credentials(settings)?;
    let read = settings.ca_file.as_ref().map(std::fs::read);
    Ok(RemoteSettings {
        url: needed(settings.url.clone(), ("registry.kind", "registry.url"))?,
        credentials,
        authorities: read.transpose().map_err(RegistrySetupError::Authorities)?,
        timeout: settings.timeout,
        signing_key: settings.signing_key.clone(),
    })
}

fn needed<T>(
    value: Option<T>,
    (because, setting): (&'static str, &'static str),
) -> Result<T, RegistrySetupError> {
    value.ok_or(RegistrySetupError::Missing { because, setting })
}

fn credentials(settings: &RegistrySettings) -> Result<Credentials, RegistrySetupError> {
    let missing = |because, setting| Err(RegistrySetupError::Missing { because, setting });
    match (&settings.bearer, &settings.user, &settings.password) {
        (None, None, None) => Ok(Credentials::None),
        (Some(bearer), None, None) => Ok(Credentials::Bearer(bearer.clone())),
        (None, Some(user), Some(password)) => {
            Ok(Credentials::Basic { user: user.clone(), password: password.clone() })
        }
        (_, Some(_), None) => missing("registry.user", "registry.password"),
        (_, None, Some(_)) => missing("registry.password", "registry.user"),
        (Some(_), Some(_), Some(_)) => Err(RegistrySetupError::TwoCredentials),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::config::Settings;

    #[test]
    fn half_a_registry_is_refused_in_words() {
        let defaults = Settings::defaults_in(std::path::Path::new("/")).registry;
        let secret = || Some(SecretString::from("secret"));
        let user = || Some("user".to_owned());
        let url = || Some(url::Url::parse("http://127.0.0.1:1").unwrap());
        let refused = |settings: &RegistrySettings| remote(settings).unwrap_err().to_string();
        assert!(git(&defaults).unwrap_err().to_string().contains("registry.git_repository"));
        assert!(refused(&defaults).contains("needs registry.url"));
        let with_url = RegistrySettings { url: url(), ..defaults };
        assert!(remote(&with_url).is_ok());
        let lonely = RegistrySettings { user: user(), ..with_url.clone() };
        assert!(refused(&lonely).contains("needs registry.password"));
        let lonely = RegistrySettings { password: secret(), ..with_url.clone() };
        assert!(refused(&lonely).contains("needs registry.user"));
        let both =
            RegistrySettings { user: user(), password: secret(), bearer: secret(), ..with_url };
        assert!(refused(&both).contains("only one of them"));
    }
}
