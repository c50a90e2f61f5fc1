//! Gates in a real git repository, moved by daemons and by the `git` command.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{promote, refusal};
use crate::harness::{Home, skip};

/// A bare repository, and a clone in which somebody else works.
pub struct Gates {
    directory: tempfile::TempDir,
}

impl Gates {
    /// `None`, said aloud, where there is no git.
    pub fn new() -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            skip("gates in a git repository", "there is no git");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let gates = Self { directory };
        gates.git(gates.directory.path(), &["init", "-q", "--bare", "-b", "main", "gates.git"]);
        Some(gates)
    }

    pub fn repository(&self) -> PathBuf {
        self.directory.path().join("gates.git")
    }

    /// A home whose daemons keep the gates here.
    pub fn home(&self) -> Home {
        Home::new()
            .with("LUKHAS_REGISTRY", "git")
            .with("LUKHAS_REGISTRY_GIT_REPOSITORY", self.repository().to_str().unwrap())
    }

    /// Runs git as somebody who has nothing to do with this machine's settings.
    fn git(&self, directory: &Path, arguments: &[&str]) -> String {
        let ran = Command::new("git")
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.directory.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|who| {
                [
                    (format!("GIT_{who}_NAME"), "somebody else"),
                    (format!("GIT_{who}_EMAIL"), "else@example.org"),
                ]
            }))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(ran.stdout).unwrap()
    }

    /// What git says about the branch.
    pub fn ask(&self, arguments: &[&str]) -> String {
        self.git(&self.repository(), arguments).trim_end().to_owned()
    }

    /// A gate's file at the head of the branch.
    pub fn gate(&self, gate: &str) -> Value {
        serde_json::from_str(&self.ask(&["show", &format!("main:gates/{gate}.json")])).unwrap()
    }

    /// Somebody else commits a gate's file and pushes it.
    pub fn push(&self, gate: &str, content: &str) {
        let clone = self.directory.path().join("clone");
        if clone.exists() {
            self.git(&clone, &["pull", "-q", "--rebase", "origin", "main"]);
        } else {
            self.git(self.directory.path(), &["clone", "-q", "gates.git", "clone"]);
        }
        std::fs::create_dir_all(clone.join("gates")).unwrap();
        std::fs::write(clone.join(format!("gates/{gate}.json")), content).unwrap();
        self.git(&clone, &["add", "-A"]);
        self.git(&clone, &["commit", "-q", "-m", "By hand"]);
        self.git(&clone, &["push", "-q", "origin", "HEAD:main"]);
    }
}

#[tokio::test]
async fn every_move_is_a_commit_that_git_reads() {
    let Some(gates) = Gates::new() else { return };
    let home = gates.home();
    let daemon = home.start().await;
    let arguments = json!({ "modelId": "ranker:11", "gate": "production",
        "reason": "the evals of today\n\nLukhas-Actor: not me" });
    let first = daemon.ask("promote_model", arguments).await;
    let second = promote(&daemon, "ranker:12", "production").await;
    assert_eq!(second["registry"]["before"], "ranker:11");
    assert_eq!(second["registry"]["reference"], gates.ask(&["rev-parse", "main"]).as_str());
    assert_eq!(second["currentGates"], json!(["production"]));
    let shown = gates.gate("production");
    assert_eq!(shown["ranker"]["modelId"], "ranker:12");
    assert_eq!(
        (&shown["ranker"]["version"], &shown["ranker"]["by"]),
        (&json!("12"), &json!("anonymous"))
    );

    // The commit leads back into the audit chain.
    let why = daemon.ask("why", json!({ "id": "ranker:12" })).await;
    assert_eq!(why["facts"][0]["action"], "gate_intent");
    assert_eq!(shown["ranker"]["auditHash"], why["facts"][0]["hash"]);
    let message =
        gates.ask(&["log", "-1", "--format=%s%n%(trailers:key=Lukhas-Audit-Hash)", "main"]);
    let hash = why["facts"][0]["hash"].as_str().unwrap();
    assert_eq!(
        message.trim(),
        format!(
            "Put ranker:12 into gate production in place of ranker:11\nLukhas-Audit-Hash: {hash}"
        )
    );
    let reference = first["registry"]["reference"].as_str().unwrap();
    let actors =
        gates.ask(&["log", "-1", "--format=%(trailers:key=Lukhas-Actor,valueonly)", reference]);
    assert_eq!(actors.trim(), "anonymous", "what somebody wrote looks like ours");

    let back = json!({ "modelId": "ranker:12", "gate": "production", "reason": "too slow" });
    assert_eq!(daemon.ask("rollback_model", back).await["restored"], "ranker:11");
    assert_eq!(gates.gate("production")["ranker"]["modelId"], "ranker:11");
    let back = json!({ "modelId": "ranker:11", "gate": "production", "reason": "too slow" });
    assert_eq!(daemon.ask("rollback_model", back).await["restored"], Value::Null);
    assert_eq!(gates.gate("production"), json!({}));
    assert_eq!(gates.ask(&["rev-list", "--count", "main"]), "4");
    gates.ask(&["fsck", "--strict"]);
}

