//! The earlier backend's database comes in once, and is left as it was.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::fake_model::Step::Say;
use super::*;
use crate::chat::{TakeOverError, TakenOver, take_over_once};
use crate::config::chat::RepositorySettings;
use crate::store::chat::conversations;

/// The table as the earlier backend makes it.
const TABLE: &str = "PRAGMA journal_mode = WAL; CREATE TABLE chat_events (
    id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL, seq INTEGER, timestamp TEXT NOT NULL,
    type TEXT NOT NULL, role TEXT, content TEXT, tool_calls TEXT, tool_call_id TEXT, model TEXT,
    usage TEXT, extra TEXT, token_count INTEGER, request_id TEXT);
    CREATE UNIQUE INDEX idx_request ON chat_events (conversation_id, request_id);
    CREATE INDEX idx_conversation_seq ON chat_events (conversation_id, seq);";

const TALK: &str = "8b0f7c4e-58c5-4d3f-b0b1-0b7f4a9a61ad";

fn write(path: &Path, statements: &str) {
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute(statements).unwrap();
}

fn rows() -> String {
    format!(
        r#"{TABLE}
        INSERT INTO chat_events (id, conversation_id, seq, timestamp, type, role, content, model,
            usage, extra, token_count, request_id) VALUES
        ('3', '{TALK}', 3, '2025-08-03T06:44:05.123456+00:00', 'user_message', 'user',
            '[not json', NULL, NULL, '{{"request_id":"r2"}}', 3, 'r2'),
        ('1', '{TALK}', 1, '2025-08-03T06:44:00.123456+00:00', 'user_message', 'user',
            '[{{"type":"text","text":"Hello"}},{{"type":"text","text":"there"}}]', NULL, NULL,
            '{{"request_id":"r1"}}', 2, 'r1'),
        ('d', '{TALK}', 2, '2025-08-03T06:44:01+00:00', 'meta', 'assistant', 'Hello',
            NULL, NULL, '{{"kind":"assistant_delta"}}', 1, NULL),
        ('2', '{TALK}', 2, '2025-08-03T08:44:02+02:00', 'assistant_message', 'assistant',
            'bonbon', 'llama', '{{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}',
            '{{"user_request_id":"r1"}}', NULL, NULL),
        ('x', '{TALK}', 4, 'yesterday', 'nonsense', 'user', 'left out', NULL, NULL, NULL, 1, NULL),
        ('y', '{TALK}', 5, 'yesterday', 'user_message', 'user', CAST(x'c3' AS TEXT), NULL, NULL,
            NULL, 1, NULL),
        ('b', 'by time', NULL, '2025-08-03 07:00:01', 'assistant_message', 'assistant', 'second',
            NULL, NULL, NULL, 1, NULL),
        ('a', 'by time', 9, '2025-08-03 07:00:00.5', 'user_message', 'user', 'first', NULL, NULL,
            NULL, 1, NULL),
        ('z', '', 1, '2025-08-03 07:00:00', 'user_message', 'user', 'whose?', NULL, NULL, NULL, 1,
            NULL);"#
    )
}

struct Case {
    bench: Bench,
    directory: TempDir,
}

