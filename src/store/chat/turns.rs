//! The `chat_turns` table: what was asked, and how far its answer is.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::chat_turns as table;
use crate::store::text_enum::text_enum;

text_enum! {
    /// How far the answer to a request is.
    TurnStatus("status of a turn") {
        /// It waits for the requests before it.
        Queued = "queued",
        /// It is being worked on.
        Running = "running",
        /// It was answered.
        Complete = "complete",
        /// It ended without an answer.
        Error = "error",
        /// Somebody ended it.
        Cancelled = "cancelled",
    }
}

impl TurnStatus {
    /// Whether it will never change again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Error | Self::Cancelled)
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct TurnRow {
    /// Its number, which rises.
    pub number: i64,
    /// Where it was made.
    pub conversation_id: String,
    /// What its client calls it.
    pub request_id: String,
    /// Who made it.
    pub principal: String,
    /// How far it is.
    pub status: TurnStatus,
    /// What was asked, as JSON.
    pub request_json: String,
    /// A digest of that.
    pub request_hash: String,
    /// The place of its first event.
    pub first_seq: Option<i64>,
    /// The place of its last event, once it is over.
    pub last_seq: Option<i64>,
    /// How often the model was asked for the answer that is to come next.
    pub attempts: i32,
    /// Who wants it ended.
    pub cancel_requested_by: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Tokens of what was asked for it so far.
    pub prompt_tokens: i64,
    /// Tokens of what was answered.
    pub completion_tokens: i64,
    /// Both, and what models thought unseen.
    pub total_tokens: i64,
    /// Those of what was asked that a provider had in a cache.
    pub cached_tokens: i64,
    /// What it cost so far, in millionths of the currency of the prices.
    pub cost_micros: i64,
    /// Whether some of that was counted here.
    pub is_estimate: bool,
    /// The tokens of what a model was sent of which nobody knows yet what it cost; 0 if there is
    /// nothing.
    pub asked_tokens: i64,
}

/// A request that comes in.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = table)]
pub struct NewTurn<'a> {
    /// Where it was made.
    pub conversation_id: &'a str,
    /// What its client calls it.
    pub request_id: &'a str,
    /// Who made it.
    pub principal: &'a str,
    /// How far it is.
    pub status: TurnStatus,
    /// What was asked, as JSON.
    pub request_json: &'a str,
    /// A digest of that.
    pub request_hash: &'a str,
    /// When it was made.
    pub created_at: &'a str,
    /// How often the model was asked.
    pub attempts: i32,
    /// Whether its client named no conversation.
    pub is_unplaced: bool,
}

/// What is added to what a request took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnCharge {
    /// Tokens of what was asked.
    pub prompt_tokens: i64,
    /// Tokens of what was answered.
    pub completion_tokens: i64,
    /// Both, and what the model thought unseen.
    pub total_tokens: i64,
    /// Those of what was asked that the provider had in a cache.
    pub cached_tokens: i64,
    /// What it cost, in millionths of the currency of the prices.
    pub cost_micros: i64,
    /// Whether it was counted here.
    pub is_estimate: bool,
}

/// Whether a request is not over, in the words of the index of those, which SQLite recognises only
/// without parameters.
fn is_open() -> SqlLiteral<Bool> {
    sql::<Bool>("status IN ('queued', 'running')")
}

/// Adds a request, and returns its number.
///
/// # Errors
/// The store's.
pub fn insert(transaction: &mut Transaction<'_>, turn: &NewTurn<'_>) -> Result<i64, StoreError> {
    let insert = diesel::insert_into(table::table).values(turn).returning(table::number);
    Ok(insert.get_result(transaction.connection())?)
}

/// Finds a request by what its client calls it.
///
/// # Errors
/// The store's.
pub fn find(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    request_id: &str,
) -> Result<Option<TurnRow>, StoreError> {
    let same = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::request_id.eq(request_id));
    Ok(same.select(TurnRow::as_select()).first(conn).optional()?)
}

/// Finds the newest request that its client made without naming a conversation, by what it calls it.
///
/// # Errors
/// The store's.
pub fn find_unplaced(
    conn: &mut SqliteConnection,
    principal: &str,
    request_id: &str,
) -> Result<Option<TurnRow>, StoreError> {
    let same = table::table
        .filter(table::principal.eq(principal))
        .filter(table::request_id.eq(request_id))
        // In the words of the index, which SQLite recognises only without parameters.
        .filter(sql::<Bool>("is_unplaced"))
        .order(table::number.desc());
    Ok(same.select(TurnRow::as_select()).first(conn).optional()?)
}

/// The request that is to be worked on in a conversation: the oldest that is not over.
///
/// # Errors
/// The store's.
pub fn next_open(
    conn: &mut SqliteConnection,
    conversation_id: &str,
) -> Result<Option<TurnRow>, StoreError> {
    let open = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(is_open())
        .order(table::number);
    Ok(open.select(TurnRow::as_select()).first(conn).optional()?)
}

