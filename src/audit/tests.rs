//! Removing what was kept long enough, as housekeeping does.

use std::sync::Arc;

use actix::prelude::*;
use serde_json::json;

use super::*;
use crate::clock::Clock;
use crate::store::{Database, StoreDeps};
use crate::supervision::{RestartPolicy, Supervision};

/// A clock that stands.
struct Standing(&'static str);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::parse(self.0).unwrap()
    }
}

fn store(database: &Database, now: &'static str) -> Store {
    let deps = StoreDeps {
        clock: Arc::new(Standing(now)),
        publish: Arc::new(|_| ()),
        supervision: Supervision::new(RestartPolicy::default()),
        arbiter: Arbiter::new().handle(),
        on_end: Box::new(|_| ()),
    };
    Store::start(database.clone(), deps)
}

#[actix::test]
async fn what_was_kept_long_enough_goes_and_its_going_is_a_fact() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::at(&directory.path().join("state.db")).unwrap();
    Store::prepare(&database).unwrap();
    let policy = CheckpointPolicy { rows: 2, span: Duration::from_hours(1), key: None };
    for (year, facts) in [("2020-01-01T00:00:00.000Z", 3), ("2024-01-01T00:00:00.000Z", 2)] {
        let (store, policy) = (store(&database, year), policy.clone());
        let write = store.write(move |tx| {
            for n in 0..facts {
                tx.audit_daemon("system", "fact", &json!({ "n": n }), format!("Fact {n}."))?;
            }
            policy.make(tx)
        });
        write.await.unwrap();
    }
    let now = "2024-06-01T00:00:00.000Z";
    let store = store(&database, now);
    let audit = Audit::new(store.clone());
    let now = Timestamp::parse(now).unwrap();
    let days = |days: u64| Duration::from_hours(24 * days);
    assert_eq!(audit.remove_old(days(400), now).await.unwrap(), 3);
    assert_eq!(audit.remove_old(days(400), now).await.unwrap(), 0);
    let verified = store.read(audits::verify).await.unwrap().unwrap();
    assert_eq!((verified.before.id, verified.rows()), (3, 4));
    let facts = audit.about("daemon").await.unwrap();
    let actions: Vec<_> = facts.iter().map(|fact| fact.action.as_str()).collect();
    assert_eq!(actions, ["fact", "fact", "audit_remove", "audit_remove"]);
    assert!(facts[2].message.starts_with("2 facts up to row 2"), "{}", facts[2].message);
}

/// Anybody who may write a file can name it like a model.
#[actix::test]
async fn facts_about_a_file_are_not_told_of_a_model_of_its_name() {
    use crate::ids::{Entity, ModelId};
    use crate::store::audits::AuditEntry;
    use crate::store::{Numbered, Subject};
    let directory = tempfile::tempdir().unwrap();
    let database = Database::at(&directory.path().join("state.db")).unwrap();
    Store::prepare(&database).unwrap();
    let store = store(&database, "2026-11-21T00:00:00.000Z");
    let write = store.write(|tx| {
        let model = Entity::model(&ModelId::parse("m1").unwrap());
        tx.audit(AuditEntry {
            actor: "ops",
            action: "promote_model",
            entity: &model,
            numbered: Numbered::Never,
            payload_json: "{}".to_owned(),
            message: "Promoted.".to_owned(),
        })?;
        for name in ["m1", "m2"] {
            let said = ("ops", "write_file");
            tx.audit_subject(said, Subject::File(name), &json!({}), "Written.".to_owned())?;
        }
        Ok(())
    });
    write.await.unwrap();
    let audit = Audit::new(store);
    let actions = |rows: Vec<AuditRow>| rows.into_iter().map(|row| row.action).collect::<Vec<_>>();
    assert_eq!(actions(audit.about("m1").await.unwrap()), ["promote_model"]);
    assert_eq!(actions(audit.about_repository("m1").await.unwrap()), ["write_file"]);
    assert_eq!(actions(audit.about("m2").await.unwrap()), ["write_file"]);
}
