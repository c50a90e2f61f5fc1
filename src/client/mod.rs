//! Talking to a daemon as its users do: over HTTP, with a key.

mod answer;
mod error;
mod message;
mod sse;
mod subscription;

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

pub use self::error::ClientError;
pub use self::message::{Content, MessageStream, Reply};
pub use self::sse::{EventStream, ServerEvent};
pub use self::subscription::{Subscription, Told, pause_after};

/// How long a daemon may take to be reached, and to answer.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(30);

/// The pauses before a request is sent again that nobody took.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(900)];

/// The longest that is waited because a daemon asked for it.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Chooses the cryptography of every HTTP client of the process; without it none can be made.
pub fn install_tls() {
    // It fails only where a choice was made before, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// A daemon at an address.
#[derive(Debug, Clone)]
pub struct Daemon {
    client: Client,
    url: String,
    key: Option<SecretString>,
    pauses: &'static [Duration],
}

impl Daemon {
    /// Names a daemon by its base URL, such as `http://127.0.0.1:8766`.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn at(url: &str, key: Option<SecretString>) -> Result<Self, ClientError> {
        install_tls();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("lukhas-mcp/", env!("CARGO_PKG_VERSION")));
        if url.starts_with("http://") {
            // No certificate will be looked at, so a system without any, a container, is as good.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(ClientError::Setup)?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), key, pauses: &[] })
    }

    /// From now on sends a request again, a few times, where it is certain that nothing was done:
    /// nobody listened, or the daemon said that there were too many.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { pauses: &PAUSES, ..self }
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.header("X-API-Key", key.expose_secret()),
            None => request,
        }
    }

    /// Sends a request, as often as patience says.
    async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, ClientError> {
        let mut pauses = self.pauses.iter();
        loop {
            let sent = self.with_key(request()).send().await.map_err(ClientError::Unreachable);
            let asked = match &sent {
                Ok(response) if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                    answer::retry_after(response)
                }
                Err(error) if error.came_to_nothing() => Duration::ZERO,
                _ => return sent,
            };
            match pauses.next() {
                Some(pause) => sleep(asked.max(*pause).min(LONGEST_PAUSE)).await,
                None => return sent,
            }
        }
    }

    /// Asks a path, and says whether the answer was 200.
    ///
    /// # Errors
    /// The daemon cannot be reached.
    pub async fn is_fine(&self, path: &str) -> Result<bool, ClientError> {
        let request = self.client.get(format!("{}{path}", self.url)).timeout(ANSWER);
        let response = request.send().await.map_err(ClientError::Unreachable)?;
        Ok(response.status() == StatusCode::OK)
    }

    /// Calls a tool and returns its result object.
    ///
    /// # Errors
    /// The daemon cannot be reached, refuses the key, or the tool says no.
    pub async fn call(&self, tool: &str, arguments: &Value) -> Result<Value, ClientError> {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments },
        });
        let url = format!("{}/mcp", self.url);
        let response = self.send(|| self.client.post(&url).json(&body).timeout(ANSWER)).await?;
        answer::of_tool(response).await
    }

    /// Reads a path with these query parameters to its end; its declared digest is compared.
    ///
    /// # Errors
    /// The daemon cannot be reached, refuses the key or the question, or the body is not what its
    /// digest says.
    pub async fn download(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, ClientError> {
        let url = format!("{}{path}", self.url);
        let response = self.send(|| self.client.get(&url).query(query).timeout(ANSWER)).await?;
        answer::of_download(response).await
    }

    /// Opens a stream of events.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses the stream.
    pub async fn events(&self, topic: &str) -> Result<EventStream, ClientError> {
        self.events_after(&[topic.to_owned()], None).await
    }

    /// Opens a stream of several topics that begins after an event.
    async fn events_after(
        &self,
        topics: &[String],
        last: Option<i64>,
    ) -> Result<EventStream, ClientError> {
        let topics: Vec<_> = topics.iter().map(|topic| ("topic", topic.as_str())).collect();
        let mut request = self.client.get(format!("{}/sse", self.url)).query(&topics);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let sent = timeout(ANSWER, self.with_key(request).send()).await;
        let response = sent
            .map_err(|_| ClientError::Silent(ANSWER.as_secs()))?
            .map_err(ClientError::Unreachable)?;
        match response.status() {
            StatusCode::OK => Ok(EventStream::of(response)),
            _ => Err(answer::refusal(response).await),
        }
    }

    /// Follows topics for as long as one likes, over lost connections and restarts of the daemon;
    /// begins after the event with this id, or with what happens from now on.
    pub fn follow(&self, topics: Vec<String>, after: Option<i64>) -> Subscription {
        Subscription::of(self.clone(), topics, after)
    }
}
