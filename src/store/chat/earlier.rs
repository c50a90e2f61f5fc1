//! The earlier chat backend's database: somebody else's file, which is read and never written.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable};

use crate::store::error::StoreError;

/// Nothing that stands in the file is run, and nothing is written.
const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; \
     PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";

/// What a row is, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EarlierRow {
    /// Its place; some have none.
    pub seq: Option<i64>,
    /// When.
    pub timestamp: Option<String>,
    /// What happened.
    pub event_type: String,
    /// What was said: a text, or a JSON list of parts.
    pub content: Option<String>,
    /// The calls that were asked for, as JSON.
    pub tool_calls: Option<String>,
    /// The call that it is about.
    pub tool_call_id: Option<String>,
    /// The model that spoke.
    pub model: Option<String>,
    /// What it took, as JSON.
    pub usage: Option<String>,
    /// Everything else, as JSON.
    pub extra: Option<String>,
    /// Its tokens.
    pub token_count: Option<i64>,
}

/// The file, open.
pub struct EarlierDatabase(SqliteConnection);

/// A row as bytes, because nobody knows what wrote it.
#[derive(QueryableByName)]
struct Raw {
    #[diesel(sql_type = Nullable<BigInt>)]
    seq: Option<i64>,
    #[diesel(sql_type = Nullable<Binary>)]
    timestamp: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    kind: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    content: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    tool_calls: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    tool_call_id: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    model: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    usage: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    extra: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    token_count: Option<i64>,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Nullable<Binary>)]
    name: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl EarlierDatabase {
    /// Opens the file; `None` if there is none, or nothing was ever said in it. Blocks.
    ///
    /// # Errors
    /// It is no database.
    pub fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.is_file() {
            return Ok(None);
        }
        let unusable = |why| StoreError::Unavailable { why, source: None };
        let Some(address) = address(path) else { return Err(unusable("its path is not UTF-8")) };
        let mut conn = SqliteConnection::establish(&address).map_err(|error| {
            let source = diesel::result::Error::QueryBuilderError(error.into());
            StoreError::Unavailable { why: "it cannot be opened", source: Some(source) }
        })?;
        conn.batch_execute(PRAGMAS)?;
        let tables = diesel::sql_query(
            "SELECT COUNT(*) AS n FROM sqlite_schema WHERE type = 'table' AND name = 'chat_events'",
        );
        let Count { n } = tables.get_result(&mut conn)?;
        Ok((0 < n).then_some(Self(conn)))
    }

    /// The conversations that have rows, and how many rows belong to none. Blocks.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn conversations(&mut self) -> Result<(Vec<String>, usize), StoreError> {
        let names = diesel::sql_query(
            "SELECT CAST(conversation_id AS BLOB) AS name FROM chat_events \
             WHERE typeof(conversation_id) = 'text' AND conversation_id <> '' \
             GROUP BY conversation_id ORDER BY MIN(rowid)",
        );
        let names: Vec<Name> = names.load(&mut self.0)?;
        let lost = diesel::sql_query(
            "SELECT COUNT(*) AS n FROM chat_events \
             WHERE typeof(conversation_id) <> 'text' OR conversation_id = ''",
        );
        let Count { n } = lost.get_result(&mut self.0)?;
        let names = names.into_iter().filter_map(|Name { name }| String::from_utf8(name?).ok());
        Ok((names.collect(), usize::try_from(n).unwrap_or(0)))
    }

    /// At most `limit` rows of a conversation, in the order in which they were written: each, or
    /// nothing where it cannot be read. Blocks.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rows(
        &mut self,
        conversation_id: &str,
        limit: i64,
    ) -> Result<Vec<Option<EarlierRow>>, StoreError> {
        let rows = diesel::sql_query(
            "SELECT CASE typeof(seq) WHEN 'integer' THEN seq END AS seq, \
             CAST(timestamp AS BLOB) AS timestamp, CAST(type AS BLOB) AS kind, \
             CAST(content AS BLOB) AS content, CAST(tool_calls AS BLOB) AS tool_calls, \
             CAST(tool_call_id AS BLOB) AS tool_call_id, CAST(model AS BLOB) AS model, \
             CAST(\"usage\" AS BLOB) AS usage, CAST(extra AS BLOB) AS extra, \
             CASE typeof(token_count) WHEN 'integer' THEN token_count END AS token_count \
             FROM chat_events WHERE conversation_id = ? ORDER BY rowid LIMIT ?",
        )
        .bind::<diesel::sql_types::Text, _>(conversation_id)
        .bind::<BigInt, _>(limit);
        let rows: Vec<Raw> = rows.load(&mut self.0)?;
        Ok(rows.into_iter().map(Raw::read).collect())
    }
}

impl Raw {
    /// The row, if all its texts are texts.
    fn read(self) -> Option<EarlierRow> {
        let text = |bytes: Option<Vec<u8>>| bytes.map(String::from_utf8).transpose().ok();
        Some(EarlierRow {
            seq: self.seq,
            timestamp: text(self.timestamp)?,
            event_type: text(self.kind)??,
            content: text(self.content)?,
            tool_calls: text(self.tool_calls)?,
            tool_call_id: text(self.tool_call_id)?,
            model: text(self.model)?,
            usage: text(self.usage)?,
            extra: text(self.extra)?,
            token_count: self.token_count,
        })
    }
}

/// The file as SQLite is told to open it. Without a log or a journal beside it nothing is missing
/// from the file, and then not even a lock is taken.
fn address(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let has = |ending: &str| {
        let beside = PathBuf::from(format!("{}{ending}", path.display()));
        std::fs::metadata(beside).is_ok_and(|found| 0 < found.len())
    };
    let mode = if has("-wal") || has("-journal") { "mode=ro" } else { "mode=ro&immutable=1" };
    let escaped: String = path
        .to_str()?
        .chars()
        .map(|c| match c {
            '%' => "%25".to_owned(),
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            c => c.to_string(),
        })
        .collect();
    Some(format!("file:{escaped}?{mode}"))
}
