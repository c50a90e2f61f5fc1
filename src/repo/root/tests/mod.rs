//! A root on real directories.

mod changes;
mod containment;
mod own;
mod races;
mod reading;
mod walking;

use std::ops::ControlFlow;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A repository on the disk, opened, with something beside it that nobody must reach.
struct Place {
    directory: TempDir,
    root: Root,
}

impl Place {
    fn new() -> Self {
        Self::with(|_| OwnFiles::default())
    }

    /// In memory if there is such a place, where bringing something to the disk takes no time.
    fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let directory = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        Self::within(directory.unwrap(), |_| OwnFiles::default())
    }

    fn with(own: impl FnOnce(&Path) -> OwnFiles) -> Self {
        Self::within(tempfile::tempdir().unwrap(), own)
    }

    fn within(directory: TempDir, own: impl FnOnce(&Path) -> OwnFiles) -> Self {
        let repo = directory.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        for secret in ["outside", "repo-evil"] {
            std::fs::create_dir(directory.path().join(secret)).unwrap();
            std::fs::write(directory.path().join(secret).join("secret"), SECRET).unwrap();
        }
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

    fn link(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.at(name)).unwrap();
    }

    fn write(&self, name: &str, bytes: &[u8], over: Over<'_>) -> Result<Seen, FileError> {
        self.root.write(&path(name), bytes, &TemporaryName::random(), over)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, FileError> {
        self.root.read(&path(name), 1 << 20).map(|file| file.bytes)
    }

    fn look(&self, name: &str) -> Seen {
        self.root.look(&path(name)).unwrap()
    }

    /// The names of all files and directories of a walk.
    fn walked(&self) -> Vec<String> {
        self.walk(None, &WalkLimits::default()).0
    }

    fn walk(&self, under: Option<&str>, limits: &WalkLimits) -> (Vec<String>, Walked) {
        let mut names = Vec::new();
        let mut visit = |entry: Entry| {
            names.push(entry.path.to_string());
            ControlFlow::Continue(())
        };
        let walked = self.root.walk(under.map(path).as_ref(), limits, &mut visit).unwrap();
        (names, walked)
    }

    /// Everything on the disk below the root, temporary files and all, links as they are.
    fn on_disk(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut directories = vec![self.at("")];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    directories.push(entry.path());
                }
                let name = entry.path().strip_prefix(self.at("")).unwrap().to_path_buf();
                names.push(name.to_str().unwrap().to_owned());
            }
        }
        names.sort();
        names
    }

    /// That nobody came to what is beside the repository.
    #[track_caller]
    fn assert_contained(&self) {
        for name in ["outside", "repo-evil"] {
            let outside = self.directory.path().join(name);
            let names: Vec<_> =
                std::fs::read_dir(&outside).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(names, ["secret"]);
            assert_eq!(std::fs::read(outside.join("secret")).unwrap(), SECRET);
        }
        assert_eq!(std::fs::read_dir(self.directory.path()).unwrap().count(), 3);
    }
}

/// What stands outside of every repository here.
const SECRET: &[u8] = b"TOPSECRET";

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

/// Checks an error by what it says.
#[track_caller]
fn says<T: std::fmt::Debug>(result: Result<T, FileError>, expected: &str) {
    assert_eq!(result.unwrap_err().to_string(), expected);
}
