//! A served model with many gates, each with counters of its own and a page that shows them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::fault_server::{Fault, misbehave};

/// What a gate does.
#[derive(Debug, Clone)]
pub enum Face {
    /// Serves as if so many requests a second came in, of which these shares fail and are slow:
    /// its counters are a function of time alone.
    Traffic { per_second: f64, failing: f64, slow: f64 },
    /// Serves what really comes in, and fails at each n-th request.
    Real { fails_each: u64 },
    /// Answers whoever reads its page in a way of its own.
    Strange(Fault),
    /// Hangs up on whoever reads its page.
    Dead,
}

impl Face {
    /// A hundred requests a second, of which this share fails.
    pub fn failing(failing: f64) -> Self {
        Self::Traffic { per_second: 100.0, failing, slow: 0.0 }
    }

    /// A hundred requests a second, of which this share is slow.
    pub fn slow(slow: f64) -> Self {
        Self::Traffic { per_second: 100.0, failing: 0.0, slow }
    }

    /// A gate to which nobody comes.
    pub fn idle() -> Self {
        Self::Traffic { per_second: 0.0, failing: 0.0, slow: 0.0 }
    }
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    pub total: u64,
    pub failed: u64,
    pub slow: u64,
}

struct Gate {
    face: Face,
    since: Instant,
    /// What was counted before it had this face.
    before: Counted,
    /// What its page showed, time after time.
    shown: Vec<Counted>,
}

impl Gate {
    fn counted(&self) -> Counted {
        let Face::Traffic { per_second, failing, slow } = self.face else { return self.before };
        let total = (self.since.elapsed().as_secs_f64() * per_second).floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is small")]
        let whole = |number: f64| number as u64;
        Counted {
            total: self.before.total + whole(total),
            failed: self.before.failed + whole(total * failing),
            slow: self.before.slow + whole(total * slow),
        }
    }
}

type Gates = Arc<Mutex<BTreeMap<String, Gate>>>;

/// A running site; gone when dropped.
pub struct Site {
    pub address: String,
    gates: Gates,
    listening: JoinHandle<()>,
}

impl Site {
    /// Starts one with these gates on a free port.
    pub async fn start(faces: impl IntoIterator<Item = (&str, Face)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let gates = Gates::default();
        let listening = tokio::spawn(listen(listener, Arc::clone(&gates)));
        let site = Self { address, gates, listening };
        for (gate, face) in faces {
            site.becomes(gate, face);
        }
        site
    }

    /// Gives a gate another face; its counters go on from where they are.
    pub fn becomes(&self, gate: &str, face: Face) {
        let mut gates = self.gates.lock().unwrap();
        let old = gates.get_mut(gate).map(|gate| (gate.counted(), std::mem::take(&mut gate.shown)));
        let (before, shown) = old.unwrap_or_default();
        gates.insert(gate.to_owned(), Gate { face, since: Instant::now(), before, shown });
    }

    /// What the page of a gate showed so far, time after time.
    pub fn shown(&self, gate: &str) -> Vec<Counted> {
        self.gates.lock().unwrap()[gate].shown.clone()
    }

    /// What a gate has counted by now.
    pub fn counted(&self, gate: &str) -> Counted {
        self.gates.lock().unwrap()[gate].counted()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, gates: Gates) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(stream, Arc::clone(&gates)));
    }
}

async fn serve(mut stream: TcpStream, gates: Gates) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let answer = match path.trim_matches('/').split('/').collect::<Vec<_>>().as_slice() {
        ["metrics"] => Some(text(&page_of_all(&gates))),
        ["gates", gate, "metrics"] => page_of(&gates, gate),
        ["serve", gate] => Some(serve_request(&gates, gate)),
        _ => Some(Fault::answer("404 Not Found", "text/plain", "")),
    };
    if let Some(answer) = answer {
        // Whoever hung up needs no answer.
        drop(misbehave(&mut stream, answer).await);
    }
}

fn text(page: &str) -> Fault {
    Fault::answer("200 OK", "text/plain; version=0.0.4", page)
}

fn page_of_all(gates: &Gates) -> String {
    let gates = gates.lock().unwrap();
    let counting = gates.iter().filter(|(_, gate)| !matches!(gate.face, Face::Strange(_)));
    page(counting.map(|(name, gate)| (name.as_str(), gate.counted())))
}

fn page_of(gates: &Gates, name: &str) -> Option<Fault> {
    let mut gates = gates.lock().unwrap();
    let Some(gate) = gates.get_mut(name) else { return Some(text("")) };
    match &gate.face {
        Face::Dead => None,
        Face::Strange(fault) => Some(fault.clone()),
        Face::Traffic { .. } | Face::Real { .. } => {
            let counted = gate.counted();
            gate.shown.push(counted);
            Some(text(&page([(name, counted)])))
        }
    }
}

fn serve_request(gates: &Gates, name: &str) -> Fault {
    let mut gates = gates.lock().unwrap();
    let gate = gates.get_mut(name).unwrap();
    let Face::Real { fails_each } = gate.face else { panic!("{name} serves nobody") };
    gate.before.total += 1;
    if gate.before.total.is_multiple_of(fails_each) {
        gate.before.failed += 1;
        return Fault::answer("503 Service Unavailable", "text/plain", "");
    }
    Fault::answer("200 OK", "text/plain", "4.5")
}

/// A page in the text format. Fast requests take less than 100 ms, slow ones more than 500.
pub fn page<'a>(gates: impl IntoIterator<Item = (&'a str, Counted)>) -> String {
    let mut counters = String::from("# TYPE http_requests_total counter\n");
    let mut buckets = String::from("# TYPE http_request_duration_seconds histogram\n");
    for (gate, Counted { total, failed, slow }) in gates {
        let ok = total - failed;
        writeln!(counters, "http_requests_total{{gate=\"{gate}\",code=\"200\"}} {ok}").unwrap();
        if 0 < failed {
            // Like many libraries, it has no such series before the first failure.
            let line = format!("http_requests_total{{gate=\"{gate}\",code=\"503\"}} {failed}");
            writeln!(counters, "{line}").unwrap();
        }
        let fast = total - slow;
        for (edge, within) in [("0.1", fast), ("0.25", fast), ("0.5", fast), ("+Inf", total)] {
            let name = "http_request_duration_seconds_bucket";
            writeln!(buckets, "{name}{{gate=\"{gate}\",le=\"{edge}\"}} {within}").unwrap();
        }
        let name = "http_request_duration_seconds";
        writeln!(buckets, "{name}_count{{gate=\"{gate}\"}} {total}").unwrap();
        writeln!(buckets, "{name}_sum{{gate=\"{gate}\"}} {total}").unwrap();
    }
    counters + &buckets
}
