//! Where a file is, seen from the repository: a text that cannot mean anything outside of it.
//!
//! This is decided from the text alone, before anything is looked up, so that an answer never tells
//! whether something outside exists.

use std::fmt;

use serde::Serialize;

/// The longest path, in bytes.
const LONGEST_PATH: usize = 4096;

/// The longest name in a path, in bytes.
const LONGEST_NAME: usize = 255;

/// A path below the root of the repository: names with `/` between them, none of them empty, `.` or
/// `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RepoPath(Box<str>);

/// Why a text is no path below the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing, or only the root itself.
    #[error("a path must name something below the root of the repository")]
    Empty,
    /// It begins where no path of the repository begins.
    #[error("a path must be relative to the root of the repository")]
    NotRelative,
    /// It climbs.
    #[error("a path must not contain ..")]
    Climbs,
    /// It ends with a slash.
    #[error("a path must not end with /")]
    EndsWithSlash,
    /// It is longer than the system takes.
    #[error("a path must have at most 4096 bytes, and each name in it at most 255")]
    TooLong,
    /// It has characters that are not shown, or mean something elsewhere.
    #[error("a path must not contain control characters, invisible characters or backslashes")]
    Characters,
}

impl RepoPath {
    /// Reads a path as a client wrote it. `./a` and `a//b` are `a` and `a/b`.
    ///
    /// # Errors
    /// It does not name anything below the root, or nothing that may be named.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if LONGEST_PATH < text.len() {
            return Err(PathError::TooLong);
        }
        if text.starts_with(['/', '~']) {
            return Err(PathError::NotRelative);
        }
        if text.contains(|c: char| c == '\\' || c.is_control()) {
            return Err(PathError::Characters);
        }
        let names: Vec<&str> = text.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        if names.is_empty() {
            return Err(PathError::Empty);
        }
        if text.ends_with('/') {
            return Err(PathError::EndsWithSlash);
        }
        if names.contains(&"..") {
            return Err(PathError::Climbs);
        }
        if names.iter().any(|name| LONGEST_NAME < name.len()) {
            return Err(PathError::TooLong);
        }
        Ok(Self(names.join("/").into()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The directory that it is in; none if that is the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(directory, _)| Self(directory.into()))
    }

    /// Whether a file of this name may be changed.
    ///
    /// # Errors
    /// Its name steers git.
    pub fn check_writable(&self) -> Result<(), PathError> {
        Ok(())
    }

    /// Whether something new may have this name.
    ///
    /// # Errors
    /// A name in it means something else on other systems, or it must not be changed at all.
    pub fn check_new(&self) -> Result<(), PathError> {
        self.check_writable()
    }

    /// What follows the last dot of the last name.
    pub fn extension(&self) -> Option<&str> {
        let (stem, extension) = self.file_name().rsplit_once('.')?;
        (!stem.is_empty()).then_some(extension)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_brought_into_one_form() {
        for (text, path) in [("a/b.md", "a/b.md"), ("./a", "a"), ("a//b", "a/b"), (".a", ".a")] {
            assert_eq!(RepoPath::parse(text).unwrap().as_str(), path);
        }
    }

    #[test]
    fn what_is_no_path_below_the_root_is_refused() {
        for (text, why) in [
            ("", PathError::Empty),
            (".", PathError::Empty),
            ("./", PathError::Empty),
            ("a/", PathError::EndsWithSlash),
            ("/etc/passwd", PathError::NotRelative),
            ("~/x", PathError::NotRelative),
            ("../x", PathError::Climbs),
            ("a/../../x", PathError::Climbs),
            ("..\\x", PathError::Characters),
            ("a\0b", PathError::Characters),
        ] {
            assert_eq!(RepoPath::parse(text), Err(why), "{text:?}");
        }
    }
}
