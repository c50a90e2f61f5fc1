//! The `audits` table: facts in a hash chain.
//!
//! A row's hash is SHA-256 over a JSON array of the chain's name, the hash before it and the row's
//! columns, so that an exported chain can be checked without this program: `["lukhas-mcp audit 1",
//! prev_hash, id, about, ts, actor, action, entity_type, entity_id, payload_json, message]`.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::Entity;
use crate::store::Transaction;
use crate::store::chain::{BrokenChain, ChainHead, ChainWalk};
use crate::store::checkpoints::{self, Checkpoint};
use crate::store::error::StoreError;
use crate::store::numbers::{self, Numbered};
use crate::store::schema::{audit_removals, audits};
use crate::store::transaction::sha256_hex;

/// Named in every hash, so that no hash of ours can stand for anything else.
const CHAIN: &str = "lukhas-mcp audit 1";

/// A fact to be recorded.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// Who: the name of a key, or `system`.
    pub actor: &'a str,
    /// What, in one word of the contract's list.
    pub action: &'static str,
    /// About what.
    pub entity: &'a Entity,
    /// How it is found again.
    pub numbered: Numbered,
    /// The details, as JSON.
    pub payload_json: String,
    /// The fact as a sentence.
    pub message: String,
}

/// A recorded fact.
#[derive(
    Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize, Deserialize,
)]
#[diesel(table_name = audits, check_for_backend(diesel::sqlite::Sqlite))]
#[serde(deny_unknown_fields)]
pub struct AuditRow {
    /// Its place in the chain, from 1.
    pub id: i64,
    /// The number of what it is about, if that has one.
    pub about: Option<i64>,
    /// When.
    pub ts: String,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// The details, as JSON.
    pub payload_json: String,
    /// The kind of what it is about.
    pub entity_type: String,
    /// The id of what it is about.
    pub entity_id: String,
    /// The fact as a sentence.
    pub message: String,
    /// The hash of the row before.
    pub prev_hash: String,
    /// The hash of this row.
    pub hash: String,
}

impl AuditRow {
    /// Whether it is about a file or a commit, whose names are not ours to give.
    pub fn is_of_repository(&self) -> bool {
        matches!(self.entity_type.as_str(), "file" | "commit")
    }

    /// Whether it is about a conversation, which clients may call whatever they like.
    pub fn is_of_conversation(&self) -> bool {
        self.entity_type == "conversation"
    }

    /// What `hash` must be for the row to be as it was written.
    pub fn expected_hash(&self) -> String {
        let canonical = serde_json::to_vec(&(
            CHAIN,
            &self.prev_hash,
            self.id,
            self.about,
            &self.ts,
            &self.actor,
            &self.action,
            &self.entity_type,
            &self.entity_id,
            &self.payload_json,
            &self.message,
        ));
        sha256_hex(&canonical.expect("strings and numbers are JSON"))
    }
}

/// The last link of the chain.
pub(super) fn chain_head(conn: &mut SqliteConnection) -> Result<ChainHead, StoreError> {
    let last = audits::table.order(audits::id.desc()).select((audits::id, audits::hash));
    if let Some((id, hash)) = last.first::<(i64, String)>(conn).optional()? {
        return Ok(ChainHead { id, hash });
    }
    // All rows may have been removed when they were old; the chain goes on from there.
    let newest = checkpoints::newest(conn)?;
    Ok(newest.map_or_else(ChainHead::genesis, |last| ChainHead { id: last.size, hash: last.head }))
}

/// The place of the last row; 0 when there is none.
pub fn last(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(chain_head(conn)?.id)
}

/// The link at a place, if its row is there.
pub fn link(conn: &mut SqliteConnection, id: i64) -> Result<Option<ChainHead>, StoreError> {
    let hash = audits::table.find(id).select(audits::hash).first(conn).optional()?;
    Ok(hash.map(|hash| ChainHead { id, hash }))
}

pub(super) fn insert(conn: &mut SqliteConnection, row: &AuditRow) -> Result<(), StoreError> {
    diesel::insert_into(audits::table).values(row).execute(conn)?;
    Ok(())
}

/// The facts about the things with this id, oldest first.
pub fn about(conn: &mut SqliteConnection, entity_id: &str) -> Result<Vec<AuditRow>, StoreError> {
    let numbers = numbers::of_id(conn, entity_id)?;
    Ok(about_query(entity_id, numbers).load(conn)?)
}

type AboutQuery<'a> = diesel::dsl::IntoBoxed<
    'a,
    diesel::dsl::Select<
        diesel::dsl::Order<audits::table, audits::id>,
        diesel::dsl::AsSelect<AuditRow, diesel::sqlite::Sqlite>,
    >,
    diesel::sqlite::Sqlite,
>;

/// Both ways to a thing's facts, by its number and by its id, use an index of their own.
pub(super) fn about_query(entity_id: &str, numbers: Vec<i64>) -> AboutQuery<'_> {
    let rows = audits::table.order(audits::id).select(AuditRow::as_select()).into_boxed();
    let by_id = audits::about.is_null().and(audits::entity_id.eq(entity_id));
    // A model may be named like a job, so that an id can stand for two things.
    if numbers.is_empty() {
        rows.filter(by_id)
    } else {
        rows.filter(audits::about.eq_any(numbers).or(by_id.nullable()))
    }
}

