//! Table G through `git_commit`: exactly what was named, as it stands, and nothing runs.

use git2::{Repository, Signature};
use serde_json::{Value, json};

use super::{Outcome, Site};

/// The files of the newest commit, with what they hold.
fn committed(site: &Site) -> Vec<(String, String)> {
    let repository = Repository::open(site.path()).unwrap();
    let tree = repository.head().unwrap().peel_to_tree().unwrap();
    let mut files = Vec::new();
    tree.walk(git2::TreeWalkMode::PreOrder, |directory, entry| {
        if let Ok(blob) = entry.to_object(&repository).unwrap().into_blob() {
            let name = format!("{directory}{}", entry.name().unwrap());
            files.push((name, String::from_utf8_lossy(blob.content()).into_owned()));
        }
        git2::TreeWalkResult::Ok
    })
    .unwrap();
    files
}

fn names(site: &Site) -> Vec<String> {
    committed(site).into_iter().map(|(name, _)| name).collect()
}

fn message(site: &Site) -> String {
    let repository = Repository::open(site.path()).unwrap();
    let commit = repository.head().unwrap().peel_to_commit().unwrap();
    commit.message().unwrap().to_owned()
}

fn head(site: &Site) -> Option<String> {
    let repository = Repository::open(site.path()).unwrap();
    repository.head().ok().map(|head| head.target().unwrap().to_string())
}

fn add(paths: &[&str]) -> Value {
    json!({ "message": "x", "add": paths })
}

