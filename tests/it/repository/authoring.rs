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
