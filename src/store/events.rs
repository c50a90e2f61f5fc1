//! The `events` table: what has been told, or is about to be.

use diesel::prelude::*;

use crate::ids::{Entity, EntityKind};
use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::numbers;
use crate::store::schema::events;
use crate::store::webhooks;

/// An event that is in the database for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedEvent {
    /// Its place in the order of all events; rises strictly and is never used again.
    pub seq: i64,
    /// What it is about.
    pub entity: Entity,
    /// The specific name, such as `completed`.
    pub event_type: Box<str>,
    /// One line of JSON.
    pub payload: Box<str>,
}

/// Which events a replay wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventFilter {
    /// Everything.
    All,
    /// All events of a kind.
    Kind(EntityKind),
    /// The events of one thing.
    Entity(Entity),
}

pub(super) fn append(
    conn: &mut SqliteConnection,
    (seq, about): (i64, Option<i64>),
    ts: &str,
    topic: &str,
    event_type: &str,
    payload: &str,
) -> Result<(), StoreError> {
    let row = (
        events::seq.eq(seq),
        events::about.eq(about),
        events::ts.eq(ts),
        events::topic.eq(topic),
        events::event_type.eq(event_type),
        events::payload_json.eq(payload),
    );
    diesel::insert_into(events::table).values(row).execute(conn)?;
    Ok(())
}

/// The newest event there is; 0 when there was none.
pub(super) fn newest(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    let newest = events::table.select(diesel::dsl::max(events::seq)).first::<Option<i64>>(conn)?;
    Ok(newest.unwrap_or(0))
}

type Condition = Box<
    dyn BoxableExpression<
            events::table,
            diesel::sqlite::Sqlite,
            SqlType = diesel::sql_types::Nullable<diesel::sql_types::Bool>,
        >,
>;

/// Finds one thing's events by its number, or by its topic if it has none.
fn is_about(conn: &mut SqliteConnection, entity: &Entity) -> Result<Condition, StoreError> {
    Ok(match numbers::of(conn, entity)? {
        Some(number) => Box::new(events::about.eq(number)),
        None => {
            Box::new(events::about.is_null().and(events::topic.eq(entity.to_string())).nullable())
        }
    })
}

type Row = (i64, String, String, String);

/// The events after `after` up to and including `up_to` that pass any of the filters, oldest first.
pub fn replay(
    conn: &mut SqliteConnection,
    filters: &[EventFilter],
    after: i64,
    up_to: i64,
    limit: i64,
) -> Result<Vec<CommittedEvent>, StoreError> {
    let Some(wanted) = wanted(conn, filters)? else { return Ok(Vec::new()) };
    let rows = events::table
        .filter(events::seq.gt(after).and(events::seq.le(up_to)))
        .filter(wanted)
        .order(events::seq)
        .limit(limit)
        .select((events::seq, events::topic, events::event_type, events::payload_json));
    let rows: Vec<Row> = rows.load(conn)?;
    Ok(rows.into_iter().filter_map(committed).collect())
}

/// Of the events after `after` up to and including `up_to` that pass any of the filters, the newest,
/// oldest first.
pub fn newest_of(
    conn: &mut SqliteConnection,
    filters: &[EventFilter],
    (after, up_to): (i64, i64),
    limit: i64,
) -> Result<Vec<CommittedEvent>, StoreError> {
    let Some(wanted) = wanted(conn, filters)? else { return Ok(Vec::new()) };
    let rows = events::table
        .filter(events::seq.gt(after).and(events::seq.le(up_to)))
        .filter(wanted)
        .order(events::seq.desc())
        .limit(limit)
        .select((events::seq, events::topic, events::event_type, events::payload_json));
    let rows: Vec<Row> = rows.load(conn)?;
    Ok(rows.into_iter().rev().filter_map(committed).collect())
}

/// The events of one name after `after` up to and including `up_to`, oldest first.
pub fn named(
    conn: &mut SqliteConnection,
    (filter, event_type): (&EventFilter, &str),
    (after, up_to): (i64, i64),
    limit: i64,
) -> Result<Vec<CommittedEvent>, StoreError> {
    let wanted = condition(conn, filter)?;
    let rows = events::table
        .filter(events::seq.gt(after).and(events::seq.le(up_to)))
        .filter(wanted)
        .filter(events::event_type.eq(event_type))
        .order(events::seq)
        .limit(limit)
        .select((events::seq, events::topic, events::event_type, events::payload_json));
    let rows: Vec<Row> = rows.load(conn)?;
    Ok(rows.into_iter().filter_map(committed).collect())
}

