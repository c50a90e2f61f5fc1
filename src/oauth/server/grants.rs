//! What happens to a grant in one transaction: it is given, redeemed, refreshed, ended.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::oauth::server::board::{Board, Good};
use crate::oauth::server::secret;
use crate::oauth::server::story::{self, End};
use crate::store::oauth::clients;
use crate::store::oauth::grants::{self, GrantRow};
use crate::store::oauth::secrets::{self, SecretKind, SecretRow};
use crate::store::{StoreError, Transaction};

/// How many access tokens of a grant are good at once, and how many refresh tokens are remembered.
const KEPT: (i64, i64) = (4, 256);

/// How long things are good.
#[derive(Debug, Clone, Copy)]
pub struct Lives {
    /// A code.
    pub code: time::Duration,
    /// An access token.
    pub access: time::Duration,
    /// A grant, from its latest refresh on.
    pub grant: time::Duration,
}

/// How much there may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Clients that registered themselves.
    pub clients: i64,
    /// Grants.
    pub grants: i64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { clients: 1_000, grants: 1_000 }
    }
}

/// Tokens that were given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// To be let in.
    pub access: String,
    /// To get the next ones.
    pub refresh: String,
    /// How long the first is good, in seconds.
    pub expires_in: i64,
    /// What it is for, as a list of scopes.
    pub scope: String,
}

/// Who redeems what.
#[derive(Debug, Clone)]
pub(super) enum Redeemed {
    /// A code, with what proves that it is the same client.
    Code { redirect_uri: Option<String>, verifier: String },
    /// A refresh token.
    Refresh,
}

/// What a transaction needs beside the database.
#[derive(Clone)]
pub(super) struct Hands {
    pub(super) board: Arc<Board>,
    pub(super) lives: Lives,
    pub(super) bounds: Bounds,
}

impl Hands {
    /// Gives a grant, with a code of this digest.
    pub(super) fn give(
        &self,
        transaction: &mut Transaction<'_>,
        grant: &GrantRow,
        code_digest: &str,
    ) -> Result<(), StoreError> {
        if let Some(crowded) = grants::next_to_end(transaction, self.bounds.grants)? {
            self.end(transaction, &crowded, End::Crowded)?;
        }
        let expires_at = transaction.now().plus(self.lives.code).to_string();
        let mut grant = grant.clone();
        transaction.stamp().clone_into(&mut grant.created_at);
        grant.expires_at.clone_from(&expires_at);
        grants::add(transaction, &grant)?;
        clients::note_use(transaction, &grant.client_id)?;
        let issued_at = grant.created_at.clone();
        let code = SecretRow {
            digest: code_digest.to_owned(),
            grant_id: grant.id.clone(),
            kind: SecretKind::Code,
            spent: false,
            issued_at,
            expires_at,
        };
        secrets::add(transaction, &code, 1)?;
        story::consented(transaction, &grant)
    }

    /// Exchanges a code or a refresh token of this client. The inner error is why not, which is
    /// committed as well: the second use of something ends its grant.
    pub(super) fn redeem(
        &self,
        transaction: &mut Transaction<'_>,
        (presented, client_id): (&str, &str),
        how: &Redeemed,
        has_key: impl Fn(&str) -> bool,
    ) -> Result<Result<Issued, &'static str>, StoreError> {
        let unknown = "the code or token is not one of this client, or its time is over";
        let digest = secret::digest(presented);
        let Some((found, grant)) = secrets::find_to_use(transaction, &digest)? else {
            return Ok(Err(unknown));
        };
        let (kind, reuse) = match how {
            Redeemed::Code { .. } => (SecretKind::Code, End::CodeReused),
            Redeemed::Refresh => (SecretKind::Refresh, End::RefreshReused),
        };
        if found.kind != kind || grant.client_id != client_id {
            return Ok(Err(unknown));
        }
        if found.spent {
            self.end(transaction, &grant.id, reuse)?;
            return Ok(Err("it was used before, so what was given out for it is no longer good"));
        }
        // Both are written in the same way, so that the later one is the greater one.
        let is_over = |at: &str| at <= transaction.stamp();
        if is_over(&found.expires_at) || is_over(&grant.expires_at) {
            return Ok(Err(unknown));
        }
        if !has_key(&grant.key_name) {
            self.end(transaction, &grant.id, End::KeyGone)?;
            return Ok(Err("the key that consented is no longer valid; consent anew"));
        }
        if let Redeemed::Code { redirect_uri, verifier } = how {
            if redirect_uri.as_ref().is_some_and(|uri| *uri != grant.redirect_uri) {
                return Ok(Err("redirect_uri must be the one that the code was sent to"));
            }
            if !secret::answers(verifier, &grant.challenge) {
                return Ok(Err("code_verifier does not answer the code_challenge"));
            }
        }
        secrets::spend(transaction, &digest)?;
        self.issue(transaction, &grant).map(Ok)
    }

    fn issue(
        &self,
        transaction: &mut Transaction<'_>,
        grant: &GrantRow,
    ) -> Result<Issued, StoreError> {
        let now = transaction.now();
        let row = |kind, text: &str, until: Timestamp| SecretRow {
            digest: secret::digest(text),
            grant_id: grant.id.clone(),
            kind,
            spent: false,
            issued_at: now.to_string(),
            expires_at: until.to_string(),
        };
        let (access, refresh) =
            (secret::draw(SecretKind::Access), secret::draw(SecretKind::Refresh));
        let end = now.plus(self.lives.grant);
        let access_row = row(SecretKind::Access, &access, now.plus(self.lives.access));
        let crowded = secrets::add(transaction, &access_row, KEPT.0)?;
        secrets::add(transaction, &row(SecretKind::Refresh, &refresh, end), KEPT.1)?;
        grants::extend(transaction, &grant.id, &end.to_string())?;
        let (board, good) = (Arc::clone(&self.board), Good::of(&access_row, grant));
        transaction.after_commit(move || {
            board.forget(&crowded);
            if let Some(good) = good {
                board.add(access_row.digest, good, now);
            }
        });
        Ok(Issued {
            access,
            refresh,
            expires_in: self.lives.access.whole_seconds(),
            scope: grant.scope.clone(),
        })
    }

    /// Ends the grant of a token that is given back by its client.
    pub(super) fn revoke(
        &self,
        transaction: &mut Transaction<'_>,
        token: &str,
        client_id: Option<&str>,
    ) -> Result<(), StoreError> {
        let found = secrets::find_to_use(transaction, &secret::digest(token))?;
        match found {
            Some((secret, grant))
                if secret.kind != SecretKind::Code
                    && client_id.is_none_or(|id| id == grant.client_id) =>
            {
                self.end(transaction, &grant.id, End::Revoked)
            }
            _ => Ok(()),
        }
    }

    fn end(&self, transaction: &mut Transaction<'_>, id: &str, end: End) -> Result<(), StoreError> {
        if let Some(ended) = grants::end(transaction, id)? {
            story::ended(transaction, &ended, end)?;
            let board = Arc::clone(&self.board);
            transaction.after_commit(move || board.end(&ended.id));
        }
        Ok(())
    }
}
