//! A served model that counts its requests, in either format.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const EDGES: [&str; 5] = ["0.1", "0.25", "0.5", "1", "+Inf"];

/// What it counted since it started.
#[derive(Debug, Clone, Default)]
struct Counted {
    ok: u64,
    failed: u64,
    /// By edge, cumulative.
    within: [u64; EDGES.len()],
}

/// A running target; gone when dropped.
pub struct Target {
    pub address: String,
    counted: Arc<Mutex<Counted>>,
    listening: JoinHandle<()>,
}

impl Target {
    /// Starts one that also speaks `OpenMetrics`, if it shall.
    pub async fn start(speaks_open_metrics: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let counted = Arc::<Mutex<Counted>>::default();
        let shared = Arc::clone(&counted);
        let listening = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = Arc::clone(&shared);
                tokio::spawn(serve(stream, shared, speaks_open_metrics));
            }
        });
        Self { address, counted, listening }
    }

    /// Serves requests that took so many milliseconds.
    pub fn requests(&self, n: u64, is_failed: bool, milliseconds: u32) {
        let mut counted = self.counted.lock().unwrap();
        *if is_failed { &mut counted.failed } else { &mut counted.ok } += n;
        for (edge, within) in EDGES.iter().zip(&mut counted.within) {
            if f64::from(milliseconds) / 1_000.0 <= edge.parse::<f64>().unwrap() {
                *within += n;
            }
        }
    }

    /// Begins from nothing, as a new process does.
    pub fn restart(&self) {
        *self.counted.lock().unwrap() = Counted::default();
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(mut stream: TcpStream, counted: Arc<Mutex<Counted>>, speaks_open_metrics: bool) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let is_open = speaks_open_metrics && request.contains("application/openmetrics-text");
    let page = page(&counted.lock().unwrap().clone(), is_open);
    let kind = if is_open {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4"
    };
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    // Whoever hung up needs no answer.
    drop(stream.write_all(answer.as_bytes()).await);
}

/// The page: a gate of its own, and one of another canary, which is not to be counted.
fn page(counted: &Counted, is_open: bool) -> String {
    let family = if is_open { "http_requests" } else { "http_requests_total" };
    let mut page = format!("# HELP {family} \"Requests\" \\\\ all.\n# TYPE {family} counter\n");
    writeln!(page, "http_requests_total{{gate=\"canary\",code=\"200\"}} {}", counted.ok).unwrap();
    if 0 < counted.failed {
        // Like many libraries, it has no such series before the first failure.
        let failed = counted.failed;
        writeln!(page, "http_requests_total{{gate=\"canary\",code=\"503\"}} {failed}").unwrap();
    }
    page.push_str("http_requests_total{gate=\"other\",code=\"500\"} 7777\n");
    page.push_str("# TYPE http_request_duration_seconds histogram\n");
    for (edge, within) in EDGES.iter().zip(counted.within) {
        let labels = format!("{{gate=\"canary\",le=\"{edge}\"}}");
        let exemplar = if is_open { " # {trace_id=\"a b\"} 0.05" } else { "" };
        writeln!(page, "http_request_duration_seconds_bucket{labels} {within}{exemplar}").unwrap();
    }
    let count = counted.within[EDGES.len() - 1];
    writeln!(page, "http_request_duration_seconds_count{{gate=\"canary\"}} {count}").unwrap();
    writeln!(page, "http_request_duration_seconds_sum{{gate=\"canary\"}} 1.5e1").unwrap();
    page.push_str(if is_open { "# EOF\n" } else { "" });
    page
}
