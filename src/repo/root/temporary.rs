//! The names of files that are not yet what they are to be.

use std::fmt;

/// What every such name begins with; no client can name one.
const PREFIX: &str = ".lukhas-mcp-";

/// What every such name ends with.
const SUFFIX: &str = ".tmp";

/// The random part: enough that no two are ever equal, and in one case, for file systems that know
/// only one.
const LETTERS: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u',
    'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// How long the random part is; 120 bits.
const LENGTH: usize = 24;

/// The name of a file that is being written. It is written down before the file is made, so that
/// whoever finds the note after a kill can remove the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemporaryName(Box<str>);

impl TemporaryName {
    /// A new one.
    pub fn random() -> Self {
        Self(format!("{PREFIX}{}{SUFFIX}", nanoid::nanoid!(LENGTH, &LETTERS)).into())
    }

    /// Reads one that was written down; none if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        let is_one = random.len() == LENGTH && random.chars().all(|c| LETTERS.contains(&c));
        is_one.then(|| Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TemporaryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
