//! What each file tool does, refuses and answers; and P18, that bytes stay what they are.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{NO_SHA, Site, id_of, sha256};
use crate::harness::Home;

#[tokio::test]
async fn a_file_is_replaced_only_by_those_who_say_so() {
    let site = Site::start().await;
    site.put("a.md", "old");
    let write =
        |overwrite: bool| json!({ "path": "a.md", "contents": "new", "overwrite": overwrite });
    let said = site.call("write_file", write(false)).await.refused();
    assert_eq!(said, "a.md exists; set overwrite to replace it");
    let call = json!({ "path": "a.md", "contents": "new" });
    site.call("write_file", call.clone()).await.refused();
    let said = site.call("create_file", call).await.refused();
    assert!(said.starts_with("a.md exists; "), "{said}");
    assert_eq!(site.text("a.md"), "old");
    let answer = site.call("write_file", write(true)).await.answered();
    assert_eq!(answer["overwritten"], true);
    assert_eq!(site.text("a.md"), "new");

    site.put("b.md", "b");
    let rename = |overwrite: bool| json!({ "from": "a.md", "to": "b.md", "overwrite": overwrite });
    let said = site.call("rename_file", rename(false)).await.refused();
    assert_eq!(said, "b.md exists; set overwrite to replace it");
    site.call("rename_file", json!({ "from": "nothing", "to": "c.md" })).await.refused();
    site.call("rename_file", rename(true)).await.answered();
    assert!(!site.is_there("a.md"));
    assert_eq!(site.text("b.md"), "new");
}

#[tokio::test]
async fn what_was_read_must_still_be_there() {
    let site = Site::start().await;
    let sha = site.put("a.md", "one");
    let update = |sha: &str| json!({ "path": "a.md", "contents": "two", "expectSha256": sha });
    let delete = |sha: &str| json!({ "path": "a.md", "expectSha256": sha });
    for (tool, call) in [("update_file", update(NO_SHA)), ("delete_file", delete(NO_SHA))] {
        let said = site.call(tool, call).await.refused();
        assert!(said.contains(&sha) && said.contains("fetch it again"), "{tool}: {said}");
    }
    for wrong in ["", "anything", &sha[1..], &format!("{sha}0"), &sha.replace('e', "g")] {
        for (tool, call) in [("update_file", update(wrong)), ("delete_file", delete(wrong))] {
            let said = site.call(tool, call).await.invalid();
            assert!(said.contains("expectSha256"), "{tool} {wrong:?}: {said}");
        }
    }
    assert_eq!(site.text("a.md"), "one");
    let answer = site.call("update_file", update(&sha.to_uppercase())).await.answered();
    assert_eq!(
        (&answer["previousSha256"], &answer["sha256"]),
        (&json!(sha), &json!(sha256("two")))
    );
    let missing = json!({ "path": "no.md", "contents": "", "expectSha256": sha });
    site.call("update_file", missing).await.refused();
    site.call("delete_file", delete(&sha256("two"))).await.answered();
    assert!(!site.is_there("a.md"));
    site.call("delete_file", delete(&sha256("two"))).await.refused();
}

