//! What stands in for a daemon where one must fail at a certain moment: its answers and its streams
//! are written down beforehand.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep};

/// How a call is answered.
pub enum Reply {
    Answer(Value),
    /// It takes no requests at the moment.
    Busy,
    /// Nothing comes.
    Silence,
}

/// The frames of a stream, each with the milliseconds that pass before it.
pub type Frames = Vec<(u64, String)>;

type Answers = dyn Fn(&str, &Value, usize) -> Reply + Send + Sync;

struct Script {
    answers: Box<Answers>,
    streams: Vec<Frames>,
    calls: Mutex<Vec<String>>,
    opened: Mutex<usize>,
}

/// A server that follows a script; gone when dropped.
pub struct StandIn {
    pub url: String,
    script: Arc<Script>,
    listening: JoinHandle<()>,
}

impl StandIn {
    /// Answers the calls of a tool by its name, its arguments and how often it was called before.
    /// Each stream ends with its frames, but the last one stays open.
    pub async fn start(
        answers: impl Fn(&str, &Value, usize) -> Reply + Send + Sync + 'static,
        streams: impl Into<Vec<Frames>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Script {
            answers: Box::new(answers),
            streams: streams.into(),
            calls: Mutex::default(),
            opened: Mutex::default(),
        });
        let shared = Arc::clone(&script);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, script, listening }
    }

    /// How often a tool was called.
    pub fn calls(&self, tool: &str) -> usize {
        self.script.calls.lock().unwrap().iter().filter(|call| *call == tool).count()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// The first frame of a stream that begins at an event, or of one that goes on.
pub fn open(id: Option<u64>) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: open\ndata: {{}}\n\n")
}

/// An event of a job.
pub fn event(id: u64, name: &str, job: &str, status: &str) -> String {
    let data = json!({
        "topic": format!("job/{job}"), "type": name, "ts": "2026-11-21T19:00:01Z", "jobId": job,
        "status": status, "progress": { "fraction": 0.5, "note": format!("step {id}") },
    });
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}

/// A job as a tool answers it.
pub fn job(id: &str, status: &str) -> Value {
    let at = "2026-11-21T19:00:00Z";
    json!({
        "jobId": id, "taskId": "t", "configId": "c", "status": status, "startedAt": at,
        "runningAt": at, "updatedAt": at,
    })
}

async fn serve(mut stream: TcpStream, script: Arc<Script>) {
    let Some(request) = request(&mut stream).await else { return };
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    if head.starts_with("GET /sse") {
        return tell(stream, &script).await;
    }
    let reply = if head.starts_with("GET /api/whoami") {
        Reply::Answer(json!({ "principal": "anonymous", "role": "operate" }))
    } else {
        let call: Value = serde_json::from_str(body).unwrap();
        let tool = call["params"]["name"].as_str().unwrap().to_owned();
        let before = {
            let mut calls = script.calls.lock().unwrap();
            calls.push(tool.clone());
            calls.iter().filter(|call| **call == tool).count() - 1
        };
        match (script.answers)(&tool, &call["params"]["arguments"], before) {
            Reply::Answer(answer) => Reply::Answer(json!({
                "jsonrpc": "2.0", "id": 1, "result": { "structuredContent": answer },
            })),
            other => other,
        }
    };
    let (status, body) = match reply {
        Reply::Answer(body) => ("200 OK", body.to_string()),
        Reply::Busy => {
            let body = json!({ "error": { "message": "it is busy" } });
            ("503 Service Unavailable", body.to_string())
        }
        Reply::Silence => return std::future::pending().await,
    };
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    // A client that has gone needs no answer.
    drop(stream.write_all(answer.as_bytes()).await);
}

/// A whole request.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        if matches!(stream.read_buf(&mut read).await, Ok(0) | Err(_)) {
            return None;
        }
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
        });
        if length.unwrap_or(0) <= body.len() {
            return Some(text);
        }
    }
}

async fn tell(mut stream: TcpStream, script: &Script) {
    let turn = {
        let mut opened = script.opened.lock().unwrap();
        *opened += 1;
        *opened - 1
    };
    let last = script.streams.len() - 1;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    drop(stream.write_all(head.as_bytes()).await);
    for (pause, frame) in &script.streams[turn.min(last)] {
        sleep(Duration::from_millis(*pause)).await;
        drop(stream.write_all(frame.as_bytes()).await);
    }
    if last <= turn {
        std::future::pending::<()>().await;
    }
}