#[tokio::test]
async fn a_message_is_stored_as_it_is() {
    let site = Site::start().await;
    for (n, (said, stored)) in [
        ("--amend -m x", "--amend -m x\n"),
        ("-F/etc/passwd", "-F/etc/passwd\n"),
        ("# no comment\n\nbody\n", "# no comment\n\nbody\n"),
        ("esc \u{1b}[31m and\r\nlines", "esc [31m and\nlines\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("f{n}");
        site.put(&path, "x");
        let call = json!({ "message": said, "add": [path] });
        site.call("git_commit", call).await.answered();
        assert_eq!(message(&site), stored, "G1 {said}");
    }
    let before = head(&site);
    site.put("more", "x");
    for wrong in ["", " \n ", "a\0b", &"x".repeat(70_000)] {
        let said =
            site.call("git_commit", json!({ "message": wrong, "add": ["more"] })).await.invalid();
        assert!(said.contains("message"), "G2 {said}");
    }
    // G3: nobody chooses the author.
    for name in ["author", "amend", "email", "date", "branch"] {
        let mut call = add(&["more"]);
        call[name] = json!("somebody\n<x@y>");
        let said = site.call("git_commit", call).await.invalid();
        assert!(said.contains("unknown field"), "G3 {said}");
    }
    assert_eq!(head(&site), before);
    let call = json!({ "message": "signed", "add": ["more"], "signoff": true });
    let answer = site.call("git_commit", call).await.answered();
    assert_eq!(message(&site), "signed\n\nSigned-off-by: lukhas-mcp <lukhas-mcp@localhost>\n");
    assert_eq!(answer["message"], "signed");
}

#[tokio::test]
async fn only_files_of_the_repository_are_committed() {
    let site = Site::start().await;
    site.put("ok.md", "x");
    site.put("sub/x.md", "x");
    Repository::init(site.path().join("inner")).unwrap();
    site.put("inner/f", "x");
    std::os::unix::fs::symlink("/etc", site.path().join("link")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", site.path().join("slink")).unwrap();
    let pipe = site.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    for path in ["..", "../x", "/etc/passwd", ".git/config", ".git", "", "sub/"] {
        let outcome = site.call("git_commit", add(&["ok.md", path])).await;
        assert!(matches!(outcome, Outcome::Invalid(_)), "G7 {path}: {outcome:?}");
    }
    for path in ["inner/f", "inner", "pipe", "link/passwd", "slink", "sub", "nothing"] {
        let outcome = site.call("git_commit", add(&["ok.md", path])).await;
        let Outcome::Refused(said) = outcome else { panic!("G5–G7 {path}: {outcome:?}") };
        assert!(said.contains(path.split('/').next().unwrap()), "G5–G7 {path}: {said}");
    }
    assert_eq!(head(&site), None, "one wrong name, and nothing is committed");
    site.call("git_commit", add(&[])).await.invalid();
    let both = json!({ "message": "x", "add": ["ok.md"], "stageAll": true });
    site.call("git_commit", both).await.invalid();
    site.call("git_commit", add(&["ok.md"])).await.answered();
    assert_eq!(names(&site), ["ok.md"]);
    let said = site.call("git_commit", add(&["ok.md"])).await.refused();
    assert!(said.contains("nothing to commit"), "{said}");
}

#[tokio::test]
async fn what_others_staged_stays_theirs() {
    let site = Site::start().await;
    site.put("mine.md", "mine\n");
    site.put("theirs.md", "theirs\n");
    let repository = Repository::open(site.path()).unwrap();
    let mut index = repository.index().unwrap();
    index.add_path(std::path::Path::new("theirs.md")).unwrap();
    index.write().unwrap();
    let answer = site.call("git_commit", add(&["mine.md"])).await.answered();
    assert_eq!(answer["staged"], json!(["mine.md"]));
    assert_eq!(names(&site), ["mine.md"]);
    let status = site.call("git_status", json!({})).await.answered();
    let items = status["items"].as_array().unwrap();
    let theirs = items.iter().find(|item| item["path"] == "theirs.md").unwrap();
    assert_eq!((&theirs["staged"], &theirs["untracked"]), (&json!("added"), &json!(false)));
}

#[tokio::test]
async fn all_means_neither_secrets_nor_what_is_ignored() {
    let site = Site::start().await;
    site.put(".gitignore", "target/\nlukhas-*\n");
    for path in [".env", "deep/key.pem", "id_rsa", "target/x", "a.md", "deep/b.md"] {
        site.put(path, "x");
    }
    let call = json!({ "message": "feat: all", "stageAll": true });
    let answer = site.call("git_commit", call).await.answered();
    assert_eq!(answer["stageAll"], true);
    let names = names(&site);
    for there in ["a.md", "deep/b.md", ".gitignore"] {
        assert!(names.iter().any(|name| name == there), "G15 {there}: {names:?}");
    }
    for hidden in [".env", "deep/key.pem", "id_rsa", "target/x", ".mcp-state.db"] {
        assert!(!names.iter().any(|name| name == hidden), "G15 {hidden}: {names:?}");
    }
}

#[tokio::test]
async fn where_no_commit_can_be_made_it_is_said_why() {
    let site = Site::start().await;
    site.put("a.md", "one\n");
    site.call("git_commit", add(&["a.md"])).await.answered();
    let repository = Repository::open(site.path()).unwrap();
    let first = repository.head().unwrap().peel_to_commit().unwrap();
    site.put("a.md", "two\n");

    repository.set_head_detached(first.id()).unwrap();
    let said = site.call("git_commit", add(&["a.md"])).await.refused();
    assert!(said.contains("detached"), "G11 {said}");
    let status = site.call("git_status", json!({})).await.answered();
    assert_eq!(
        (&status["branch"], &status["head"]),
        (&Value::Null, &json!(first.id().to_string()))
    );
    repository
        .set_head("refs/heads/master")
        .or_else(|_| repository.set_head("refs/heads/main"))
        .unwrap();

    std::fs::write(site.path().join(".git/MERGE_HEAD"), format!("{}\n", first.id())).unwrap();
    let said = site.call("git_commit", add(&["a.md"])).await.refused();
    assert!(said.contains("git merge"), "G11 {said}");
    std::fs::remove_file(site.path().join(".git/MERGE_HEAD")).unwrap();

    std::fs::write(site.path().join(".git/index.lock"), "").unwrap();
    let said = site.call("git_commit", add(&["a.md"])).await.refused();
    assert!(said.contains("lock"), "G9 {said}");
    assert!(site.is_there(".git/index.lock"), "G9: it is somebody else's");
    std::fs::remove_file(site.path().join(".git/index.lock")).unwrap();
    site.call("git_commit", add(&["a.md"])).await.answered();

    std::fs::remove_dir_all(site.path().join(".git")).unwrap();
    site.put("a.md", "three\n");
    for (tool, arguments) in [
        ("git_commit", add(&["a.md"])),
        ("git_status", json!({})),
        ("git_diff", json!({})),
        ("git_log", json!({})),
    ] {
        let said = site.call(tool, arguments).await.refused();
        assert!(said.contains("no git repository"), "{tool}: {said}");
    }
}

#[tokio::test]
async fn what_changed_can_be_read() {
    let site = Site::start().await;
    site.put(".gitignore", "*\n!*.md\n!.gitignore\n");
    site.put("a.md", "one\ntwo\n");
    let first = site
        .call("git_commit", json!({ "message": "first\n\nbody", "add": ["a.md", ".gitignore"] }));
    let first = first.await.answered()["commit"].clone();
    site.put("a.md", "one\nTWO\n");
    site.put("b.md", "new\n");
    let status = site.call("git_status", json!({})).await.answered();
    let expected = json!([
        { "path": "a.md", "staged": null, "unstaged": "modified", "untracked": false, "conflicted": false },
        { "path": "b.md", "staged": null, "unstaged": null, "untracked": true, "conflicted": false },
    ]);
    assert_eq!(
        (&status["items"], &status["head"], &status["clean"]),
        (&expected, &first, &json!(false))
    );
    let diff = site.call("git_diff", json!({})).await.answered();
    let text = diff["diff"].as_str().unwrap();
    assert!(text.contains("-two\n+TWO\n") && !text.contains("b.md"), "{text}");
    let diff = site.call("git_diff", json!({ "paths": ["b.md"] })).await.answered();
    assert!(diff["diff"].as_str().unwrap().contains("+new\n"), "{diff}");
    let cut = site.call("git_diff", json!({ "maxBytes": 10 })).await.answered();
    assert_eq!((&cut["diff"], &cut["truncated"]), (&json!(""), &json!(true)));

    let second =
        site.call("git_commit", json!({ "message": "second", "add": ["b.md"] })).await.answered();
    let log = site.call("git_log", json!({})).await.answered();
    let subjects: Vec<&str> = log["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["subject"].as_str().unwrap())
        .collect();
    assert_eq!(subjects, ["second", "first"]);
    let older = site.call("git_log", json!({ "before": second["commit"] })).await.answered();
    assert_eq!(older["commits"][0]["commit"], first);
    assert_eq!(older["commits"][0]["body"], "body");
    let of_a = site.call("git_log", json!({ "path": "a.md", "limit": 1 })).await.answered();
    assert_eq!(of_a["commits"][0]["commit"], first);
    // G4: nothing that a client sends is looked up as a revision.
    for before in
        ["HEAD", "--help", "-x", "@{-1}^{/x}", "HEAD:../../x", "main", &"a".repeat(1 << 20)]
    {
        let said = site.call("git_log", json!({ "before": before })).await.invalid();
        assert!(said.contains("before"), "G4 {said}");
    }
    let unknown = json!({ "before": "0123456789012345678901234567890123456789" });
    site.call("git_log", unknown).await.refused();
    for (tool, call) in [
        ("git_status", json!({ "max": 0 })),
        ("git_diff", json!({ "contextLines": 21 })),
        ("git_diff", json!({ "maxBytes": 0 })),
        ("git_diff", json!({ "paths": ["../x"] })),
        ("git_log", json!({ "limit": 201 })),
        ("git_log", json!({ "path": "/etc" })),
    ] {
        site.call(tool, call).await.invalid();
    }
}

#[tokio::test]
async fn the_story_of_a_commit_is_told() {
    let site = Site::start().await;
    site.put("a.md", "one\n");
    let answer =
        site.call("git_commit", json!({ "message": "docs: add a", "add": ["a.md"] })).await;
    let commit = answer.answered()["commit"].as_str().unwrap().to_owned();
    for id in [commit.as_str(), "a.md"] {
        let why = site.daemon.call("why", json!({ "id": id })).await;
        let facts = why["structuredContent"]["facts"].as_array().unwrap();
        assert_eq!(facts[0]["action"], "git_commit", "{why}");
        assert!(facts[0]["details"].to_string().contains(&commit), "{why}");
        let prose = why["content"][1]["text"].as_str().unwrap();
        assert!(prose.contains("docs: add a"), "{prose}");
    }
    let author = Repository::open(site.path()).unwrap();
    let author = author.head().unwrap().peel_to_commit().unwrap().author().to_owned();
    let configured = Signature::now("lukhas-mcp", "lukhas-mcp@localhost").unwrap();
    assert_eq!((author.name(), author.email()), (configured.name(), configured.email()));
}
