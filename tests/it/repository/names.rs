//! Tables P1 to P4, P12 to P14 and P16: names that lead elsewhere, mean something else, or hold what
//! is nobody's to see, through every tool that takes one.

use serde_json::{Value, json};

use super::{NO_SHA, Outcome, Site, id_of};

/// Every call that names a file to be read.
fn reading(path: &str) -> Vec<(&'static str, Value)> {
    vec![("fetch", json!({ "id": id_of(path) }))]
}

/// Every call that names a file to be changed.
fn changing(path: &str) -> Vec<(&'static str, Value)> {
    let making = "--- /dev/null\n+++ b\n@@ -0,0 +1 @@\n+x\n";
    vec![
        ("write_file", json!({ "path": path, "contents": "x", "overwrite": true })),
        ("writeFile", json!({ "path": path, "content": "x", "overwrite": true })),
        ("create_file", json!({ "path": path, "contents": "x" })),
        ("createFile", json!({ "path": path, "content": "x" })),
        ("update_file", json!({ "path": path, "contents": "x", "expectSha256": NO_SHA })),
        ("append_file", json!({ "path": path, "contents": "x" })),
        ("rename_file", json!({ "from": "README.md", "to": path })),
        ("rename_file", json!({ "from": path, "to": "new.md", "overwrite": true })),
        ("delete_file", json!({ "path": path, "expectSha256": NO_SHA })),
        (
            "apply_patch",
            json!({ "path": path, "patch": making, "expectSha256": NO_SHA, "allowCreate": true }),
        ),
        ("git_commit", json!({ "message": "x", "add": [path] })),
    ]
}

fn every(path: &str) -> Vec<(&'static str, Value)> {
    let mut all = reading(path);
    all.extend(changing(path));
    all
}

/// What a call said, without the name that it was about.
fn without(said: &str, path: &str) -> String {
    said.replace(path, "…")
}

#[tokio::test]
async fn no_name_leads_out_of_the_repository() {
    let site = Site::start().await;
    site.put("README.md", "# Here\n");
    // A sibling whose name begins like the root's, with something in it.
    let evil = site
        .path()
        .with_file_name(format!("{}-evil", site.path().file_name().unwrap().to_str().unwrap()));
    std::fs::create_dir(&evil).unwrap();
    std::fs::write(evil.join("s"), "theirs").unwrap();
    let sibling = format!("../{}/s", evil.file_name().unwrap().to_str().unwrap());
    let absolute = evil.join("s").to_str().unwrap().to_owned();
    for path in [
        "../x",
        "a/../../x",
        "..",
        "a/..",
        "....//x",
        "..\\x",
        "a\\..\\..\\x",
        "/etc/passwd",
        "//etc",
        "/proc/self/environ",
        "file:///etc/passwd",
        "~/x",
        "~root/x",
        "a/../README.md",
        &sibling,
        &absolute,
    ] {
        for (tool, arguments) in every(path) {
            let outcome = site.call(tool, arguments).await;
            let Outcome::Invalid(said) = outcome else {
                panic!("P1–P3 {tool} {path}: {outcome:?}")
            };
            assert!(!said.contains("theirs"), "{said}");
        }
        for (tool, arguments) in [
            ("list_dir", json!({ "path": path })),
            ("find_files", json!({ "glob": format!("{path}*") })),
        ] {
            // A glob is no path: what it cannot mean it does not match.
            match site.call(tool, arguments).await {
                Outcome::Invalid(_) => {}
                Outcome::Answered(answer) if tool == "find_files" => {
                    assert_eq!(answer["items"], json!([]), "P1 {tool} {path}");
                }
                other => panic!("P1 {tool} {path}: {other:?}"),
            }
        }
    }
    // Nobody learns what is there and what is not.
    let missing = sibling.replace("/s", "/t");
    for ((tool, of_there), (_, of_missing)) in every(&sibling).into_iter().zip(every(&missing)) {
        let said = site.call(tool, of_there).await.invalid();
        let said_of_missing = site.call(tool, of_missing).await.invalid();
        assert_eq!(without(&said, &sibling), without(&said_of_missing, &missing), "P1 {tool}");
    }
    // An escape that nobody decodes is a name like any other.
    let said = site.call("fetch", json!({ "id": id_of("%2e%2e/x") })).await.refused();
    assert!(said.contains("does not exist"), "{said}");
    assert_eq!(std::fs::read_to_string(evil.join("s")).unwrap(), "theirs");
    assert_eq!(std::fs::read_dir(&evil).unwrap().count(), 1);
    std::fs::remove_dir_all(&evil).unwrap();
    assert_eq!(site.text("README.md"), "# Here\n");
}

