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
