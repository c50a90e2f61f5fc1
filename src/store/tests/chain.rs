//! The audit chain as it grows, is sealed, ages and is attacked.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::store::checkpoints::Checkpoint;
use crate::store::schema::audits::dsl;

/// A clock that is set by hand.
#[derive(Clone)]
struct Hand(Arc<Mutex<Timestamp>>);

impl Hand {
    fn at(text: &str) -> Self {
        Self(Arc::new(Mutex::new(Timestamp::parse(text).unwrap())))
    }

    fn set(&self, text: &str) {
        *self.0.lock().unwrap() = Timestamp::parse(text).unwrap();
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A store whose rows are as old as the hand says.
fn aged(hand: &Hand) -> Bench {
    let mut bench = Bench::new();
    let database = Database::at(&bench.directory.path().join("aged.db")).unwrap();
    Store::prepare(&database).unwrap();
    bench.store = Store::start(
        database,
        StoreDeps {
            clock: Arc::new(hand.clone()),
            publish: Arc::new(|_| ()),
            supervision: Supervision::new(RestartPolicy::default()),
            arbiter: Arbiter::new().handle(),
            on_end: Box::new(|_| ()),
        },
    );
    bench
}

async fn facts(store: &Store, count: usize) {
    for n in 0..count {
        let add = move |tx: &mut Transaction<'_>| {
            tx.audit_daemon("system", "fact", &json!({ "n": n }), format!("Fact {n}."))
        };
        store.write(add).await.unwrap();
    }
}

async fn checkpoint(store: &Store, rows: i64, now: bool) -> Vec<Checkpoint> {
    store.write(move |tx| checkpoints::make(tx, rows, now, |_| ())).await.unwrap()
}

async fn attack(store: &Store, sql: &'static str) -> Result<(), StoreError> {
    store.write(move |tx| Ok(tx.connection().batch_execute(sql)?)).await
}

async fn broken(store: &Store) -> (i64, &'static str) {
    let broken = store.read(audits::verify).await.unwrap().unwrap_err();
    (broken.id, broken.what)
}

#[actix::test]
async fn checkpoints_come_every_so_many_rows_and_once_for_the_last() {
    let bench = Bench::new();
    let store = &bench.store;
    assert_eq!(checkpoint(store, 3, true).await, []);
    facts(store, 8).await;
    let sizes = |made: Vec<Checkpoint>| made.iter().map(|one| one.size).collect::<Vec<_>>();
    assert_eq!(sizes(checkpoint(store, 3, false).await), [3, 6]);
    assert_eq!(sizes(checkpoint(store, 3, false).await), [0; 0]);
    assert_eq!(sizes(checkpoint(store, 3, true).await), [8]);
    assert_eq!(sizes(checkpoint(store, 3, true).await), [0; 0]);
    let verified = store.read(audits::verify).await.unwrap().unwrap();
    assert_eq!(sizes(verified.checkpoints), [3, 6, 8]);
    assert_eq!((verified.head.id, verified.before), (8, ChainHead::genesis()));
}

#[actix::test]
async fn checkpoints_and_facts_cannot_be_changed_removed_or_replaced() {
    let bench = Bench::new();
    let store = &bench.store;
    facts(store, 4).await;
    checkpoint(store, 3, false).await;
    for sql in [
        "UPDATE audit_checkpoints SET head = 'x'",
        "DELETE FROM audit_checkpoints",
        "INSERT OR REPLACE INTO audit_checkpoints (size, head, ts) VALUES (3, 'x', 'x')",
        "INSERT OR REPLACE INTO audits SELECT * FROM audits WHERE id = 2",
        "DELETE FROM audits WHERE id <= 3",
        "INSERT INTO audit_removals (up_to) VALUES (3)",
        "INSERT INTO audit_removals (up_to) VALUES (2)",
    ] {
        let refused = attack(store, sql).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{sql}: {refused:?}");
    }
    store.read(audits::verify).await.unwrap().unwrap();
}

#[actix::test]
async fn every_change_of_a_chain_is_found_once_a_checkpoint_covers_it() {
    let free = "DROP TRIGGER audits_are_never_changed; DROP TRIGGER audits_are_never_deleted; \
                DROP TRIGGER audits_are_never_replaced; \
                DROP TRIGGER audit_checkpoints_are_never_changed;";
    for (sql, expected) in [
        ("UPDATE audits SET actor = 'x' WHERE id = 2", (2, "it is not as it was written")),
        ("DELETE FROM audits WHERE id = 2", (3, "a row before it is missing")),
        (
            "DELETE FROM audits WHERE id = 1",
            (2, "rows before it are missing, and no checkpoint stands for them"),
        ),
        (
            "UPDATE audits SET prev_hash = (SELECT hash FROM audits WHERE id = 1) WHERE id = 3",
            (3, "it does not follow from the row before it"),
        ),
        (
            "UPDATE audits SET id = 100 WHERE id = 2; UPDATE audits SET id = 2 WHERE id = 3; \
             UPDATE audits SET id = 3 WHERE id = 100",
            (2, "it does not follow from the row before it"),
        ),
        (
            "DELETE FROM audits WHERE 3 <= id",
            (4, "it is missing with all rows since the last, and a checkpoint was made of it"),
        ),
        (
            "UPDATE audit_checkpoints SET head = 'x'",
            (4, "it is not the row of which a checkpoint was made"),
        ),
    ] {
        let bench = Bench::new();
        facts(&bench.store, 5).await;
        checkpoint(&bench.store, 4, false).await;
        attack(&bench.store, free).await.unwrap();
        attack(&bench.store, sql).await.unwrap();
        assert_eq!(broken(&bench.store).await, expected, "{sql}");
    }
}

/// Whoever owns the file can write the whole chain anew; a checkpoint is what shows it.
#[actix::test]
async fn a_row_with_its_hash_written_anew_is_found_at_the_checkpoint() {
    let bench = Bench::new();
    let store = &bench.store;
    facts(store, 3).await;
    checkpoint(store, 3, false).await;
    attack(store, "DROP TRIGGER audits_are_never_changed").await.unwrap();
    let rewrite = |tx: &mut Transaction<'_>| {
        let conn = tx.connection();
        let mut prev = GENESIS.to_owned();
        let mut rows = Vec::new();
        audits::each::<StoreError>(conn, 1, 3, |row| {
            rows.push(row);
            Ok(())
        })?;
        for mut row in rows {
            row.actor = "nobody".to_owned();
            row.prev_hash = std::mem::take(&mut prev);
            row.hash = row.expected_hash();
            prev.clone_from(&row.hash);
            diesel::update(dsl::audits.find(row.id))
                .set((
                    dsl::actor.eq(&row.actor),
                    dsl::prev_hash.eq(&row.prev_hash),
                    dsl::hash.eq(&row.hash),
                ))
                .execute(conn)?;
        }
        Ok(())
    };
    store.write(rewrite).await.unwrap();
    assert_eq!(broken(store).await, (3, "it is not the row of which a checkpoint was made"));
}

