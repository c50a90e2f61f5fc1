//! Why a patch is refused, in a sentence that says what to do about it.

use std::fmt;

use super::LONGEST_PATCH;

pub use super::shown::Shown;

/// Why a patch was refused. Numbers of lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// It is too long.
    #[error("the patch has {bytes} bytes, and at most {LONGEST_PATCH} are taken")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// There is nothing in it.
    #[error("the patch is empty")]
    Empty,
    /// There is no `@@`.
    #[error(
        "the patch has no hunk: a header such as @@ -1,2 +1,3 @@, and below it the lines with a \
         space, - or + before each"
    )]
    NoHunk,
    /// A line before the first hunk means nothing.
    #[error(
        "line {line} of the patch, {text}, is no part of a unified diff, which begins with --- and \
         +++ or with the @@ of its first hunk"
    )]
    NotADiff {
        /// Its number in the patch.
        line: usize,
        /// What it is.
        text: Shown,
    },
    /// One of `---` and `+++` is missing.
    #[error(
        "line {line} of the patch stands alone: a line that begins with --- and one that begins \
         with +++ come together"
    )]
    HalfAHeader {
        /// Its number in the patch.
        line: usize,
    },
    /// A header names a file that was not asked for.
    #[error("line {line} of the patch names {name}, and the file to be patched is {path}")]
    AnotherFile {
        /// Its number in the patch.
        line: usize,
        /// The name.
        name: Shown,
        /// What was asked for.
        path: Shown,
    },
    /// What the headers say about creation and deletion cannot be true at once.
    #[error(
        "line {line} of the patch contradicts the others: /dev/null stands for the old side of a \
         file that is created, or for the new side of one that is deleted"
    )]
    Contradiction {
        /// Its number in the patch.
        line: usize,
    },
    /// There is a second file.
    #[error("line {line} of the patch begins a second file; send a patch for each file")]
    SeveralFiles {
        /// Its number in the patch.
        line: usize,
    },
    /// It moves or copies a file.
    #[error(
        "line {line} of the patch moves or copies the file; use rename_file, and patch the file in \
         its new place"
    )]
    Rename {
        /// Its number in the patch.
        line: usize,
    },
    /// It changes what a file is.
    #[error(
        "line {line} of the patch sets a file mode; a patch changes lines only, and creates only \
         regular files of mode 100644"
    )]
    Mode {
        /// Its number in the patch.
        line: usize,
    },
    /// It is a binary patch.
    #[error("line {line} of the patch begins a binary patch; use write_file with base64")]
    Binary {
        /// Its number in the patch.
        line: usize,
    },
    /// It is the diff of a merge.
    #[error(
        "line {line} of the patch begins a combined diff, of a merge; send the diff to one parent"
    )]
    Combined {
        /// Its number in the patch.
        line: usize,
    },
    /// A header of a hunk cannot be read.
    #[error(
        "line {line} of the patch, {text}, is no header of a hunk: it is written \
         @@ -<first old line>,<old lines> +<first new line>,<new lines> @@, lines count from 1, \
         and 0 is the place before the first"
    )]
    HunkHeader {
        /// Its number in the patch.
        line: usize,
        /// What it is.
        text: Shown,
    },
    /// A hunk has neither old nor new lines.
    #[error("{hunk} has no lines")]
    EmptyHunk {
        /// The hunk.
        hunk: HunkName,
    },
    /// A hunk has other numbers of lines than it says.
    #[error("{hunk} {found}, and its header says {old} and {new}")]
    Counts {
        /// The hunk.
        hunk: HunkName,
        /// The old lines by the header.
        old: usize,
        /// The new lines by the header.
        new: usize,
        /// What is there.
        found: Counted,
    },
    /// `\ No newline at end of file` stands where no line ends.
    #[error(
        "line {line} of the patch says that there is no newline, and the line before it is none \
         that this can be said of"
    )]
    StrayMarker {
        /// Its number in the patch.
        line: usize,
    },
    /// A hunk begins before the end of the one before it.
    #[error("{hunk} begins before the end of the hunk before it")]
    Backward {
        /// The hunk.
        hunk: HunkName,
    },
    /// A hunk's two places do not belong together.
    #[error(
        "{hunk} should begin at line {expected} of the new file, by what the hunks before it add \
         and remove"
    )]
    NewStart {
        /// The hunk.
        hunk: HunkName,
        /// The first number that should follow its `+`.
        expected: usize,
    },
    /// There is no change in it.
    #[error("the patch neither adds nor removes a line")]
    ChangesNothing,
    /// It says that the file is new, and expects lines in it.
    #[error("the patch creates the file, so its only hunk is @@ -0,0 +1,<new lines> @@")]
    CreationExpectsLines,
    /// There is no file to be patched.
    #[error(
        "there is no such file, and the patch creates none, for which its only hunk would be \
         @@ -0,0 +1,<new lines> @@"
    )]
    NoFile,
    /// The file that it creates is there.
    #[error("the patch creates the file, and the file exists and is not empty")]
    Exists,
    /// It deletes the file without removing all of its lines.
    #[error("the patch deletes the file, and does not remove all of its lines")]
    LeavesLines,
    /// What the patch expects is not what the file holds.
    #[error("{0}")]
    Mismatch(Box<Mismatch>),
    /// A hunk adds lines after more lines than there are.
    #[error(
        "{hunk} adds lines beyond the end of the file, of which the number of lines is {lines}"
    )]
    BeyondTheEnd {
        /// The hunk.
        hunk: HunkName,
        /// How many lines the file has.
        lines: usize,
    },
    /// A line without a newline would come before another one.
    #[error(
        "after {hunk}, a line without a newline would stand before another line; only the last \
         line of a file can lack one"
    )]
    NotTheLastLine {
        /// The hunk.
        hunk: HunkName,
    },
}

