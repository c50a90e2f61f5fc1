//! What the daemon records of itself, and the actor that keeps it provable.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::error;

use crate::audit::{
    AnchorCounts, Anchorer, Audit, CheckpointPolicy, Exports, Keeper, Refusals, SigningKey,
};
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::{Store, StoreError, sha256_hex};
use crate::supervision::{Ended, Supervision};

/// The audit's doors.
#[derive(Clone)]
pub(super) struct AuditTrail {
    pub(super) audit: Audit,
    pub(super) refusals: Arc<Refusals>,
    pub(super) exports: Exports,
    pub(super) anchors: Arc<AnchorCounts>,
}

impl AuditTrail {
    /// Opens the doors and starts the keeper.
    pub(super) fn start(
        (store, clock): (&Store, &Arc<dyn Clock>),
        settings: &Settings,
        (supervision, arbiter): (&Supervision, &ArbiterHandle),
        on_end: Box<dyn FnOnce(Ended) + Send>,
    ) -> Self {
        let refusals = Arc::<Refusals>::default();
        let policy = checkpoint_policy(settings);
        // Packs lie beside the database, where the daemon may write and there is room.
        let directory = settings.store.db.parent().unwrap_or(Path::new("/")).to_owned();
        let exports = Exports::new(store.clone(), policy.clone(), directory);
        let keeper = Keeper::new(store.clone(), Arc::clone(clock), policy, Arc::clone(&refusals));
        supervision.start_on(arbiter, "audit keeper", keeper, on_end);
        let anchors = Arc::<AnchorCounts>::default();
        if let Some(repository) = &settings.audit.anchor_repo {
            let place = (repository.clone(), settings.audit.anchor_branch.clone());
            let (store, clock) = (store.clone(), Arc::clone(clock));
            let anchorer = Anchorer::new(store, clock, place, Arc::clone(&anchors));
            // Anchors are made up for by the next start; the daemon does without.
            supervision.start_on(arbiter, "anchorer", anchorer, |ended| {
                if let Ended::GaveUp(last) = ended {
                    error!(last, "the audit chain is not anchored until the daemon is restarted");
                }
            });
        }
        Self { audit: Audit::new(store.clone()), refusals, exports, anchors }
    }

    /// Records that the daemon begins to serve.
    pub(super) async fn begin(&self, settings: &Settings) -> Result<(), StoreError> {
        // Secrets are masked in this form.
        self.audit.daemon_started(sha256_hex(format!("{settings:?}").as_bytes())).await
    }

    /// Records that the daemon ends.
    pub(super) async fn end(&self) -> Result<(), StoreError> {
        self.audit.daemon_stops(&self.refusals).await
    }
}

fn checkpoint_policy(settings: &Settings) -> CheckpointPolicy {
    let audit = &settings.audit;
    CheckpointPolicy {
        rows: audit.checkpoint_rows.into(),
        span: Duration::from_mins(audit.checkpoint_minutes.into()),
        key: audit.signing_key.as_ref().and_then(SigningKey::from_seed).map(Arc::new),
    }
}
