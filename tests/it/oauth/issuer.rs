//! An issuer of tokens: real keys, a real socket, and what may go wrong with one.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::BASE;
use super::mint::SigningKey;
use crate::fault_server::{Fault, misbehave};

/// A running one; ends when dropped.
pub struct TestIssuer {
    pub url: String,
    state: Arc<Mutex<State>>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    url: String,
    keys: Vec<Value>,
    /// What becomes of requests for the keys, if it is not what should.
    fault: Option<Fault>,
    /// Whether it has `OpenID`'s metadata alone.
    is_openid: bool,
    asked: Vec<String>,
}

impl TestIssuer {
    /// Starts one that publishes no key yet.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/realms/ops", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { url: url.clone(), ..State::default() }));
        let listening = tokio::spawn(listen(listener, Arc::clone(&state)));
        Self { url, state, listening }
    }

    pub fn publishes(&self, keys: &[(&SigningKey, &str)]) {
        let keys = keys.iter().map(|(key, id)| key.published(id)).collect();
        let mut state = self.state.lock().unwrap();
        (state.keys, state.fault) = (keys, None);
    }

    pub fn fails_with(&self, fault: Fault) {
        self.state.lock().unwrap().fault = Some(fault);
    }

    pub fn is_openid(&self) {
        self.state.lock().unwrap().is_openid = true;
    }

    /// The paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// A token for the daemon with these claims changed.
    pub fn token(&self, key: &SigningKey, id: &str, changes: &Value) -> String {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let mut claims = json!({
            "iss": self.url, "sub": "ops@example.org", "aud": format!("{BASE}/mcp"),
            "exp": now + 600, "iat": now, "scope": "read operate",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let algorithm = match key {
            SigningKey::Rsa(_) => "RS256",
            SigningKey::P256(_) => "ES256",
            SigningKey::Ed25519(_) => "EdDSA",
        };
        key.sign(&json!({ "alg": algorithm, "kid": id, "typ": "at+jwt" }), &claims)
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(stream, Arc::clone(&state)));
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let answer = state.lock().unwrap().answer(&path);
    // The daemon may have given up waiting.
    drop(misbehave(&mut stream, answer).await);
}

impl State {
    fn answer(&mut self, path: &str) -> Fault {
        self.asked.push(path.to_owned());
        let metadata = json!({ "issuer": self.url, "jwks_uri": format!("{}/keys", self.url) });
        match path {
            "/.well-known/oauth-authorization-server/realms/ops" if !self.is_openid => {
                Fault::json(&metadata.to_string())
            }
            "/realms/ops/.well-known/openid-configuration" => Fault::json(&metadata.to_string()),
            "/realms/ops/keys" => self
                .fault
                .clone()
                .unwrap_or_else(|| Fault::json(&json!({ "keys": self.keys }).to_string())),
            _ => Fault::answer("404 Not Found", "text/html", "<html>"),
        }
    }
}
