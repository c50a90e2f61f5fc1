//! The numbers by which events and facts about a thing are found again.
//!
//! A thing that comes in floods has a number beside its random id: the place of its first fact in
//! the audit chain. Whatever is written about it carries the number, so that the indexes grow at
//! their end instead of in a random page for every row.

use diesel::prelude::*;

use crate::ids::{Entity, EntityKind};
use crate::store::error::StoreError;
use crate::store::schema::{canaries, jobs, swept_jobs};

/// Where a fact stands among those about the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    /// It is the first about a thing that takes its number from it.
    First,
    /// It is about the thing with this number.
    Later(i64),
    /// Its thing never gets a number, and is found by its id.
    Never,
}

/// The number of a thing, if it has one.
pub(super) fn of(conn: &mut SqliteConnection, entity: &Entity) -> Result<Option<i64>, StoreError> {
    match entity.kind {
        EntityKind::Job => of_job(conn, &entity.id),
        EntityKind::Canary => of_canary(conn, &entity.id),
        EntityKind::Model => Ok(None),
    }
}

/// The number of the job with this id, if there is or was one.
pub(super) fn of_job(conn: &mut SqliteConnection, id: &str) -> Result<Option<i64>, StoreError> {
    let kept = jobs::table.find(id).select(jobs::number).first(conn).optional()?;
    if kept.is_some() {
        return Ok(kept);
    }
    Ok(swept_jobs::table.find(id).select(swept_jobs::number).first(conn).optional()?)
}

/// The number of the canary with this id, if there is one; canaries are never swept.
fn of_canary(conn: &mut SqliteConnection, id: &str) -> Result<Option<i64>, StoreError> {
    Ok(canaries::table.find(id).select(canaries::number).first(conn).optional()?)
}

/// The numbers of all that has this id.
pub(super) fn of_id(conn: &mut SqliteConnection, id: &str) -> Result<Vec<i64>, StoreError> {
    Ok(of_job(conn, id)?.into_iter().chain(of_canary(conn, id)?).collect())
}