impl Case {
    async fn new() -> Self {
        let bench = Bench::new(FakeModel::saying(Vec::new())).await;
        Self { bench, directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("events ?#%.db")
    }

    async fn take_over(&self) -> Result<Option<TakenOver>, TakeOverError> {
        self.take_over_with(|_| ()).await
    }

    async fn take_over_with(
        &self,
        change: impl FnOnce(&mut RepositorySettings),
    ) -> Result<Option<TakenOver>, TakeOverError> {
        let mut settings = sample().repository;
        settings.earlier_database = Some(self.path());
        change(&mut settings);
        take_over_once(&self.bench.store, &settings, "key-1", "llama").await
    }
}

#[actix::test]
async fn what_was_said_comes_in_once_in_its_order_and_goes_on() {
    let case = Case::new().await;
    write(&case.path(), &rows());
    let before = std::fs::read(case.path()).unwrap();
    let taken = case.take_over().await.unwrap();
    assert_eq!(taken, Some(TakenOver { conversations: 2, events: 5, left_out: 4 }));
    assert_eq!(case.take_over().await.unwrap(), None);
    assert_eq!(std::fs::read(case.path()).unwrap(), before);
    let beside = std::fs::read_dir(case.directory.path()).unwrap().count();
    assert_eq!(beside, 1, "nothing is made beside the file");

    let journal = case.bench.journal(TALK).await;
    assert_eq!(said(&journal), ["Hello\nthere", "[not json"]);
    // Never repaired by a guess.
    assert_eq!(answers(&journal), ["bonbon"]);
    let times: Vec<&str> = journal.iter().map(|event| event.at.as_str()).collect();
    let expected =
        ["2025-08-03T06:44:00.123Z", "2025-08-03T06:44:02.000Z", "2025-08-03T06:44:05.123Z"];
    assert_eq!(times, expected);
    assert!(journal.iter().all(|event| 3 < event.tokens), "{journal:#?}");

    let found = case.bench.chat.find("key-1", &id(TALK)).await.unwrap();
    assert_eq!((found.title.as_str(), found.updated_at.as_str()), ("Hello there", expected[2]));
    assert_eq!(found.origin, Origin::Import);
    assert!(case.bench.chat.find("key-2", &id(TALK)).await.is_err());

    // It goes on where it was, and the model knows what was said.
    case.bench.model.then(vec![Say("still here")]);
    let frames = case.bench.ask(TALK, "r1", "and now?").await;
    assert_eq!(words(&frames), "still here");
    let shown = format!("{:?}", case.bench.model.asked()[0].messages);
    assert!(shown.contains("Hello\\nthere") && shown.contains("bonbon"), "{shown}");
}

#[actix::test]
async fn rows_without_a_place_stand_where_their_time_is() {
    let case = Case::new().await;
    write(&case.path(), &rows());
    case.take_over().await.unwrap();
    let listed =
        conversations::ConversationFilter { owner: "key-1".to_owned(), session: None, after: None };
    let listed = case.bench.store.read(move |conn| conversations::list(conn, &listed, 9)).await;
    let listed = listed.unwrap();
    let by_time = &listed.iter().find(|row| row.title == "first").unwrap().id;
    assert!(by_time.starts_with("earlier-"), "{by_time}");
    let journal = case.bench.journal(by_time).await;
    assert_eq!((said(&journal), answers(&journal)), (vec!["first"], vec!["second"]));
    assert_eq!(journal[0].at, "2025-08-03T07:00:00.500Z");
    let id = by_time.clone();
    let facts = case.bench.store.read(move |conn| crate::store::audits::about(conn, &id)).await;
    let fact = &facts.unwrap()[0];
    assert_eq!((fact.action.as_str(), fact.actor.as_str()), ("conversation_imported", "system"));
    assert!(fact.payload_json.contains("by time"), "{}", fact.payload_json);
}

#[actix::test]
async fn what_is_not_kept_does_not_come_in_and_what_is_missing_may_come_later() {
    let case = Case::new().await;
    assert_eq!(case.take_over().await.unwrap(), None);
    std::fs::write(case.path(), "").unwrap();
    assert_eq!(case.take_over().await.unwrap(), None);
    write(&case.path(), &rows());
    let forgets = |settings: &mut RepositorySettings| settings.is_persistent = false;
    assert_eq!(case.take_over_with(forgets).await.unwrap(), None);
    let clears = |settings: &mut RepositorySettings| settings.clear_on_startup = true;
    assert_eq!(case.take_over_with(clears).await.unwrap(), None);
    assert_eq!(case.take_over().await.unwrap().unwrap().conversations, 2);
}

#[actix::test]
async fn a_file_that_is_something_else_is_refused_in_words() {
    let case = Case::new().await;
    for content in [&b"this is no database, however long it may be"[..], &[0; 4096]] {
        std::fs::write(case.path(), content).unwrap();
        let error = case.take_over().await.unwrap_err().to_string();
        assert!(error.contains("move it aside, or remove chat.service.repository.path"), "{error}");
    }
    std::fs::remove_file(case.path()).unwrap();
    write(&case.path(), "CREATE TABLE chat_events (id TEXT, raw TEXT); ");
    assert!(case.take_over().await.is_err());
}

/// An earlier backend that was killed leaves a log beside its database, with what it said last.
#[actix::test]
async fn what_is_only_in_the_log_comes_in_as_well() {
    let case = Case::new().await;
    let mut conn = SqliteConnection::establish(case.path().to_str().unwrap()).unwrap();
    conn.batch_execute(&rows()).unwrap();
    assert!(case.directory.path().join("events ?#%.db-wal").exists());
    assert_eq!(case.take_over().await.unwrap().unwrap().events, 5);
}