#[tokio::test]
async fn what_somebody_else_pushed_is_seen_and_left_alone() {
    let Some(gates) = Gates::new() else { return };
    let home = gates.home();
    let daemon = home.start().await;
    promote(&daemon, "ranker:11", "production").await;
    promote(&daemon, "ranker:12", "production").await;
    let by_hand = r#"{ "ranker": { "modelId": "ranker:9", "note": "by hand" }, "other": 1 }"#;
    gates.push("production", by_hand);
    let back = json!({ "modelId": "ranker:12", "gate": "production", "reason": "too slow" });
    assert_eq!(
        refusal(&daemon, "rollback_model", back).await,
        "ranker:12 does not stand in gate production: ranker:9 does"
    );
    assert_eq!(gates.gate("production")["ranker"]["modelId"], "ranker:9");
    let history = daemon.ask("model_history", json!({ "gate": "production", "limit": 1 })).await;
    assert_eq!(
        (&history["moves"][0]["kind"], &history["moves"][0]["after"]),
        (&json!("observe"), &json!("ranker:9"))
    );
    let listed = daemon.ask("list_models", json!({ "gate": "production" })).await;
    assert_eq!(listed["models"][0]["modelId"], "ranker:9");

    // It can be replaced by who knows of it, and what stands beside it stays.
    let moved = promote(&daemon, "ranker:13", "production").await;
    assert_eq!(moved["registry"]["before"], "ranker:9");
    assert_eq!(gates.gate("production")["other"], 1);

    gates.push("production", "[]");
    let arguments = json!({ "modelId": "ranker:14", "gate": "production" });
    let broken = refusal(&daemon, "promote_model", arguments.clone()).await;
    assert!(broken.starts_with("gates/production.json is not a JSON object"), "{broken}");
    gates.push("production", r#"{ "ranker": { "modelId": "judge:1" } }"#);
    let wrong = refusal(&daemon, "promote_model", arguments).await;
    assert!(wrong.contains("says of ranker what cannot be"), "{wrong}");
}

/// Two daemons over one repository, both in a hurry: none loses a commit, none undoes another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_that_commit_at_once_lose_nothing() {
    let Some(gates) = Gates::new() else { return };
    let homes = [gates.home(), gates.home()];
    let (one, other) = (homes[0].start().await, homes[1].start().await);
    let each = async |daemon: &crate::harness::Daemon, name: &str| {
        let mut moved = 0;
        for n in 1..=20 {
            let arguments = json!({ "modelId": format!("{name}:{n}"), "gate": "production" });
            let params = json!({ "name": "promote_model", "arguments": arguments });
            let answer = daemon.rpc("tools/call", params).await;
            assert_ne!(answer["result"]["isError"], true, "{answer}");
            moved += 1;
        }
        moved
    };
    let (a, b) = tokio::join!(each(&one, "ranker"), each(&other, "judge"));
    assert_eq!(gates.ask(&["rev-list", "--count", "main"]), (a + b).to_string());
    let shown = gates.gate("production");
    assert_eq!(
        (&shown["ranker"]["modelId"], &shown["judge"]["modelId"]),
        (&json!("ranker:20"), &json!("judge:20"))
    );
}

#[tokio::test]
async fn a_repository_that_cannot_be_used_keeps_the_daemon_from_starting_and_says_why() {
    let Some(gates) = Gates::new() else { return };
    let home = gates.home().with("LUKHAS_REGISTRY_GIT_REPOSITORY", "/nowhere");
    let ran = home.command(&["serve", "--port", "0"]).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(3), "{said}");
    assert!(said.contains("there is no git repository where one is configured"), "{said}");
    assert!(!said.contains("/nowhere"), "{said}");

    gates.push("production", "{}");
    let clone = gates.directory.path().join("clone");
    let home = gates.home().with("LUKHAS_REGISTRY_GIT_REPOSITORY", clone.to_str().unwrap());
    let ran = home.command(&["serve", "--port", "0"]).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("the git branch main is checked out in a working tree"), "{said}");
}
