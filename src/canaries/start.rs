//! Accepting a canary.

use std::sync::Arc;

use serde_json::json;

use crate::adapters::metrics::{MetricsSource, NotOffered};
use crate::canaries::policy::{Mode, Policy, Step};
use crate::canaries::rule::{self, Evidence, Feasibility};
use crate::canaries::supervisor::Launch;
use crate::canaries::view::CanaryView;
use crate::canaries::{Canaries, CanaryError, MOST_OPEN, machine, record, sample, watch};
use crate::ids::{CanaryId, GateId, ModelId};
use crate::store::canaries::{self, CanaryRow, CanaryStatus, Phase};
use crate::store::{StoreError, Transaction};
use crate::supervision::deliver;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewCanary {
    /// The model to watch.
    pub model: ModelId,
    /// The gate it comes from.
    pub from_gate: GateId,
    /// The gate to watch it in.
    pub to_gate: GateId,
    /// How it is judged.
    pub policy: Policy,
    /// Whether it is to change nothing.
    pub dry_run: bool,
    /// Who asks.
    pub principal: String,
}

impl NewCanary {
    /// The gate in which the model stands while it is watched.
    pub(super) fn watched_gate(&self) -> GateId {
        let enters = self.policy.enters_at_start(self.dry_run);
        if enters { self.to_gate.clone() } else { self.from_gate.clone() }
    }
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Started {
    /// The canary as it was accepted.
    pub view: Arc<CanaryView>,
    /// Whether its window can come to a verdict.
    pub feasibility: Feasibility,
    /// What the evidence will lack, each a sentence without its full stop.
    pub caveats: Vec<String>,
}

enum Accepted {
    New(Arc<CanaryView>),
    Watched(CanaryId),
}

impl Canaries {
    /// Accepts a canary: when this answers, it is in the database and will be carried out.
    ///
    /// # Errors
    /// There is no source for its metrics, another canary watches the gate, the registry cannot
    /// have such a model or gate, or the store failed; there is then no canary.
    pub async fn begin(&self, new: NewCanary) -> Result<Started, CanaryError> {
        let source = self.deps.source.clone().ok_or(NotOffered::Source)?;
        source.offers().cover(watch::needs(&new.policy))?;
        let open = self.deps.board.open();
        if MOST_OPEN <= open {
            return Err(CanaryError::TooMany(open));
        }
        if new.from_gate == new.to_gate {
            return Err(CanaryError::SameGate(new.to_gate));
        }
        if new.policy.mode() == Mode::Both && !self.deps.can_compare {
            return Err(CanaryError::NotComparable);
        }
        self.deps.models.check(&new.model, &new.to_gate)?;
        let glance = watch::glance(&*source, &new, self.deps.clock.now()).await;
        let feasibility = rule::feasibility(&new.policy, glance.requests_per_second);
        let told = json!(feasibility);
        let (board, supervisor) = (Arc::clone(&self.deps.board), self.supervisor.clone());
        let accepted = self.deps.store.write(move |transaction| {
            if !new.dry_run
                && let Some(other) = watched_by(transaction, &new)?
            {
                return Ok(Accepted::Watched(other));
            }
            let view = new_view(transaction, &new, &*source);
            let view = record::accept(transaction, &board, &view, &told)?;
            // Launched by the commit and not by this future, which a caller may drop.
            let (launched, supervisor) = (Arc::clone(&view), supervisor.clone());
            transaction.after_publish(move || {
                deliver(&supervisor, Launch(launched));
            });
            Ok(Accepted::New(view))
        });
        match accepted.await? {
            Accepted::New(view) => Ok(Started { view, feasibility, caveats: glance.caveats }),
            Accepted::Watched(other) => Err(CanaryError::Watched(other)),
        }
    }
}

/// The canary that watches another version of the same model in the same gate.
fn watched_by(
    transaction: &mut Transaction<'_>,
    new: &NewCanary,
) -> Result<Option<CanaryId>, StoreError> {
    let same_name = |row: &CanaryRow| {
        ModelId::parse(&row.model_id).is_ok_and(|model| model.name() == new.model.name())
    };
    let watching = canaries::watching(transaction, new.to_gate.as_str())?;
    let other = watching.into_iter().find(same_name);
    Ok(other.and_then(|row| CanaryId::parse(&row.canary_id).ok()))
}

fn new_view(
    transaction: &mut Transaction<'_>,
    new: &NewCanary,
    source: &dyn MetricsSource,
) -> CanaryView {
    let stamp = transaction.stamp().to_owned();
    let phase = machine::first_phase(new.policy.needs_approval(Step::Start), new.dry_run);
    let row = CanaryRow {
        canary_id: CanaryId::generate(transaction.id_prefix()).to_string(),
        number: 0,
        model_id: new.model.to_string(),
        from_gate: new.from_gate.to_string(),
        to_gate: new.to_gate.to_string(),
        status: if new.dry_run { CanaryStatus::Pending } else { CanaryStatus::Running },
        created_at: stamp.clone(),
        updated_at: stamp.clone(),
        policy_json: json!(new.policy).to_string(),
        phase,
        version: 1,
        dry_run: new.dry_run,
        principal: new.principal.clone(),
        source: source.name().to_owned(),
        elapsed_ms: 0,
        seen_at: (phase == Phase::Observing).then_some(stamp),
        polls: 0,
        counters_json: None,
        sample_hash: sample::NO_SAMPLES.to_owned(),
        reason: None,
        decision_id: None,
        decided_at: None,
        trouble: None,
    };
    CanaryView {
        row,
        policy: Arc::new(new.policy.clone()),
        evidence: Some(Evidence::new(&new.policy)),
        newest: None,
    }
}
