//! A root on real directories.

use std::ops::ControlFlow;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A repository on the disk, opened.
struct Place {
    directory: TempDir,
    root: Root,
}

impl Place {
    fn new() -> Self {
        Self::with(|_| OwnFiles::default())
    }

    fn with(own: impl FnOnce(&Path) -> OwnFiles) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("repo")).unwrap();
        let repo = directory.path().join("repo");
        let root = Root::open(&repo, &own(&repo)).unwrap();
        Self { directory, root }
    }

    /// Where a path is on the disk.
    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join("repo").join(name)
    }

    /// Puts a file there as another program would.
    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        std::fs::write(self.at(name), bytes).unwrap();
    }

    fn write(&self, name: &str, bytes: &[u8], over: Over<'_>) -> Result<Seen, FileError> {
        self.root.write(&path(name), bytes, &TemporaryName::random(), over)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, FileError> {
        self.root.read(&path(name), 1 << 20).map(|file| file.bytes)
    }

    /// The names of all files and directories of a walk.
    fn walked(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut visit = |entry: Entry| {
            names.push(entry.path.to_string());
            ControlFlow::Continue(())
        };
        self.root.walk(None, &WalkLimits::default(), &mut visit).unwrap();
        names
    }
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

#[test]
fn a_file_is_written_read_renamed_and_removed() {
    let place = Place::new();
    let seen = place.write("docs/mcp/hello.md", b"# Hello\n", Over::Nothing).unwrap();
    let file = place.root.read(&path("docs/mcp/hello.md"), 8).unwrap();
    assert_eq!((file.bytes.as_slice(), file.seen), (b"# Hello\n".as_slice(), seen));
    let again = place.write("docs/mcp/hello.md", b"other", Over::Nothing);
    assert!(matches!(again, Err(FileError::Exists(_))));

    let seen = place.write("docs/mcp/hello.md", b"", Over::Exactly(&seen)).unwrap();
    let outdated = place.write("docs/mcp/hello.md", b"x", Over::Exactly(&file.seen));
    assert!(matches!(outdated, Err(FileError::Changed(_))));

    let (from, to) = (path("docs/mcp/hello.md"), path("a/b.md"));
    let moved = place.root.rename(&from, &to, &seen, Over::Nothing).unwrap();
    assert_eq!(place.walked(), ["a", "a/b.md", "docs", "docs/mcp"]);
    place.root.remove(&to, &moved).unwrap();
    assert!(matches!(place.read("a/b.md"), Err(FileError::NotFound(_))));
}

#[test]
fn no_link_is_followed() {
    let place = Place::new();
    place.put("../secret", b"secret");
    std::os::unix::fs::symlink("../secret", place.at("link")).unwrap();
    assert!(matches!(place.read("link"), Err(FileError::SymbolicLink(_))));
    let written = place.write("link", b"x", Over::Nothing);
    assert!(matches!(written, Err(FileError::SymbolicLink(_))));
    assert_eq!(std::fs::read(place.at("../secret")).unwrap(), b"secret");
}