#[tokio::test]
async fn bytes_stay_what_they_are() {
    let site = Site::start().await;
    let bytes: Vec<u8> = (0..=255).chain([0xff, 0xfe, 0, 13, 10]).collect();
    for (path, contents) in
        [("a.bin", STANDARD.encode(&bytes)), ("b.bin", URL_SAFE_NO_PAD.encode(&bytes))]
    {
        let call = json!({ "path": path, "contents": contents, "encoding": "base64" });
        let answer = site.call("write_file", call).await.answered();
        assert_eq!(answer["encoding"], "base64");
        assert_eq!(site.bytes(path), bytes);
        let found = site.call("fetch", json!({ "id": id_of(path) })).await.answered();
        assert_eq!(found["text"], STANDARD.encode(&bytes), "P18");
        assert_eq!(found["metadata"]["encoding"], "base64");
        assert_eq!(found["mimeType"], "application/octet-stream");
        assert_eq!(found["metadata"]["sha256"], sha256(&bytes));
    }
    let added = json!({ "path": "a.bin", "contents": "/w==", "encoding": "base64", "ensureNewline": false });
    site.call("append_file", added).await.answered();
    assert_eq!(site.bytes("a.bin"), [bytes.as_slice(), &[0xff]].concat());
    // Text keeps its byte order mark and its line ends, either way.
    let text = "\u{feff}a\r\nb\rc\n\u{0}d";
    site.call("write_file", json!({ "path": "t.txt", "contents": text, "encoding": "utf-8" }))
        .await
        .answered();
    assert_eq!(site.text("t.txt"), text);
    let found = site.call("fetch", json!({ "id": id_of("t.txt") })).await.answered();
    assert_eq!((&found["text"], found["metadata"].get("encoding")), (&json!(text), None));
    let wrong = json!({ "path": "x", "contents": "not base64!", "encoding": "base64" });
    let said = site.call("write_file", wrong).await.invalid();
    assert!(said.contains("contents"), "{said}");
    let wrong = json!({ "path": "x", "contents": "x", "encoding": "latin1" });
    let said = site.call("write_file", wrong).await.invalid();
    assert!(said.contains("encoding") && said.contains("utf8"), "{said}");
    let wrong = json!({ "id": id_of("a.bin"), "lines": { "from": 1 } });
    site.call("fetch", wrong).await.refused();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_that_is_no_text_is_passed_over() {
    use std::os::unix::ffi::OsStrExt as _;
    let site = Site::start().await;
    site.put("d/a", "x");
    let name = std::ffi::OsStr::from_bytes(b"d/\xff\xfe");
    std::fs::write(site.path().join(name), "x").unwrap();
    let listed = site.call("list_dir", json!({ "path": "d" })).await.answered();
    assert_eq!(listed["items"], json!([{ "type": "file", "path": "d/a" }]), "P18");
}

#[tokio::test]
async fn a_new_file_may_begin_with_a_header() {
    let site = Site::start().await;
    let call =
        json!({ "path": "src/word-count.rs", "contents": "fn main() {}\n", "template": "rust" });
    let answer = site.call("create_file", call).await.answered();
    assert_eq!(answer["template"], "rust");
    assert_eq!(site.text("src/word-count.rs"), "//! Word count.\n\nfn main() {}\n");
    let call = json!({ "path": "x", "contents": "", "template": "cobol" });
    let said = site.call("create_file", call).await.invalid();
    assert!(said.contains("template") && said.contains("markdown"), "{said}");
}

#[tokio::test]
async fn unknown_arguments_are_refused_but_where_clients_add_their_own() {
    let site = Site::start().await;
    site.put("a.md", "x");
    let id = id_of("a.md");
    let found = site.call("fetch", json!({ "id": id, "id2": "…", "max_tokens": 9 })).await;
    assert_eq!(found.answered()["text"], "x");
    for (tool, arguments) in [
        ("list_dir", json!({ "path": ".", "recursive": true })),
        ("find_files", json!({ "glob": "*", "path": "." })),
        ("write_file", json!({ "path": "b", "contents": "x", "mode": 493 })),
        ("delete_file", json!({ "path": "a.md", "expectSha256": sha256("x"), "force": true })),
        ("get_code_analysis", json!({ "path": "." })),
    ] {
        let said = site.call(tool, arguments).await.invalid();
        assert!(said.contains("unknown field"), "{tool}: {said}");
    }
    assert!(site.is_there("a.md") && !site.is_there("b"));
}

#[tokio::test]
async fn fetch_gives_what_is_asked_for() {
    let site = Site::start().await;
    let text = "one\ntwo\r\nthree\nfour";
    let sha = site.put("docs/n.md", text);
    let id = id_of("docs/n.md");
    let only = json!({ "id": id, "fields": ["metadata", "mimeType"] });
    let found = site.call("fetch", only).await.answered();
    let members: Vec<&String> = found.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "metadata", "mimeType"]);
    assert_eq!(found["metadata"]["sha256"], sha);
    let lines = json!({ "id": id, "lines": { "from": 2, "to": 3 } });
    let found = site.call("fetch", lines).await.answered();
    assert_eq!(found["text"], "two\r\nthree\n");
    assert_eq!(found["metadata"]["lines"], json!({ "from": 2, "to": 3, "total": 4 }));
    assert_eq!(
        (&found["metadata"]["sha256"], &found["metadata"]["size"]),
        (&json!(sha), &json!(text.len()))
    );
    let all = json!({ "id": id, "fields": [] });
    assert_eq!(site.call("fetch", all).await.answered()["text"], text);

    let said = site.call("fetch", json!({ "id": id, "fields": ["tite"] })).await.invalid();
    assert!(said.contains("fields") && said.contains("title"), "{said}");
    for range in [json!({ "from": 0 }), json!({ "from": 3, "to": 2 }), json!({ "to": 2 }), json!(3)]
    {
        site.call("fetch", json!({ "id": id, "lines": range })).await.invalid();
    }
    site.call("fetch", json!({ "id": id, "lines": { "from": 5 } })).await.refused();
    for unknown in ["job_nope", "nothing", "lukhas-arch-001", "", &id_of("nothing.md")] {
        site.call("fetch", json!({ "id": unknown })).await.refused();
    }
}

