//! What is in one directory, without what is further below.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::root::{Entry, EntryKind, Seen, WalkLimits};
use super::{Deps, Repo, RepoError, RepoPath, Work};

/// How long a look into a directory may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many names are looked at.
const NAMES: u64 = 10_000;

/// A file or directory in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InDirectory {
    /// Where.
    pub path: RepoPath,
    /// What.
    pub kind: EntryKind,
    /// What was seen of it.
    pub seen: Seen,
}

/// What is in a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// In the order of their paths.
    pub entries: Vec<InDirectory>,
    /// Whether there may be more.
    pub is_cut: bool,
}

impl Repo {
    /// What is in a directory, or in the root, and is not ignored by git; only names that begin with
    /// `prefix`.
    ///
    /// # Errors
    /// There is no such directory, or it cannot be read.
    pub async fn directory(
        &self,
        under: Option<RepoPath>,
        prefix: String,
    ) -> Result<Names, RepoError> {
        self.blocking(Work::Read, move |deps| look(deps, under.as_ref(), &prefix)).await
    }
}

fn look(deps: &Deps, under: Option<&RepoPath>, prefix: &str) -> Result<Names, RepoError> {
    let until = Instant::now() + PATIENCE;
    let limits =
        WalkLimits { entries: NAMES, depth: 1, until: Some(until), ..WalkLimits::default() };
    let mut names = Names::default();
    let walked = deps.root.walk(under, &limits, &mut |Entry { path, kind, seen }| {
        if path.file_name().starts_with(prefix) {
            names.entries.push(InDirectory { path, kind, seen });
        }
        ControlFlow::Continue(())
    })?;
    // What the walk calls cut is also that it entered no directory, which leaves nothing out here.
    names.is_cut = NAMES <= walked.entries || until <= Instant::now();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::repo::LARGEST_FILE;
    use crate::repo::git::{Author, GitSettings};
    use crate::repo::root::{OwnFiles, Root};

    fn deps(directory: &std::path::Path) -> Deps {
        let author = Author { name: "Ada".to_owned(), email: "ada@example.org".to_owned() };
        let git = GitSettings { directory: directory.to_owned(), author, largest: LARGEST_FILE };
        Deps { root: Arc::new(Root::open(directory, &OwnFiles::default()).unwrap()), git }
    }

    #[test]
    fn only_the_directory_itself_is_looked_into_and_only_so_far() {
        let directory = tempfile::tempdir().unwrap();
        for below in ["b/c", "many"] {
            std::fs::create_dir_all(directory.path().join(below)).unwrap();
        }
        for file in ["a", "b/d", "ignored", ".env"] {
            std::fs::write(directory.path().join(file), "x").unwrap();
        }
        std::fs::write(directory.path().join(".gitignore"), "ignored\n").unwrap();
        let deps = deps(directory.path());
        let names = |under: Option<&str>, prefix| {
            let under = under.map(|under| RepoPath::parse(under).unwrap());
            let names = look(&deps, under.as_ref(), prefix).unwrap();
            let paths = names.entries.into_iter().map(|entry| entry.path.to_string());
            (paths.collect::<Vec<_>>().join(" "), names.is_cut)
        };
        assert_eq!(names(None, ""), (".gitignore a b many".to_owned(), false));
        assert_eq!(names(Some("b"), ""), ("b/c b/d".to_owned(), false));
        assert_eq!(names(Some("b"), "d"), ("b/d".to_owned(), false));
        assert!(look(&deps, Some(&RepoPath::parse("a").unwrap()), "").is_err());
        for n in 0..NAMES {
            std::fs::write(directory.path().join(format!("many/{n}")), "").unwrap();
        }
        assert!(names(Some("many"), "1").1);
    }
}
