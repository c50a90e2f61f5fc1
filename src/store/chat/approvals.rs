//! The `chat_approvals` table: calls that somebody was asked to allow.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::chat_approvals as table;
use crate::store::text_enum::text_enum;

text_enum! {
    /// What became of the question.
    ApprovalStatus("status of an approval") {
        /// Nobody has said anything.
        Pending = "pending",
        /// Somebody said yes.
        Allowed = "allowed",
        /// Somebody said no.
        Denied = "denied",
        /// Nobody said anything in time.
        Expired = "expired",
        /// It does not matter any more.
        Withdrawn = "withdrawn",
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct ApprovalRow {
    /// Its id.
    pub id: String,
    /// Where the call is to be made.
    pub conversation_id: String,
    /// The number of the request for which.
    pub turn: i64,
    /// The call.
    pub call_id: String,
    /// The server of the tool.
    pub server: String,
    /// The tool, as its server calls it.
    pub tool: String,
    /// What it is to be given, as JSON.
    pub arguments_json: String,
    /// A digest of what the tool says of itself.
    pub definition: String,
    /// Why it is asked.
    pub reason: String,
    /// What became of it.
    pub status: ApprovalStatus,
    /// Whether the answer holds for the tool in the rest of the conversation.
    pub always: bool,
    /// Who answered.
    pub decided_by: Option<String>,
    /// When it was asked.
    pub created_at: String,
    /// When it is too late to answer.
    pub expires_at: String,
    /// When it was answered.
    pub decided_at: Option<String>,
}

/// Adds a question.
///
/// # Errors
/// The store's.
pub fn insert(transaction: &mut Transaction<'_>, row: &ApprovalRow) -> Result<(), StoreError> {
    diesel::insert_into(table::table).values(row).execute(transaction.connection())?;
    Ok(())
}

/// Finds a question.
///
/// # Errors
/// The store's.
pub fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<ApprovalRow>, StoreError> {
    Ok(table::table.find(id).select(ApprovalRow::as_select()).first(conn).optional()?)
}

/// The questions about the calls of a request.
///
/// # Errors
/// The store's.
pub fn of_turn(
    conn: &mut SqliteConnection,
    (conversation_id, turn): (&str, i64),
) -> Result<Vec<ApprovalRow>, StoreError> {
    let of_turn = table::table
        .filter(table::turn.eq(turn))
        .filter(table::conversation_id.eq(conversation_id))
        .order(table::created_at);
    Ok(of_turn.select(ApprovalRow::as_select()).load(conn)?)
}

/// The questions that nobody has answered, the oldest first.
///
/// # Errors
/// The store's.
pub fn pending(
    conn: &mut SqliteConnection,
    conversation_id: Option<&str>,
    limit: i64,
) -> Result<Vec<ApprovalRow>, StoreError> {
    // In the words of the index of those, which SQLite recognises only without parameters.
    let mut query = table::table.filter(sql::<Bool>("status = 'pending'")).into_boxed();
    if let Some(id) = conversation_id {
        query = query.filter(table::conversation_id.eq(id.to_owned()));
    }
    let oldest = query.order((table::created_at, table::id)).limit(limit);
    Ok(oldest.select(ApprovalRow::as_select()).load(conn)?)
}

/// The questions of a conversation that nobody has answered, of requests that are over or gone.
///
/// # Errors
/// The store's.
pub fn left_over(
    conn: &mut SqliteConnection,
    conversation_id: &str,
) -> Result<Vec<ApprovalRow>, StoreError> {
    let is_left = sql::<Bool>(
        "NOT EXISTS (SELECT 1 FROM chat_turns WHERE number = chat_approvals.turn \
         AND conversation_id = chat_approvals.conversation_id \
         AND status IN ('queued', 'running'))",
    );
    let left = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::status.eq(ApprovalStatus::Pending))
        .filter(is_left);
    Ok(left.select(ApprovalRow::as_select()).load(conn)?)
}

/// Whether somebody allowed a tool, as it says of itself now, for the rest of a conversation.
///
/// # Errors
/// The store's.
pub fn is_always_allowed(
    conn: &mut SqliteConnection,
    conversation_id: &str,
    (server, tool, definition): (&str, &str, &str),
) -> Result<bool, StoreError> {
    let same = table::table
        .filter(table::conversation_id.eq(conversation_id))
        .filter(table::status.eq(ApprovalStatus::Allowed))
        .filter(table::always.eq(true))
        .filter(table::server.eq(server))
        .filter(table::tool.eq(tool))
        .filter(table::definition.eq(definition));
    Ok(diesel::select(diesel::dsl::exists(same)).get_result(conn)?)
}

/// Notes what became of a question.
///
/// # Errors
/// [`StoreError::Stale`] if that was known before; else the store's.
pub fn decide(
    transaction: &mut Transaction<'_>,
    id: &str,
    (status, always): (ApprovalStatus, bool),
    by: &str,
) -> Result<(), StoreError> {
    let pending = table::table.find(id).filter(table::status.eq(ApprovalStatus::Pending));
    let change = (
        table::status.eq(status),
        table::always.eq(always),
        table::decided_by.eq(by),
        table::decided_at.eq(transaction.stamp().to_owned()),
    );
    match diesel::update(pending).set(change).execute(transaction.connection())? {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// How many questions there are, by what became of them.
///
/// # Errors
/// The store's.
pub fn count_by_status(
    conn: &mut SqliteConnection,
) -> Result<Vec<(ApprovalStatus, i64)>, StoreError> {
    let counted = table::table
        .group_by(table::status)
        .select((table::status, diesel::dsl::count_star()))
        .load::<(ApprovalStatus, i64)>(conn)?;
    let of = |status| counted.iter().find(|(known, _)| *known == status).map_or(0, |(_, n)| *n);
    Ok(ApprovalStatus::ALL.iter().copied().map(|status| (status, of(status))).collect())
}
