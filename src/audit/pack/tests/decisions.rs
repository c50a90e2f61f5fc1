//! The records of decisions in a pack.

use super::*;
use crate::store::Transaction;
use crate::store::canaries::{self, CanaryRow, CanaryStatus, Phase};
use crate::store::decisions::{self, DecisionRow};

fn canary(stamp: &str) -> CanaryRow {
    CanaryRow {
        canary_id: "canary_x".to_owned(),
        number: 0,
        model_id: "ranker:2".to_owned(),
        from_gate: "staging".to_owned(),
        to_gate: "production".to_owned(),
        status: CanaryStatus::RolledBack,
        created_at: stamp.to_owned(),
        updated_at: stamp.to_owned(),
        policy_json: "{}".to_owned(),
        phase: Phase::Over,
        version: 1,
        dry_run: false,
        principal: "ops".to_owned(),
        source: "scrape".to_owned(),
        elapsed_ms: 0,
        seen_at: None,
        polls: 0,
        counters_json: None,
        sample_hash: String::new(),
        reason: None,
        decision_id: None,
        decided_at: None,
        trouble: None,
    }
}

/// Records a decision and the fact that names its record.
fn decide(transaction: &mut Transaction<'_>, id: &str) -> Result<(), crate::store::StoreError> {
    let (id, at) = (format!("decision_{id}"), transaction.stamp().to_owned());
    let record = json!({ "decisionId": id, "reason": "<b>=1+1</b>" }).to_string();
    let row = DecisionRow::new(id.clone(), "canary_x".to_owned(), at, record);
    decisions::insert(transaction, &row)?;
    let details = json!({ "decisionId": id, "decisionHash": row.hash });
    transaction.audit_daemon(
        "system",
        "canary_rollback",
        &details,
        "It was rolled back.".into(),
    )?;
    Ok(())
}

async fn bench() -> Bench {
    let bench = Bench::new();
    let write = bench.store.write(|transaction| {
        let row = canary(transaction.stamp());
        canaries::insert(transaction, 1, row)?;
        decide(transaction, "one")?;
        decide(transaction, "two")
    });
    write.await.unwrap();
    bench.facts(&["after them"]).await;
    bench
}

#[actix::test]
async fn the_records_are_in_the_pack_and_proved_by_their_rows() {
    let pack = bench().await.pack().await;
    check(&pack).unwrap();
    let files = files(&pack);
    let text = &files.iter().find(|(name, _)| name == DECISIONS).unwrap().1;
    let records: Vec<DecisionRow> = serde_json::from_str(text).unwrap();
    let ids: Vec<&str> = records.iter().map(|record| &*record.decision_id).collect();
    assert_eq!(ids, ["decision_one", "decision_two"]);
}

#[actix::test]
async fn a_record_that_was_changed_left_out_or_made_up_is_found() {
    let files = files(&bench().await.pack().await);
    let change = |change: &dyn Fn(&mut Vec<DecisionRow>)| {
        altered(&files, DECISIONS, |text| {
            let mut records: Vec<DecisionRow> = serde_json::from_str(text).unwrap();
            change(&mut records);
            serde_json::to_string(&records).unwrap()
        })
    };
    let forger = |record: &mut DecisionRow| {
        let DecisionRow { decision_id, canary_id, at, .. } = record.clone();
        *record = DecisionRow::new(decision_id, canary_id, at, r#"{"reason":"fine"}"#.to_owned());
    };
    for (what, tampered) in [
        ("changed", change(&|all| all[0].record_json = "{}".to_owned())),
        ("changed with its hash", change(&|all| forger(&mut all[1]))),
        ("left out", change(&|all| drop(all.pop()))),
        ("made up", change(&|all| all.push(all[0].clone()))),
        ("in another order", change(&|all| all.swap(0, 1))),
    ] {
        let found = check(&packed(&tampered, true)).unwrap_err();
        assert!(found.contains(DECISIONS), "{what}: {found}");
    }
}
