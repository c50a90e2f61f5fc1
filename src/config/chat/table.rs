//! Reading one table of a file: which keys it may have, and what their values may be.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::keys::nearest;
use super::tree::{Content, Entry, Fault, Node};

/// The keys that a table may have. `<name>` in a path stands for whatever somebody called it.
#[derive(Debug)]
pub(super) struct Section {
    /// The keys around it, with dots between; empty for the file itself.
    pub(super) path: &'static str,
    pub(super) keys: &'static [&'static str],
}

/// What one file may have.
#[derive(Debug)]
pub(super) struct Form {
    /// All sections; the first is the file itself.
    pub(super) sections: &'static [&'static Section],
    /// Whether keys that begin with `_` are comments, for want of others.
    pub(super) has_comment_keys: bool,
}

/// A table that has only keys of its section.
#[derive(Debug)]
pub(super) struct Table<'a> {
    /// Its path in the file, for faults.
    pub(super) path: String,
    /// The line where it begins; for a table that is not there, that of the table around it.
    pub(super) line: usize,
    section: &'static Section,
    form: &'static Form,
    entries: &'a [Entry],
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) node: &'a Node,
}

impl<'a> Table<'a> {
    /// The outermost table of a file.
    pub(super) fn root(node: &'a Node, form: &'static Form) -> Result<Self, Fault> {
        let field = Field { path: String::new(), line: node.line, node };
        if field.node.content == Content::Nothing {
            return Err(Fault::new(node.line.max(1), "there is nothing in it"));
        }
        field.table(form.sections[0], form)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key. One that is written without a value counts as not written.
    pub(super) fn get(&self, key: &str) -> Option<Field<'a>> {
        self.written(key).filter(|field| field.node.content != Content::Nothing)
    }

    /// Whether a key is written with nothing, or with `null`.
    pub(super) fn is_null(&self, key: &str) -> bool {
        self.written(key).is_some_and(|field| field.node.content == Content::Nothing)
    }

