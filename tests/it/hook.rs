//! A receiver of webhooks that takes part in the protocol, or does not.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it does.
#[derive(Debug, Clone, Copy)]
pub enum Doing {
    /// It sends challenges back and takes everything.
    Takes,
    /// It sends challenges back, and answers everything else so.
    Answers(u16),
}

/// One request.
#[derive(Debug, Clone)]
pub struct Posted {
    head: String,
    pub body: String,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let field = fields.find(|(field, _)| *field == name);
        field.unwrap_or_else(|| panic!("no {name} in {}", self.head)).1
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn is_challenge(&self) -> bool {
        self.json()["type"] == "verification"
    }
}

/// A running one.
#[derive(Clone)]
pub struct Hook {
    port: u16,
    doing: Arc<Mutex<Doing>>,
    requests: Arc<Mutex<Vec<Posted>>>,
}

impl Hook {
    pub async fn start(doing: Doing) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hook = Self { port, doing: Arc::new(Mutex::new(doing)), requests: Arc::default() };
        let serving = hook.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        hook
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub fn does(&self, doing: Doing) {
        *self.doing.lock().unwrap() = doing;
    }

    pub fn requests(&self) -> Vec<Posted> {
        self.requests.lock().unwrap().clone()
    }

    /// What came beside challenges.
    pub fn told(&self) -> Vec<Posted> {
        self.requests().into_iter().filter(|one| !one.is_challenge()).collect()
    }

    /// The models that were told of, in their order.
    pub fn models(&self) -> Vec<String> {
        let model = |one: &Posted| one.json()["data"]["modelId"].as_str().unwrap().to_owned();
        self.told().iter().map(model).collect()
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let (head, body) = loop {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 || bytes[0] == 0x16 {
                return;
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_none_or(|length| length.parse::<usize>().unwrap() <= body.len()) {
                break (head.to_owned(), body.to_owned());
            }
        };
        let posted = Posted { head, body };
        let echo = posted.json()["challenge"].clone();
        let doing = *self.doing.lock().unwrap();
        self.requests.lock().unwrap().push(posted);
        let status = match doing {
            Doing::Answers(status) if echo.is_null() => status,
            Doing::Answers(_) | Doing::Takes => 200,
        };
        let body = json!({ "challenge": echo }).to_string();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        // The daemon may be gone by now.
        drop(stream.write_all(answer.as_bytes()).await);
    }
}
