//! A collector of traces: takes spans over OTLP, or does worse.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::harness::PATIENCE;

/// What becomes of every post.
#[derive(Debug, Clone, Copy)]
pub enum Doing {
    /// An answer of this status.
    Answers(u16),
    /// It is read, and never answered.
    Silence,
}

/// What was posted.
#[derive(Debug, Clone)]
pub struct Posted {
    pub head: String,
    pub request: ExportTraceServiceRequest,
}

/// A running one; ends when dropped.
pub struct Collector {
    pub url: String,
    posts: Arc<Mutex<Vec<Posted>>>,
    listening: JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Collector {
    pub async fn start(doing: Doing) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let posts = Arc::<Mutex<Vec<Posted>>>::default();
        let sink = Arc::clone(&posts);
        let listening = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&sink), doing));
            }
        });
        Self { url, posts, listening }
    }

    pub fn posts(&self) -> Vec<Posted> {
        self.posts.lock().unwrap().clone()
    }

    pub fn resource_spans(&self) -> Vec<ResourceSpans> {
        self.posts().into_iter().flat_map(|post| post.request.resource_spans).collect()
    }

    pub fn spans(&self) -> Vec<Span> {
        let scopes = self.resource_spans().into_iter().flat_map(|spans| spans.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// Waits until so many spans of this name are here, and returns them in their order.
    pub async fn until(&self, name: &str, count: usize) -> Vec<Span> {
        let began = Instant::now();
        loop {
            let mut spans = self.spans();
            spans.retain(|span| span.name == name);
            spans.sort_by_key(|span| span.start_time_unix_nano);
            if count <= spans.len() {
                return spans;
            }
            assert!(began.elapsed() < PATIENCE, "no {count} {name}: {:?}", names(&self.spans()));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| &*span.name).collect()
}

/// The text or number of an attribute.
pub fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{name} is {other:?}"),
    }
}

async fn serve(mut stream: TcpStream, posts: Arc<Mutex<Vec<Posted>>>, doing: Doing) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap().parse().unwrap();
        if let Some(body) = bytes.get(end + 4..end + 4 + length) {
            break (head, body.to_vec());
        }
    };
    let request = if head.contains("application/json") {
        serde_json::from_slice(&body).unwrap()
    } else {
        ExportTraceServiceRequest::decode(&*body).unwrap()
    };
    posts.lock().unwrap().push(Posted { head, request });
    match doing {
        Doing::Silence => std::future::pending().await,
        Doing::Answers(status) => {
            let answer =
                format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            // The daemon may be gone by now.
            drop(stream.write_all(answer.as_bytes()).await);
        }
    }
}
