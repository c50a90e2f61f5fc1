//! The forms in which rows stand in a pack. Pure, so that a reader can write them anew.

use std::fmt::Write as _;

use crate::audit::cell::push_cell;
use crate::audit::narrative::Prose;
use crate::audit::pack::{NARRATIVE, ROWS, TABLE};
use crate::store::audits::AuditRow;

const COLUMNS: &str =
    "id,ts,actor,action,entity_type,entity_id,message,payload_json,about,prev_hash,hash\r\n";

/// Writes rows in one form, one after the other.
#[derive(Debug)]
pub(super) enum Form {
    /// A JSON array with one row a line.
    Json { first: bool },
    /// A table for spreadsheets, as RFC 4180 has it.
    Table,
    /// Sentences.
    Narrative(Prose),
}

impl Form {
    /// Every form with the name of its file.
    pub(super) fn all() -> [(&'static str, Self); 3] {
        [
            (ROWS, Self::Json { first: true }),
            (TABLE, Self::Table),
            (NARRATIVE, Self::Narrative(Prose::default())),
        ]
    }

    /// What stands before the first row.
    pub(super) fn head(&self) -> &'static str {
        match self {
            Self::Json { .. } => "[",
            Self::Table => COLUMNS,
            Self::Narrative(_) => "",
        }
    }

    /// Adds a row to the text.
    pub(super) fn row(&mut self, row: &AuditRow, text: &mut String) {
        match self {
            Self::Json { first } => {
                text.push_str(if *first { "\n" } else { ",\n" });
                *first = false;
                text.push_str(&serde_json::to_string(row).expect("strings and numbers are JSON"));
            }
            Self::Table => line(row, text),
            Self::Narrative(prose) => prose.tell(row, text),
        }
    }

    /// What stands after the last row.
    pub(super) fn tail(&self) -> &'static str {
        match self {
            Self::Json { .. } => "\n]\n",
            Self::Table | Self::Narrative(_) => "",
        }
    }
}

fn line(row: &AuditRow, text: &mut String) {
    let about = row.about.map_or_else(String::new, |number| number.to_string());
    // Writing to a string cannot fail.
    let _ = write!(text, "{}", row.id);
    let texts = [
        &row.ts,
        &row.actor,
        &row.action,
        &row.entity_type,
        &row.entity_id,
        &row.message,
        &row.payload_json,
        &about,
        &row.prev_hash,
        &row.hash,
    ];
    for cell in texts {
        text.push(',');
        push_cell(cell, text);
    }
    text.push_str("\r\n");
}
