//! A server that does what no server should: one real socket, one fault.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// What becomes of every request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// These bytes, then the end.
    Raw(Vec<u8>),
    /// Nothing, for ever.
    Silence,
    /// The head of an answer, then these bytes again and again.
    Endless(&'static [u8]),
    /// The head of an answer, then a byte each second.
    Drip,
}

impl Fault {
    /// A whole answer.
    pub fn answer(status: &str, content_type: &str, body: &str) -> Self {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        Self::Raw((head + body).into_bytes())
    }

    /// A whole answer of status 200 and JSON.
    pub fn json(body: &str) -> Self {
        Self::answer("200 OK", "application/json", body)
    }

    /// An answer that leads elsewhere.
    pub fn redirect(status: &str, to: &str) -> Self {
        let head = format!("HTTP/1.1 {status}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        Self::Raw(head.into_bytes())
    }
}

/// A running one; ends when dropped.
pub struct FaultServer {
    pub url: Url,
    requests: Arc<Mutex<Vec<String>>>,
    fault: Arc<Mutex<Fault>>,
    listening: JoinHandle<()>,
}

impl FaultServer {
    /// Starts one on a free port.
    pub async fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let (requests, fault) = (Arc::default(), Arc::new(Mutex::new(fault)));
        let listening = tokio::spawn(listen(listener, Arc::clone(&requests), Arc::clone(&fault)));
        Self { url, requests, fault, listening }
    }

    /// What came in so far: heads and, as far as they came with them, bodies.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Does something else from now on.
    pub fn becomes(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(
    listener: TcpListener,
    requests: Arc<Mutex<Vec<String>>>,
    fault: Arc<Mutex<Fault>>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let fault = fault.lock().unwrap().clone();
        tokio::spawn(serve(stream, Arc::clone(&requests), fault));
    }
}

async fn serve(mut stream: TcpStream, requests: Arc<Mutex<Vec<String>>>, fault: Fault) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    requests.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
    // The client may hang up at any moment, which is what some tests are about.
    drop(misbehave(&mut stream, fault).await);
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| length.parse::<usize>().unwrap() <= body.len())
}

pub async fn misbehave(stream: &mut TcpStream, fault: Fault) -> std::io::Result<()> {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
    match fault {
        Fault::Raw(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Fault::Silence => std::future::pending().await,
        Fault::Endless(bytes) => {
            stream.write_all(HEAD).await?;
            let block = bytes.repeat(64 * 1024 / bytes.len());
            loop {
                stream.write_all(&block).await?;
            }
        }
        Fault::Drip => {
            stream.write_all(HEAD).await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
