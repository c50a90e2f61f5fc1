//! The authoring loop of the wire contract, to the letter.

use serde_json::json;

use super::{Site, sha256};

#[tokio::test]
async fn the_story_of_a_file_is_told() {
    let site = Site::start().await;
    let write = json!({ "path": "docs/a.md", "contents": "one\n" });
    site.call("write_file", write).await.answered();
    let append = json!({ "path": "docs/a.md", "contents": "two" });
    site.call("append_file", append).await.answered();
    let rename = json!({ "from": "docs/a.md", "to": "docs/b.md" });
    site.call("rename_file", rename).await.answered();
    let delete = json!({ "path": "docs/b.md", "expectSha256": sha256("one\ntwo\n") });
    site.call("delete_file", delete).await.answered();
    for (id, actions) in [
        ("docs/a.md", &["write_file", "append_file", "rename_file"][..]),
        ("docs/b.md", &["rename_file", "delete_file"]),
    ] {
        for asked in [id.to_owned(), super::id_of(id)] {
            let result = site.daemon.call("why", json!({ "id": asked })).await;
            let facts = result["structuredContent"]["facts"].as_array().unwrap();
            let told: Vec<&str> =
                facts.iter().map(|fact| fact["action"].as_str().unwrap()).collect();
            assert_eq!(told, actions, "{asked}");
            assert!(facts.iter().all(|fact| fact["actor"] == "anonymous"), "{facts:?}");
            let lines = result["content"][0]["text"].as_str().unwrap();
            assert_eq!(lines.lines().count(), actions.len(), "{lines}");
            let prose = result["content"][1]["text"].as_str().unwrap();
            assert!(prose.contains(id), "{prose}");
        }
    }
    let said = site.call("why", json!({ "id": "docs/never.md" })).await.refused();
    assert!(said.contains("nothing is recorded"), "{said}");
    let deep = format!("{}x", "d/".repeat(2047));
    site.call("why", json!({ "id": deep })).await.refused();
}

/// Every request as a curl would send it: no handshake, no session.
#[tokio::test]
async fn the_authoring_loop_works_as_it_is_written() {
    let site = Site::start().await;
    let hello = "docs/mcp/hello.md";
    let write = json!({ "path": hello, "contents": "# Hello\n", "overwrite": true });
    site.call("write_file", write).await.answered();
    let fetch = json!({ "id": "lukhas-path:ZG9jcy9tY3AvaGVsbG8ubWQ=", "fields": ["metadata"] });
    let fetched = site.call("fetch", fetch).await.answered();
    let sha = fetched["metadata"]["sha256"].as_str().unwrap();
    assert_eq!(sha, sha256("# Hello\n"));
    let patch = "--- a\n+++ b\n@@ -1,1 +1,2 @@\n-# Hello\n+# Hello\nPatched\n";
    let call = json!({ "path": hello, "patch": patch, "expectSha256": sha });
    let patched = site.call("apply_patch", call).await.answered();
    assert_eq!(patched["repaired"], true);
    let commit = json!({ "message": "docs(mcp): hello", "add": [hello], "signoff": true });
    let committed = site.call("git_commit", commit).await.answered();
    assert_eq!(committed["staged"], json!([hello]));
    assert_eq!(site.text(hello), "# Hello\nPatched\n");

    let repository = git2::Repository::open(site.path()).unwrap();
    let head = repository.head().unwrap().peel_to_commit().unwrap();
    assert_eq!(committed["commit"], head.id().to_string());
    let blob = head.tree().unwrap().get_path(std::path::Path::new(hello)).unwrap();
    let blob = repository.find_blob(blob.id()).unwrap();
    assert_eq!(blob.content(), b"# Hello\nPatched\n");
    let why = site.daemon.ask("why", json!({ "id": hello })).await;
    let facts = why["facts"].as_array().unwrap();
    let told: Vec<&str> = facts.iter().map(|fact| fact["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["write_file", "apply_patch", "git_commit"]);
}
