//! What a file says, whichever of the two forms it has: values with the lines they stand in.

/// Something wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The line, from 1.
    pub(super) line: usize,
    /// What is wrong and what is allowed, in a sentence.
    pub(super) problem: String,
}

impl Fault {
    pub(super) fn new(line: usize, problem: impl Into<String>) -> Self {
        Self { line, problem: problem.into() }
    }
}

/// A value, and the line where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Nothing,
    Truth(bool),
    Integer(i128),
    Decimal(f64),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key, the line where it stands, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

impl Node {
    /// The value without keys that are there twice, of which the first twin stays.
    ///
    /// One key of the outermost table may be `merged`: the earlier backend's own example has
    /// `chat:` twice, with a half of the settings in each. Such tables are put together.
    ///
    /// # Errors
    /// The first key that is there twice otherwise.
    pub(super) fn without_twins(self, merged: &str) -> Result<Self, Fault> {
        let Content::Table(entries) = self.content else { return Ok(self) };
        let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
        for entry in entries {
            match kept.iter_mut().find(|other| other.key == entry.key && entry.key == merged) {
                Some(twin) => twin.value.take_in(entry.value),
                None => kept.push(entry),
            }
        }
        let node = Self { line: self.line, content: Content::Table(kept) };
        node.refuse_twins()?;
        Ok(node)
    }

    /// Adds the entries of another table, and those of tables that both have. What cannot be put
    /// together stays there twice.
    fn take_in(&mut self, other: Self) {
        match (&mut self.content, other.content) {
            (Content::Table(own), Content::Table(others)) => {
                for entry in others {
                    let twin = own.iter_mut().find(|twin| {
                        let tables = (&twin.value.content, &entry.value.content);
                        twin.key == entry.key
                            && matches!(tables, (Content::Table(_), Content::Table(_)))
                    });
                    match twin {
                        Some(twin) => twin.value.take_in(entry.value),
                        None => own.push(entry),
                    }
                }
            }
            (_, Content::Nothing) => {}
            // Nothing gives way; what is no table is refused where it is read.
            (_, content) => *self = Self { line: other.line, content },
        }
    }

    fn refuse_twins(&self) -> Result<(), Fault> {
        match &self.content {
            Content::List(items) => items.iter().try_for_each(Self::refuse_twins),
            Content::Table(entries) => {
                let mut seen = std::collections::BTreeMap::new();
                for Entry { key, line, value } in entries {
                    if let Some(first) = seen.insert(key, *line) {
                        let problem = format!(
                            "{key:?} is there already, in line {first}; keep one of the two"
                        );
                        return Err(Fault::new(*line, problem));
                    }
                    value.refuse_twins()?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