/// What a row must be to pass any of the filters; none if there is no filter to pass.
fn wanted(
    conn: &mut SqliteConnection,
    filters: &[EventFilter],
) -> Result<Option<Condition>, StoreError> {
    let mut any: Option<Condition> = None;
    for filter in filters {
        let one = condition(conn, filter)?;
        any = Some(match any {
            None => one,
            Some(others) => Box::new(others.or(one)),
        });
    }
    Ok(any)
}

fn condition(conn: &mut SqliteConnection, filter: &EventFilter) -> Result<Condition, StoreError> {
    Ok(match filter {
        EventFilter::All => Box::new(events::seq.is_not_null().nullable()),
        // '0' is the character after '/'.
        EventFilter::Kind(kind) => {
            let first = events::topic.ge(format!("{}/", kind.as_str()));
            let last = events::topic.lt(format!("{}0", kind.as_str()));
            Box::new(first.and(last).nullable())
        }
        EventFilter::Entity(entity) => is_about(conn, entity)?,
    })
}

/// The place of the newest event that is older than `ts`, or of the one before the oldest that is
/// kept. Times rise with places but for what the clock jumped, so that few rows are looked at.
pub fn last_before(conn: &mut SqliteConnection, ts: &str) -> Result<i64, StoreError> {
    let Kept { oldest, newest } = kept(conn)?;
    let (mut before, mut after) = (oldest - 1, newest + 1);
    // Everything up to `before` is older, and nothing from `after` on.
    while before + 1 < after {
        let middle = before + (after - before) / 2;
        let row = events::table.filter(events::seq.ge(middle)).order(events::seq);
        let found =
            row.select((events::seq, events::ts)).first::<(i64, String)>(conn).optional()?;
        match found {
            Some((seq, at)) if at.as_str() < ts => before = seq,
            _ => after = middle,
        }
    }
    Ok(before)
}

fn committed((seq, topic, event_type, payload): Row) -> Option<CommittedEvent> {
    let entity = Entity::parse(&topic)?;
    Some(CommittedEvent { seq, entity, event_type: event_type.into(), payload: payload.into() })
}

/// What is kept of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// The oldest event that is still there; one after `newest` when none is.
    pub oldest: i64,
    /// The newest event there ever was; 0 when there was none.
    pub newest: i64,
}

/// Says what is kept of the log.
pub fn kept(conn: &mut SqliteConnection) -> Result<Kept, StoreError> {
    let newest = newest(conn)?;
    let oldest = events::table.select(diesel::dsl::min(events::seq)).first::<Option<i64>>(conn)?;
    Ok(Kept { oldest: oldest.unwrap_or(newest + 1), newest })
}

/// The first event that is kept about one thing: its place and its name.
pub fn first_about(
    conn: &mut SqliteConnection,
    entity: &Entity,
) -> Result<Option<(i64, String)>, StoreError> {
    let first = events::table
        .filter(is_about(conn, entity)?)
        .order(events::seq)
        .select((events::seq, events::event_type));
    Ok(first.first(conn).optional()?)
}

/// Removes at most `limit` of the events that are older than `before`, but neither the newest nor
/// what a webhook still waits for, and says how many.
pub fn prune(
    transaction: &mut Transaction<'_>,
    before: &str,
    limit: usize,
) -> Result<usize, StoreError> {
    let conn = transaction.connection();
    let Kept { oldest, newest } = kept(conn)?;
    let first_kept = events::table
        .filter(events::ts.ge(before))
        .select(diesel::dsl::min(events::seq))
        .first::<Option<i64>>(conn)?;
    // Only a prefix of the log is ever removed, so that what is kept has no holes; and never the
    // newest, which says what number comes next.
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let up_to = first_kept.unwrap_or(newest).min(newest).min(oldest.saturating_add(limit));
    // Nor what a webhook was not told yet.
    let told = webhooks::furthest_behind(conn)?.unwrap_or(i64::MAX);
    let up_to = up_to.min(told.saturating_add(1));
    Ok(diesel::delete(events::table.filter(events::seq.lt(up_to))).execute(conn)?)
}
