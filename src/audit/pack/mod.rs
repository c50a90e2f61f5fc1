//! The evidence pack: a zip with a piece of the audit chain in three readable forms, and with what
//! proves it.
//!
//! | file | holds |
//! |---|---|
//! | `meta.json` | what the pack is: who asked for it, when, and for which time |
//! | `audits.json` | the rows, one a line |
//! | `audits.csv` | the same rows for spreadsheets |
//! | `narrative.txt` | the same rows as sentences |
//! | `decisions.json` | the records of the decisions that the rows tell of, in their order |
//! | `chain.json` | the links before the first and at the last row, and the checkpoints |
//! | `hashes.txt` | the SHA-256 of each other file, as `sha256sum -c` reads it |
//!
//! # Invariants
//!
//! 1. Every file but `meta.json` and `hashes.txt` follows from the rows, the checkpoints and this
//!    program, or is named there by its hash: a reader writes them anew and compares.
//! 2. The rows of a pack are a piece of the chain without holes, and a checkpoint lies at or after
//!    its end; the rows up to that stand in `chain.json`.

mod decisions;
mod forms;
mod read;
mod sequence;
#[cfg(test)]
mod tests;
mod write;

use serde::{Deserialize, Serialize};

use crate::store::ChainHead;
use crate::store::audits::AuditRow;
use crate::store::checkpoints::Checkpoint;

pub use self::read::{Faulty, Sound, verify};
pub(super) use self::write::{Request, WriteError, write};

/// What `meta.json` says the pack is; changes when a reader would not understand it any more.
const FORMAT: &str = "lukhas-mcp evidence 1";

/// The files of a pack in their order; the hashes come last, because they are of the others.
const META: &str = "meta.json";
const ROWS: &str = "audits.json";
const TABLE: &str = "audits.csv";
const NARRATIVE: &str = "narrative.txt";
const DECISIONS: &str = "decisions.json";
const CHAIN: &str = "chain.json";
const HASHES: &str = "hashes.txt";

/// How the chain is hashed, for who reads `chain.json` without this program.
const HASHING: &str = "hash = SHA-256, in lower-case hexadecimal, of the compact JSON array \
     [\"lukhas-mcp audit 1\", prev_hash, id, about, ts, actor, action, entity_type, entity_id, \
     payload_json, message] in UTF-8; prev_hash is the hash of the row before, 64 zeros for the first";

/// How a checkpoint is signed.
const SIGNING: &str = "signature = Ed25519, by public_key, of the four lines \"lukhas-mcp audit \
     checkpoint 1\", size, head and ts, each with a line end; head is the hash of the row at place \
     size";

/// What `meta.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Meta {
    format: String,
    generator: String,
    generated_at: String,
    principal: String,
    range: Range,
    rows: i64,
    first: Option<i64>,
    last: Option<i64>,
}

/// The time that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: String,
    to: String,
}

/// What `chain.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Proof {
    hashing: String,
    signing: String,
    /// The row before the first of the pack, unless that is the first there ever was or the one
    /// before was removed when it was old.
    row_before: Option<AuditRow>,
    /// The link before the first row of the pack.
    before: ChainHead,
    /// The last row of the pack.
    last: ChainHead,
    /// The rows from the one after the last of the pack to the first checkpoint that covers it.
    until_checkpoint: Vec<AuditRow>,
    /// The checkpoints from before the first row to the first that covers the last.
    checkpoints: Vec<Checkpoint>,
}