#[actix::test]
async fn old_segments_are_removed_whole_and_the_rest_still_verifies() {
    let hand = Hand::at("2020-01-01T00:00:00.000Z");
    let bench = aged(&hand);
    let store = &bench.store;
    facts(store, 5).await;
    checkpoint(store, 2, true).await;
    hand.set("2024-01-01T00:00:00.000Z");
    facts(store, 2).await;
    checkpoint(store, 100, true).await;
    let remove = |before: &'static str| {
        store.write(move |tx| Ok(audits::remove_segment(tx, before)?.map(|gone| gone.rows)))
    };
    assert_eq!(remove("2020-01-01T00:00:00.000Z").await.unwrap(), None);
    let before = "2023-01-01T00:00:00.000Z";
    assert_eq!(remove(before).await.unwrap(), Some(2));
    let verified = store.read(audits::verify).await.unwrap().unwrap();
    assert_eq!((verified.before.id, verified.rows()), (2, 5));
    assert_eq!(remove(before).await.unwrap(), Some(2));
    assert_eq!(remove(before).await.unwrap(), Some(1));
    assert_eq!(remove(before).await.unwrap(), None);
    // The newest row stays, so that the chain goes on from it.
    assert_eq!(remove("2026-01-01T00:00:00.000Z").await.unwrap(), None);
    facts(store, 1).await;
    let verified = store.read(audits::verify).await.unwrap().unwrap();
    assert_eq!((verified.before.id, verified.rows(), verified.head.id), (5, 3, 8));
    let refused = attack(store, "DELETE FROM audits WHERE id = 6").await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
}

#[actix::test]
async fn rows_of_the_last_half_year_are_kept_whatever_is_asked() {
    let bench = Bench::new();
    let store = &bench.store;
    facts(store, 4).await;
    checkpoint(store, 2, false).await;
    let far = "9999-01-01T00:00:00.000Z";
    let refused = store.write(move |tx| audits::remove_segment(tx, far)).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    assert_eq!(store.read(audits::verify).await.unwrap().unwrap().rows(), 4);
}

#[actix::test]
async fn a_range_is_a_piece_of_the_chain_whatever_the_clock_did() {
    let hand = Hand::at("2026-01-01T00:00:00.000Z");
    let bench = aged(&hand);
    for day in ["2026-01-01", "2026-01-03", "2026-01-02", "2026-01-05"] {
        hand.set(&format!("{day}T00:00:00.000Z"));
        facts(&bench.store, 1).await;
    }
    let range = async |from: &'static str, to: &'static str| {
        bench.store.read(move |conn| audits::range(conn, from, to)).await.unwrap()
    };
    assert_eq!(range("2026-01-02T00:00:00.000Z", "2026-01-04T00:00:00.000Z").await, (1, 3));
    assert_eq!(range("2026-01-03T00:00:00.000Z", "2026-01-03T00:00:00.000Z").await, (1, 3));
    assert_eq!(range("2025-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z").await, (0, 4));
    assert_eq!(range("2026-01-06T00:00:00.000Z", "2027-01-01T00:00:00.000Z").await, (4, 4));
    assert_eq!(range("2026-01-04T00:00:00.000Z", "2026-01-04T12:00:00.000Z").await, (3, 3));
}

/// `why` must stay quick when there are many rows: both ways to a thing's facts use an index.
#[actix::test]
async fn the_facts_about_a_thing_are_found_by_an_index() {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        detail: String,
    }
    let bench = Bench::new();
    let database = Database::at(&bench.directory.path().join("state.db")).unwrap();
    let mut conn = database.connect(connection::READER).unwrap();
    for number in [None, Some(7)] {
        let query = audits::about_query("x", number.into_iter().collect());
        let query = diesel::debug_query::<diesel::sqlite::Sqlite, _>(&query).to_string();
        let (query, _binds) = query.split_once(" -- binds").unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {query}");
        let steps: Vec<Step> = diesel::sql_query(plan).load(&mut conn).unwrap();
        let plan: Vec<_> = steps.into_iter().map(|step| step.detail).collect();
        let uses = |index: &str| plan.iter().any(|step| step.contains(index));
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{query}: {plan:?}");
        assert!(uses("audits_by_entity"), "{query}: {plan:?}");
        assert!(number.is_none() || uses("audits_by_number"), "{query}: {plan:?}");
    }
}
