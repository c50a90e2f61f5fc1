//! The store as its callers see it: a real file, a real writer, real transactions.

mod chain;
mod chat;
mod mcp_servers;

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::clock::SystemClock;
use crate::ids::{Entity, JobId};
use crate::store::audits::AuditEntry;
use crate::store::events::{CommittedEvent, EventFilter, Kept};
use crate::store::jobs::{JobChange, JobFilter, JobRow, JobStatus};
use crate::supervision::RestartPolicy;

struct Bench {
    store: Store,
    published: Arc<Mutex<Vec<CommittedEvent>>>,
    directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let published = Arc::<Mutex<Vec<CommittedEvent>>>::default();
        let sink = Arc::clone(&published);
        let database = Database::at(&directory.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let store = Store::start(
            database,
            StoreDeps {
                clock: Arc::new(SystemClock),
                publish: Arc::new(move |events| sink.lock().unwrap().extend(events)),
                supervision: Supervision::new(RestartPolicy::default()),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        Self { store, published, directory }
    }
}

fn row(id: &str) -> JobRow {
    let ids = (id.to_owned(), "t".to_owned(), "c".to_owned());
    let at = "2026-11-21T00:00:00.000Z";
    JobRow::accepted(JobStatus::Queued, ids, at, ("anonymous", "local"))
}

fn add(transaction: &mut Transaction<'_>, id: &str) -> Result<(), StoreError> {
    let entity = Entity::job(&JobId::parse(id).unwrap());
    let number = transaction.audit(AuditEntry {
        actor: "anonymous",
        action: "run_eval",
        entity: &entity,
        numbered: Numbered::First,
        payload_json: json!({ "jobId": id }).to_string(),
        message: format!("{id} was accepted."),
    })?;
    jobs::insert(transaction, number, row(id))?;
    transaction.emit((&entity, Some(number)), "queued", &json!({ "status": "QUEUED" }))
}

#[actix::test]
async fn a_change_its_events_and_its_facts_stand_or_fall_together() {
    let bench = Bench::new();
    let store = bench.store.clone();
    store.write(|transaction| add(transaction, "job_a")).await.unwrap();
    let undone = store.write(|transaction| {
        add(transaction, "job_b")?;
        Err::<(), _>(StoreError::Stale)
    });
    assert!(matches!(undone.await, Err(StoreError::Stale)));
    let panicked = store.write(|transaction| {
        add(transaction, "job_c")?;
        panic!("halfway");
        #[expect(unreachable_code, reason = "gives the closure its type")]
        Ok(())
    });
    assert!(matches!(panicked.await, Err(StoreError::Panicked)));
    store.write(|transaction| add(transaction, "job_d")).await.unwrap();

    let left = store.read(jobs::open).await.unwrap();
    assert_eq!(left.iter().map(|job| &*job.job_id).collect::<Vec<_>>(), ["job_a", "job_d"]);
    let published: Vec<_> =
        bench.published.lock().unwrap().iter().map(|e| (e.seq, e.entity.id.clone())).collect();
    assert_eq!(published, [(1, "job_a".into()), (2, "job_d".into())]);
    let head = store.read(audits::verify).await.unwrap().unwrap();
    assert_eq!(head.head.id, 2);
}

#[actix::test]
async fn many_changes_at_once_share_transactions_and_keep_their_order() {
    let bench = Bench::new();
    let writes = (0..200).map(|n| {
        let store = bench.store.clone();
        async move {
            store
                .write(move |transaction| {
                    add(transaction, &format!("job_{n}"))?;
                    if n % 100 == 33 { Err(StoreError::NotFound) } else { Ok(()) }
                })
                .await
        }
    });
    let answers = futures_util::future::join_all(writes).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 198);
    let statistics = bench.store.statistics();
    // Those that failed by themselves did not fail with their transaction.
    assert_eq!((statistics.operations, statistics.failed), (198, 0));
    assert!(statistics.commits < 100, "{statistics:?}");
    let seqs: Vec<_> = bench.published.lock().unwrap().iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=198).collect::<Vec<i64>>());
    bench.store.read(audits::verify).await.unwrap().unwrap();
}

#[actix::test]
async fn a_flood_is_refused_at_once_and_actors_are_not() {
    let bench = Bench::new();
    let places = Arc::clone(&bench.store.places);
    let _all = places.acquire_many(u32::try_from(PLACES).unwrap()).await.unwrap();
    let refused = bench.store.write(|transaction| add(transaction, "job_a")).await;
    assert!(matches!(refused, Err(StoreError::Overloaded)));
    bench.store.record(|transaction| add(transaction, "job_b")).await.unwrap();
}

