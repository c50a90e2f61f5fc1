//! What the tables of the chat are read by, and what becomes of the ledger.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::*;
use crate::store::chat::conversations::{self, ConversationRow, Origin};
use crate::store::chat::events::{self, EventRow, EventType, SearchScope};
use crate::store::chat::usage::{self, Purpose, Spent, UsageEntry};

fn entry(day: &str, principal: &str, tokens: i64) -> UsageEntry {
    UsageEntry {
        conversation_id: "c".to_owned(),
        request_id: "r".to_owned(),
        principal: principal.to_owned(),
        day: day.to_owned(),
        at: format!("{day}T00:00:00.000Z"),
        provider: "p".to_owned(),
        model: "m".to_owned(),
        purpose: Purpose::Answer,
        prompt_tokens: tokens,
        completion_tokens: 1,
        cached_tokens: 0,
        cost_micros: 10,
        is_estimate: tokens == 7,
    }
}

/// How SQLite goes about a query.
fn plan(bench: &Bench, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        detail: String,
    }
    let database = Database::at(&bench.directory.path().join("state.db")).unwrap();
    let mut conn = database.connect(connection::READER).unwrap();
    let query = format!("EXPLAIN QUERY PLAN {query}");
    let steps: Vec<Step> = diesel::sql_query(query).load(&mut conn).unwrap();
    steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
}

#[actix::test]
async fn what_is_read_often_is_read_from_an_index() {
    let bench = Bench::new();
    for (query, index) in [
        (usage::SPENT_ON, "COVERING INDEX usage_ledger_by_day"),
        (
            "SELECT * FROM chat_turns WHERE principal = 'a' AND request_id = 'r' AND is_unplaced \
             ORDER BY number DESC LIMIT 1",
            "INDEX chat_turns_unplaced",
        ),
        (
            "SELECT count(*) FROM chat_turns WHERE principal = 'a' \
             AND status IN ('queued', 'running')",
            "INDEX chat_turns_open_by_principal",
        ),
    ] {
        let plan = plan(&bench, query);
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{query}: {plan}");
    }
    // A search reads its index first, from the newest on, and sorts nothing.
    let plan = plan(&bench, &events::SEARCH.replace('?', "'x'"));
    assert!(plan.starts_with("SCAN chat_events_fts VIRTUAL TABLE"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

const TODAY: &str = "2026-11-22";

/// Two days long ago, and today.
fn entries() -> impl Iterator<Item = UsageEntry> {
    let old = (0..10).map(|_| entry("2026-01-01", "anna", 5));
    let others = [entry("2026-01-01", "ben", 7), entry("2026-01-02", "anna", 5)];
    old.chain(others).chain((0..3).map(|_| entry(TODAY, "anna", 100)))
}

#[actix::test]
async fn the_ledger_of_days_long_ago_is_summed_up_and_todays_stays() {
    let bench = Bench::new();
    for _ in 0..2 {
        let write =
            |tx: &mut Transaction<'_>| entries().try_for_each(|entry| usage::append(tx, &entry));
        bench.store.write(write).await.unwrap();
        // In parts: what was summed up before is added to.
        loop {
            let sum_up = |tx: &mut Transaction<'_>| usage::sum_up_before(tx, "2026-11-01", 5);
            if bench.store.write(sum_up).await.unwrap() == 0 {
                break;
            }
        }
    }
    let spent = |day: &'static str| bench.store.read(move |conn| usage::spent_on(conn, day));
    assert_eq!(spent(TODAY).await.unwrap(), Spent { tokens: 606, cost_micros: 60 });
    assert_eq!(spent("2026-01-01").await.unwrap(), Spent::default());
    let days = bench.store.read(|conn| usage::summed_up(conn, "2026-01-01")).await.unwrap();
    let sums: Vec<_> = days
        .iter()
        .map(|day| (day.principal.as_str(), day.entries, day.prompt_tokens, day.cost_micros))
        .collect();
    assert_eq!(sums, [("anna", 20, 100, 200), ("ben", 2, 14, 20)]);
    assert_eq!((days[0].is_estimate, days[1].is_estimate), (false, true));
}

fn conversation(id: &str, owner: &str) -> ConversationRow {
    let at = "2026-11-22T00:00:00.000Z".to_owned();
    ConversationRow {
        id: id.to_owned(),
        owner: owner.to_owned(),
        title: String::new(),
        origin: Origin::Chat,
        session: None,
        parent_id: None,
        fork_seq: None,
        transcript: None,
        last_seq: 1,
        summary_seq: None,
        created_at: at.clone(),
        updated_at: at,
        prompt_tokens: 0,
        completion_tokens: 0,
        cost_micros: 0,
    }
}

fn said(conversation_id: &str, text: &str) -> EventRow {
    EventRow {
        id: format!("evt_{conversation_id}"),
        conversation_id: conversation_id.to_owned(),
        seq: 1,
        timestamp: "2026-11-22T00:00:00.000Z".to_owned(),
        event_type: EventType::UserMessage,
        role: None,
        content: Some(text.to_owned()),
        tool_calls: None,
        tool_call_id: None,
        model: None,
        usage: None,
        extra: None,
        token_count: 1,
        request_id: None,
    }
}

#[actix::test]
async fn the_index_of_the_search_has_what_there_is_and_no_more() {
    let bench = Bench::new();
    let write = |tx: &mut Transaction<'_>| {
        for (id, owner) in [("one", "key: Änna"), ("two", "key: ben")] {
            conversations::insert(tx, &conversation(id, owner))?;
            events::append(tx, &said(id, "a word"))?;
        }
        Ok(())
    };
    bench.store.write(write).await.unwrap();
    let found = |owner: &str| {
        let (owner, words) = (owner.to_owned(), ["word".to_owned()]);
        let scope = SearchScope { owner, conversation_id: None, session: None };
        bench.store.read(move |conn| events::search(conn, &scope, &words, 9))
    };
    assert_eq!(found("key: Änna").await.unwrap()[0].conversation_id, "one");
    // No owner is a part of another's name.
    assert_eq!(found("key:").await.unwrap(), []);
    // It goes as all do, which are nobody's first.
    let remove = |tx: &mut Transaction<'_>| {
        conversations::hide(tx, "one", conversations::Hidden::Going)?;
        conversations::remove(tx, "one")
    };
    bench.store.write(remove).await.unwrap();
    assert_eq!(found("key: Änna").await.unwrap(), []);
    assert_eq!(found("key: ben").await.unwrap().len(), 1);
    let database = Database::at(&bench.directory.path().join("state.db")).unwrap();
    let mut conn = database.connect(connection::WRITER).unwrap();
    let check = "INSERT INTO chat_events_fts (chat_events_fts, rank) VALUES ('integrity-check', 1)";
    conn.batch_execute(check).unwrap();
}
