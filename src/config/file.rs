//! The settings file: TOML, one table a group.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::DEFAULT_FILE;
use super::error::ConfigError;
use super::keys::{all_settings, nearest};
use super::settings::GROUPS;
use super::sources::{Origin, read_text};
use super::value::Raw;

/// The most that is read of a settings file.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the file says, by the settings' names. Every name in it is that of a setting.
pub(super) struct FileLayer {
    /// Paths in the file are relative to its directory.
    pub(super) directory: PathBuf,
    /// The file itself.
    pub(super) path: PathBuf,
    values: BTreeMap<&'static str, (Raw, Origin)>,
}

impl FileLayer {
    /// Reads the file that was named, which must be there, or else the default file, if it is.
    pub(super) fn load(named: Option<&Path>, cwd: &Path) -> Result<Option<Self>, ConfigError> {
        let path = cwd.join(named.unwrap_or(Path::new(DEFAULT_FILE)));
        let what = if named.is_some() { "the file named by --config" } else { DEFAULT_FILE };
        let text = match read_text(&path, MAX_BYTES, what) {
            Err(ConfigError::Missing { .. }) if named.is_none() => return Ok(None),
            other => other?,
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let document = Document { name: name.unwrap_or_default(), text: &text };
        let directory = path.parent().unwrap_or(cwd).to_owned();
        let values = document.values()?;
        Ok(Some(Self { directory, path, values }))
    }

    /// What the file says about a setting.
    pub(super) fn take(&mut self, setting: &str) -> Option<(Raw, Origin)> {
        self.values.remove(setting)
    }
}

/// A file's text, and its name for errors.
struct Document<'a> {
    name: String,
    text: &'a str,
}

impl Document<'_> {
    fn values(&self) -> Result<BTreeMap<&'static str, (Raw, Origin)>, ConfigError> {
        // Only the message is kept: the parser's own display repeats the line, and a line may
        // hold a secret.
        let tables = DeTable::parse(self.text).map_err(|error| ConfigError::Syntax {
            place: self.place(error.span().map_or(0, |span| span.start)),
            problem: error.message().to_owned(),
        })?;
        let mut values = BTreeMap::new();
        for (name, table) in tables.get_ref() {
            let Some(group) = GROUPS.iter().find(|group| group.name == name.get_ref().as_ref())
            else {
                return Err(self.unknown_key(name.get_ref().as_ref(), name.span().start, table));
            };
            let DeValue::Table(table) = table.get_ref() else {
                let place = self.place(name.span().start);
                return Err(ConfigError::NotATable { place, table: group.name });
            };
            for (key, value) in table {
                let full_name = format!("{}.{}", group.name, key.get_ref());
                let setting = group.settings.iter().find(|setting| setting.name == full_name);
                let Some(setting) = setting else {
                    return Err(self.unknown_key(&full_name, key.span().start, value));
                };
                let line = self.line(key.span().start);
                let origin = Origin::File { name: self.name.clone(), line };
                values.insert(setting.name, (raw(value.get_ref()), origin));
            }
        }
        Ok(values)
    }

    fn unknown_key(&self, key: &str, at: usize, value: &Spanned<DeValue<'_>>) -> ConfigError {
        let is_table = matches!(value.get_ref(), DeValue::Table(_));
        let settings = all_settings().map(|setting| setting.name);
        let tables = GROUPS.iter().map(|group| group.name);
        let short: fn(&str) -> &str = |name| name.rsplit_once('.').map_or(name, |(_, short)| short);
        let nearest = if is_table && !key.contains('.') {
            nearest(key, tables, |name| name)
        } else {
            nearest(key, settings, short)
        };
        let nearest = nearest.to_owned();
        ConfigError::UnknownKey { place: self.place(at), key: key.to_owned(), nearest }
    }

    fn place(&self, offset: usize) -> String {
        format!("{} line {}", self.name, self.line(offset))
    }

    /// The line of a byte, from 1.
    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Raw::Other, Raw::Integer)
        }
        DeValue::Boolean(truth) => Raw::Bool(*truth),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            items.collect::<Option<Vec<String>>>().map_or(Raw::Other, Raw::List)
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => Raw::Other,
    }
}