#[actix::test]
async fn a_job_moves_on_only_from_where_its_caller_saw_it() {
    let bench = Bench::new();
    let store = &bench.store;
    store.write(|transaction| add(transaction, "job_a")).await.unwrap();
    let running = JobChange {
        status: Some(JobStatus::Running),
        run_ref: Some("r".into()),
        ..JobChange::default()
    };
    let seen = row("job_a");
    let (first, change) = (seen.clone(), running.clone());
    let moved = store.write(move |tx| jobs::advance(tx, &first, &change)).await.unwrap();
    assert_eq!((moved.status, moved.run_ref.as_deref()), (JobStatus::Running, Some("r")));
    let again = store.write(move |tx| jobs::advance(tx, &seen, &running)).await;
    assert!(matches!(again, Err(StoreError::Stale)), "{again:?}");

    // A wish to cancel that the caller has not seen is in its way as well.
    let wish = JobChange { cancel_requested_by: Some("k".into()), ..JobChange::default() };
    let before = moved.clone();
    store.write(move |tx| jobs::advance(tx, &before, &wish)).await.unwrap();
    let done = JobChange { status: Some(JobStatus::Completed), ..JobChange::default() };
    let late = store.write(move |tx| jobs::advance(tx, &moved, &done)).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
}

#[actix::test]
async fn audit_rows_cannot_be_changed_or_removed() {
    use diesel::prelude::*;
    let bench = Bench::new();
    bench.store.write(|transaction| add(transaction, "job_a")).await.unwrap();
    for attack in ["UPDATE audits SET actor = 'x'", "DELETE FROM audits"] {
        let refused = bench.store.write(move |transaction| {
            diesel::sql_query(attack).execute(transaction.connection())?;
            Ok(())
        });
        assert!(matches!(refused.await, Err(StoreError::Refused(_))), "{attack}");
    }
    // With the triggers out of the way, the chain still tells.
    let forged = bench.store.write(|transaction| {
        use diesel::connection::SimpleConnection as _;
        transaction.connection().batch_execute(
            "DROP TRIGGER audits_are_never_changed; UPDATE audits SET actor = 'x'",
        )?;
        Ok(())
    });
    forged.await.unwrap();
    let broken = bench.store.read(audits::verify).await.unwrap().unwrap_err();
    assert_eq!((broken.id, broken.what), (1, "it is not as it was written"));
}

#[actix::test]
async fn the_log_replays_what_was_asked_for_and_knows_what_it_lost() {
    let bench = Bench::new();
    for n in 0..6 {
        let add_one = move |tx: &mut Transaction<'_>| add(tx, &format!("job_{n}"));
        bench.store.write(add_one).await.unwrap();
    }
    let seqs = |filters: Vec<EventFilter>, after, up_to| {
        let store = bench.store.clone();
        async move {
            let read = move |conn: &mut Reader| events::replay(conn, &filters, after, up_to, 100);
            store.read(read).await.unwrap().iter().map(|e| e.seq).collect::<Vec<_>>()
        }
    };
    let one = EventFilter::Entity(Entity::job(&JobId::parse("job_2").unwrap()));
    let canaries = EventFilter::Kind(crate::ids::EntityKind::Canary);
    let all_jobs = EventFilter::Kind(crate::ids::EntityKind::Job);
    assert_eq!(seqs(vec![EventFilter::All], 2, 5).await, [3, 4, 5]);
    assert_eq!(seqs(vec![one.clone(), canaries.clone()], 0, 9).await, [3]);
    assert_eq!(seqs(vec![all_jobs], 4, 9).await, [5, 6]);
    assert_eq!(seqs(vec![canaries], 0, 9).await, Vec::<i64>::new());

    let future = "9999-01-01T00:00:00.000Z";
    let removed = bench.store.write(move |tx| events::prune(tx, future, 4)).await.unwrap();
    assert_eq!(removed, 4);
    let kept = bench.store.read(events::kept).await.unwrap();
    assert_eq!(kept, Kept { oldest: 5, newest: 6 });
    bench.store.write(move |tx| events::prune(tx, future, 100)).await.unwrap();
    let kept = bench.store.read(events::kept).await.unwrap();
    assert_eq!(kept, Kept { oldest: 6, newest: 6 });
}

#[actix::test]
async fn things_of_other_kinds_may_have_the_id_of_a_job() {
    let bench = Bench::new();
    bench.store.write(|transaction| add(transaction, "job_a")).await.unwrap();
    let model = Entity::parse("model/job_a").unwrap();
    let told = model.clone();
    let write = bench.store.write(move |transaction| {
        transaction.emit((&told, None), "promoted", &json!({}))?;
        transaction.audit(AuditEntry {
            actor: "system",
            action: "promote_model",
            entity: &told,
            numbered: Numbered::Never,
            payload_json: "{}".to_owned(),
            message: "job_a is a model as well.".to_owned(),
        })
    });
    write.await.unwrap();
    let of = |entity: Entity| {
        let filters = vec![EventFilter::Entity(entity)];
        bench.store.read(move |conn| events::replay(conn, &filters, 0, 9, 9))
    };
    let job = Entity::parse("job/job_a").unwrap();
    let seqs = |found: Vec<CommittedEvent>| found.iter().map(|event| event.seq).collect::<Vec<_>>();
    assert_eq!(seqs(of(job).await.unwrap()), [1]);
    assert_eq!(seqs(of(model).await.unwrap()), [2]);
    let facts = bench.store.read(|conn| audits::about(conn, "job_a")).await.unwrap();
    let actions: Vec<_> = facts.iter().map(|fact| fact.action.as_str()).collect();
    assert_eq!(actions, ["run_eval", "promote_model"]);
}

