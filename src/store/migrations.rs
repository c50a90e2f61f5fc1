//! Bringing the schema up to date. Migrations only add; each runs in a transaction of its own.

use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::store::backup::back_up_connection;
use crate::store::connection::{Database, OpenError};

pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// What was done to the schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The migrations that were run, oldest first.
    pub applied: Vec<String>,
    /// Whether the database was new.
    pub created: bool,
}

fn failed(error: &dyn std::fmt::Display) -> OpenError {
    OpenError::Migration(error.to_string())
}

/// Runs what is pending, after a backup if there is something to lose.
pub(super) fn run(database: &Database, conn: &mut SqliteConnection) -> Result<Migrated, OpenError> {
    let pending = names(conn)?;
    if pending.is_empty() {
        return Ok(Migrated::default());
    }
    let applied = conn.applied_migrations().map_err(|error| failed(&error))?;
    let created = applied.is_empty();
    if !created {
        let before = database.path().with_extension("db.before-migration");
        back_up_connection(conn, &before).map_err(|error| failed(&error))?;
    }
    conn.run_pending_migrations(MIGRATIONS).map_err(|error| failed(&error))?;
    Ok(Migrated { applied: pending, created })
}

fn names(conn: &mut SqliteConnection) -> Result<Vec<String>, OpenError> {
    let pending = conn.pending_migrations(MIGRATIONS).map_err(|error| failed(&error))?;
    Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
}

/// The migrations that the next start would run. Checks the file as a start does, and changes
/// nothing but the marks of a new file.
pub fn pending_migrations(database: &Database) -> Result<Vec<String>, OpenError> {
    names(&mut database.open()?)
}
