//! Somebody who wants to be told, or does not, over a real socket.

use std::sync::{Arc, Mutex};

use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What signs, and the bytes that it stands for.
pub(super) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What a receiver does with whatever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// It sends challenges back and takes everything.
    Takes,
    /// It sends challenges back, and answers everything else so.
    Answers(u16),
    /// It answers everything so, challenges too.
    Refuses(u16),
    /// It sends back another challenge.
    Mistakes,
    /// It leads elsewhere.
    Leads,
    /// It hangs up without a word.
    HangsUp,
    /// It says nothing.
    Hangs,
    /// It sends challenges back after more than anybody reads.
    Rambles,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    head: String,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> &str {
        let line =
            self.head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| *n == name));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head)).1
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn is_challenge(&self) -> bool {
        self.json()["type"] == "verification"
    }

    /// How many of these secrets signed it; fails if anything else did.
    pub(super) fn signed_by(&self, keys: &[&[u8]]) -> usize {
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let text = format!("{id}.{timestamp}.{}", self.body);
        let signatures: Vec<&str> = self.header("webhook-signature").split(' ').collect();
        for signature in &signatures {
            let tag = base64::Engine::decode(
                &base64::engine::general_purpose::STANDARD,
                signature.strip_prefix("v1,").unwrap(),
            );
            let tag = tag.unwrap();
            let is_by = |key: &&&[u8]| {
                let key = hmac::Key::new(hmac::HMAC_SHA256, key);
                hmac::verify(&key, text.as_bytes(), &tag).is_ok()
            };
            assert!(keys.iter().any(|key| is_by(&key)), "{signature} is nobody's");
        }
        signatures.len()
    }
}

/// A running one.
#[derive(Clone)]
pub(super) struct Receiver {
    port: u16,
    doing: Arc<Mutex<Doing>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    pub(super) async fn start(doing: Doing) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let doing = Arc::new(Mutex::new(doing));
        let receiver = Self { port, doing, requests: Arc::default() };
        let serving = receiver.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        receiver
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(super) fn does(&self, doing: Doing) {
        *self.doing.lock().unwrap() = doing;
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// What came beside challenges.
    pub(super) fn told(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| !request.is_challenge()).collect()
    }

    /// The models of the promotions that came, in their order.
    pub(super) fn models(&self) -> Vec<String> {
        let model =
            |request: &Request| request.json()["data"]["modelId"].as_str().map(str::to_owned);
        self.told().iter().filter_map(model).collect()
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let (head, body) = loop {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
            // The beginning of TLS, to which plain text is no answer.
            if bytes[0] == 0x16 {
                drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
                return;
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_none_or(|length| length.parse::<usize>().unwrap() <= body.len()) {
                break (head.to_owned(), body.to_owned());
            }
        };
        let request = Request { head, body };
        let echo = request.json()["challenge"].clone();
        let doing = *self.doing.lock().unwrap();
        self.requests.lock().unwrap().push(request);
        let echoed = json!({ "challenge": echo, "more": "is not looked at" }).to_string();
        let (status, more, body) = match doing {
            Doing::Takes => (200, "", echoed),
            Doing::Answers(_) if echo.is_string() => (200, "", echoed),
            Doing::Answers(status) | Doing::Refuses(status) => (status, "", String::new()),
            Doing::Mistakes => (200, "", json!({ "challenge": "hush-hush" }).to_string()),
            Doing::Leads => (307, "Location: http://127.0.0.1:1/\r\n", String::new()),
            Doing::HangsUp => return,
            Doing::Hangs => return std::future::pending().await,
            Doing::Rambles => (200, "", " ".repeat(100_000) + &echoed),
        };
        let answer = format!(
            "HTTP/1.1 {status} X\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        drop(stream.write_all(answer.as_bytes()).await);
    }
}
