//! Which access tokens are good, without asking the database? A cache of its rows.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::clock::Timestamp;
use crate::oauth::Scope;
use crate::store::oauth::grants::GrantRow;
use crate::store::oauth::secrets::SecretRow;

/// A good access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Good {
    grant_id: String,
    pub(super) principal: String,
    pub(super) key_name: String,
    pub(super) scope: Scope,
    pub(super) resource: String,
    expires_at: Timestamp,
}

impl Good {
    /// What the rows say; `None` if that cannot be read.
    pub(super) fn of(secret: &SecretRow, grant: &GrantRow) -> Option<Self> {
        Some(Self {
            grant_id: grant.id.clone(),
            principal: grant.principal.clone(),
            key_name: grant.key_name.clone(),
            scope: Scope::broadest(&grant.scope)?,
            resource: grant.resource.clone(),
            expires_at: Timestamp::parse(&secret.expires_at).ok()?,
        })
    }
}

/// The good ones, by digest.
#[derive(Debug, Default)]
pub(super) struct Board(RwLock<HashMap<String, Good>>);

impl Board {
    /// Adds one that was committed; those whose time is over go.
    pub(super) fn add(&self, digest: String, good: Good, now: Timestamp) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, known| now < known.expires_at);
        all.insert(digest, good);
    }

    /// Removes those of a grant that has ended.
    pub(super) fn end(&self, grant_id: &str) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, known| known.grant_id != grant_id);
    }

    /// Removes those with these digests.
    pub(super) fn forget(&self, digests: &[String]) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|digest, _| !digests.contains(digest));
    }

    /// The one with this digest, if it is good at this time.
    pub(super) fn find(&self, digest: &str, now: Timestamp) -> Option<Good> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(digest).filter(|good| now < good.expires_at).cloned()
    }
}
