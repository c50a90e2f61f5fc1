//! The actor through which every move goes: one at a time for each place, and what was left open is
//! taken up again until it is settled.
//!
//! It keeps nothing that is not in the database. After a failure, and after a restart of the
//! daemon, it begins from the moves that are open there.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::LocalBoxFuture;
use tracing::{info, warn};

use super::ModelDeps;
use super::place::PlaceKey;
use crate::ids::{GateId, ModelId};
use crate::store::gate_moves;

/// The first wait before what is open is looked at again; it doubles.
const RETRY_FIRST: Duration = Duration::from_millis(500);

/// The longest such wait.
const RETRY_LAST: Duration = Duration::from_secs(30);

/// Whether something may be open after a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It went as it should.
    Nothing,
    /// It failed, and a move may be open.
    Perhaps,
}

/// A piece of work at one place; it answers its caller itself.
pub(super) type Work = Box<dyn FnOnce(Arc<ModelDeps>) -> LocalBoxFuture<'static, Left> + Send>;

/// Does a piece of work when its place is free.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Do {
    pub(super) place: PlaceKey,
    pub(super) work: Work,
}

/// What goes on at one place.
#[derive(Default)]
struct Lane {
    waiting: VecDeque<Work>,
    busy: bool,
    /// The next look at what is open.
    look: Option<SpawnHandle>,
    failures: u32,
}

pub(super) struct GateKeeper {
    deps: Arc<ModelDeps>,
    lanes: HashMap<PlaceKey, Lane>,
    failures: u32,
}

fn back_off(failures: u32) -> Duration {
    RETRY_FIRST.saturating_mul(2u32.saturating_pow(failures)).min(RETRY_LAST)
}

impl GateKeeper {
    pub(super) fn new(deps: Arc<ModelDeps>) -> Self {
        Self { deps, lanes: HashMap::new(), failures: 0 }
    }

    fn go_on(&mut self, place: PlaceKey, ctx: &mut Context<Self>) {
        let Some(lane) = self.lanes.get_mut(&place).filter(|lane| !lane.busy) else { return };
        let Some(work) = lane.waiting.pop_front() else {
            if lane.look.is_none() {
                self.lanes.remove(&place);
            }
            return;
        };
        lane.busy = true;
        let work = work(Arc::clone(&self.deps)).into_actor(self);
        ctx.spawn(work.map(move |left, keeper, ctx| keeper.finish(place, left, ctx)));
    }

    fn finish(&mut self, place: PlaceKey, left: Left, ctx: &mut Context<Self>) {
        fail::fail_point!("gate-finished");
        let Some(lane) = self.lanes.get_mut(&place) else { return };
        lane.busy = false;
        match left {
            Left::Nothing => lane.failures = 0,
            Left::Perhaps if lane.look.is_none() => {
                let wait = back_off(lane.failures);
                lane.failures = lane.failures.saturating_add(1);
                let there = place.clone();
                let look = ctx.run_later(wait, |keeper, ctx| keeper.look(there, ctx));
                lane.look = Some(look);
            }
            Left::Perhaps => {}
        }
        self.go_on(place, ctx);
    }

    /// Settles what is open at a place, before anything else is done there.
    fn look(&mut self, place: PlaceKey, ctx: &mut Context<Self>) {
        let lane = self.lanes.entry(place.clone()).or_default();
        lane.look = None;
        let there = place.clone();
        lane.waiting.push_front(Box::new(move |deps| {
            Box::pin(async move {
                match deps.settle_place(&there).await {
                    Ok(()) => Left::Nothing,
                    Err(error) => {
                        let (gate, model) = (there.gate.as_str(), &*there.model_name);
                        warn!(gate, model, %error, "a move of a gate is not settled yet");
                        Left::Perhaps
                    }
                }
            })
        }));
        self.go_on(place, ctx);
    }

    /// Takes up what is open in the database.
    fn take_up(&mut self, ctx: &mut Context<Self>) {
        let store = self.deps.store.clone();
        let read = async move { store.read(gate_moves::open).await };
        // No mail is opened before what is open is known.
        ctx.wait(read.into_actor(self).map(|open, keeper, ctx| match open {
            Ok(rows) => {
                keeper.failures = 0;
                for row in rows {
                    keeper.take_up_row(&row, ctx);
                }
            }
            Err(error) => {
                warn!(%error, "the open moves of gates cannot be read yet");
                let wait = back_off(keeper.failures);
                keeper.failures = keeper.failures.saturating_add(1);
                ctx.run_later(wait, Self::take_up);
            }
        }));
    }

    fn take_up_row(&mut self, row: &gate_moves::GateMoveRow, ctx: &mut Context<Self>) {
        let registry = self.deps.registry.name();
        let (gate, model) = (row.gate.as_str(), row.model_id.as_str());
        if row.registry != registry {
            let of = row.registry.as_str();
            warn!(gate, model, of, registry, "an open move belongs to a registry that is not used");
            return;
        }
        info!(gate, model, "a move of a gate is taken up");
        if let (Ok(model), Ok(gate)) = (ModelId::parse(model), GateId::parse(gate)) {
            self.look(PlaceKey::new(registry, &model, &gate), ctx);
        }
    }
}

impl Actor for GateKeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.take_up(ctx);
    }
}

impl Supervised for GateKeeper {
    fn restarting(&mut self, _: &mut Self::Context) {
        // The callers of what waited are told by their channels, which close here.
        self.lanes.clear();
        self.failures = 0;
    }
}

impl Handler<Do> for GateKeeper {
    type Result = ();

    fn handle(&mut self, Do { place, work }: Do, ctx: &mut Self::Context) {
        self.lanes.entry(place.clone()).or_default().waiting.push_back(work);
        self.go_on(place, ctx);
    }
}
