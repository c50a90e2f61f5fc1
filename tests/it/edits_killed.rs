//! The daemon is killed while files are written and committed: each file is old or new, each change
//! has its one fact, and the repository is whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use regex::Regex;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::dice::{Dice, free_port};
use crate::harness::{Daemon, Home, PATIENCE, skip};

/// Editors at the same time, each with files of its own.
const EDITORS: usize = 4;

/// Changes that must have been acknowledged for the test to mean anything.
const CHANGES: usize = 200;

fn kills() -> usize {
    std::env::var("LUKHAS_KILLS").map_or(25, |kills| kills.parse().unwrap())
}

/// Runs git in the home; `None` says why not.
fn git(home: &Path, arguments: &[&str]) -> Result<String, String> {
    let ran = Command::new("git").args(arguments).current_dir(home).output();
    let ran = ran.map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&ran.stderr).into_owned();
    if ran.status.success() { Ok(said) } else { Err(format!("{said}{complaint}")) }
}

/// What the editors know.
#[derive(Default)]
struct Tally {
    is_enough: AtomicBool,
    acknowledged: AtomicUsize,
    stale_locks: AtomicUsize,
}

/// Somebody who edits one file and commits it, over and over.
struct Editor {
    url: String,
    client: Client,
    dice: Dice,
    path: String,
    tally: Arc<Tally>,
    git: PathBuf,
    /// The commits that were acknowledged.
    commits: Vec<String>,
    /// The digests that were acknowledged, oldest first.
    digests: Vec<String>,
}

impl Editor {
    /// Calls a tool; `None` if no answer came.
    async fn call(&self, tool: &str, arguments: Value) -> Option<Value> {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = self.client.post(&self.url).header("Content-Type", "application/json");
        let answer = request.body(body.to_string()).timeout(PATIENCE).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        Some(answer["result"].clone())
    }

    async fn run(mut self) -> Self {
        let mut n = 0;
        while !self.tally.is_enough.load(Ordering::Relaxed) {
            n += 1;
            if self.edit(n).await.is_none() {
                sleep(Duration::from_millis(5)).await;
            }
        }
        self
    }

    async fn edit(&mut self, n: usize) -> Option<()> {
        // Long enough to be seen half written, if it ever is.
        let contents = format!("{} {n}\n", self.path)
            .repeat(usize::try_from(self.dice.between(1..2000)).unwrap());
        let write = json!({ "path": self.path, "contents": contents, "overwrite": true });
        let written = self.call("write_file", write).await?;
        assert_ne!(written["isError"], true, "{written}");
        let mut digest = written["structuredContent"]["sha256"].as_str()?.to_owned();
        self.acknowledge(digest.clone());
        if self.dice.one_in(3) {
            let first = contents.lines().next().unwrap();
            let patch = format!("--- a\n+++ b\n@@ -1,1 +1,1 @@\n-{first}\n+patched {n}\n");
            let patch = json!({ "path": self.path, "patch": patch, "expectSha256": digest });
            let patched = self.call("apply_patch", patch).await?;
            assert_ne!(patched["isError"], true, "{patched}");
            patched["structuredContent"]["sha256"].as_str()?.clone_into(&mut digest);
            self.acknowledge(digest);
        }
        if self.dice.one_in(2) {
            self.commit(n).await?;
        }
        Some(())
    }