#[tokio::test]
async fn fetch_tells_of_jobs_canaries_and_models() {
    let site = Site::start().await;
    let job = site.daemon.run_eval("quick").await;
    site.daemon.until(&job, &["COMPLETED"]).await;
    let promote = json!({ "modelId": "adder:3", "gate": "production" });
    site.daemon.ask("promote_model", promote).await;
    for (id, kind, parts) in [
        (
            job.as_str(),
            "job",
            &["# job_", "COMPLETED", "\"accuracy\"", "## Story", "was queued as"][..],
        ),
        ("adder:3", "model", &["# adder:3", "It stands in production", "## Story"]),
    ] {
        let found = site.call("fetch", json!({ "id": id })).await.answered();
        let text = found["text"].as_str().unwrap();
        for part in parts {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert_eq!(
            (&found["mimeType"], &found["metadata"]["type"]),
            (&json!("text/markdown"), &json!(kind))
        );
        let at = found["metadata"]["updatedAt"].as_str().unwrap();
        assert!(at.ends_with('Z'), "{at}");
        assert_eq!(found["metadata"]["sha256"], sha256(text));
        assert!(found["url"].as_str().unwrap().contains("/documents/"), "{found}");
    }
}

#[tokio::test]
async fn listings_know_what_git_ignores() {
    let site = Site::start().await;
    site.put(".gitignore", "target/\n*.log\n");
    for path in ["target/x.rs", "a.log", "src/a.rs", "src/deep/b.rs", "README.md", ".mcp-x"] {
        site.put(path, "x");
    }
    let paths = |found: &Value| -> Vec<String> {
        let items = found["items"].as_array().unwrap().iter();
        items.map(|item| item["path"].as_str().unwrap().to_owned()).collect()
    };
    let listed =
        site.call("list_dir", json!({ "path": "src", "includeDirs": true })).await.answered();
    assert_eq!(paths(&listed), ["src/a.rs", "src/deep", "src/deep/b.rs"]);
    assert_eq!((&listed["items"][1]["type"], &listed["truncated"]), (&json!("dir"), &json!(false)));
    let listed = site.call("list_dir", json!({ "path": "src", "glob": "*.rs" })).await.answered();
    assert_eq!(paths(&listed), ["src/a.rs"]);
    let found = site.call("find_files", json!({ "glob": "**/*.rs" })).await.answered();
    assert_eq!(paths(&found), ["src/a.rs", "src/deep/b.rs"]);
    let found = site.call("find_files", json!({ "glob": "README.md" })).await.answered();
    assert_eq!(paths(&found), ["README.md"]);
    let found = site.call("find_files", json!({ "glob": "**/*.rs", "max": 1 })).await.answered();
    assert_eq!((paths(&found).len(), &found["truncated"]), (1, &json!(true)));
    for max in [json!(0), json!(501), json!(-1), json!("5")] {
        site.call("find_files", json!({ "glob": "*", "max": max })).await.invalid();
    }
    for max in [0, 201] {
        site.call("list_dir", json!({ "path": ".", "max": max })).await.invalid();
    }
    for glob in ["", "[", "../*", "/etc/*", &"*".repeat(300)] {
        let said = site.call("find_files", json!({ "glob": glob })).await.invalid();
        assert!(said.contains("glob"), "{glob}: {said}");
    }
    site.call("list_dir", json!({ "path": "nothing" })).await.refused();
    site.call("list_dir", json!({ "path": "README.md" })).await.refused();
}

#[tokio::test]
async fn a_repository_for_reading_is_not_changed() {
    let home = Home::new().with("LUKHAS_MCP_REPO_READ_ONLY", "true");
    let site = Site::start_in(home).await;
    let sha = site.put("a.md", "x");
    for (tool, arguments) in [
        ("write_file", json!({ "path": "b", "contents": "x" })),
        ("create_file", json!({ "path": "b", "contents": "x" })),
        ("update_file", json!({ "path": "a.md", "contents": "y", "expectSha256": sha })),
        ("append_file", json!({ "path": "a.md", "contents": "y" })),
        ("rename_file", json!({ "from": "a.md", "to": "b" })),
        ("delete_file", json!({ "path": "a.md", "expectSha256": sha })),
        ("git_commit", json!({ "message": "x", "add": ["a.md"] })),
        (
            "apply_patch",
            json!({ "path": "a.md", "patch": "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n", "expectSha256": sha }),
        ),
    ] {
        let said = site.call(tool, arguments).await.refused();
        assert!(said.contains("read-only") && said.contains("repo.read_only"), "{tool}: {said}");
    }
    assert_eq!(site.text("a.md"), "x");
    assert!(!site.is_there("b"));
    site.call("fetch", json!({ "id": id_of("a.md") })).await.answered();
    let status = site.call("get_infrastructure_status", json!({})).await.answered();
    assert_eq!(status["repository"]["readOnly"], true);
}

#[tokio::test]
async fn the_helpers_tell_what_is_there() {
    let site = Site::start().await;
    site.put("Cargo.toml", "[package]\nname = 'tool'\n");
    site.put("src/main.rs", "fn main() {\n}\n");
    site.put("web/package.json", r#"{"name":"site","scripts":{"test":"vitest"}}"#);
    site.put(".gitignore", "target/\n");
    site.put("target/huge.rs", "x\n".repeat(10_000));
    let job = site.daemon.run_eval("quick").await;
    site.daemon.until(&job, &["COMPLETED"]).await;

    let status = site.call("get_infrastructure_status", json!({})).await.answered();
    assert_eq!(status["jobs"]["byStatus"]["COMPLETED"], 1, "{status}");
    assert!(status["database"]["bytes"].as_u64().unwrap() > 10_000, "{status}");
    assert!(status["uptimeSeconds"].as_i64().unwrap() < 60, "{status}");
    let repository = &status["repository"];
    assert_eq!((&repository["present"], &repository["readOnly"]), (&json!(true), &json!(false)));
    assert!(repository["index"]["phase"].is_string(), "{status}");

    let code = site.call("get_code_analysis", json!({})).await.answered();
    let rust = code["languages"].as_array().unwrap().iter().find(|of| of["language"] == "Rust");
    let expected =
        json!({ "language": "Rust", "files": 1, "bytes": 14, "lines": 2, "filesCounted": 1 });
    assert_eq!(rust, Some(&expected), "{code}");
    assert_eq!(code["truncated"], false);

    let utilities = site.call("get_development_utilities", json!({})).await.answered();
    let utilities = utilities["utilities"].as_array().unwrap();
    assert_eq!(utilities[0]["commands"][1]["command"], "cargo test", "{utilities:?}");
    assert_eq!(utilities[1]["manifest"], "web/package.json");
    assert_eq!(
        utilities[1]["commands"][0],
        json!({ "name": "test", "command": "npm run test", "runs": "vitest" })
    );

    let structure = site.call("get_module_structure", json!({})).await.answered();
    let packages = structure["packages"].as_array().unwrap();
    assert_eq!(packages[0], json!({ "name": "tool", "tool": "cargo", "manifest": "Cargo.toml" }));
    let src = structure["directories"].as_array().unwrap().iter().find(|of| of["path"] == "src");
    assert_eq!(src, Some(&json!({ "path": "src", "files": 1, "bytes": 14, "language": "Rust" })));
}
