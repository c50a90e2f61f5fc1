//! Where a file is, seen from the repository: a text that cannot mean anything outside of it.
//!
//! This is decided from the text alone, before anything is looked up, so that an answer never tells
//! whether something outside exists.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::names;

/// The longest path, in bytes.
const LONGEST_PATH: usize = 4096;

/// The longest name in a path, in bytes.
const LONGEST_NAME: usize = 255;

/// A path below the root of the repository: names with `/` between them, none of them empty, `.` or
/// `..`, none that is git's own, that holds keys or passwords, or that is not shown as it is.
///
/// Percent signs mean themselves: `%2e%2e` is a name like any other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RepoPath(Box<str>);

impl JsonSchema for RepoPath {
    fn schema_name() -> Cow<'static, str> {
        "RepoPath".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        String::json_schema(schemas)
    }
}

/// Why a text is no path below the root, or none for the use that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing, or only the root itself.
    #[error("a path must name something below the root of the repository")]
    Empty,
    /// It begins where no path of the repository begins.
    #[error("a path must be relative to the root of the repository")]
    NotRelative,
    /// It climbs, or would on other systems.
    #[error("a path must not contain .. or a name of nothing but dots and spaces")]
    Climbs,
    /// It ends with a slash.
    #[error("a path must not end with /")]
    EndsWithSlash,
    /// It is longer than the system takes.
    #[error("a path must have at most 4096 bytes, and each name in it at most 255")]
    TooLong,
    /// It has characters that are not shown, or mean something elsewhere.
    #[error(
        "a path must not contain control characters, invisible characters, backslashes or colons"
    )]
    Characters,
    /// It is git's own.
    #[error("a path must not lead into .git, however that is written")]
    Git,
    /// It stands for another name on some systems.
    #[error("a path must not contain a shortened name such as GIT~1")]
    ShortAlias,
    /// What is there is nobody's to see.
    #[error("a path must not name a file for keys, passwords or state, such as .env or *.pem")]
    Secret,
    /// It is a file that the daemon has not finished.
    #[error("a path must not name a temporary file of the daemon")]
    Temporary,
    /// It can be read and not changed.
    #[error(
        "a file that steers git (.gitattributes, .gitmodules, .lfsconfig, HEAD) can be read but \
         not changed"
    )]
    SteersGit,
    /// It can be read and changed if it is there, and not made.
    #[error(
        "a new name must be one that all systems take: not reserved as NUL or COM1 are, without \
         < > \" | ? *, and without a dot or a space at its end"
    )]
    NotPortable,
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
        if text.starts_with('/') {
            return Err(PathError::NotRelative);
        }
        if text.contains(names::is_forbidden) {
            return Err(PathError::Characters);
        }
        let names: Vec<&str> = text.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        let Some(first) = names.first() else { return Err(PathError::Empty) };
        if text.ends_with('/') {
            return Err(PathError::EndsWithSlash);
        }
        // A shell would put somebody's home there.
        if first.starts_with('~') {
            return Err(PathError::NotRelative);
        }
        let mut directory = None;
        for name in &names {
            check_name(directory, name)?;
            directory = Some(*name);
        }
        Ok(Self(names.join("/").into()))
    }

    /// The path of a name in a directory, or in the root.
    ///
    /// # Errors
    /// The name is none, or none that may be named there.
    pub fn child(directory: Option<&Self>, name: &str) -> Result<Self, PathError> {
        let Some(directory) = directory else {
            return if name.contains('/') { Err(PathError::Characters) } else { Self::parse(name) };
        };
        if LONGEST_PATH < directory.0.len() + 1 + name.len() {
            return Err(PathError::TooLong);
        }
        if name.contains(|c| c == '/' || names::is_forbidden(c)) {
            return Err(PathError::Characters);
        }
        check_name(Some(directory.file_name()), name)?;
        Ok(Self(format!("{directory}/{name}").into()))
    }

    /// Whether a file of this name may be changed.
    ///
    /// # Errors
    /// Its name steers git.
    pub fn check_writable(&self) -> Result<(), PathError> {
        if self.names().any(|name| names::steers_git(&names::fold(name))) {
            return Err(PathError::SteersGit);
        }
        Ok(())
    }

    /// Whether something new may have this name.
    ///
    /// # Errors
    /// A name in it means something else on other systems, or it must not be changed at all.
    pub fn check_new(&self) -> Result<(), PathError> {
        self.check_writable()?;
        if self.names().all(names::is_portable) { Ok(()) } else { Err(PathError::NotPortable) }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names in it, from the root on.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The last name.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The directory that it is in; none if that is the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(directory, _)| Self(directory.into()))
    }

    /// What follows the last dot of the last name.
    pub fn extension(&self) -> Option<&str> {
        let (stem, extension) = self.file_name().rsplit_once('.')?;
        (!stem.is_empty()).then_some(extension)
    }
}

/// Whether a name may be in a path, after the name of its directory. Its characters are checked
/// already.
fn check_name(directory: Option<&str>, name: &str) -> Result<(), PathError> {
    if LONGEST_NAME < name.len() {
        return Err(PathError::TooLong);
    }
    let folded = names::fold(name);
    let directory = directory.map(names::fold);
    if folded.is_empty() {
        Err(PathError::Climbs)
    } else if names::is_git(&folded) {
        Err(PathError::Git)
    } else if names::is_short_alias(&folded) {
        Err(PathError::ShortAlias)
    } else if names::is_secret(directory.as_deref(), &folded) {
        Err(PathError::Secret)
    } else if names::is_temporary(&folded) {
        Err(PathError::Temporary)
    } else {
        Ok(())
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RepoPath {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