    fn acknowledge(&mut self, digest: String) {
        self.digests.push(digest);
        self.tally.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    async fn commit(&mut self, n: usize) -> Option<()> {
        let message = format!("edits: {} {n}", self.path);
        let commit = self.call("git_commit", json!({ "message": message, "add": [self.path] }));
        let committed = commit.await?;
        if committed["isError"] == true {
            let why = committed["content"][0]["text"].as_str().unwrap();
            // A commit of the same bytes may have been made just before a kill.
            if why.contains("nothing to commit") {
                return Some(());
            }
            self.remove_lock(why);
            return None;
        }
        self.commits.push(committed["structuredContent"]["commit"].as_str()?.to_owned());
        self.tally.acknowledged.fetch_add(1, Ordering::Relaxed);
        Some(())
    }
}

impl Editor {
    /// Does what the answer says: removes a lock that a kill left, as nothing else runs here. One
    /// that is young belongs to another editor's commit.
    fn remove_lock(&self, why: &str) {
        let name = Regex::new(r"(index|refs/heads/[\w/]+)\.lock").unwrap();
        let named = name.find(why).unwrap_or_else(|| panic!("{why}")).as_str();
        let lock = self.git.join(named);
        let Ok(metadata) = lock.metadata() else { return };
        let age = metadata.modified().unwrap().elapsed().unwrap_or_default();
        if Duration::from_millis(1_500) < age && std::fs::remove_file(lock).is_ok() {
            self.tally.stale_locks.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn home_with_repository() -> Result<Home, String> {
    let home = Home::new();
    git(home.path(), &["init", "--quiet", "--initial-branch=main"])?;
    Ok(home)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_leave_files_old_or_new_and_every_change_with_its_one_fact() {
    let home = match home_with_repository() {
        Ok(home) => home,
        Err(why) => return skip("kills among edits", &why),
    };
    let mut dice = Dice::new();
    let (port, tally) = (free_port(), Arc::<Tally>::default());
    lukhas_mcp::client::install_tls();
    let editor = |n: usize, dice: Dice| Editor {
        url: format!("http://127.0.0.1:{port}/mcp"),
        client: Client::new(),
        dice,
        path: format!("docs/editor-{n}.md"),
        tally: Arc::clone(&tally),
        git: home.path().join(".git"),
        commits: Vec::new(),
        digests: Vec::new(),
    };
    let editors: Vec<_> =
        (0..EDITORS).map(|n| tokio::spawn(editor(n, dice.split()).run())).collect();
    let (mut killed, kills) = (0, kills());
    while killed < kills || tally.acknowledged.load(Ordering::Relaxed) < CHANGES {
        let daemon = home.start_at(port).await;
        sleep(dice.milliseconds(20..500)).await;
        daemon.kill();
        killed += 1;
    }
    let daemon = home.start_at(port).await;
    tally.is_enough.store(true, Ordering::Relaxed);
    let mut books = Vec::new();
    for editor in editors {
        books.push(editor.await.unwrap());
    }
    let mut facts = 0;
    for editor in &books {
        facts += check_story(&daemon, &home, editor).await;
    }
    check_commits(&daemon, &home, &books).await;
    check_leftovers(home.path());
    println!(
        "kills={killed} acknowledged={} facts={facts} stale_locks={}",
        tally.acknowledged.load(Ordering::Relaxed),
        tally.stale_locks.load(Ordering::Relaxed)
    );
}

/// The facts about a file follow one another without a gap, end at what it holds, and have every
/// acknowledged change exactly once.
async fn check_story(daemon: &Daemon, home: &Home, editor: &Editor) -> usize {
    let path = editor.path.as_str();
    let why = daemon.ask("why", json!({ "id": path })).await;
    let facts = why["facts"].as_array().unwrap();
    let changes: Vec<_> = facts.iter().filter(|fact| fact["action"] != "git_commit").collect();
    let mut last = &Value::Null;
    let mut counted = BTreeMap::<&str, usize>::new();
    for fact in &changes {
        assert_ne!(fact["action"], "file_uncertain", "{fact}");
        assert_eq!(&fact["details"]["before"], last, "{path}: the story has a gap at {fact}");
        last = &fact["details"]["after"];
        *counted.entry(last.as_str().unwrap()).or_default() += 1;
    }
    let held = std::fs::read(home.path().join(path)).unwrap();
    let shown = daemon.ask("fetch", json!({ "id": file_id(path), "fields": ["metadata"] })).await;
    assert_eq!(&shown["metadata"]["sha256"], last, "{path} is not what its story ends with");
    assert_eq!(shown["metadata"]["size"], held.len(), "{path}");
    for digest in &editor.digests {
        let times = counted.get(digest.as_str()).copied().unwrap_or(0);
        assert_eq!(times, 1, "{path}: the acknowledged change to {digest} is told {times} times");
    }
    facts.len()
}

fn file_id(path: &str) -> String {
    use base64::Engine as _;
    format!("lukhas-path:{}", base64::engine::general_purpose::STANDARD.encode(path))
}

/// Every acknowledged commit is in the branch, and every commit of the branch has its one fact.
async fn check_commits(daemon: &Daemon, home: &Home, books: &[Editor]) {
    let lock = home.path().join(".git/index.lock");
    if lock.exists() {
        std::fs::remove_file(lock).unwrap();
    }
    let log = git(home.path(), &["log", "--format=%H"]).unwrap();
    let branch: Vec<&str> = log.lines().collect();
    for commit in books.iter().flat_map(|editor| &editor.commits) {
        assert!(branch.contains(&commit.as_str()), "{commit} was acknowledged and is gone");
    }
    for commit in branch {
        let why = daemon.ask("why", json!({ "id": commit })).await;
        assert_eq!(why["facts"].as_array().unwrap().len(), 1, "{why}");
    }
    let checked = git(home.path(), &["fsck", "--strict", "--no-dangling"]).unwrap();
    assert!(!checked.contains("error"), "{checked}");
    git(home.path(), &["status", "--porcelain"]).unwrap();
}

fn check_leftovers(home: &Path) {
    let left = std::fs::read_dir(home.join("docs")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    let is_temporary = |name: &std::ffi::OsString| name.to_string_lossy().contains(".tmp");
    assert!(!left.iter().any(is_temporary), "{left:?}");
}
