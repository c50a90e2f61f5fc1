//! Taking over what earlier programs left, once.

use tracing::info;

use super::AppError;
use super::parts::Parts;
use crate::chat::{self, TakenOver};
use crate::config::Settings;
use crate::config::chat::ChatSettings;
use crate::http::Keys;
use crate::legacy_state::{self, Imported};
use crate::store::Store;

/// Whose things are where nobody needs a key.
const ANYBODY: &str = "anonymous";

/// Takes over the earlier server's state, if it is there and was not taken over before.
pub(super) async fn state(store: &Store, settings: &Settings) -> Result<(), AppError> {
    let imported = legacy_state::import_once(store, &settings.store.legacy_state).await?;
    if let Some(Imported { jobs, models, skipped }) = imported {
        info!(jobs, models, skipped, "the earlier server's state was taken over");
    }
    Ok(())
}

/// Takes over the earlier chat backend's conversations, in the same way. It knew of no owners: they
/// become those of the first key that operates, or of everybody where nobody needs a key.
pub(super) async fn conversations(
    parts: &Parts<'_>,
    settings: &ChatSettings,
) -> Result<(), AppError> {
    let keys = Keys::new(&parts.settings.auth.api_keys, &[]);
    let owner = keys.names().next().unwrap_or(ANYBODY);
    let model = &settings.llm.active().model;
    let taken = chat::take_over_once(parts.store, &settings.repository, owner, model).await?;
    if let Some(TakenOver { conversations, events, left_out }) = taken {
        info!(owner, conversations, events, left_out, "the earlier chat was taken over");
    }
    Ok(())
}
