//! The door to the repository, on a real directory and a real database.

use std::path::Path;

use tempfile::TempDir;

use super::root::{FileError, OwnFiles, TemporaryName};
use super::*;
use crate::clock::SystemClock;
use crate::store::{Database, StoreDeps, audits};
use crate::supervision::RestartPolicy;

/// A repository with its database outside of it.
struct Bench {
    repo: Repo,
    store: Store,
    directory: TempDir,
    state: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let (directory, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let database = Database::at(&state.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let store = Store::start(
            database,
            StoreDeps {
                clock: Arc::new(SystemClock),
                publish: Arc::new(|_| ()),
                supervision: Supervision::new(RestartPolicy::default()),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let repo = start((directory.path(), state.path()), &store, false).await;
        Self { repo, store, directory, state }
    }

    async fn restart(&mut self) {
        self.repo = start((self.directory.path(), self.state.path()), &self.store, false).await;
    }

    fn on_disk(&self, path: &str) -> Option<Vec<u8>> {
        std::fs::read(self.directory.path().join(path)).ok()
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        std::fs::write(self.directory.path().join(path), bytes).unwrap();
    }

    /// What is recorded of a file, oldest first: who, what, and the digests before and after.
    async fn story(&self, path: &str) -> Vec<(String, String, serde_json::Value)> {
        let id = path.to_owned();
        let rows = self.store.read(move |conn| audits::about(conn, &id)).await.unwrap();
        let told = |row: audits::AuditRow| {
            (row.actor, row.action, serde_json::from_str(&row.payload_json).unwrap())
        };
        rows.into_iter().map(told).collect()
    }

    async fn actions(&self, path: &str) -> Vec<String> {
        self.story(path).await.into_iter().map(|(_, action, _)| action).collect()
    }

    async fn open_changes(&self) -> usize {
        self.store.read(crate::store::repository_changes::all_open).await.unwrap().len()
    }

    async fn write(
        &self,
        name: &str,
        bytes: &[u8],
        existing: Existing,
    ) -> Result<Written, RepoError> {
        let (path, bytes) = (path(name), bytes.to_vec());
        let request = WriteRequest { tool: WriteTool::WriteFile, path, bytes, existing };
        self.repo.write("ops", request).await
    }
}

async fn start((directory, state): (&Path, &Path), store: &Store, read_only: bool) -> Repo {
    let settings = RepoSettings {
        root: Arc::new(Root::open(directory, &OwnFiles::default()).unwrap()),
        git: GitSettings {
            directory: directory.to_owned(),
            author: git::Author { name: "Ada".to_owned(), email: "ada@example.org".to_owned() },
            largest: LARGEST_FILE,
        },
        search_index: state.join("search"),
        followers: Arc::default(),
        clock: Arc::new(SystemClock),
        read_only,
        store: store.clone(),
        supervision: Supervision::new(RestartPolicy::default()),
        arbiter: Arbiter::new().handle(),
        on_end: Box::new(|_| ()),
    };
    Repo::start(settings).await.unwrap()
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    ContentDigest::of(bytes).to_string()
}

#[actix::test]
async fn a_file_has_its_story_from_its_first_byte_to_its_end() {
    let bench = Bench::new().await;
    let written = bench.write("docs/a.md", b"one\n", Existing::Refuse).await.unwrap();
    assert_eq!((written.previous, written.size), (None, 4));
    let one = written.digest;
    let exactly = bench.write("docs/a.md", b"two\n", Existing::Exactly(one)).await.unwrap();
    let appended = bench.repo.append("ops", path("docs/a.md"), b"three".to_vec(), true).await;
    assert_eq!(appended.unwrap().grown, 6);
    assert_eq!(bench.on_disk("docs/a.md").unwrap(), b"two\nthree\n");
    let (from, to) = (path("docs/a.md"), path("b.md"));
    let renamed = RenameRequest { from, to, overwrite: false };
    let renamed = bench.repo.rename("ops", renamed).await.unwrap();
    bench.repo.delete("ops", path("b.md"), renamed.digest).await.unwrap();
    assert_eq!(bench.on_disk("b.md"), None);

    let story = bench.story("docs/a.md").await;
    let actions: Vec<_> = story.iter().map(|(_, action, _)| action.as_str()).collect();
    assert_eq!(actions, ["write_file", "write_file", "append_file", "rename_file"]);
    assert!(story.iter().all(|(actor, ..)| actor == "ops"));
    assert_eq!(story[0].2["before"], serde_json::Value::Null);
    assert_eq!(story[0].2["after"], hex(b"one\n"));
    assert_eq!(story[1].2["before"], hex(b"one\n"));
    assert_eq!(story[1].2["after"], exactly.digest.to_string());
    assert_eq!(bench.actions("b.md").await, ["rename_file", "delete_file"]);
    assert_eq!(bench.open_changes().await, 0);
}

#[actix::test]
async fn what_must_stand_there_does_or_nothing_is_changed() {
    let bench = Bench::new().await;
    bench.put("a", b"now");
    let wrong = ContentDigest::of(b"then");
    let refused = bench.write("a", b"x", Existing::Refuse).await.unwrap_err();
    assert_eq!(refused.to_string(), "a exists already");
    let refused = bench.write("a", b"x", Existing::Exactly(wrong)).await.unwrap_err();
    assert!(matches!(refused, RepoError::Changed { .. }), "{refused}");
    assert!(refused.to_string().contains(&hex(b"now")), "{refused}");
    let refused = bench.write("b", b"x", Existing::Exactly(wrong)).await.unwrap_err();
    assert!(matches!(refused, RepoError::File(FileError::NotFound(_))), "{refused}");
    let refused = bench.repo.delete("ops", path("a"), wrong).await.unwrap_err();
    assert!(matches!(refused, RepoError::Changed { .. }), "{refused}");
    bench.put("b", b"other");
    let rename = |overwrite| RenameRequest { from: path("a"), to: path("b"), overwrite };
    let refused = bench.repo.rename("ops", rename(false)).await.unwrap_err();
    assert_eq!(refused.to_string(), "b exists already");
    let too_large = vec![b'x'; usize::try_from(LARGEST_FILE).unwrap() + 1];
    let refused = bench.write("c", &too_large, Existing::Refuse).await.unwrap_err();
    assert!(matches!(refused, RepoError::TooLarge { .. }), "{refused}");

    assert_eq!(bench.on_disk("a").unwrap(), b"now");
    assert_eq!(bench.on_disk("b").unwrap(), b"other");
    assert!(bench.story("a").await.is_empty() && bench.story("b").await.is_empty());
    let renamed = bench.repo.rename("ops", rename(true)).await.unwrap();
    assert_eq!(renamed.displaced, Some(ContentDigest::of(b"other")));
    assert_eq!(bench.on_disk("b").unwrap(), b"now");
}

#[actix::test]
async fn of_many_writers_with_one_digest_one_wins() {
    let bench = Bench::new().await;
    bench.put("a", b"start");
    let expected = Existing::Exactly(ContentDigest::of(b"start"));
    let texts: Vec<String> = (0..50).map(|n| format!("writer {n}")).collect();
    let writers = texts.iter().map(|text| bench.write("a", text.as_bytes(), expected));
    let outcomes = futures_util::future::join_all(writers).await;
    let won: Vec<_> = outcomes.iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!(ContentDigest::of(&bench.on_disk("a").unwrap()), won[0].digest);
    assert_eq!(bench.actions("a").await, ["write_file"]);
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(lost, RepoError::Changed { .. }), "{lost}");
    }
}

#[actix::test]
async fn a_repository_that_is_read_only_is_only_read() {
    let bench = Bench::new().await;
    bench.put("a", b"now");
    let repo = start((bench.directory.path(), bench.state.path()), &bench.store, true).await;
    assert_eq!(repo.read(&path("a")).await.unwrap().bytes, b"now");
    let refused = repo.delete("ops", path("a"), ContentDigest::of(b"now")).await.unwrap_err();
    assert!(matches!(refused, RepoError::ReadOnly), "{refused}");
    assert_eq!(bench.on_disk("a").unwrap(), b"now");
}

/// What a daemon leaves that is killed between its intent and its fact.
#[actix::test]
async fn what_was_cut_off_is_settled_by_the_files() {
    use super::change::{Change, RemoveTool};
    let mut bench = Bench::new().await;
    let [old, new] = [b"old", b"new"].map(|bytes| ContentDigest::of(bytes));
    let temporary = TemporaryName::random().to_string();
    let write = |name: &str| Change::Write {
        tool: WriteTool::UpdateFile,
        path: path(name),
        before: Some(old),
        after: new,
        size: 3,
        temporary: temporary.clone(),
    };
    let journal = Journal::new(bench.store.clone());
    for name in ["made", "not_made", "unknown"] {
        journal.open("ops", write(name)).await.unwrap();
    }
    let remove = Change::Remove { tool: RemoveTool::DeleteFile, path: path("gone"), before: old };
    journal.open("ops", remove).await.unwrap();
    let (from, to) = (path("from"), path("to"));
    let rename = Change::Rename { from, to, digest: new, displaced: None, size: 3 };
    journal.open("ops", rename).await.unwrap();
    bench.put("made", b"new");
    bench.put("not_made", b"old");
    bench.put(&temporary, b"ne");
    bench.put("unknown", b"somebody else's");
    bench.put("to", b"new");
    bench.restart().await;

    assert_eq!(bench.open_changes().await, 0);
    assert_eq!(bench.actions("made").await, ["update_file"]);
    assert!(bench.actions("not_made").await.is_empty());
    assert_eq!(bench.actions("unknown").await, ["file_uncertain"]);
    assert_eq!(bench.actions("gone").await, ["delete_file"]);
    assert_eq!(bench.actions("to").await, ["rename_file"]);
    assert_eq!(bench.on_disk(&temporary), None);
}

#[actix::test]
async fn a_lock_of_the_index_that_was_left_is_in_nobodys_way() {
    let mut bench = Bench::new().await;
    git2::Repository::init(bench.directory.path()).unwrap();
    bench.put(".git/lukhas-mcp-index-killed.own", b"");
    let (own, lock) = (".git/lukhas-mcp-index-killed.own", ".git/index.lock");
    let at = |path: &str| bench.directory.path().join(path);
    std::fs::hard_link(at(own), at(lock)).unwrap();
    bench.restart().await;
    assert_eq!((bench.on_disk(own), bench.on_disk(lock)), (None, None));
    bench.put(lock, b"theirs");
    bench.restart().await;
    assert_eq!(bench.on_disk(lock).unwrap(), b"theirs");
}

#[actix::test]
async fn a_patch_makes_changes_and_removes_a_file() {
    let bench = Bench::new().await;
    let patch = |text: &str, expected: Option<&[u8]>, allow_create| PatchRequest {
        path: path("docs/hello.md"),
        patch: text.to_owned(),
        expected: expected.map(ContentDigest::of),
        allow_create,
    };
    let make = "--- /dev/null\n+++ b\n@@ -0,0 +1,1 @@\n+# Hello\n";
    let refused = bench.repo.patch("ops", patch(make, None, false)).await.unwrap_err();
    assert_eq!(refused.to_string(), "docs/hello.md does not exist");
    let made = bench.repo.patch("ops", patch(make, Some(b"anything"), true)).await.unwrap();
    assert_eq!((made.previous, made.repaired, made.size), (None, false, 8));

    let change = "--- a\n+++ b\n@@ -1,1 +1,2 @@\n-# Hello\n+# Hello\nPatched\n";
    let refused = bench.repo.patch("ops", patch(change, Some(b"wrong"), false)).await.unwrap_err();
    assert!(matches!(refused, RepoError::Changed { .. }), "{refused}");
    let changed = bench.repo.patch("ops", patch(change, Some(b"# Hello\n"), false)).await.unwrap();
    assert!(changed.repaired);
    assert_eq!(bench.on_disk("docs/hello.md").unwrap(), b"# Hello\nPatched\n");
    let now = b"# Hello\nPatched\n".as_slice();
    let refused = bench.repo.patch("ops", patch(make, Some(now), true)).await.unwrap_err();
    assert!(matches!(refused, RepoError::Patch(_)), "{refused}");

    // Without saying what is there, nothing that is there is changed.
    let blind = bench.repo.patch("ops", patch(change, None, true)).await.unwrap_err();
    assert!(matches!(blind, RepoError::NoDigest(_)), "{blind}");

    let remove = "--- a\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-# Hello\n-Patched\n";
    let removed = bench.repo.patch("ops", patch(remove, Some(now), false)).await.unwrap();
    assert_eq!((removed.digest, removed.size), (None, 0));
    assert_eq!(bench.on_disk("docs/hello.md"), None);
    assert_eq!(bench.actions("docs/hello.md").await, ["apply_patch"; 3]);
}

#[actix::test]
async fn a_commit_is_told_of_itself_and_of_each_of_its_files() {
    use super::git::{CommitMessage, GitError, Paths};
    let bench = Bench::new().await;
    let order = |paths| CommitOrder {
        paths,
        message: CommitMessage::parse("docs: say it\n\nAt length.").unwrap(),
        signoff: false,
    };
    let named = || Paths::Named(vec![path("a"), path("b")]);
    let refused = bench.repo.commit("ops", order(named())).await.unwrap_err();
    assert!(matches!(refused, RepoError::Git(GitError::NoRepository)), "{refused}");

    git2::Repository::init(bench.directory.path()).unwrap();
    bench.put("a", b"one");
    bench.put("b", b"two");
    let made = bench.repo.commit("ops", order(named())).await.unwrap();
    assert_eq!(made.changes.len(), 2);
    assert_eq!(bench.actions(&made.id.to_string()).await, ["git_commit"]);
    let (actor, action, details) = bench.story("a").await.remove(0);
    assert_eq!((actor.as_str(), action.as_str()), ("ops", "git_commit"));
    assert_eq!(details["after"], hex(b"one"));
    assert_eq!(details["commit"], made.id.to_string());
    let refused = bench.repo.commit("ops", order(Paths::All)).await.unwrap_err();
    assert!(matches!(refused, RepoError::Git(GitError::NothingToCommit)), "{refused}");

    // Two at once, of which the later is made for the tip of the earlier.
    bench.put("a", b"three");
    bench.put("b", b"four");
    let (one, other) = tokio::join!(
        bench.repo.commit("ops", order(Paths::Named(vec![path("a")]))),
        bench.repo.commit("ops", order(Paths::Named(vec![path("b")]))),
    );
    assert_ne!(one.unwrap().id, other.unwrap().id);
    assert_eq!(bench.open_changes().await, 0);
    let log = git::LogRequest { path: None, limit: 10, before: None };
    assert_eq!(bench.repo.git_log(log).await.unwrap().commits.len(), 3);
    assert!(bench.repo.git_status(10).await.unwrap().entries.is_empty());
    assert_eq!(bench.repo.forge_url(&path("a")).await, None);
}

/// The bytes are there already, so that the file looks as if it had been written.
#[actix::test]
async fn a_refused_write_of_what_stands_there_is_not_told_as_made() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new().await;
    bench.put("kept", b"now");
    let read_only = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(bench.directory.path().join("kept"), read_only).unwrap();
    let refused = bench.write("kept", b"now", Existing::Replace).await.unwrap_err();
    assert!(matches!(refused, RepoError::File(FileError::ReadOnly(_))), "{refused}");
    bench.put(".gitattributes", b"* text");
    let refused = bench.write(".gitattributes", b"* text", Existing::Replace).await.unwrap_err();
    assert_eq!(refused.kind(), RepoErrorKind::Invalid, "{refused}");
    for name in ["kept", ".gitattributes"] {
        assert!(bench.story(name).await.is_empty(), "{name}");
    }
    assert_eq!(bench.open_changes().await, 0);
}
