//! `GET /repo/{path}` and `GET /documents/{id}`: where the `url` of an answer leads.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use reqwest::StatusCode;
use serde_json::json;

use super::{Site, id_of, sha256};
use crate::harness::{Daemon, Home};

const KEY: &str = "a-key-for-what-is-served";

async fn site() -> Site {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", KEY);
    let Site { home, daemon } = Site::start_in(home).await;
    Site { home, daemon: daemon.with_key(KEY) }
}

/// Asks for a path as it is written, which a client that means well would tidy up.
fn status_of_raw(daemon: &Daemon, path: &str) -> u16 {
    let address = daemon.url.strip_prefix("http://").unwrap();
    let mut wire = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nX-API-Key: {KEY}\r\nConnection: close\r\n\r\n"
    );
    wire.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    wire.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains("root:"), "{path}: {answer}");
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

async fn status(daemon: &Daemon, path: &str) -> (StatusCode, String) {
    let answer = daemon.get(path).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_file_is_served_as_its_bytes_and_never_as_a_page() {
    let site = site().await;
    let page = "<script>alert(1)</script>";
    for (path, bytes, kind) in [
        ("a b/c#d.md", b"# x\n".as_slice(), "text/plain; charset=utf-8"),
        ("page.html", page.as_bytes(), "text/plain; charset=utf-8"),
        ("picture.svg", page.as_bytes(), "text/plain; charset=utf-8"),
        ("picture.png", b"\x89PNG\xff", "image/png"),
        ("data.bin", b"\xff\x00", "application/octet-stream"),
        ("page2.html", b"\xff<html>", "application/octet-stream"),
    ] {
        site.put(path, bytes);
        let found = site.call("fetch", json!({ "id": id_of(path), "fields": ["url"] })).await;
        let url = found.answered()["url"].as_str().unwrap().to_owned();
        let local = url.strip_prefix(&site.daemon.url).unwrap();
        assert!(local.starts_with("/repo/"), "{url}");
        let answer = site.daemon.get(local).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), kind, "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
        let tag = header("etag");
        assert_eq!(tag, format!("\"{}\"", sha256(bytes)));
        assert_eq!(answer.bytes().await.unwrap(), bytes, "{path}");
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let again = site.daemon.get(local).header("If-None-Match", known).send().await.unwrap();
            assert_eq!(
                (again.status().as_u16(), again.text().await.unwrap()),
                (304, String::new())
            );
        }
        let other = site.daemon.get(local).header("If-None-Match", "\"x\"").send().await.unwrap();
        assert_eq!(other.status(), 200);
    }
}

#[tokio::test]
async fn what_is_not_shown_is_as_if_it_were_not_there() {
    let site = site().await;
    site.put(".env", "hush");
    site.put("a.md", "x");
    let (missing, said) = status(&site.daemon, "/repo/nothing").await;
    assert_eq!(missing, 404);
    for path in [
        "/repo/.env",
        "/repo/.git/config",
        "/repo/.mcp-state.db",
        "/repo/..%2f..%2fetc%2fpasswd",
        "/repo/a%00b",
        "/repo/%ff",
        "/repo//etc/passwd",
        "/repo/a.md/",
        "/repo/evals",
        "/repo/a.md%2fx",
        "/repo/%252e%252e/x",
    ] {
        assert_eq!(status(&site.daemon, path).await, (missing, said.clone()), "{path}");
    }
    for path in [
        "/repo/../etc/passwd",
        "/repo/%2e%2e/etc/passwd",
        "/repo/./../../etc/passwd",
        "/repo/.%2e/x",
    ] {
        assert_eq!(status_of_raw(&site.daemon, path), 404, "{path}");
    }
    assert_eq!(status(&site.daemon, "/repo/a%2emd").await, (StatusCode::OK, "x".to_owned()));
    for path in ["/repo/", "/repo", "/repository/a.md", "/documents", "/documents/"] {
        assert_eq!(status(&site.daemon, path).await.0, 404, "{path}");
    }
    for path in ["/repo/a.md", "/documents/x", "/repo/nothing"] {
        let url = format!("{}{path}", site.daemon.url);
        assert_eq!(reqwest::get(&url).await.unwrap().status(), 401, "{path}");
        let client = reqwest::Client::new();
        let posted =
            client.post(&url).header("X-API-Key", KEY).header("Content-Type", "application/json");
        assert_eq!(posted.send().await.unwrap().status(), 405, "{path}");
        let head = client.head(&url).header("X-API-Key", KEY).send().await.unwrap();
        assert_eq!(head.status() == 200, path == "/repo/a.md");
    }
}

#[tokio::test]
async fn documents_are_served_where_they_are_said_to_be() {
    let site = site().await;
    let job = site.daemon.run_eval("quick").await;
    site.daemon.until(&job, &["COMPLETED"]).await;
    let found = site.call("fetch", json!({ "id": job })).await.answered();
    let path = found["url"].as_str().unwrap().strip_prefix(&site.daemon.url).unwrap().to_owned();
    assert_eq!(path, format!("/documents/{job}"));
    let answer = site.daemon.get(&path).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/markdown; charset=utf-8");
    assert_eq!(answer.text().await.unwrap(), found["text"].as_str().unwrap());
    for unknown in ["job_nope", "nothing", "%ff", "a/b", "..%2fx"] {
        assert_eq!(
            status(&site.daemon, &format!("/documents/{unknown}")).await.0,
            404,
            "{unknown}"
        );
    }
}

#[tokio::test]
async fn a_public_address_goes_before_all_others() {
    let home = Home::new().with("MCP_PUBLIC_BASE_URL", "https://mcp.example/x");
    let site = Site::start_in(home).await;
    site.put("docs/a.md", "x");
    let found = site.call("fetch", json!({ "id": id_of("docs/a.md") })).await.answered();
    assert_eq!(found["url"], "https://mcp.example/x/repo/docs/a.md");
}