/// The piece of the chain from `from` to `to`: the place before its first row, and that of its last
/// row, which are equal if it has none. Every earlier row is older than `from`, every later one is
/// newer than `to`.
///
/// All rows between belong to the piece, whatever their times: a clock that was set back would else
/// tear holes into it.
pub fn range(conn: &mut SqliteConnection, from: &str, to: &str) -> Result<(i64, i64), StoreError> {
    let first = audits::table.filter(audits::ts.ge(from)).order(audits::id).select(audits::id);
    let last = audits::table.filter(audits::ts.le(to)).order(audits::id.desc()).select(audits::id);
    let before = match first.first::<i64>(conn).optional()? {
        Some(first) => first - 1,
        None => chain_head(conn)?.id,
    };
    let last = last.first::<i64>(conn).optional()?;
    Ok((before, last.map_or(before, |last| last.max(before))))
}

/// How many rows are read at once.
const AT_ONCE: i64 = 1000;

/// Hands the rows from place `first` to place `last` to `take`, in their order, until it fails.
pub fn each<E: From<StoreError>>(
    conn: &mut SqliteConnection,
    first: i64,
    last: i64,
    mut take: impl FnMut(AuditRow) -> Result<(), E>,
) -> Result<(), E> {
    let mut next = first;
    while next <= last {
        let rows: Vec<AuditRow> = audits::table
            .filter(audits::id.between(next, last))
            .order(audits::id)
            .limit(AT_ONCE)
            .select(AuditRow::as_select())
            .load(conn)
            .map_err(StoreError::from)?;
        let Some(newest) = rows.last().map(|row| row.id) else { break };
        next = newest.saturating_add(1);
        rows.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

/// What a chain was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The row before the first that is kept; earlier ones were removed when they were old.
    pub before: ChainHead,
    /// The last row.
    pub head: ChainHead,
    /// Every checkpoint that was made of it, oldest first.
    pub checkpoints: Vec<Checkpoint>,
}

impl Verified {
    /// How many rows are kept.
    pub fn rows(&self) -> i64 {
        self.head.id - self.before.id
    }
}

/// Why a walk along the chain ended early.
enum Stopped {
    Broken(BrokenChain),
    Store(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<BrokenChain> for Stopped {
    fn from(broken: BrokenChain) -> Self {
        Self::Broken(broken)
    }
}

/// Has `work` see the database as it is at one moment, however long it reads.
pub fn at_one_moment<T>(
    conn: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> T,
) -> Result<T, StoreError> {
    Ok(conn.transaction::<_, diesel::result::Error, _>(|conn| Ok(work(conn)))?)
}

/// Walks the whole chain past all checkpoints, and returns what it is or the first place where it
/// does not hold.
pub fn verify(conn: &mut SqliteConnection) -> Result<Result<Verified, BrokenChain>, StoreError> {
    match at_one_moment(conn, walk)? {
        Ok(verified) => Ok(Ok(verified)),
        Err(Stopped::Broken(broken)) => Ok(Err(broken)),
        Err(Stopped::Store(error)) => Err(error),
    }
}

fn walk(conn: &mut SqliteConnection) -> Result<Verified, Stopped> {
    let checkpoints = checkpoints::all(conn)?;
    let first = audits::table.select(diesel::dsl::min(audits::id)).first::<Option<i64>>(conn);
    let first = first.map_err(StoreError::from)?;
    // Rows are removed up to a checkpoint, which then stands for them.
    let removed = match first {
        Some(first) => first - 1,
        None => checkpoints.last().map_or(0, |last| last.size),
    };
    let before = match checkpoints.iter().find(|checkpoint| checkpoint.size == removed) {
        _ if removed == 0 => ChainHead::genesis(),
        Some(sealed) => ChainHead { id: sealed.size, hash: sealed.head.clone() },
        None => {
            let what = "rows before it are missing, and no checkpoint stands for them";
            return Err(BrokenChain { id: removed + 1, what }.into());
        }
    };
    let mut walk = ChainWalk::after(before.clone(), &checkpoints)?;
    each::<Stopped>(conn, removed + 1, i64::MAX, |row| Ok(walk.follow(&row)?))?;
    let head = walk.end()?;
    Ok(Verified { before, head, checkpoints })
}

/// Rows that were removed because they were old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// How many.
    pub rows: usize,
    /// The checkpoint that stands for them and all before them.
    pub checkpoint: Checkpoint,
}

/// Removes the oldest segment, the rows up to the first checkpoint that covers any, if that
/// checkpoint and all its rows are older than `before`. The newest row always stays.
///
/// # Errors
/// The store's; it refuses what is younger than half a year, whatever `before` is.
pub fn remove_segment(
    transaction: &mut Transaction<'_>,
    before: &str,
) -> Result<Option<Removed>, StoreError> {
    let head = transaction.chain_head()?;
    let conn = transaction.connection();
    let first = audits::table.select(diesel::dsl::min(audits::id)).first::<Option<i64>>(conn)?;
    let Some(first) = first else { return Ok(None) };
    let checkpoint = match checkpoints::covering(conn, first)? {
        Some(checkpoint) if checkpoint.ts.as_str() < before && checkpoint.size < head.id => {
            checkpoint
        }
        _ => return Ok(None),
    };
    let segment = audits::id.le(checkpoint.size);
    let young = audits::table.filter(segment.and(audits::ts.ge(before))).count();
    if 0 < young.get_result::<i64>(conn)? {
        return Ok(None);
    }
    let permission = audit_removals::up_to.eq(checkpoint.size);
    diesel::insert_into(audit_removals::table).values(permission).execute(conn)?;
    let rows = diesel::delete(audits::table.filter(segment)).execute(conn)?;
    diesel::delete(audit_removals::table).execute(conn)?;
    // The numbers of swept jobs are there for their facts, and go with the last of them.
    diesel::sql_query(
        "DELETE FROM swept_jobs WHERE number <= ? \
         AND NOT EXISTS (SELECT 1 FROM audits WHERE about = number)",
    )
    .bind::<diesel::sql_types::BigInt, _>(checkpoint.size)
    .execute(conn)?;
    Ok(Some(Removed { rows, checkpoint }))
}
