//! What a task's or a configuration's file says.
//!
//! Both are read strictly: a key that nobody knows is an error with its line, because a misspelt
//! limit would otherwise be no limit.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::result::ResultFormat;
use super::template::Template;

/// The largest task file, in bytes.
pub(super) const MAX_TASK_BYTES: u64 = 64 * 1024;

/// The largest configuration file, in bytes.
pub(super) const MAX_CONFIG_BYTES: u64 = 256 * 1024;

/// The longest that a run may take: a week.
const MAX_TIMEOUT_SECONDS: u64 = 604_800;

/// A task: what is run, for how long, with what around it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Task {
    /// What the task is for, in its author's words.
    pub(super) description: Option<String>,
    /// The program and its arguments. No shell reads them.
    #[serde(deserialize_with = "command")]
    pub(super) command: Vec<Template>,
    #[serde(rename = "timeout_seconds", deserialize_with = "timeout")]
    pub(super) timeout: Duration,
    #[serde(default)]
    pub(super) result_format: ResultFormat,
    #[serde(default)]
    pub(super) working_directory: WorkingDirectory,
    #[serde(default)]
    pub(super) environment: Environment,
    #[serde(default)]
    pub(super) limits: Limits,
}

/// Where the command starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WorkingDirectory {
    /// In the repository that the daemon serves.
    #[default]
    Repository,
    /// In an empty directory of the run's own.
    Run,
    /// In the directory of the task's file.
    Task,
}

/// The command's whole environment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Environment {
    /// Names whose values are the daemon's own.
    #[serde(deserialize_with = "passed_names")]
    pub(super) pass: Vec<String>,
    /// Names with values; they win over those passed.
    #[serde(deserialize_with = "set_values")]
    pub(super) set: BTreeMap<String, String>,
}

/// What the kernel grants each process of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    /// Address space in MiB.
    #[serde(deserialize_with = "mebibytes", skip_serializing_if = "Option::is_none")]
    pub(super) memory_mib: Option<u64>,
    /// Processor time in seconds.
    #[serde(deserialize_with = "cpu_seconds", skip_serializing_if = "Option::is_none")]
    pub(super) cpu_seconds: Option<u64>,
    /// The size of any one file written, the logs among them, in MiB.
    #[serde(deserialize_with = "output_mebibytes")]
    pub(super) output_mib: u64,
    /// Open files.
    #[serde(deserialize_with = "open_files", skip_serializing_if = "Option::is_none")]
    pub(super) open_files: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_mib: None, cpu_seconds: None, output_mib: 1024, open_files: None }
    }
}

/// What is wrong with a definition, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DefinitionError {
    #[error("line {line}: {message}")]
    AtLine { line: usize, message: String },
    #[error("{0}")]
    Whole(String),
}

impl Task {
    /// Reads a task's file.
    pub(super) fn parse(text: &str) -> Result<Self, DefinitionError> {
        toml::from_str(text).map_err(|error| described(&error, text))
    }
}

/// Reads a configuration's file into the JSON document that the command is given.
pub(super) fn parse_config(text: &str) -> Result<String, DefinitionError> {
    let table: toml::Table = toml::from_str(text).map_err(|error| described(&error, text))?;
    to_json(toml::Value::Table(table)).map(|document| document.to_string())
}

fn to_json(value: toml::Value) -> Result<serde_json::Value, DefinitionError> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .ok_or_else(|| {
                DefinitionError::Whole(format!("JSON cannot carry the number {number}"))
            })?
            .into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(to_json).collect::<Result<_, _>>()?,
        toml::Value::Table(table) => {
            let members = table.into_iter().map(|(key, value)| Ok((key, to_json(value)?)));
            serde_json::Value::Object(members.collect::<Result<_, _>>()?)
        }
    })
}

/// The parser's words in one line, with the line of the file that they are about.
fn described(error: &toml::de::Error, text: &str) -> DefinitionError {
    let message = error.message().replace('\n', "; ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => DefinitionError::AtLine { line: before.matches('\n').count() + 1, message },
        None => DefinitionError::Whole(message),
    }
}

fn command<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Template>, D::Error> {
    let command = Vec::<Template>::deserialize(from)?;
    if command.first().is_none_or(Template::is_empty) {
        return Err(D::Error::custom("the command must name a program"));
    }
    Ok(command)
}

fn timeout<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    within(from, 1, MAX_TIMEOUT_SECONDS).map(Duration::from_secs)
}

fn mebibytes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    within(from, 1, 1 << 24).map(Some)
}

fn output_mebibytes<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    within(from, 1, 1 << 24)
}

fn cpu_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    within(from, 1, MAX_TIMEOUT_SECONDS).map(Some)
}

fn open_files<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    within(from, 8, 1 << 20).map(Some)
}

fn within<'de, D: Deserializer<'de>>(from: D, least: u64, most: u64) -> Result<u64, D::Error> {
    let number = i64::deserialize(from)?;
    u64::try_from(number).ok().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        D::Error::custom(format!("must be a whole number from {least} to {most}, not {number}"))
    })
}

fn passed_names<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    for name in &names {
        check_name(name).map_err(D::Error::custom)?;
        if is_secret_of_the_daemon(name) {
            return Err(D::Error::custom(format!("{name} can never be passed to a run")));
        }
    }
    Ok(names)
}

fn set_values<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values = BTreeMap::<String, String>::deserialize(from)?;
    for (name, value) in &values {
        check_name(name).map_err(D::Error::custom)?;
        if value.contains('\0') {
            return Err(D::Error::custom(format!("the value of {name} contains a zero byte")));
        }
    }
    Ok(values)
}

fn check_name(name: &str) -> Result<(), String> {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if starts_well && name.bytes().all(is_name_byte) {
        Ok(())
    } else {
        Err(format!("{name:?} is no name of a variable; it must match [A-Za-z_][A-Za-z0-9_]*"))
    }
}

/// The daemon's own secrets, and the names of the files that hold them, stay with the daemon
/// whatever a task asks for.
pub(super) fn is_secret_of_the_daemon(name: &str) -> bool {
    name.starts_with("LUKHAS_MCP_API_KEYS") || name == "PROM_BEARER" || name.ends_with("_FILE")
}

#[cfg(test)]
mod tests;
