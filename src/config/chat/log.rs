//! `logging`: what the daemon's log goes by when its own settings do not say.

use super::super::fields::LogFormat;
use super::sections;
use super::table::{Field, Table};
use super::tree::Fault;

/// What the files say about the log, each with the line that says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LogWish {
    /// A level of the daemon's log.
    pub(super) level: Option<(&'static str, usize)>,
    pub(super) format: Option<(LogFormat, usize)>,
}

pub(super) fn read(root: &Table<'_>) -> Result<LogWish, Fault> {
    let table = root.table("logging", &sections::LOGGING)?;
    let level = match table.get("level") {
        Some(field) => Some((level(&field)?, field.line)),
        None => None,
    };
    let format = match table.get("format") {
        Some(field) => Some((format(&field)?, field.line)),
        None => None,
    };
    Ok(LogWish { level, format })
}

/// A level by the name that the earlier backend has for it.
pub(super) fn level(field: &Field<'_>) -> Result<&'static str, Fault> {
    let name = field.text()?.trim().to_ascii_lowercase();
    Ok(match name.as_str() {
        "debug" => "debug",
        "info" => "info",
        "warning" | "warn" => "warn",
        "error" | "critical" => "error",
        _ => {
            return Err(field.fault("must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL"));
        }
    })
}

/// A form of the log. A layout of the earlier backend means lines of text.
fn format(field: &Field<'_>) -> Result<LogFormat, Fault> {
    match field.text()?.trim() {
        "auto" => Ok(LogFormat::Auto),
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        layout if layout.contains("%(message)") => Ok(LogFormat::Text),
        _ => {
            Err(field
                .fault("must be auto, json, text, or a layout with %(message)s, which means text"))
        }
    }
}
