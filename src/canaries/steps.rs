//! The pieces of work of a canary: each takes the canary as it is, does one thing outside, and
//! writes down what came of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::canaries::CanaryDeps;
use crate::canaries::decision::{self, Decided, NOT_CONFIRMED};
use crate::canaries::look::{self, Reading};
use crate::canaries::policy::GateChange;
use crate::canaries::record::{self, Ending, Ground};
use crate::canaries::rule::Evidence;
use crate::canaries::sample::StoredSample;
use crate::canaries::view::{CanaryView, Unreadable};
use crate::clock::Timestamp;
use crate::models::{Cause, Confirmed, Entry, ModelError, Restore, Restored};
use crate::store::canaries::{self, CanaryStatus};
use crate::store::{StoreError, Transaction};

/// Why a piece of work came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotYet {
    /// The registry could not be asked.
    #[error(transparent)]
    Models(#[from] ModelError),
    /// The gate could not be put back; that is tried until it is done, whatever is in the way.
    #[error("the gate could not be put back yet: {0}")]
    Restore(#[source] ModelError),
    /// The row has moved on, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody knows yet whether the model stands in the gate; that is asked until it is known, or
    /// for too long.
    #[error("it is not known yet whether the model stands in the gate: {0}")]
    Confirm(#[source] ModelError),
    /// What is stored cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl NotYet {
    /// Whether the same may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Models(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::Restore(_) | Self::Confirm(_) => true,
            Self::Unreadable(_) => false,
        }
    }
}

pub(super) type Done = Result<Arc<CanaryView>, NotYet>;

/// How long to wait for the next look.
pub(super) fn until_next_look(
    view: &CanaryView,
    read_at: Option<(Timestamp, Instant)>,
    now: Timestamp,
) -> Duration {
    // The first look only reads where the counters stand.
    let (Some(seen_at), Some(_)) = (view.seen_at(), &view.row.counters_json) else {
        return Duration::ZERO;
    };
    let since = match read_at {
        Some((_, then)) => then.elapsed(),
        None => now.since(seen_at).try_into().unwrap_or(Duration::ZERO),
    };
    view.window().next_look(view.elapsed()).saturating_sub(view.elapsed() + since)
}