    fn written(&self, key: &str) -> Option<Field<'a>> {
        debug_assert!(self.section.keys.contains(&key), "{key} is not declared");
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(Field { path: self.path_of(key), line: entry.line, node: &entry.value })
    }

    /// A table within this one; empty if it is not written.
    pub(super) fn table(&self, key: &str, section: &'static Section) -> Result<Self, Fault> {
        match self.get(key) {
            Some(field) => field.table(section, self.form),
            None => Ok(Self {
                path: self.path_of(key),
                line: self.line,
                section,
                form: self.form,
                entries: &[],
            }),
        }
    }

    /// The entries of a table whose keys are names that somebody chose.
    pub(super) fn named(&self, key: &str) -> Result<Vec<(&'a str, Field<'a>)>, Fault> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |field| field.named())
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Fault> {
        self.get(key).map(|field| field.text()).transpose()
    }

    pub(super) fn truth(&self, key: &str) -> Result<Option<bool>, Fault> {
        self.get(key).map(|field| field.truth()).transpose()
    }

    pub(super) fn integer<T>(&self, key: &str, range: RangeInclusive<T>) -> Result<Option<T>, Fault>
    where
        T: TryFrom<i128> + PartialOrd + std::fmt::Display,
    {
        self.get(key).map(|field| field.integer(range)).transpose()
    }

    pub(super) fn decimal(
        &self,
        key: &str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<f64>, Fault> {
        self.get(key).map(|field| field.decimal(range)).transpose()
    }

    pub(super) fn seconds(
        &self,
        key: &str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<Duration>, Fault> {
        Ok(self.decimal(key, range)?.map(Duration::from_secs_f64))
    }

    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        names: &[(&str, T)],
    ) -> Result<Option<T>, Fault> {
        self.get(key).map(|field| field.choice(names)).transpose()
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, Fault> {
        self.get(key).map(|field| field.texts()).transpose()
    }
}

impl<'a> Field<'a> {
    /// What is wrong with the value, to follow its name.
    pub(super) fn fault(&self, problem: &str) -> Fault {
        Fault::new(self.line, format!("{} {problem}", self.path))
    }

    fn table(&self, section: &'static Section, form: &'static Form) -> Result<Table<'a>, Fault> {
        let entries = self.entries()?;
        let path = self.path.clone();
        let table = Table { path, line: self.line, section, form, entries };
        let is_comment = |key: &str| form.has_comment_keys && key.starts_with('_');
        for Entry { key, line, .. } in entries {
            if section.keys.contains(&key.as_str()) || is_comment(key) {
                continue;
            }
            let known = form.sections.iter().flat_map(|section| {
                let full = |key: &&str| match section.path {
                    "" => (*key).to_owned(),
                    path => format!("{path}.{key}"),
                };
                section.keys.iter().map(full)
            });
            let known: Vec<String> = known.collect();
            let wrong = table.path_of(key);
            let tail: fn(&str) -> &str = |name| name.rsplit('.').next().unwrap_or(name);
            let nearest = nearest(&wrong, known.iter().map(String::as_str), tail);
            let problem = format!("unknown key {wrong:?}; the nearest known one is {nearest:?}");
            return Err(Fault::new(*line, problem));
        }
        Ok(table)
    }

    fn entries(&self) -> Result<&'a [Entry], Fault> {
        match &self.node.content {
            Content::Table(entries) => Ok(entries),
            _ if self.path.is_empty() => {
                Err(Fault::new(self.line.max(1), "must be keys with values"))
            }
            _ => Err(self.fault("must be keys with values")),
        }
    }

    /// The entries, whatever their keys are.
    pub(super) fn named(&self) -> Result<Vec<(&'a str, Field<'a>)>, Fault> {
        let field = |entry: &'a Entry| {
            let path = format!("{}.{}", self.path, entry.key);
            (entry.key.as_str(), Field { path, line: entry.line, node: &entry.value })
        };
        Ok(self.entries()?.iter().map(field).collect())
    }

    /// A table of a section within one that has names for keys.
    pub(super) fn section(
        &self,
        section: &'static Section,
        form: &'static Form,
    ) -> Result<Table<'a>, Fault> {
        self.table(section, form)
    }

    pub(super) fn text(&self) -> Result<&'a str, Fault> {
        match &self.node.content {
            Content::Text(text) => Ok(text),
            _ => Err(self.fault("must be text; put it in quotes")),
        }
    }

    pub(super) fn truth(&self) -> Result<bool, Fault> {
        match self.node.content {
            Content::Truth(truth) => Ok(truth),
            _ => Err(self.fault("must be true or false")),
        }
    }

    pub(super) fn integer<T>(&self, range: RangeInclusive<T>) -> Result<T, Fault>
    where
        T: TryFrom<i128> + PartialOrd + std::fmt::Display,
    {
        let number = match self.node.content {
            Content::Integer(number) => Some(number),
            _ => None,
        };
        let good =
            number.and_then(|number| T::try_from(number).ok()).filter(|it| range.contains(it));
        good.ok_or_else(|| {
            let is = number.map_or_else(String::new, |number| format!("is {number} and "));
            let (least, most) = (range.start(), range.end());
            self.fault(&format!("{is}must be a whole number from {least} to {most}"))
        })
    }

    pub(super) fn decimal(&self, range: RangeInclusive<f64>) -> Result<f64, Fault> {
        #[expect(clippy::cast_precision_loss, reason = "what is that large is out of every range")]
        let number = match self.node.content {
            Content::Integer(number) => Some(number as f64),
            Content::Decimal(number) => Some(number),
            _ => None,
        };
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let is = number.map_or_else(String::new, |number| format!("is {number} and "));
            let (least, most) = (range.start(), range.end());
            self.fault(&format!("{is}must be a number from {least} to {most}"))
        })
    }

    pub(super) fn choice<T: Copy>(&self, names: &[(&str, T)]) -> Result<T, Fault> {
        let text = match &self.node.content {
            Content::Text(text) => text.trim(),
            _ => "",
        };
        let found = names.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            let is = if text.is_empty() || 40 < text.len() {
                String::new()
            } else {
                format!("is {text:?} and ")
            };
            self.fault(&format!("{is}must be one of {}", names.join(", ")))
        })
    }

    /// The items of a list, each with its own line.
    pub(super) fn items(&self) -> Result<Vec<Field<'a>>, Fault> {
        let Content::List(items) = &self.node.content else {
            return Err(self.fault("must be a list"));
        };
        let item = |node: &'a Node| Field { path: self.path.clone(), line: node.line, node };
        Ok(items.iter().map(item).collect())
    }

    pub(super) fn texts(&self) -> Result<Vec<&'a str>, Fault> {
        let text = |item: Field<'a>| match &item.node.content {
            Content::Text(text) => Ok(text.as_str()),
            _ => Err(item.fault("must be a list of texts; put each in quotes")),
        };
        self.items()?.into_iter().map(text).collect()
    }
}
