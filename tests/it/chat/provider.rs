//! A provider of models that does as the last message says, over real sockets, in pieces.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The wait between two pieces of an answer.
const PACE: Duration = Duration::from_millis(4);

/// The longest request that is read.
const LONGEST: usize = 8 * 1024 * 1024;

pub struct Provider {
    pub port: u16,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Provider {
    /// A provider that lives as long as the test.
    ///
    /// To `call TOOL ARGUMENTS` it answers with that call, to what a tool gave with `It says: …`, and
    /// to anything else with `You said: …`.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<Value>>>::default();
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let log = Arc::clone(&log);
                // Whoever hangs up has had enough.
                tokio::spawn(async move { drop(serve(stream, log).await) });
            }
        });
        Self { port, asked }
    }

    /// What it was asked, request by request.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<Value>>>) -> std::io::Result<()> {
    loop {
        let Some(body) = read_request(&mut stream).await? else { return Ok(()) };
        let request: Value = serde_json::from_slice(&body).unwrap();
        let events = answer(&request);
        log.lock().unwrap().push(request);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await?;
        for event in events {
            let line = format!("data: {event}\n\n");
            stream.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).await?;
            tokio::time::sleep(PACE).await;
        }
        stream.write_all(b"0\r\n\r\n").await?;
    }
}

/// The body of the next request; `None` when there is none.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut read = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |length| length.trim().parse::<usize>().unwrap());
            assert!(length < LONGEST);
            let mut body = read.split_off(end + 4);
            while body.len() < length {
                let n = stream.read(&mut buffer).await?;
                if n == 0 {
                    return Ok(None);
                }
                body.extend_from_slice(&buffer[..n]);
            }
            return Ok(Some(body));
        }
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(None);
        }
        read.extend_from_slice(&buffer[..n]);
    }
}

fn text_of(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn answer(request: &Value) -> Vec<String> {
    let messages = request["messages"].as_array().unwrap();
    let last = messages.last().unwrap();
    let text = text_of(last);
    let mut events = Vec::new();
    let mut delta = |delta: Value, finish: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        let chunk = json!({ "id": "x", "model": "fake-1", "choices": [choice] });
        events.push(chunk.to_string());
    };
    let call = text.strip_prefix("call ").filter(|_| last["role"] == "user");
    match call.and_then(|call| call.split_once(' ')) {
        Some((tool, arguments)) => {
            delta(json!({ "role": "assistant", "content": "So " }), Value::Null);
            delta(json!({ "content": "be it." }), Value::Null);
            // As some servers do: the same ids in every answer, and arguments in pieces.
            let (one, two) = arguments.split_at(arguments.len() / 2);
            let begin = json!([{ "index": 0, "id": "call_0", "type": "function",
                "function": { "name": tool, "arguments": "" } }]);
            delta(json!({ "tool_calls": begin }), Value::Null);
            for piece in [one, two] {
                let more = json!([{ "index": 0, "function": { "arguments": piece } }]);
                delta(json!({ "tool_calls": more }), Value::Null);
            }
            delta(json!({}), json!("tool_calls"));
        }
        None => {
            let said = if last["role"] == "tool" { "It says: " } else { "You said: " };
            let words = format!("{said}{}", text.chars().take(400).collect::<String>());
            for word in words.split_inclusive(' ') {
                delta(json!({ "content": word }), Value::Null);
            }
            delta(json!({}), json!("stop"));
        }
    }
    let usage = json!({ "prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25 });
    events.push(json!({ "id": "x", "model": "fake-1", "choices": [], "usage": usage }).to_string());
    events.push("[DONE]".to_owned());
    events
}
