//! The `conversations` table: one row for each, so that a list of them reads nothing else.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::{
    chat_approvals as approvals, chat_events as events, chat_partials as partials,
    chat_turns as turns, conversations as table,
};
use crate::store::text_enum::text_enum;

text_enum! {
    /// How a conversation came to be.
    Origin("origin of a conversation") {
        /// Somebody began to talk.
        Chat = "chat",
        /// A client of the completions API sent it.
        Api = "api",
        /// It was read from a file, or from the earlier backend's database.
        Import = "import",
        /// It begins as another did.
        Fork = "fork",
    }
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct ConversationRow {
    /// Its id.
    pub id: String,
    /// Whose it is: the name of a key, or a subject of OAuth.
    pub owner: String,
    /// What lists call it.
    pub title: String,
    /// How it came to be.
    pub origin: Origin,
    /// The start of the daemon after which it is forgotten; `None` where it is kept.
    pub session: Option<String>,
    /// The conversation that it began as.
    pub parent_id: Option<String>,
    /// The last event of the parent that it has.
    pub fork_seq: Option<i64>,
    /// What a client of the completions API has sent and got so far, as a digest.
    pub transcript: Option<String>,
    /// Its newest event; events are numbered from 1 without gaps. What was forgotten of them is their
    /// beginning, of which the event of `summary_seq` stays.
    pub last_seq: i64,
    /// The event that stands for what was said before it, for models.
    pub summary_seq: Option<i64>,
    /// When it began.
    pub created_at: String,
    /// When something last happened in it.
    pub updated_at: String,
    /// Tokens of all that was asked.
    pub prompt_tokens: i64,
    /// Tokens of all that was answered.
    pub completion_tokens: i64,
    /// What that cost, in millionths of the currency of the prices.
    pub cost_micros: i64,
}

/// Adds a conversation.
///
/// # Errors
/// The store's.
pub fn insert(transaction: &mut Transaction<'_>, row: &ConversationRow) -> Result<(), StoreError> {
    diesel::insert_into(table::table).values(row).execute(transaction.connection())?;
    Ok(())
}

/// Why a conversation is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// It comes in, and not all of it is there.
    Coming,
    /// It goes, and some of it is still there.
    Going,
}

impl Hidden {
    /// What stands in the place of a session: a start forgets it as it does those.
    fn as_str(self) -> &'static str {
        match self {
            Self::Coming => "coming",
            Self::Going => "going",
        }
    }
}

/// Whose a conversation is that is nobody's: nobody is called so.
const NOBODY: &str = "";

impl ConversationRow {
    /// Whether it is nobody's.
    pub fn is_hidden(&self) -> bool {
        self.owner == NOBODY
    }
}

