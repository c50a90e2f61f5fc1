//! Copies of the database that a restore can trust.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::store::connection::Database;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no database to copy.
    #[error("there is no database to back up yet")]
    NoDatabase,
    /// The target's name is not usable.
    #[error("the backup needs a UTF-8 file name in an existing directory")]
    Target,
    /// The target is there already.
    #[error("the backup file exists already; name a new one")]
    Exists,
    /// The copy failed.
    #[error("the database could not be copied: {0}")]
    Copy(String),
    /// The copy could not be put into place.
    #[error("the backup could not be written: {0}")]
    File(#[from] std::io::Error),
}

/// Copies a database that may be in use to `target`, which must not exist yet.
///
/// The copy appears whole or not at all. Writers go on meanwhile.
pub fn back_up(database: &Database, target: &Path) -> Result<(), BackupError> {
    if !database.path().exists() {
        return Err(BackupError::NoDatabase);
    }
    if target.exists() {
        return Err(BackupError::Exists);
    }
    // Not a reader's connection: SQLite counts the copy as a write, and refuses it there.
    let conn = database.connect("PRAGMA busy_timeout = 5000;");
    let mut conn = conn.map_err(|error| BackupError::Copy(error.to_string()))?;
    back_up_connection(&mut conn, target)
}

pub(super) fn back_up_connection(
    conn: &mut SqliteConnection,
    target: &Path,
) -> Result<(), BackupError> {
    let name = target.file_name().and_then(|name| name.to_str()).ok_or(BackupError::Target)?;
    let directory = match target.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(BackupError::Target),
    };
    let partial = directory.join(format!(".{name}.partial"));
    let partial_text = partial.to_str().ok_or(BackupError::Target)?;
    // What an interrupted backup left would make SQLite refuse.
    if partial.exists() {
        fs::remove_file(&partial)?;
    }
    // Made here, empty, so that it is readable by nobody else from the first byte on.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(partial_text)
        .execute(conn)
        .map_err(|error| BackupError::Copy(error.to_string()))?;
    File::open(&partial)?.sync_all()?;
    fs::rename(&partial, target)?;
    File::open(directory)?.sync_all()?;
    Ok(())
}
