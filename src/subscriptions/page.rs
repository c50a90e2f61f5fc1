//! Reading the log for who follows a kind of events: where to begin, and a page at a time.

use crate::clock::Timestamp;
use crate::store::events::{Kept, kept, last_before, named};
use crate::store::{Reader, StoreError};
use crate::subscriptions::occurrence::Occurrence;
use crate::subscriptions::params::Followed;

/// How much of the log one page looks at in search of events that match.
const WINDOW: i64 = 20_000;

/// The most events read by one query.
const STEP: i64 = 50;

/// How long the events of a page may be together, in bytes, unless a single one is longer.
const LONGEST: usize = 1024 * 1024;

/// Where somebody begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// They get what comes after this event.
    pub(super) after: i64,
    /// Whether they asked for more than they get.
    pub(super) truncated: bool,
}

/// A piece of the log, for one who follows.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    pub(super) occurrences: Vec<Occurrence>,
    /// They now have everything up to this event.
    pub(super) reached: i64,
    /// Whether the log goes on.
    pub(super) has_more: bool,
}

/// Where somebody begins who has everything up to `asked`, or nothing, and wants nothing that is
/// older than `floor`.
pub(super) fn start(
    conn: &mut Reader,
    asked: Option<i64>,
    floor: Option<Timestamp>,
) -> Result<Start, StoreError> {
    let Kept { oldest, newest } = kept(conn)?;
    let Some(after) = asked else { return Ok(Start { after: newest, truncated: false }) };
    // A position that is not reached yet comes from a database that was put back since.
    let within = if newest < after { newest } else { after.max(oldest - 1) };
    let young = match floor {
        None => within,
        Some(floor) => within.max(last_before(conn, &floor.to_string())?),
    };
    Ok(Start { after: young, truncated: young != after })
}

/// The oldest event that is kept, if some after `after` are not.
pub(super) fn gap(conn: &mut Reader, after: i64) -> Result<Option<i64>, StoreError> {
    let oldest = kept(conn)?.oldest;
    Ok((after.saturating_add(1) < oldest).then_some(oldest))
}

/// Reads what comes next after `after`, at most `most` events.
pub(super) fn read(
    conn: &mut Reader,
    followed: &Followed,
    after: i64,
    most: usize,
) -> Result<Page, StoreError> {
    let Followed { kind, filter, .. } = followed;
    let newest = kept(conn)?.newest;
    // One thing's events are found by an index, whatever lies between them.
    let end = match filter.entity(kind) {
        Some(_) => newest,
        None => newest.min(after.saturating_add(WINDOW)),
    };
    let rows_of = filter.rows(kind);
    let (mut occurrences, mut length, mut reached) = (Vec::new(), 0, after);
    'page: while reached < end && occurrences.len() < most {
        let rows = named(conn, (&rows_of, kind.event_type), (reached, end), STEP)?;
        let is_last = (rows.len() as u64) < STEP.unsigned_abs();
        for row in &rows {
            if let Some(occurrence) = Occurrence::of(kind, filter, row) {
                length += occurrence.length;
                let is_full = occurrences.len() == most || LONGEST < length;
                if is_full && !occurrences.is_empty() {
                    break 'page;
                }
                occurrences.push(occurrence);
            }
            reached = row.seq;
        }
        if is_last {
            reached = end;
        }
    }
    Ok(Page { occurrences, reached, has_more: reached < newest })
}
