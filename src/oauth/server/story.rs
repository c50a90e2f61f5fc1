//! How is it told what became of consents? Never a code or a token.

use serde_json::json;

use crate::store::oauth::grants::GrantRow;
use crate::store::{StoreError, Subject, Transaction};

/// Why a grant ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its client, or who had one of its tokens, gave it back.
    Revoked,
    /// A code was presented a second time.
    CodeReused,
    /// A token for refreshing was presented a second time.
    RefreshReused,
    /// The key by which somebody consented is no longer one.
    KeyGone,
    /// There were too many, and this one was used longest ago.
    Crowded,
}

impl End {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Revoked => ("oauth_revoke", "was revoked"),
            Self::CodeReused => {
                ("oauth_reuse", "was ended, because its code was presented a second time")
            }
            Self::RefreshReused => (
                "oauth_reuse",
                "was ended, because a refresh token that had been replaced was presented again",
            ),
            Self::KeyGone => {
                ("oauth_end", "was ended, because the key that consented is no longer valid")
            }
            Self::Crowded => {
                ("oauth_end", "was ended to make room, because it was used longest ago")
            }
        }
    }
}

/// Somebody consented.
pub(super) fn consented(
    transaction: &mut Transaction<'_>,
    grant: &GrantRow,
) -> Result<(), StoreError> {
    let payload = json!({
        "clientId": grant.client_id,
        "clientName": grant.client_name,
        "redirectUri": grant.redirect_uri,
        "principal": grant.principal,
        "scope": grant.scope,
    });
    let message = format!(
        "{} consented that the client {:?} ({}) acts as {}, for {}.",
        grant.key_name, grant.client_name, grant.client_id, grant.principal, grant.scope
    );
    let subject = Subject::Grant(&grant.id);
    transaction.audit_subject((&grant.key_name, "oauth_consent"), subject, &payload, message)?;
    Ok(())
}

/// A grant ended before its time.
pub(super) fn ended(
    transaction: &mut Transaction<'_>,
    grant: &GrantRow,
    end: End,
) -> Result<(), StoreError> {
    let (action, why) = end.words();
    let payload = json!({ "clientId": grant.client_id, "principal": grant.principal });
    let message = format!(
        "The consent of {} that the client {:?} acts as {} {why}.",
        grant.key_name, grant.client_name, grant.principal
    );
    let actor = match end {
        End::Revoked => &*grant.principal,
        End::CodeReused | End::RefreshReused | End::KeyGone | End::Crowded => "system",
    };
    transaction.audit_subject((actor, action), Subject::Grant(&grant.id), &payload, message)?;
    Ok(())
}
