//! What the earlier server answered about files, and what is answered now.
//!
//! It gave away where the repository is, as `$ROOT/…` in a path; that is the one value that is no
//! longer what was recorded.

use serde_json::{Value, json};

use crate::golden::recorded::{answers, is_a_time, recorded, replay};
use crate::harness::{Daemon, Home};
use crate::repository::{Site, sha256};

/// What differs from one call to the next.
const TIMES: [&str; 3] = ["created", "modified", "timestamp"];

/// Replays a request and compares everything but what `changed` names.
async fn check(daemon: &Daemon, name: &str, arguments: Value, changed: &[&str]) -> Value {
    let (request, response) = recorded(name);
    let (status, body) = replay(daemon, &request, arguments).await;
    let (then, now) = answers(name, &response, status, &body);
    for (key, value) in then.as_object().unwrap() {
        if TIMES.contains(&key.as_str()) && value.is_string() {
            is_a_time(&now[key]);
        } else if !changed.contains(&key.as_str()) {
            let value = match value.as_str().and_then(|text| text.strip_prefix("$ROOT/")) {
                Some(path) => json!(path),
                None => value.clone(),
            };
            assert_eq!(now[key], value, "{name}: {key}");
        }
    }
    now
}

#[tokio::test]
async fn files_answer_as_they_were_recorded() {
    let site = Site::start().await;
    let daemon = &site.daemon;
    site.put("docs/guide.md", "# Guide\nline two\nline three\n");
    for name in ["fetch_path_ok", "fetch_path_base64url_nopad"] {
        let now = check(daemon, name, Value::Null, &["url", "metadata"]).await;
        let metadata = &now["metadata"];
        is_a_time(&metadata["modified"]);
        assert_eq!(metadata["path"], "docs/guide.md");
        assert_eq!(metadata["size"], 28);
        let sha = "0b02b5a38bf09f0f163b3e20c9e4e6e83a3dd4fa67044fbeaa328ff6fc9d3983";
        assert_eq!(metadata["sha256"], sha);
        assert!(now["url"].as_str().unwrap().starts_with("http"), "{now}");
    }
    for name in ["write_file_create", "create_file_ok", "update_file_ok"] {
        check(daemon, name, Value::Null, &[]).await;
    }
    // The earlier server left an empty line before what it added, and no end of line behind it.
    for name in ["append_file_default_newline", "append_file_no_newline"] {
        check(daemon, name, Value::Null, &["sha256"]).await;
    }
    assert_eq!(site.text("docs/new.md"), "body2\ntail\ntail2");
    check(daemon, "rename_file_ok", Value::Null, &["size"]).await;
    site.put("docs/moved2/new2.md", "gone\n");
    let sha = json!({ "expectSha256": sha256("gone\n") });
    check(daemon, "delete_file_ok", sha, &["previousSha256"]).await;
    assert!(!site.is_there("docs/moved2/new2.md"));
}

#[tokio::test]
async fn patches_answer_as_they_were_recorded() {
    let site = Site::start().await;
    site.put("docs/lines.txt", "one\ntwo\nthree\nfour\nfive\n");
    check(&site.daemon, "apply_patch_ok", Value::Null, &[]).await;
    check(&site.daemon, "apply_patch_allow_create", Value::Null, &[]).await;
    assert_eq!(site.text("docs/created.txt"), "fresh\n");
}

#[tokio::test]
async fn listings_answer_as_they_were_recorded() {
    let site = Site::start().await;
    for path in [
        "docs/created.txt",
        "docs/crlf.txt",
        "docs/guide.md",
        "docs/lines.txt",
        "docs/mcp/hello.md",
        "docs/nonl.txt",
        "docs/tpl.md",
        "src/a.mjs",
        "src/data.bin",
        "src/deep/b.js",
        "src/deep/er/c.txt",
        "src/mod.py",
        "src/tpl.js",
    ] {
        site.put(path, "x");
    }
    for name in ["list_dir_docs", "list_dir_include_dirs", "find_files_exact"] {
        check(&site.daemon, name, Value::Null, &[]).await;
    }
}

#[tokio::test]
async fn the_earlier_names_answer_as_they_were_recorded() {
    let site = Site::start().await;
    check(&site.daemon, "writeFile_ok", Value::Null, &[]).await;
    // The header of a template is another one now.
    let now = check(&site.daemon, "createFile_ok", Value::Null, &["size"]).await;
    assert_eq!(now["size"].as_u64().unwrap(), site.bytes("docs/camel3.txt").len() as u64);
    let listed = site.daemon.rpc("tools/list", json!({})).await.to_string();
    assert!(!listed.contains("writeFile") && !listed.contains("createFile"));
}

#[tokio::test]
async fn commits_answer_as_they_were_recorded() {
    let site = Site::start_in(Home::new()).await;
    site.put(".gitignore", ".mcp-*\n");
    site.put("docs/commit-me.md", "x\n");
    let first = check(&site.daemon, "git_commit_ok", Value::Null, &["commit"]).await;
    site.put("docs/more.md", "x\n");
    // It told nobody what it had staged.
    let changed = ["commit", "staged"];
    let second = check(&site.daemon, "git_commit_stage_all_signoff", Value::Null, &changed).await;
    assert_ne!(first["commit"], second["commit"]);
    assert!(second["staged"].as_array().unwrap().contains(&json!("docs/more.md")), "{second}");
}

/// It answered five built-in documents whatever was asked for; the shape is what stays.
#[tokio::test]
async fn a_search_has_the_shape_that_was_recorded() {
    let site = Site::start().await;
    site.put("docs/architecture.md", "# Architecture\n");
    let (request, response) = recorded("search_ok");
    let began = std::time::Instant::now();
    loop {
        let (status, body) = replay(&site.daemon, &request, Value::Null).await;
        let (_, now) = answers("search_ok", &response, status, &body);
        if now["ids"] == json!(["lukhas-path:ZG9jcy9hcmNoaXRlY3R1cmUubWQ="]) {
            assert_eq!(now["hits"][0]["id"], now["ids"][0]);
            break;
        }
        assert!(began.elapsed() < crate::harness::PATIENCE, "{now}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
