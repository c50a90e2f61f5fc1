//! Whatever happens in whatever order, what must hold holds.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::store::gate_moves::GateMoveRow;

/// Sequences, each on a database of its own.
const CASES: usize = 24;

#[derive(Debug, Clone)]
enum Step {
    Promote(u8),
    RollBack(u8),
    Enter { canary: u8, version: u8 },
    Restore { canary: u8, version: u8 },
    MoveElsewhere(u8),
    Fail(u8),
    Unreadable(u8),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let version = || 1..5u8;
    let canary = || 0..3u8;
    prop_oneof![
        4 => version().prop_map(Step::Promote),
        3 => version().prop_map(Step::RollBack),
        4 => (canary(), version()).prop_map(|(canary, version)| Step::Enter { canary, version }),
        4 => (canary(), version()).prop_map(|(canary, version)| Step::Restore { canary, version }),
        2 => version().prop_map(Step::MoveElsewhere),
        4 => (0..6u8).prop_map(Step::Fail),
        1 => (1..3u8).prop_map(Step::Unreadable),
        1 => Just(Step::Restart),
    ]
}

fn version(n: u8) -> ModelId {
    model(&format!("ranker:{n}"))
}

fn fault(n: u8) -> Fault {
    match n {
        0 => Fault::CutAfterwards,
        1 => Fault::CutBefore,
        2 => Fault::Lie,
        3 => Fault::Raced("ranker:9"),
        4 => Fault::OtherGate,
        _ => Fault::Refused,
    }
}

async fn take(bench: &mut Bench, step: Step) {
    let canary = |n: u8| CanaryId::parse(&format!("canary_{n}")).unwrap();
    let (actor, reason) = ("ops".to_owned(), "because".to_owned());
    // Steps may be refused or fail; what must hold is looked at in the end.
    match step {
        Step::Promote(n) => drop(bench.promote(version(n).as_str()).await),
        Step::RollBack(n) => drop(bench.roll_back(version(n).as_str()).await),
        Step::Enter { canary: c, version: n } => {
            let cause = Cause::Canary(canary(c));
            drop(bench.models.enter(entry(version(n).as_str(), cause)).await);
        }
        Step::Restore { canary: c, version: n } => {
            let (canary, model, gate) = (canary(c), version(n), gate());
            drop(bench.models.restore(Restore { canary, model, gate, actor, reason }).await);
        }
        Step::MoveElsewhere(n) => bench.registry.move_elsewhere(&version(n), &gate()),
        Step::Fail(n) => bench.registry.fail([fault(n)]),
        Step::Unreadable(n) => bench.registry.unreadable(n.into()),
        Step::Restart => bench.restart(),
    }
}

fn check(rows: &[GateMoveRow], bench: &Bench, steps: &[Step]) {
    let by_key: HashMap<&str, &GateMoveRow> =
        rows.iter().map(|row| (row.key.as_str(), row)).collect();
    let writes = bench.registry.writes();
    for write in &writes {
        if let Some(key) = &write.key {
            let row = by_key[key.as_str()];
            let text = |model: &Option<ModelId>| model.as_ref().map(ToString::to_string);
            // Each write is what its row says, made from what its row saw.
            assert_eq!(
                (text(&write.before), text(&write.after)),
                (row.before.clone(), row.after.clone()),
                "{steps:?}"
            );
            if row.kind == MoveKind::Restore {
                let undone = rows.iter().find(|entry| Some(entry.id) == row.undoes).unwrap();
                // It took away what its entry had put there, and brought back what that displaced.
                // Somebody who put the same model there cannot be told apart.
                assert_eq!((&undone.before, &undone.after), (&row.after, &row.before));
            }
            assert!(
                matches!(row.state, MoveState::Done | MoveState::Conflict),
                "{row:?}\n{steps:?}"
            );
        }
    }
    // No key was ever made twice, and every move that is called done was made.
    let keys: Vec<&String> = writes.iter().filter_map(|write| write.key.as_ref()).collect();
    let unique: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(keys.len(), unique.len(), "{steps:?}");
    for row in rows.iter().filter(|row| row.state == MoveState::Done) {
        let is_made = keys.contains(&&row.key);
        // Somebody else may have put the same model there, which looks the same.
        let looks_made = writes.iter().any(|write| {
            write.key.is_none() && write.after.as_ref().map(ModelId::as_str) == row.after.as_deref()
        });
        assert!(row.kind == MoveKind::Observe || is_made || looks_made, "{row:?}\n{steps:?}");
    }
}

#[actix::test]
async fn whatever_happens_nothing_of_others_is_undone_and_nothing_stays_open() {
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    for _ in 0..CASES {
        let steps = prop::collection::vec(step(), 30).new_tree(&mut runner).unwrap().current();
        let mut bench = Bench::new();
        for step in steps.clone() {
            take(&mut bench, step).await;
        }
        bench.registry.unreadable(0);
        bench.until_settled().await;
        // One more look at the gate, so that what others did last is seen.
        drop(
            bench
                .models
                .restore(Restore {
                    canary: canary(),
                    model: version(1),
                    gate: gate(),
                    actor: "ops".to_owned(),
                    reason: "to look".to_owned(),
                })
                .await,
        );
        let rows = bench.models.history(&HistoryQuery::default(), 1000).await.unwrap();
        check(&rows, &bench, &steps);
        let chain = bench.store.read(audits::verify).await.unwrap();
        assert!(chain.is_ok(), "{chain:?}");
    }
}
