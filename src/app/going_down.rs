//! What is done in which order when the daemon goes down?

use std::time::Duration;

use actix_web::dev::ServerHandle;
use tracing::warn;

use super::audit_trail::AuditTrail;
use crate::events::Hub;
use crate::http::{Lifecycle, Phase};
use crate::store::Store;

/// Has streams end and what is in flight finish.
pub(super) async fn drain(
    handle: &ServerHandle,
    lifecycle: &Lifecycle,
    events: &Hub,
    deadline: Duration,
) {
    lifecycle.enter(Phase::Draining);
    events.shut_down();
    if tokio::time::timeout(deadline, handle.stop(true)).await.is_err() {
        warn!("some requests were not over by the deadline");
        handle.stop(false).await;
    }
}

/// Writes the end down and moves the log into the database.
pub(super) async fn settle(trail: &AuditTrail, store: &Store, deadline: Duration) {
    let stop = tokio::time::timeout(deadline, trail.end()).await;
    if !matches!(stop, Ok(Ok(()))) {
        warn!("the end of the daemon was not recorded");
    }
    let checkpoint = tokio::time::timeout(deadline, store.checkpoint()).await;
    if !matches!(checkpoint, Ok(Ok(()))) {
        warn!("the log was not moved into the database; the next start does it");
    }
}
