//! Opening the database file, and refusing one that must not be written to.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use crate::store::error::StoreError;

/// Marks a database file as ours: `lukh`.
const APPLICATION_ID: i32 = 0x6C75_6B68;

/// How a connection is set up for writing.
///
/// The timeout comes first, because the change to WAL can itself meet a lock.
pub(super) const WRITER: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864; \
     PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;";

/// How a connection is set up for reading.
pub(super) const READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;";

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or read.
    #[error("the database file cannot be opened for writing: {0}")]
    File(std::io::Error),
    /// The path is not UTF-8.
    #[error("the path of the database is not UTF-8")]
    Path,
    /// SQLite finds the file damaged.
    #[error(
        "the database is damaged ({0}); it was left as it is: restore a backup, or move it aside to start anew"
    )]
    Damaged(String),
    /// The file belongs to another program.
    #[error("the database file belongs to another program; set LUKHAS_MCP_DB to a file of its own")]
    Foreign,
    /// The file cannot be written.
    #[error("the database cannot be written: {0}")]
    Unwritable(StoreError),
    /// The schema could not be brought up to date.
    #[error("the database could not be brought up to date: {0}")]
    Migration(String),
}

/// Where the database is, for those who open connections to it.
#[derive(Debug, Clone)]
pub struct Database {
    path: PathBuf,
    url: String,
}

#[derive(QueryableByName)]
struct Check {
    #[diesel(sql_type = Text)]
    quick_check: String,
}

#[derive(QueryableByName)]
struct ApplicationId {
    #[diesel(sql_type = Integer)]
    application_id: i32,
}

#[derive(QueryableByName)]
struct Tables {
    #[diesel(sql_type = Integer)]
    tables: i32,
}

impl Database {
    /// Names the database at `path`.
    pub fn at(path: &Path) -> Result<Self, OpenError> {
        let path = std::path::absolute(path).map_err(OpenError::File)?;
        let url = path.to_str().ok_or(OpenError::Path)?.to_owned();
        Ok(Self { path, url })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a connection and sets it up.
    pub(super) fn connect(&self, pragmas: &str) -> Result<SqliteConnection, StoreError> {
        let mut conn = SqliteConnection::establish(&self.url).map_err(|error| {
            let source = diesel::result::Error::QueryBuilderError(error.into());
            StoreError::Unavailable { why: "it cannot be opened", source: Some(source) }
        })?;
        conn.batch_execute(pragmas)?;
        Ok(conn)
    }

    /// Makes the file if there is none, readable by nobody else, and refuses one that is damaged
    /// or somebody else's. Nothing is written to a file that is refused.
    pub(super) fn open(&self) -> Result<SqliteConnection, OpenError> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(OpenError::File)?;
        let mut conn =
            self.connect("PRAGMA busy_timeout = 5000;").map_err(OpenError::Unwritable)?;
        let damaged = |error: diesel::result::Error| OpenError::Damaged(error.to_string());
        let checks: Vec<Check> =
            diesel::sql_query("PRAGMA quick_check(1)").load(&mut conn).map_err(damaged)?;
        match checks.as_slice() {
            [Check { quick_check }] if quick_check == "ok" => {}
            [Check { quick_check }, ..] => {
                let words: Vec<&str> = quick_check.split_whitespace().collect();
                return Err(OpenError::Damaged(words.join(" ")));
            }
            [] => return Err(OpenError::Damaged("it cannot be checked".to_owned())),
        }
        let ApplicationId { application_id } =
            diesel::sql_query("PRAGMA application_id").get_result(&mut conn).map_err(damaged)?;
        let Tables { tables } =
            diesel::sql_query("SELECT CAST(count(*) AS INTEGER) AS tables FROM sqlite_schema")
                .get_result(&mut conn)
                .map_err(damaged)?;
        match (application_id, tables) {
            (APPLICATION_ID, _) | (0, 0) => {}
            _ => return Err(OpenError::Foreign),
        }
        let unwritable = |error: diesel::result::Error| OpenError::Unwritable(error.into());
        conn.batch_execute(WRITER).map_err(unwritable)?;
        conn.batch_execute(&format!("PRAGMA application_id = {APPLICATION_ID}"))
            .map_err(unwritable)?;
        Ok(conn)
    }
}
