//! What a conversation does is recorded with whose it is and who allowed it, and counted.

use serde_json::json;
use tokio::sync::Notify;

use super::fake_model::Step::{Call, Say, Vanish};
use super::*;
use crate::ids::{ApprovalId, Entity, ModelId};
use crate::store::Numbered;
use crate::store::audits::{self, AuditEntry};

/// Records something as a tool does that a conversation calls, and answers with what is kept of it:
/// the member of the details, and the sentence.
async fn recorded(bench: &Bench) -> (Value, String) {
    let record = bench.store.record(|transaction| {
        let entity = Entity::model(&ModelId::parse("ranker:12").unwrap());
        transaction.audit(AuditEntry {
            actor: "chat:c",
            action: "promote_model",
            entity: &entity,
            numbered: Numbered::Never,
            payload_json: json!({ "modelId": "ranker:12" }).to_string(),
            message: "It was promoted.".to_owned(),
        })
    });
    record.await.unwrap();
    let facts = bench.store.read(|conn| audits::about(conn, "ranker:12")).await.unwrap();
    let fact = facts.into_iter().next_back().unwrap();
    assert_eq!(fact.hash, fact.expected_hash());
    let details: Value = serde_json::from_str(&fact.payload_json).unwrap();
    assert_eq!(details["modelId"], "ranker:12");
    (details["conversation"].clone(), fact.message)
}

async fn allow(bench: &Bench, decision: Decision, by: &str) {
    let is_question = |event: &Event| {
        matches!(&event.body, Body::Note { note: Note::ApprovalRequested { .. }, .. })
    };
    bench.until("c", "a question", |events| events.iter().any(is_question)).await;
    let pending = bench.chat.approvals(Some(&id("c")), 9).await.unwrap();
    let approval = ApprovalId::parse(&pending[0].row.id).unwrap();
    bench.chat.decide(by, &approval, decision).await.unwrap();
}

#[actix::test]
async fn a_call_names_whose_it_is_and_who_allowed_it() {
    let call = |tool| vec![Call(vec![("1", tool, "{}")])];
    let script = vec![
        call("ops__change"),
        vec![Say("Done.")],
        call("ops__change"),
        vec![Say("Done again.")],
        call("ops__look"),
        vec![Say("Seen.")],
    ];
    let bench = Bench::new(FakeModel::saying(script)).await;
    let gate = Arc::new(Notify::new());
    *bench.tools.gate.lock().unwrap() = Some(Arc::clone(&gate));
    bench.send("c", "r1", "promote it").await;
    allow(&bench, Decision::Always, "key:2").await;
    bench.tools.begun.notified().await;
    let (told, said) = recorded(&bench).await;
    let wanted = call_ids(&bench.journal("c").await);
    let expected = json!({
        "id": "c", "owner": "key-1", "requestId": "r1", "callId": wanted[0],
        "approvedBy": "key:2",
    });
    assert_eq!(told, expected);
    let sentence =
        "It was promoted. It was done in a conversation of key-1, where key:2 allowed it.";
    assert_eq!(said, sentence);
    gate.notify_one();
    bench.until_over("c", 1).await;

    // What was allowed for the whole conversation still names who did that.
    bench.send("c", "r2", "once more").await;
    bench.tools.begun.notified().await;
    let (told, _) = recorded(&bench).await;
    assert_eq!((&told["requestId"], &told["approvedBy"]), (&json!("r2"), &json!("key:2")));
    gate.notify_one();
    bench.until_over("c", 2).await;

    // What nobody has to allow names nobody, and neither does what comes after the call.
    bench.send("c", "r3", "look").await;
    bench.tools.begun.notified().await;
    let (told, said) = recorded(&bench).await;
    let wanted = call_ids(&bench.journal("c").await);
    assert_eq!((&told["callId"], told.get("approvedBy")), (&json!(wanted[2]), None));
    assert_eq!(said, "It was promoted. It was done in a conversation of key-1.");
    gate.notify_one();
    bench.until_over("c", 3).await;
    assert_eq!(recorded(&bench).await.0, json!({ "id": "c", "owner": "key-1" }));
}

#[actix::test]
async fn endings_and_what_was_spent_are_counted() {
    let script = vec![vec![Say("Yes.")], vec![Vanish]];
    let bench = Bench::new(FakeModel::saying(script)).await;
    bench.ask("c", "r1", "Is it?").await;
    bench.ask("c", "r2", "And now?").await;
    let now = bench.chat.statistics();
    assert_eq!(now.ended, [("complete", 1), ("error", 1), ("cancelled", 0)]);
    let [spent] = now.spent.as_slice() else { panic!("{now:?}") };
    let figures = (spent.provider.as_str(), spent.prompt_tokens, spent.completion_tokens);
    assert_eq!((figures.0, figures.2), ("fake", 12));
    // What broke off before the first word was sent all the same.
    assert!(30 + 10 < figures.1, "{figures:?}");
}
