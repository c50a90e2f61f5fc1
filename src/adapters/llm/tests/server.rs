//! A provider that does what a test says: slowly, wrongly, halfway or not at all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use url::Url;

/// What a server does, in order, once it has read a request. It hangs up after the last.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Say(String),
    /// Each byte by itself.
    Drip(String),
    Wait(Duration),
    /// Waits until the client hangs up.
    Hang,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub head: String,
    pub body: Value,
    pub at: Instant,
    /// When the client hung up on a server that waits for that.
    pub hung_up: bool,
}

/// A server on this machine.
pub(super) struct Server {
    pub url: Url,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers the first request with the first reply, and those past the last with the last.
    pub async fn start(replies: Vec<Vec<Part>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, replies.clone(), Arc::clone(&seen)));
            }
        });
        Self { url: Url::parse(&url).unwrap(), requests }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The time between a request and the next.
    pub fn gap(&self, after: usize) -> Duration {
        let requests = self.requests();
        requests[after + 1].at - requests[after].at
    }
}

async fn serve(mut stream: TcpStream, replies: Vec<Vec<Part>>, seen: Arc<Mutex<Vec<Request>>>) {
    let Some((head, body)) = request(&mut stream).await else { return };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(Request { head, body, at: Instant::now(), hung_up: false });
        seen.len() - 1
    };
    for part in &replies[number.min(replies.len() - 1)] {
        let sent = match part {
            Part::Say(text) => stream.write_all(text.as_bytes()).await,
            Part::Drip(text) => drip(&mut stream, text).await,
            Part::Wait(span) => {
                tokio::time::sleep(*span).await;
                Ok(())
            }
            Part::Hang => {
                let mut byte = [0];
                let end = stream.read(&mut byte).await;
                seen.lock().unwrap()[number].hung_up = matches!(end, Ok(0) | Err(_));
                Ok(())
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn drip(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    for byte in text.as_bytes() {
        stream.write_all(&[*byte]).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn request(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.split("content-length: ").nth(1)?.lines().next()?.trim();
        let length: usize = length.parse().ok()?;
        if body.len() >= length {
            return Some((head.clone(), serde_json::from_str(body).unwrap()));
        }
    }
}

/// The head of a good answer that ends with the connection.
pub(super) fn head() -> Part {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    Part::Say(head.to_owned())
}

/// A whole answer with a status, headers and a body.
pub(super) fn answer(status: u16, headers: &str, body: &str) -> Vec<Part> {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    vec![Part::Say(text)]
}

/// Events that say a word.
pub(super) fn word(text: &str) -> String {
    super::stream(&[&format!(r#"{{"choices":[{{"delta":{{"content":"{text}"}}}}]}}"#)])
}

/// Events that end an answer, with figures.
pub(super) fn end() -> String {
    super::stream(&[
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
        "[DONE]",
    ])
}

/// An answer as it should be.
pub(super) fn good() -> Vec<Part> {
    vec![head(), Part::Say(word("he")), Part::Say(word("llo")), Part::Say(end())]
}