/// Reads a canary with all its measurements, and what they amount to.
pub(super) async fn read(deps: &CanaryDeps, id: &str) -> Done {
    let key = id.to_owned();
    let read = deps.store.read(move |conn| {
        let row = canaries::find(conn, &key)?;
        let mut view = match CanaryView::of_row(row) {
            Ok(view) => view,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let (mut evidence, mut newest) = (Evidence::new(&view.policy), None);
        let mut damaged = false;
        canaries::each_measurement(conn, &key, |metric| match StoredSample::of(&metric) {
            Some(sample) => {
                evidence.observe(&sample.as_poll());
                newest = Some(sample);
            }
            None => damaged = true,
        })?;
        if damaged {
            return Ok(Err(Unreadable { canary: key.clone(), what: "measurements" }));
        }
        view.evidence = Some(evidence);
        view.newest = newest.map(Arc::new);
        Ok(Ok(view))
    });
    Ok(Arc::new(read.await??))
}

/// Reads a canary without its measurements.
pub(super) async fn read_row(deps: &CanaryDeps, id: &str) -> Done {
    let key = id.to_owned();
    let row = deps.store.read(move |conn| canaries::find(conn, &key)).await?;
    Ok(Arc::new(CanaryView::of_row(row)?))
}

/// Decides that a canary is rolled back because its actor could not be kept alive.
pub(super) async fn give_up(deps: &CanaryDeps, view: &Arc<CanaryView>, failure: &str) -> Done {
    decide(deps, view, Decided::supervisor_gave_up(failure)).await
}

/// Puts the model into the gate, or only begins to watch, as the policy has it.
pub(super) async fn enter(deps: &CanaryDeps, view: &Arc<CanaryView>) -> Done {
    if view.policy.gate_change() == GateChange::AtPromotion {
        return change(deps, view, |tx, ground| record::entered(tx, ground, None)).await;
    }
    match deps.models.enter(entry(view)).await {
        Ok(moved) => {
            let moved = json!(moved);
            change(deps, view, move |tx, ground| record::entered(tx, ground, Some(&moved))).await
        }
        Err(error) if error.is_transient() && !is_late(deps, view) => Err(error.into()),
        Err(error) => {
            decide(deps, view, Decided::by_gate(decision::NOT_ENTERED, error.to_string())).await
        }
    }
}

/// Whether a canary has waited for its gate for longer than its whole window.
fn is_late(deps: &CanaryDeps, view: &CanaryView) -> bool {
    let began = view.row.seen_at.as_deref().unwrap_or(&view.row.created_at);
    is_past(deps, began, view.policy.window())
}

/// Whether a promotion was decided longer ago than anything may go unobserved.
fn is_stale(deps: &CanaryDeps, view: &CanaryView) -> bool {
    let decided = view.row.decided_at.as_deref().unwrap_or(&view.row.updated_at);
    is_past(deps, decided, view.window().longest_gap())
}

fn is_past(deps: &CanaryDeps, since: &str, longest: Duration) -> bool {
    let longest = time::Duration::try_from(longest).unwrap_or(time::Duration::MAX);
    Timestamp::parse(since).is_ok_and(|since| longest < deps.clock.now().since(since))
}

/// Writes down what keeps a canary from going on.
pub(super) async fn note_trouble(
    deps: &CanaryDeps,
    view: &Arc<CanaryView>,
    trouble: String,
) -> Done {
    change(deps, view, move |tx, ground| record::troubled(tx, ground, &trouble)).await
}

fn entry(view: &CanaryView) -> Entry {
    Entry {
        model: view.model(),
        gate: view.to_gate(),
        actor: view.row.principal.clone(),
        cause: Cause::Canary(view.canary_id()),
        reason: None,
        evidence: None,
    }
}

/// Looks at the metrics.
pub(super) async fn look(deps: &CanaryDeps, view: &Arc<CanaryView>, reading: Reading) -> Done {
    if view.row.counters_json.is_none() {
        let counters = look::base(deps, view).await;
        return change(deps, view, move |tx, ground| record::based(tx, ground, &counters)).await;
    }
    let looked = look::take(deps, view, reading).await?;
    change(deps, view, move |tx, ground| record::looked(tx, ground, &looked)).await
}

/// Makes sure that the model stands in the gate, and ends the canary as promoted.
pub(super) async fn confirm(deps: &CanaryDeps, view: &Arc<CanaryView>) -> Done {
    // A canary enters its gate once; where it did so at the start, this changes nothing.
    let entered = match view.policy.gate_change() {
        GateChange::AtStart => None,
        GateChange::AtPromotion => match deps.models.enter(entry(view)).await {
            Ok(moved) => Some(moved),
            Err(error) if error.is_transient() && !is_stale(deps, view) => {
                return Err(NotYet::Confirm(error));
            }
            Err(error) => {
                let decided = Decided::by_gate(decision::NOT_ENTERED, error.to_string());
                return decide(deps, view, decided).await;
            }
        },
    };
    let (id, model, gate) = (view.canary_id(), view.model(), view.to_gate());
    let confirmed = match deps.models.confirm(&id, &model, &gate).await {
        // What was seen before says less with every minute in which nobody looks.
        Err(error) if is_stale(deps, view) => {
            return decide(deps, view, Decided::by_gate(NOT_CONFIRMED, error.to_string())).await;
        }
        confirmed => confirmed.map_err(NotYet::Confirm)?,
    };
    match confirmed {
        Confirmed::Ours { reference } => {
            let registry = deps.models.registry();
            let gate = json!({
                "gate": gate, "after": model, "verified": true, "registry": registry,
                "reference": reference, "move": entered,
            });
            let ending = Ending { status: CanaryStatus::Promoted, gate };
            change(deps, view, move |tx, ground| record::ended(tx, ground, &ending)).await
        }
        Confirmed::Conflict { found } => {
            let holder = found.map_or_else(|| "nothing".to_owned(), |model| model.to_string());
            let said = format!("{holder} stands in {gate} now");
            decide(deps, view, Decided::by_gate(decision::GATE_MOVED, said)).await
        }
    }
}

async fn decide(deps: &CanaryDeps, view: &Arc<CanaryView>, decided: Decided) -> Done {
    change(deps, view, move |tx, ground| record::decided(tx, ground, &decided)).await
}

/// Puts the gate back, and ends the canary as rolled back.
pub(super) async fn restore(deps: &CanaryDeps, view: &Arc<CanaryView>) -> Done {
    let reason = view.row.reason.clone().unwrap_or_default();
    let failed = reason == decision::NOT_ENTERED;
    let wish = Restore {
        canary: view.canary_id(),
        model: view.model(),
        gate: view.to_gate(),
        actor: record::SYSTEM.to_owned(),
        reason,
    };
    let gate = match deps.models.restore(wish).await.map_err(NotYet::Restore)? {
        Restored::Done(moved) => json!(moved),
        Restored::NothingToDo => {
            // It may stand there all the same, by somebody who put it there before.
            let holder = deps.models.holder(&view.model(), &view.to_gate()).await;
            json!({ "unchanged": true, "holder": holder.map_err(NotYet::Restore)? })
        }
        Restored::Conflict { found } => json!({ "conflict": true, "found": found }),
    };
    let status = if failed { CanaryStatus::Failed } else { CanaryStatus::RolledBack };
    let ending = Ending { status, gate };
    change(deps, view, move |tx, ground| record::ended(tx, ground, &ending)).await
}

/// Makes a change of the row that `view` has.
async fn change<F>(deps: &CanaryDeps, view: &Arc<CanaryView>, change: F) -> Done
where
    F: Fn(&mut Transaction<'_>, &Ground<'_>) -> Result<Arc<CanaryView>, StoreError>
        + Send
        + 'static,
{
    let (board, view) = (Arc::clone(&deps.board), Arc::clone(view));
    let statistics = Arc::clone(&deps.statistics);
    let record = move |transaction: &mut Transaction<'_>| {
        change(transaction, &Ground { board: &board, statistics: &statistics, view: &view })
    };
    Ok(deps.store.record(record).await?)
}
