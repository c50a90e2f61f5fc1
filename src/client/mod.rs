//! Talking to a daemon as its users do: over HTTP, with a key.

mod sse;

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

pub use self::sse::{EventStream, ServerEvent};

/// How long a daemon may take to be reached, and to answer.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(30);

/// Why a daemon did not do what it was asked. No key and no address of ours is in the words.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, or one that broke.
    #[error("the daemon cannot be reached: is it running, and is the address right?")]
    Unreachable(#[source] reqwest::Error),
    /// The key is missing or wrong.
    #[error("the daemon wants a valid key: set LUKHAS_MCP_API_KEY")]
    Unauthorized,
    /// Another status than was expected.
    #[error("the daemon answered {0}")]
    Status(StatusCode),
    /// What came back is not what a daemon answers.
    #[error("the answer is not a daemon's: {0}")]
    Strange(String),
    /// The tool or the protocol said no.
    #[error("{0}")]
    Refused(String),
    /// The client could not be set up.
    #[error("no HTTP client can be made: {0}")]
    Setup(#[source] reqwest::Error),
}

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
}

impl Daemon {
    /// Names a daemon by its base URL, such as `http://127.0.0.1:8766`.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn at(url: &str, key: Option<SecretString>) -> Result<Self, ClientError> {
        install_tls();
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(concat!("lukhas-mcp/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ClientError::Setup)?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), key })
    }

    fn with_key(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(key) => request.header("X-API-Key", key.expose_secret()),
            None => request,
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
        let request = self.client.post(format!("{}/mcp", self.url)).json(&body).timeout(ANSWER);
        let response = self.with_key(request).send().await.map_err(ClientError::Unreachable)?;
        let mut answer: Value = match response.status() {
            StatusCode::UNAUTHORIZED => return Err(ClientError::Unauthorized),
            StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE => {
                response.json().await.map_err(|error| ClientError::Strange(error.to_string()))?
            }
            other => return Err(ClientError::Status(other)),
        };
        if let Some(message) = answer["error"]["message"].as_str() {
            return Err(ClientError::Refused(message.to_owned()));
        }
        if answer["result"]["isError"] == true {
            let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
            return Err(ClientError::Refused(text.to_owned()));
        }
        Ok(answer["result"].take())
    }

    /// Opens a stream of events.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses the stream.
    pub async fn events(&self, topic: &str) -> Result<EventStream, ClientError> {
        let request = self.client.get(format!("{}/sse", self.url)).query(&[("topic", topic)]);
        let response = self.with_key(request).send().await.map_err(ClientError::Unreachable)?;
        Self::stream_of(response)
    }

    fn stream_of(response: Response) -> Result<EventStream, ClientError> {
        match response.status() {
            StatusCode::OK => Ok(EventStream::of(response)),
            StatusCode::UNAUTHORIZED => Err(ClientError::Unauthorized),
            other => Err(ClientError::Status(other)),
        }
    }
}
