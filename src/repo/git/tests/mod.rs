//! Git, on real repositories. What the `git` program thinks of them is asked where it is installed.

mod agreement;
mod all;
mod answers;
mod contention;
mod hidden;
mod history;
mod large;
mod named;
mod patches;
mod status;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use git2::{Repository, RepositoryInitOptions};

use super::{
    Author, CommitId, CommitMessage, CommitRequest, GitError, GitSettings, GitTree, Paths,
    PreparedCommit,
};
use crate::clock::{Clock as _, SystemClock};
use crate::repo::RepoPath;
use crate::repo::root::{OwnFiles, Root};

/// A repository with a working tree, and us in it.
struct Scene {
    home: tempfile::TempDir,
    tree: GitTree,
}

fn author() -> Author {
    Author { name: "lukhas-mcp".into(), email: "lukhas@example.org".into() }
}

fn settings(directory: &Path) -> GitSettings {
    GitSettings { directory: directory.to_owned(), author: author(), largest: 4 << 20 }
}

fn init(directory: &Path) -> Repository {
    let mut options = RepositoryInitOptions::new();
    options.initial_head("main").external_template(false);
    Repository::init_opts(directory, &options).unwrap()
}

fn open(directory: &Path, own: &OwnFiles) -> Result<GitTree, GitError> {
    GitTree::open(Arc::new(Root::open(directory, own).unwrap()), settings(directory))
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn request(paths: Paths) -> CommitRequest {
    let message = CommitMessage::parse("Change it").unwrap();
    CommitRequest { paths, message, signoff: false, at: SystemClock.now() }
}

fn named(paths: &[&str]) -> CommitRequest {
    request(Paths::Named(paths.iter().map(|text| path(text)).collect()))
}

/// Prints why a test did not run; none of ours is skipped unseen.
fn skip(why: &str) {
    println!("SKIPPED: {why}");
}

fn has_git() -> bool {
    let has_git = Command::new("git").arg("--version").output().is_ok();
    if !has_git {
        skip("git is not installed");
    }
    has_git
}

impl Scene {
    /// An empty repository.
    fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        init(home.path());
        let tree = open(home.path(), &OwnFiles::default()).unwrap();
        Self { home, tree }
    }

    /// The same repository, in which these files are the daemon's own.
    fn hiding(self, names: &[&str]) -> Self {
        let hidden = names.iter().map(|name| self.at(name)).collect();
        let own = OwnFiles { hidden, ..OwnFiles::default() };
        let tree = open(self.home.path(), &own).unwrap();
        Self { tree, ..self }
    }

    /// A repository with these files committed.
    fn with(files: &[(&str, &str)]) -> Self {
        let scene = Self::empty();
        for (path, content) in files {
            scene.write(path, content);
        }
        scene.commit_named(&files.iter().map(|(path, _)| *path).collect::<Vec<_>>()).unwrap();
        scene
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.home.path().join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.at(path)).unwrap();
    }

    fn prepare(&self, paths: &[&str]) -> Result<PreparedCommit, GitError> {
        self.tree.prepare(&named(paths))
    }

    fn commit(&self, request: &CommitRequest) -> Result<CommitId, GitError> {
        self.tree.publish(&self.tree.prepare(request)?)
    }

    fn commit_named(&self, paths: &[&str]) -> Result<CommitId, GitError> {
        self.commit(&named(paths))
    }

    fn commit_all(&self) -> Result<CommitId, GitError> {
        self.commit(&request(Paths::All))
    }

    fn repository(&self) -> Repository {
        Repository::open(self.home.path()).unwrap()
    }

    /// What the newest commit has at a path.
    fn committed(&self, path: &str) -> Option<Vec<u8>> {
        let repository = self.repository();
        let tree = repository.head().unwrap().peel_to_tree().unwrap();
        let entry = tree.get_path(Path::new(path)).ok()?;
        Some(repository.find_blob(entry.id()).unwrap().content().to_owned())
    }

    /// All paths of the newest commit.
    fn committed_paths(&self) -> Vec<String> {
        let repository = self.repository();
        let tree = repository.head().unwrap().peel_to_tree().unwrap();
        let mut index = git2::Index::new().unwrap();
        index.read_tree(&tree).unwrap();
        index.iter().map(|entry| String::from_utf8(entry.path).unwrap()).collect()
    }

    /// Runs the `git` program, as a person without any settings would.
    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let (is_well, output) = self.try_git(arguments);
        assert!(is_well, "git {arguments:?}: {output}");
        output
    }

    fn try_git(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("git")
            .current_dir(self.home.path())
            .env("HOME", "/nonexistent")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.org")])
            .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.org")])
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let is_well = output.status.success();
        (is_well, if is_well { stdout } else { format!("{stdout}{stderr}") })
    }

    /// What git calls the state of the working tree, one line for each path.
    fn porcelain(&self) -> Vec<String> {
        let output = self.git(&["status", "--porcelain", "--no-renames", "-uall"]);
        output.lines().map(str::to_owned).collect()
    }

    /// Nothing is left of our own, and the repository is whole.
    #[track_caller]
    fn assert_whole(&self) {
        let left: Vec<_> = fs::read_dir(self.home.path().join(".git"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.contains("lukhas") || name.contains(".lock"))
            .collect();
        assert_eq!(left, Vec::<String>::new());
        if has_git() {
            let (is_whole, output) = self.try_git(&["fsck", "--strict", "--no-dangling"]);
            assert!(is_whole, "{output}");
        }
    }
}
