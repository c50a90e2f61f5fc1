//! A registry that speaks the contract of `docs/registries.md`, and fails as it is told.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What becomes of the next promotion.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// It is made, and the line is cut.
    CutAfterwards,
    /// The line is cut.
    CutBefore,
    /// It is made so much later, and nobody waits for the answer.
    Late(Duration),
    /// It is said to be made.
    Lie,
    /// A proxy delivers it twice.
    Twice,
    /// It can never be made.
    Refuse,
}

#[derive(Default)]
pub struct Inside {
    /// By model name and gate.
    pub holders: HashMap<(String, String), String>,
    /// The promotions that came, with their heads.
    pub promotions: Vec<(String, Value)>,
    /// What was answered to a key.
    answers: HashMap<String, String>,
    /// How often a gate was really changed.
    pub changes: usize,
    pub faults: VecDeque<Fault>,
    /// What is answered to every read instead, with its status line.
    pub reads: Option<(&'static str, &'static str)>,
}

/// A running one; ends when dropped.
pub struct RegistryServer {
    pub url: String,
    inside: Arc<Mutex<Inside>>,
    listening: JoinHandle<()>,
}

impl RegistryServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base", listener.local_addr().unwrap());
        let inside = Arc::<Mutex<Inside>>::default();
        let shared = Arc::clone(&inside);
        let listening = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, inside, listening }
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    pub fn holder(&self, name: &str) -> Option<String> {
        self.inside().holders.get(&(name.to_owned(), "production".to_owned())).cloned()
    }
}

impl Drop for RegistryServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let (head, begins) = (head.to_owned(), head.len() + 4);
        let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        if begins + length <= bytes.len() {
            return Some((head, bytes[begins..].to_vec()));
        }
    }
}

/// A header of a request.
pub fn header(head: &str, name: &str) -> Option<String> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned())
}

async fn serve(mut stream: TcpStream, inside: Arc<Mutex<Inside>>) {
    let Some((head, body)) = read(&mut stream).await else { return };
    let answer = if head.starts_with("GET /base/gates/") {
        Some(look(&head, &inside.lock().unwrap()))
    } else if head.starts_with("POST /base/promotions ") {
        promote(&head, &body, &inside).await
    } else {
        Some(("404 Not Found".to_owned(), "<html>".to_owned(), 0))
    };
    if let Some((status, body, changes)) = answer {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nETag: \"{changes}\"\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        // The client may be gone.
        drop(stream.write_all(text.as_bytes()).await);
    }
    drop(stream.shutdown().await);
}

type Answer = (String, String, usize);

fn look(head: &str, inside: &Inside) -> Answer {
    if let Some((status, body)) = inside.reads {
        return (status.to_owned(), body.to_owned(), 0);
    }
    let target = head.split(' ').nth(1).unwrap().strip_prefix("/base/gates/").unwrap();
    let (gate, query) = target.split_once('?').unwrap();
    let name = query.strip_prefix("model=").unwrap();
    let holder = inside.holders.get(&(name.to_owned(), gate.to_owned()));
    ("200 OK".to_owned(), json!({ "gate": gate, "modelId": holder }).to_string(), inside.changes)
}

async fn promote(head: &str, body: &[u8], inside: &Arc<Mutex<Inside>>) -> Option<Answer> {
    let asked: Value = serde_json::from_slice(body).unwrap();
    let fault = {
        let mut inside = inside.lock().unwrap();
        inside.promotions.push((head.to_owned(), asked.clone()));
        inside.faults.pop_front()
    };
    let key = header(head, "idempotency-key").unwrap();
    let make = || inside.lock().unwrap().make(&key, &asked);
    match fault {
        None => Some(make()),
        Some(Fault::Twice) => {
            make();
            Some(make())
        }
        Some(Fault::CutAfterwards) => {
            make();
            None
        }
        Some(Fault::CutBefore) => None,
        Some(Fault::Late(time)) => {
            tokio::time::sleep(time).await;
            make();
            None
        }
        Some(Fault::Lie) => Some(("200 OK".to_owned(), "{}".to_owned(), 0)),
        Some(Fault::Refuse) => {
            let why = r#"{"error":"ranker:12 has\nno weights"}"#;
            Some(("422 Unprocessable Content".to_owned(), why.to_owned(), 0))
        }
    }
}

impl Inside {
    fn make(&mut self, key: &str, asked: &Value) -> Answer {
        if let Some(answer) = self.answers.get(key) {
            return ("200 OK".to_owned(), answer.clone(), self.changes);
        }
        let text = |name: &str| asked[name].as_str().map(str::to_owned);
        let place = (text("model").unwrap(), text("gate").unwrap());
        if self.holders.get(&place).cloned() != text("from") {
            return ("409 Conflict".to_owned(), "{}".to_owned(), self.changes);
        }
        match text("modelId") {
            Some(model) => drop(self.holders.insert(place, model)),
            None => drop(self.holders.remove(&place)),
        }
        self.changes += 1;
        self.answers.insert(key.to_owned(), "{}".to_owned());
        ("200 OK".to_owned(), "{}".to_owned(), self.changes)
    }
}