#[tokio::test]
async fn one_file_has_one_name() {
    let site = Site::start().await;
    for (path, name) in [("./a", "a"), ("b//c", "b/c"), ("./d/./e", "d/e")] {
        let call = json!({ "path": path, "contents": "x" });
        let answer = site.call("write_file", call).await.answered();
        assert_eq!((&answer["path"], &answer["relativePath"]), (&json!(name), &json!(name)), "P4");
        assert_eq!(site.text(name), "x");
    }
    for path in ["", ".", "./", "a/", "b/"] {
        for (tool, arguments) in every(path) {
            site.call(tool, arguments).await.invalid();
        }
    }
    // A directory is no file.
    site.put("README.md", "# Here\n");
    for (tool, arguments) in every("b") {
        let said = site.call(tool, arguments).await.said();
        assert!(said.contains('b'), "P4 {tool}: {said}");
    }
    for path in [".", "", "b", "b/", "./b"] {
        site.call("list_dir", json!({ "path": path })).await.answered();
    }
}

#[tokio::test]
async fn names_that_mean_something_else_are_refused() {
    let site = Site::start().await;
    site.put("README.md", "x");
    let before = std::fs::read_dir(site.path()).unwrap().count();
    let long = "n".repeat(256);
    let deep = "d/".repeat(2048) + "x";
    for path in [
        "a\0b",
        "a\nb",
        "a\x1bb",
        "a\u{202e}b",
        "a\u{200b}b",
        &*long,
        &*deep,
        // P13
        ".git/config",
        ".GIT/HEAD",
        ".git\u{200c}/x",
        "git~1/x",
        "GIT~1/x",
        "sub/.git/hooks/pre-commit",
        ".git",
        ".git /config",
        ".git./config",
        "\u{ff0e}git/config",
        // P14
        "a:stream",
        "a\\b",
    ] {
        for (tool, arguments) in every(path) {
            let outcome = site.call(tool, arguments).await;
            assert!(matches!(outcome, Outcome::Invalid(_)), "P12–P14 {tool} {path:?}: {outcome:?}");
        }
    }
    for path in [
        "CON",
        "nul.txt",
        "COM\u{b9}",
        "a.",
        "a ",
        "sub/aux.md",
        "x?",
        "HEAD",
        ".gitattributes",
        ".gitmodules",
    ] {
        for (tool, arguments) in [
            ("write_file", json!({ "path": path, "contents": "x", "overwrite": true })),
            ("create_file", json!({ "path": path, "contents": "x" })),
            ("rename_file", json!({ "from": "README.md", "to": path })),
        ] {
            let outcome = site.call(tool, arguments).await;
            assert!(
                matches!(outcome, Outcome::Invalid(_)),
                "P13, P14 {tool} {path:?}: {outcome:?}"
            );
        }
    }
    assert_eq!(std::fs::read_dir(site.path()).unwrap().count(), before);
}

#[tokio::test]
async fn secrets_and_the_daemons_own_files_are_nobodys_to_see() {
    let home = crate::harness::Home::new();
    std::fs::write(home.path().join("lukhas-mcp.toml"), "[server]\nworkers = 1\n").unwrap();
    let site = Site::start_in(home).await;
    for path in [".env", ".env.local", "deep/server.pem", "id_rsa", ".ssh/config", "a.key"] {
        site.put(path, "hush-hush");
        for (tool, arguments) in every(path) {
            let said = site.call(tool, arguments).await.invalid();
            assert!(!said.contains("hush-hush"), "P16 {tool} {path}");
        }
    }
    site.put(".env.example", "KEY=\n");
    site.call("fetch", json!({ "id": id_of(".env.example") })).await.answered();
    for path in [".mcp-state.db", ".mcp-state.db-wal", "lukhas-mcp.toml"] {
        assert!(site.is_there(path), "{path}");
        for (tool, arguments) in every(path) {
            let outcome = site.call(tool, arguments).await;
            assert!(!matches!(outcome, Outcome::Answered(_)), "P16 {tool} {path}: {outcome:?}");
        }
    }
    // What evals run is there to be read and not to be changed.
    let task = "evals/tasks/quick.toml";
    site.call("fetch", json!({ "id": id_of(task) })).await.answered();
    let before = site.text(task);
    for (tool, arguments) in changing(task).into_iter().filter(|(tool, _)| *tool != "git_commit") {
        let outcome = site.call(tool, arguments).await;
        assert!(!matches!(outcome, Outcome::Answered(_)), "{tool} {task}: {outcome:?}");
    }
    let new = json!({ "path": "evals/tasks/mine.toml", "contents": "command = ['id']\n" });
    let said = site.call("create_file", new).await.refused();
    assert!(said.contains("the daemon runs what stands there"), "{said}");
    assert_eq!(site.text(task), before);
    for glob in ["**", "**/*", ".*", "**/.*", "*.pem", "**/*.toml", "**/*.db*"] {
        let found = site.call("find_files", json!({ "glob": glob, "max": 500 })).await.answered();
        let found = found.to_string();
        for hidden in ["\".env\"", "pem", "id_rsa", "mcp-state", "lukhas-mcp.toml", ".git/", ".ssh"]
        {
            assert!(!found.contains(hidden), "P16 {glob}: {hidden} in {found}");
        }
    }
}
