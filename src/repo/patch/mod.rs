//! What a unified diff does to one file, decided over raw bytes and without looking anything up.
//!
//! # Invariants
//!
//! 1. A patch applies where it says, or not at all: every context line and every removed line has
//!    to stand at its own number, byte for byte. Nothing is searched for.
//! 2. The names in a patch are compared with the path that was asked for, and never used as paths.
//! 3. Bytes outside of the hunks are copied. No line ending is converted, no text is decoded.
//! 4. Time and memory grow with patch and file, whatever stands in them.
//!
//! There is one repair: a line without a prefix counts as an addition if, and only if, that makes
//! both counts of its hunk exact. An empty line has no prefix either. A line that begins with `@@`
//! or `diff --git ` always begins a hunk or a file, and is not repaired.

mod apply;
mod error;
mod header;
mod hunk;
mod lines;
mod shown;

#[cfg(test)]
mod tests;

use self::apply::LineEnding;
use self::header::Kind;
use self::hunk::Hunk;
use self::lines::Lines;

pub use self::error::{Counted, Found, HunkName, Mismatch, PatchError, Shown};

/// The longest patch, in bytes.
pub const LONGEST_PATCH: usize = 1024 * 1024;

/// A unified diff of one file, consistent in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch<'text> {
    kind: Kind,
    hunks: Vec<Hunk<'text>>,
}

/// What a patch made of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What is there afterwards.
    pub content: Content,
    /// Whether a line without a prefix was taken for an addition.
    pub repaired: bool,
    /// Whether the lines of the patch, which end in LF, were read as ending in CRLF, as all lines
    /// of the file do.
    pub read_as_crlf: bool,
    /// How many hunks there were.
    pub hunks: usize,
    /// How many lines were added.
    pub added: usize,
    /// How many lines were removed.
    pub removed: usize,
}

/// What is there after a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file with these bytes; none is an empty file.
    Holds(Vec<u8>),
    /// No file.
    Gone,
}

impl<'text> Patch<'text> {
    /// Reads a patch of the file at `path`, which is relative to the root of the repository. Lines
    /// end in LF, the last one also without.
    ///
    /// # Errors
    /// It is no unified diff, not of one file or not of this one, does more than change lines, or
    /// contradicts itself.
    pub fn parse(text: &'text [u8], path: &str) -> Result<Self, PatchError> {
        if LONGEST_PATCH < text.len() {
            return Err(PatchError::TooLong { bytes: text.len() });
        }
        Self::parse_of_any_length(text, path)
    }

    fn parse_of_any_length(text: &'text [u8], path: &str) -> Result<Self, PatchError> {
        if text.trim_ascii().is_empty() {
            return Err(PatchError::Empty);
        }
        let mut lines = Lines::of(text);
        let kind = header::parse(&mut lines, path)?;
        let hunks = hunk::parse_all(&mut lines)?;
        Self { kind, hunks }.checked()
    }

    /// Whether it can make a file where there is none.
    pub fn creates(&self) -> bool {
        self.kind != Kind::Deletion && self.expects_nothing()
    }

    /// Whether it says that no file is left.
    pub fn deletes(&self) -> bool {
        self.kind == Kind::Deletion
    }

    /// What the patch makes of a file with these bytes, or of none.
    ///
    /// # Errors
    /// The file is not the one that the patch was made for.
    pub fn apply(&self, base: Option<&[u8]>) -> Result<Applied, PatchError> {
        let base = match base {
            None if !self.creates() => return Err(PatchError::NoFile),
            None => &[],
            Some([_, ..]) if self.kind == Kind::Creation => return Err(PatchError::Exists),
            Some(base) => base,
        };
        let ending = LineEnding::of(&self.hunks, base);
        let bytes = apply::apply(&self.hunks, base, ending)?;
        let content = match self.kind {
            Kind::Deletion if !bytes.is_empty() => return Err(PatchError::LeavesLines),
            Kind::Deletion => Content::Gone,
            Kind::Change | Kind::Creation => Content::Holds(bytes),
        };
        Ok(Applied {
            content,
            repaired: self.hunks.iter().any(|hunk| hunk.repaired),
            read_as_crlf: ending == LineEnding::Crlf,
            hunks: self.hunks.len(),
            added: self.hunks.iter().map(Hunk::added).sum(),
            removed: self.hunks.iter().map(Hunk::removed).sum(),
        })
    }

    /// Whether it fits an empty file.
    fn expects_nothing(&self) -> bool {
        self.hunks.iter().all(|hunk| hunk.old.is_at_the_top() && hunk.old.count == 0)
    }

    /// The patch, if its hunks do what its header says, and anything.
    fn checked(self) -> Result<Self, PatchError> {
        if self.kind == Kind::Creation && !self.expects_nothing() {
            return Err(PatchError::CreationExpectsLines);
        }
        if self.kind == Kind::Deletion && self.hunks.iter().any(|hunk| hunk.new.count != 0) {
            return Err(PatchError::LeavesLines);
        }
        if self.hunks.iter().all(|hunk| hunk.added() + hunk.removed() == 0) {
            return Err(PatchError::ChangesNothing);
        }
        Ok(self)
    }
}
