//! A small model server for the demo, with real requests, a real fault in one version, and metrics
//! of its own: what a canary is there to find out about.
//!
//! The model adds numbers. Version 3 was made to be smaller and keeps sums in eight bits, so that
//! it fails wherever a sum is larger than that.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// Requests for the counters of all versions.
pub(super) const TOTAL: &str = r#"model_requests_total{model="$__model"}"#;

/// Those that failed.
pub(super) const ERRORS: &str = r#"model_requests_total{model="$__model",code=~"5.."}"#;

/// How long they took.
pub(super) const BUCKETS: &str = r#"model_request_seconds_bucket{model="$__model"}"#;

/// The upper edges of the histogram's buckets, in seconds.
const EDGES: [f64; 7] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 1.0];

/// The longest request that is read, in bytes.
const LONGEST: usize = 4096;

/// The time between two requests to one version: 50 a second.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    model: String,
    code: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Served {
    model: String,
}

struct Server {
    registry: Registry,
    requests: Family<Outcome, Counter>,
    seconds: Family<Served, Histogram, fn() -> Histogram>,
}

/// Starts the server on a port of its own and says where.
pub(super) async fn start() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let requests = Family::<Outcome, Counter>::default();
    let seconds = Family::<Served, Histogram, fn() -> Histogram>::new_with_constructor(|| {
        Histogram::new(EDGES)
    });
    let mut registry = Registry::default();
    registry.register("model_requests", "Requests that were answered", requests.clone());
    registry.register("model_request_seconds", "Time to the answer", seconds.clone());
    let server = Arc::new(Server { registry, requests, seconds });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = Arc::clone(&server);
            // Whoever hangs up has its answer lost, and that is all.
            tokio::spawn(async move { drop(server.serve(stream).await) });
        }
    });
    Ok(address)
}

impl Server {
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let began = Instant::now();
        let request = read_request(&mut stream).await?;
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (code, kind, body) = match path {
            "/metrics" => {
                let mut text = String::new();
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
                    Ok(()) => (200, kind, text),
                    Err(error) => (500, "text/plain", error.to_string()),
                }
            }
            _ => self.predict(path, began),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {code} \r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    /// Answers `/<model>/<one>/<other>` with the sum.
    fn predict(&self, path: &str, began: Instant) -> (u32, &'static str, String) {
        let mut parts = path.trim_start_matches('/').split('/');
        let (Some(model), Some(one), Some(other)) = (parts.next(), parts.next(), parts.next())
        else {
            return (404, "text/plain", "there is no such path".to_owned());
        };
        let (code, body) = match add(model, one, other) {
            Some(sum) => (200, sum.to_string()),
            None => (500, "the sum does not fit".to_owned()),
        };
        let model = model.to_owned();
        self.requests.get_or_create(&Outcome { model: model.clone(), code }).inc();
        let seconds = began.elapsed().as_secs_f64();
        self.seconds.get_or_create(&Served { model }).observe(seconds);
        (code, "text/plain", body)
    }
}

fn add(model: &str, one: &str, other: &str) -> Option<u32> {
    if model.ends_with(":3") {
        one.parse::<u8>().ok()?.checked_add(other.parse().ok()?).map(u32::from)
    } else {
        one.parse::<u32>().ok()?.checked_add(other.parse().ok()?)
    }
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") && bytes.len() < LONGEST {
        if stream.read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Sends requests to a version of the model until it is dropped: sums of all sizes, of which one in
/// twelve does not fit into eight bits.
pub(super) async fn ask_for_ever(server: SocketAddr, model: &str) {
    for n in 0_u32.. {
        let (one, other) = (n.wrapping_mul(37) % 128, n.wrapping_mul(101) % 192);
        // A request that fails is what the server counts.
        drop(ask(server, model, one, other).await);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ask(server: SocketAddr, model: &str, one: u32, other: u32) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("GET /{model}/{one}/{other} HTTP/1.1\r\nHost: {server}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(())
}