/// Makes a conversation nobody's.
///
/// # Errors
/// The store's.
pub fn hide(transaction: &mut Transaction<'_>, id: &str, hidden: Hidden) -> Result<(), StoreError> {
    let change = (
        table::owner.eq(NOBODY),
        table::session.eq(hidden.as_str()),
        table::transcript.eq(None::<String>),
    );
    diesel::update(table::table.find(id)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Makes a conversation that came in its owner's.
///
/// # Errors
/// The store's.
pub fn show(transaction: &mut Transaction<'_>, row: &ConversationRow) -> Result<(), StoreError> {
    let change = (table::owner.eq(&row.owner), table::session.eq(&row.session));
    diesel::update(table::table.find(&row.id)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// At most `limit` conversations that are nobody's.
///
/// # Errors
/// The store's.
pub fn hidden(
    conn: &mut SqliteConnection,
    hidden: Hidden,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let hidden = table::table
        .filter(table::owner.eq(NOBODY))
        .filter(table::session.eq(hidden.as_str()))
        .limit(limit);
    Ok(hidden.select(table::id).load(conn)?)
}

/// Finds a conversation.
///
/// # Errors
/// The store's.
pub fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<ConversationRow>, StoreError> {
    Ok(table::table.find(id).select(ConversationRow::as_select()).first(conn).optional()?)
}

/// Which conversations are listed.
#[derive(Debug, Clone)]
pub struct ConversationFilter {
    /// Whose.
    pub owner: String,
    /// Only those that are forgotten after this start of the daemon, or only those that are kept.
    pub session: Option<String>,
    /// Only those after this one in the list: its `updated_at` and its id.
    pub after: Option<(String, String)>,
}

/// The conversations of an owner, the newest first.
///
/// # Errors
/// The store's.
pub fn list(
    conn: &mut SqliteConnection,
    filter: &ConversationFilter,
    limit: i64,
) -> Result<Vec<ConversationRow>, StoreError> {
    let mut query = table::table.filter(table::owner.eq(&filter.owner)).into_boxed();
    query = match &filter.session {
        Some(session) => query.filter(table::session.eq(session)),
        None => query.filter(table::session.is_null()),
    };
    if let Some((updated_at, id)) = &filter.after {
        let older = table::updated_at
            .lt(updated_at)
            .or(table::updated_at.eq(updated_at).and(table::id.lt(id)));
        query = query.filter(older);
    }
    let newest = query.order((table::updated_at.desc(), table::id.desc())).limit(limit);
    Ok(newest.select(ConversationRow::as_select()).load(conn)?)
}

/// The conversation in which a client of the completions API has come this far.
///
/// # Errors
/// The store's.
pub fn by_transcript(
    conn: &mut SqliteConnection,
    owner: &str,
    transcript: &str,
) -> Result<Option<ConversationRow>, StoreError> {
    let same = table::table
        .filter(table::owner.eq(owner))
        .filter(table::transcript.eq(transcript))
        .order(table::updated_at.desc());
    Ok(same.select(ConversationRow::as_select()).first(conn).optional()?)
}

/// Notes how far a client of the completions API has come.
///
/// # Errors
/// The store's.
pub fn note_transcript(
    transaction: &mut Transaction<'_>,
    id: &str,
    transcript: &str,
) -> Result<(), StoreError> {
    let change = table::transcript.eq(transcript);
    diesel::update(table::table.find(id)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Calls a conversation by another title.
///
/// # Errors
/// The store's.
pub fn entitle(transaction: &mut Transaction<'_>, id: &str, title: &str) -> Result<(), StoreError> {
    let change = table::title.eq(title);
    diesel::update(table::table.find(id)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Notes which event stands for what was said before it.
///
/// # Errors
/// The store's.
pub fn sum_up(
    transaction: &mut Transaction<'_>,
    id: &str,
    summary_seq: i64,
) -> Result<(), StoreError> {
    let change = table::summary_seq.eq(summary_seq);
    diesel::update(table::table.find(id)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Notes that events up to `seq` were added.
///
/// # Errors
/// [`StoreError::Stale`] if others were added after `before`; else the store's.
pub fn advance(
    transaction: &mut Transaction<'_>,
    id: &str,
    (before, seq): (i64, i64),
) -> Result<(), StoreError> {
    let change = (table::last_seq.eq(seq), table::updated_at.eq(transaction.stamp().to_owned()));
    let row = table::table.find(id).filter(table::last_seq.eq(before));
    match diesel::update(row).set(change).execute(transaction.connection())? {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// Adds to what a conversation took.
///
/// # Errors
/// The store's.
pub fn charge(
    transaction: &mut Transaction<'_>,
    id: &str,
    (prompt, completion, cost): (i64, i64, i64),
) -> Result<(), StoreError> {
    let change = (
        table::prompt_tokens.eq(table::prompt_tokens + prompt),
        table::completion_tokens.eq(table::completion_tokens + completion),
        table::cost_micros.eq(table::cost_micros + cost),
    );
    diesel::update(table::table.find(id)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Removes a conversation with all that belongs to it; what it cost stays in the ledger.
///
/// # Errors
/// The store's.
pub fn remove(transaction: &mut Transaction<'_>, id: &str) -> Result<(), StoreError> {
    let conn = transaction.connection();
    diesel::delete(events::table.filter(events::conversation_id.eq(id))).execute(conn)?;
    diesel::delete(turns::table.filter(turns::conversation_id.eq(id))).execute(conn)?;
    diesel::delete(partials::table.filter(partials::conversation_id.eq(id))).execute(conn)?;
    diesel::delete(approvals::table.filter(approvals::conversation_id.eq(id))).execute(conn)?;
    diesel::delete(table::table.find(id)).execute(conn)?;
    Ok(())
}

/// Which conversations a start of the daemon forgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// Those that were to be forgotten after their session.
    OfEarlierSessions,
    /// All.
    All,
}

/// At most `limit` conversations that are to be forgotten.
///
/// # Errors
/// The store's.
pub fn to_forget(
    conn: &mut SqliteConnection,
    forgotten: Forgotten,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let mut query = table::table.select(table::id).limit(limit).into_boxed();
    if forgotten == Forgotten::OfEarlierSessions {
        query = query.filter(table::session.is_not_null());
    }
    Ok(query.load(conn)?)
}
