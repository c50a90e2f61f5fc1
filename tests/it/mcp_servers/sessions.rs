//! A server over HTTP with sessions, which forgets them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lukhas_mcp::mcp_servers::CallOptions;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::bench::{Bench, arguments};
use super::http::at;

/// What it did, and which session it knows.
#[derive(Default)]
struct Server {
    known: Mutex<Option<String>>,
    begun: AtomicUsize,
    calls: AtomicUsize,
    /// Requests of a session that it does not know.
    strangers: AtomicUsize,
}

impl Server {
    async fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let server = Arc::<Self>::default();
        let serving = Arc::clone(&server);
        actix::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Arc::clone(&serving);
                actix::spawn(async move { server.serve(stream).await });
            }
        });
        (server, url)
    }

    /// One request, and the end of the connection.
    async fn serve(&self, mut stream: TcpStream) {
        let Some((head, body)) = read(&mut stream).await else { return };
        let answer = self.answer(&head, &body);
        drop(stream.write_all(answer.as_bytes()).await);
        drop(stream.shutdown().await);
    }

    fn answer(&self, head: &str, body: &str) -> String {
        if !head.starts_with("post ") {
            return with("405 Method Not Allowed", "", "");
        }
        let message: Value = serde_json::from_str(body).unwrap();
        let (id, method) = (&message["id"], message["method"].as_str().unwrap_or_default());
        let result = |value: Value| {
            let answer = json!({ "jsonrpc": "2.0", "id": id, "result": value });
            with("200 OK", "", &answer.to_string())
        };
        if method == "initialize" {
            let name = format!("session-{}", self.begun.fetch_add(1, Ordering::Relaxed));
            *self.known.lock().unwrap() = Some(name.clone());
            let answer = json!({ "jsonrpc": "2.0", "id": id, "result": {
                "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                "serverInfo": { "name": "sessions", "version": "1" },
            } });
            return with("200 OK", &format!("Mcp-Session-Id: {name}\r\n"), &answer.to_string());
        }
        let session = head.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
        let Some(session) = session else {
            let error = json!({ "code": -32601, "message": "there is no such method" });
            let answer = json!({ "jsonrpc": "2.0", "id": id, "error": error });
            return with("200 OK", "", &answer.to_string());
        };
        if self.known.lock().unwrap().as_deref() != Some(session.trim()) {
            self.strangers.fetch_add(1, Ordering::Relaxed);
            return with("404 Not Found", "", "");
        }
        match method {
            "tools/list" => result(json!({ "tools": [
                { "name": "count", "inputSchema": { "type": "object" } },
            ] })),
            "tools/call" => {
                let n = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
                result(json!({ "content": [{ "type": "text", "text": n.to_string() }] }))
            }
            method if method.starts_with("notifications/") => with("202 Accepted", "", ""),
            _ => result(json!({})),
        }
    }
}

fn with(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The head of a request in small letters, and its body.
async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.ok().filter(|n| 0 < *n)?;
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.map_or(0, |length| length.parse().unwrap()) <= body.len() {
            return Some((head, body.to_owned()));
        }
    }
}

#[actix::test]
async fn a_session_that_the_server_forgot_is_begun_anew_and_its_call_is_made_once() {
    let (server, url) = Server::start().await;
    let bench = Bench::with(&[], at(&url, "k")).await;
    let view = bench.until("ready").await;
    assert_eq!(view.protocol_version.as_deref(), Some("2025-11-25"));
    let tool = bench.tool("count");
    let call = async || {
        let options = CallOptions::default();
        bench.servers.call(&tool, arguments(json!({})), options).await.unwrap().text
    };
    assert_eq!(call().await, "1");
    *server.known.lock().unwrap() = None;
    assert_eq!(call().await, "2");
    assert_eq!(server.begun.load(Ordering::Relaxed), 2);
    assert!(0 < server.strangers.load(Ordering::Relaxed), "the first session was never refused");
    assert_eq!(call().await, "3");
    bench.stop().await;
}