/// How many requests of a conversation are not over.
///
/// # Errors
/// The store's.
pub fn count_open(conn: &mut SqliteConnection, conversation_id: &str) -> Result<i64, StoreError> {
    let open = table::table.filter(table::conversation_id.eq(conversation_id)).filter(is_open());
    Ok(open.count().get_result(conn)?)
}

/// How many requests of somebody are not over.
///
/// # Errors
/// The store's.
pub fn count_open_of(conn: &mut SqliteConnection, principal: &str) -> Result<i64, StoreError> {
    let open = table::table.filter(table::principal.eq(principal)).filter(is_open());
    Ok(open.count().get_result(conn)?)
}

/// How many requests are not over, in all conversations.
///
/// # Errors
/// The store's.
pub fn count_all_open(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    let open = table::table.filter(table::status.eq_any([TurnStatus::Queued, TurnStatus::Running]));
    Ok(open.count().get_result(conn)?)
}

/// The conversations with requests that are not over.
///
/// # Errors
/// The store's.
pub fn conversations_with_open(conn: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let open = table::table.filter(is_open()).select(table::conversation_id).distinct();
    Ok(open.load(conn)?)
}

/// The newest requests of a conversation, the newest first.
///
/// # Errors
/// The store's.
pub fn newest(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    limit: i64,
) -> Result<Vec<TurnRow>, StoreError> {
    let turns = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .order(table::number.desc())
        .limit(limit);
    Ok(turns.select(TurnRow::as_select()).load(conn)?)
}

/// Notes that work on a request begins, with its first event.
///
/// # Errors
/// [`StoreError::Stale`] if it does not wait any more; else the store's.
pub fn begin(
    transaction: &mut Transaction<'_>,
    number: i64,
    first_seq: i64,
) -> Result<(), StoreError> {
    let queued = table::table.find(number).filter(table::status.eq(TurnStatus::Queued));
    let change = (table::status.eq(TurnStatus::Running), table::first_seq.eq(first_seq));
    moved(diesel::update(queued).set(change).execute(transaction.connection())?)
}

/// Notes that the model is about to be asked, or with 0 that it has answered.
///
/// # Errors
/// The store's.
pub fn note_attempts(
    transaction: &mut Transaction<'_>,
    number: i64,
    attempts: i32,
) -> Result<(), StoreError> {
    let change = table::attempts.eq(attempts);
    diesel::update(table::table.find(number)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Notes that a model is about to be sent so many tokens.
///
/// # Errors
/// The store's.
pub fn note_asked(
    transaction: &mut Transaction<'_>,
    number: i64,
    tokens: i64,
) -> Result<(), StoreError> {
    let change = table::asked_tokens.eq(tokens);
    diesel::update(table::table.find(number)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Adds to what a request took. What was asked last is paid for by that.
///
/// # Errors
/// The store's.
pub fn charge(
    transaction: &mut Transaction<'_>,
    number: i64,
    more: TurnCharge,
) -> Result<(), StoreError> {
    let change = (
        table::prompt_tokens.eq(table::prompt_tokens + more.prompt_tokens),
        table::completion_tokens.eq(table::completion_tokens + more.completion_tokens),
        table::total_tokens.eq(table::total_tokens + more.total_tokens),
        table::cached_tokens.eq(table::cached_tokens + more.cached_tokens),
        table::cost_micros.eq(table::cost_micros + more.cost_micros),
        table::is_estimate.eq(table::is_estimate.or(more.is_estimate.into_sql::<Bool>())),
        table::asked_tokens.eq(0),
    );
    diesel::update(table::table.find(number)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Notes that somebody wants a request ended.
///
/// # Errors
/// [`StoreError::Stale`] if it is over; else the store's.
pub fn wish_cancelled(
    transaction: &mut Transaction<'_>,
    number: i64,
    principal: &str,
) -> Result<(), StoreError> {
    let open = table::table.find(number).filter(is_open());
    let change = table::cancel_requested_by.eq(principal);
    moved(diesel::update(open).set(change).execute(transaction.connection())?)
}

/// Notes how a request ended, with its last event.
///
/// # Errors
/// [`StoreError::Stale`] if it was over already; else the store's.
pub fn end(
    transaction: &mut Transaction<'_>,
    number: i64,
    (status, last_seq): (TurnStatus, i64),
) -> Result<(), StoreError> {
    let open = table::table.find(number).filter(is_open());
    let stamp = transaction.stamp().to_owned();
    let change =
        (table::status.eq(status), table::last_seq.eq(last_seq), table::ended_at.eq(stamp));
    moved(diesel::update(open).set(change).execute(transaction.connection())?)
}

/// Removes the requests of a conversation whose events are gone.
///
/// # Errors
/// The store's.
pub fn remove_up_to(
    transaction: &mut Transaction<'_>,
    conversation_id: &str,
    seq: i64,
) -> Result<(), StoreError> {
    let old = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::last_seq.le(seq));
    diesel::delete(old).execute(transaction.connection())?;
    Ok(())
}

fn moved(rows: usize) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::Stale) } else { Ok(()) }
}