/// Which hunk, for who reads it in an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkName {
    /// Its number in the patch, from 1.
    pub number: usize,
    /// Its ranges as the patch has them.
    pub header: Box<str>,
}

impl fmt::Display for HunkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hunk {} ({})", self.number, self.header)
    }
}

/// How many lines a hunk really has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Lines with a space or a `-`.
    pub old: usize,
    /// Lines with a space or a `+`.
    pub new: usize,
    /// Lines with none of them.
    pub unprefixed: usize,
    /// The first of those, by its number in the patch.
    pub first_unprefixed: Option<usize>,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "has {} old and {} new lines", self.old, self.new)?;
        match self.first_unprefixed {
            None => Ok(()),
            Some(line) => write!(
                f,
                " and {} without a prefix (line {line} of the patch is the first; a context line \
                 begins with a space even if it is empty)",
                self.unprefixed
            ),
        }
    }
}

/// What a hunk expects, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The hunk.
    pub hunk: HunkName,
    /// The number of the line in the file.
    pub line: usize,
    /// What should be there.
    pub expected: Shown,
    /// What is.
    pub found: Found,
    /// The one line of the file at which everything that the hunk expects does stand.
    pub stands_at: Option<usize>,
}

/// What stands where a hunk expects something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Another text.
    Text(Shown),
    /// The same text, ending in CRLF.
    EndsInCrlf,
    /// The same text, not ending in CRLF as in the patch.
    EndsInLf,
    /// The same text, with a newline that the patch denies.
    HasNewline,
    /// The same text, without the newline of the patch.
    LacksNewline,
    /// The end of a file with this many lines.
    End(usize),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hunk, line, expected, found, stands_at } = self;
        write!(f, "{hunk} does not fit: line {line} of the file should be {expected} and ")?;
        match found {
            Found::Text(text) => write!(f, "is {text}"),
            Found::EndsInCrlf => {
                f.write_str("is, but ends in CRLF, which it does not in the patch")
            }
            Found::EndsInLf => f.write_str("is, but does not end in CRLF as it does in the patch"),
            Found::HasNewline => {
                f.write_str("is, but has a newline, which the patch says is missing")
            }
            Found::LacksNewline => f.write_str(
                "is, but has no newline at its end, for which the patch needs the line \
                 \\ No newline at end of file below it",
            ),
            Found::End(0) => f.write_str("the file is empty"),
            Found::End(lines) => write!(f, "the file ends after line {lines}"),
        }?;
        match stands_at {
            None => Ok(()),
            Some(line) => {
                write!(f, "; the old lines of the hunk stand once in the file, from line {line} on")
            }
        }
    }
}