#[actix::test]
async fn lists_go_newest_first_page_by_page() {
    let bench = Bench::new();
    for n in 0..5 {
        bench.store.write(move |tx| add(tx, &format!("job_{n}"))).await.unwrap();
    }
    let mut filter = JobFilter::default();
    let mut seen = Vec::new();
    loop {
        let asked = filter.clone();
        let page = bench.store.read(move |conn| jobs::list(conn, &asked, 2)).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.before = Some(last.number);
        seen.extend(page.into_iter().map(|job| job.job_id));
    }
    assert_eq!(seen, ["job_4", "job_3", "job_2", "job_1", "job_0"]);
}

#[actix::test]
async fn a_backup_is_whole_private_and_never_overwrites() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench.store.write(|transaction| add(transaction, "job_a")).await.unwrap();
    let database = Database::at(&bench.directory.path().join("state.db")).unwrap();
    let copy = bench.directory.path().join("copy.db");
    back_up(&database, &copy).unwrap();
    assert!(matches!(back_up(&database, &copy), Err(BackupError::Exists)));
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let restored = Database::at(&copy).unwrap();
    assert_eq!(Store::prepare(&restored).unwrap(), Migrated::default());
    let mut conn = restored.connect(connection::READER).unwrap();
    assert_eq!(jobs::open(&mut conn).unwrap().len(), 1);
}

#[track_caller]
fn refused(file: &Path, sign: &str) {
    let before = std::fs::read(file).unwrap();
    let error = Store::prepare(&Database::at(file).unwrap()).unwrap_err();
    assert!(error.to_string().contains(sign), "{error}");
    assert!(!error.to_string().contains(file.to_str().unwrap()), "{error}");
    assert_eq!(std::fs::read(file).unwrap(), before, "a refused file was written to");
}

#[test]
fn a_file_that_must_not_be_written_to_is_refused_and_left_alone() {
    use diesel::connection::SimpleConnection as _;
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);

    std::fs::write(at("garbage.db"), "no database at all, but long enough".repeat(99)).unwrap();
    refused(&at("garbage.db"), "damaged");

    Store::prepare(&Database::at(&at("good.db")).unwrap()).unwrap();
    let good = std::fs::read(at("good.db")).unwrap();
    std::fs::write(at("short.db"), &good[..good.len() / 2]).unwrap();
    refused(&at("short.db"), "damaged");
    let mut torn = good.clone();
    let page = good.len() - 4096 * 3;
    torn[page..page + 4096].fill(0xAB);
    std::fs::write(at("torn.db"), &torn).unwrap();
    refused(&at("torn.db"), "damaged");

    let other = Database::at(&at("other.db")).unwrap();
    let mut conn = other.connect("PRAGMA user_version = 1").unwrap();
    conn.batch_execute("CREATE TABLE someone_elses (x)").unwrap();
    drop(conn);
    refused(&at("other.db"), "another program");
}

#[test]
fn the_schema_is_what_the_migrations_make() {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
        #[diesel(sql_type = diesel::sql_types::Integer)]
        optional: i32,
    }
    let directory = tempfile::tempdir().unwrap();
    let database = Database::at(&directory.path().join("s.db")).unwrap();
    Store::prepare(&database).unwrap();
    let mut conn = database.connect(connection::READER).unwrap();
    let source = concat!(include_str!("../schema.rs"), include_str!("../chat/schema.rs"));
    for table in [
        "jobs",
        "swept_jobs",
        "models",
        "model_gates",
        "gate_moves",
        "audits",
        "audit_checkpoints",
        "audit_removals",
        "webhook_cursors",
        "repository_changes",
        "events",
        "idempotency_keys",
        "meta",
        "conversations",
        "chat_events",
        "chat_turns",
        "usage_ledger",
        "usage_days",
    ] {
        let columns: Vec<Column> = diesel::sql_query(format!(
            "SELECT name, CAST(NOT \"notnull\" AS INTEGER) AS optional \
             FROM pragma_table_info('{table}')"
        ))
        .load(&mut conn)
        .unwrap();
        let declared = source.split(&format!("\n    {table} (")).nth(1).unwrap();
        let declared = declared.split("\n    }").next().unwrap();
        let declared: Vec<_> =
            declared.lines().filter_map(|line| line.trim().split_once(" -> ")).collect();
        assert_eq!(declared.len(), columns.len(), "{table}");
        for ((name, kind), column) in declared.iter().zip(&columns) {
            let name = if *name == "event_type" { "type" } else { name };
            assert_eq!(name, column.name, "{table}");
            assert_eq!(kind.contains("Nullable"), column.optional == 1, "{table}.{name}");
        }
    }
}
