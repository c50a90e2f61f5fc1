//! Calling, with every bound that a call has.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::breaker::{Admission, Breaker, Outcome};
use super::call::{Call, Credentials, HeaderText, secret_value};
use super::error::OutboundError;
use super::record::{CallRecord, ServerState};
use crate::supervision::jitter;

/// How long it may take until a connection stands.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_mins(1);

/// What is the same for every call to a server.
#[derive(Debug, Clone, Default)]
pub struct OutboundOptions {
    /// How the server shall know who calls.
    pub credentials: Credentials,
    /// Headers of every call, by name; their values count as secret.
    pub headers: Vec<(String, SecretString)>,
    /// Certificates in PEM of the authorities that are trusted instead of the system's.
    pub authorities: Option<Vec<u8>>,
    /// How long it may take until a connection stands, if not the usual 2 s.
    pub connect_timeout: Option<Duration>,
}

/// A server at a configured address; cheap to clone, and clones share connections and the breaker.
#[derive(Clone)]
pub struct Outbound {
    pub(super) server: &'static str,
    base: Url,
    pub(super) client: Client,
    /// Absent where no call is to depend on what became of others.
    pub(super) breaker: Option<Arc<Mutex<Breaker>>>,
    pub(super) record: Arc<Mutex<CallRecord>>,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address of a webhook may be a secret.
        f.debug_struct("Outbound").field("server", &self.server).finish_non_exhaustive()
    }
}

/// An answer, whatever its status but a redirect.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Bytes,
    headers: HeaderMap,
}

impl Answer {
    /// A header, if it is there and is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the status is between 200 and 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the status says that the same call may succeed later: 408, 429, 500 and above.
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 429 | 500..)
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// It is not the JSON that was expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

impl Outbound {
    /// A server at `base`; `server` is what errors call it, such as "Prometheus".
    ///
    /// # Errors
    /// The address is no http or https URL or holds a password; a header or certificate cannot be
    /// used.
    pub fn new(
        server: &'static str,
        base: Url,
        options: &OutboundOptions,
    ) -> Result<Self, OutboundError> {
        let is_plain = matches!(base.scheme(), "http" | "https")
            && base.has_host()
            && base.username().is_empty()
            && base.password().is_none();
        if !is_plain {
            return Err(OutboundError::Base { server });
        }
        let unusable = |what: &'static str| move |_| OutboundError::Setting { what, server };
        let mut builder = bounded().default_headers(common_headers(server, options)?);
        if let Some(limit) = options.connect_timeout {
            builder = builder.connect_timeout(limit);
        }
        if let Some(pem) = &options.authorities {
            let certificates = Certificate::from_pem_bundle(pem)
                .map_err(unusable("the certificate of the authority"))?;
            if certificates.is_empty() {
                let what = "the certificate of the authority";
                return Err(OutboundError::Setting { what, server });
            }
            builder = builder.tls_certs_only(certificates);
        } else if base.scheme() == "http" {
            // No certificate will be looked at, so a system without any is as good.
            builder = builder.tls_certs_only([]);
        }
        let client = build(builder).map_err(unusable("the TLS set-up"))?;
        let breaker = Some(Arc::new(Mutex::new(Breaker::new())));
        Ok(Self { server, base, client, breaker, record: Arc::default() })
    }

    /// A server at `base` that is called over connections that others share, without a breaker.
    pub(super) fn over(client: Client, server: &'static str, base: Url) -> Self {
        Self { server, base, client, breaker: None, record: Arc::default() }
    }

    /// Lets every call through, whatever became of those before. For callers that ask at a pace of
    /// their own, each about something else: what one of them cannot have says nothing about the
    /// others.
    #[must_use]
    pub fn without_breaker(self) -> Self {
        Self { breaker: None, ..self }
    }

    /// How the server has been of late.
    pub fn state(&self) -> ServerState {
        let breaker = self.breaker.as_deref();
        let breaker = breaker.map(|breaker| breaker.lock().unwrap_or_else(PoisonError::into_inner));
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.state(self.server, breaker.as_deref(), Instant::now())
    }

    /// What errors call the server.
    pub fn server(&self) -> &'static str {
        self.server
    }

    /// Calls. An answer with a status of 400 or more is an answer; the caller judges it.
    ///
    /// # Errors
    /// No answer came, or none that may be read.
    pub async fn call(&self, call: &Call) -> Result<Answer, OutboundError> {
        let request = self.request(call)?;
        let permit = self.breaker.as_ref().map(|breaker| Permit::ask(self.server, breaker));
        let permit = permit.transpose()?;
        let limit = call.timeout;
        let answer = tokio::time::timeout(limit, self.exchange(request, call.longest_answer))
            .await
            .unwrap_or(Err(OutboundError::TimedOut { server: self.server, limit }));
        if let Some(permit) = permit {
            permit.settle(answer.as_ref().is_ok_and(|answer| !answer.is_transient()));
        }
        self.record.lock().unwrap_or_else(PoisonError::into_inner).note(&answer);
        answer
    }

    pub(super) fn request(&self, call: &Call) -> Result<Request, OutboundError> {
        let server = self.server;
        let unusable = OutboundError::Setting { what: "a header", server };
        let mut request = Request::new(call.method.clone(), call.url(server, &self.base)?);
        for (name, text) in &call.headers {
            let value = match text {
                HeaderText::Plain(text) => HeaderValue::from_str(text).map_err(|_| ()),
                HeaderText::Secret(text) => secret_value(text.expose_secret()),
            };
            let (Ok(name), Ok(value)) = (HeaderName::try_from(name), value) else {
                return Err(unusable);
            };
            request.headers_mut().append(name, value);
        }
        if let Some(body) = &call.body {
            *request.body_mut() = Some(body.clone().into());
        }
        Ok(request)
    }

    async fn exchange(&self, request: Request, limit: usize) -> Result<Answer, OutboundError> {
        let server = self.server;
        let response = self.client.execute(request).await.map_err(|error| self.failed(error))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(OutboundError::Redirect { server, status: status.as_u16() });
        }
        let headers = response.headers().clone();
        let encoding = headers.get(CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(OutboundError::Encoded { server });
        }
        let body = self.read(response, limit).await?;
        Ok(Answer { status: status.as_u16(), headers, body })
    }

    async fn read(&self, mut response: Response, limit: usize) -> Result<Bytes, OutboundError> {
        let server = self.server;
        let too_long = OutboundError::TooLong { server, limit };
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |announced| limit < announced) {
            return Err(too_long);
        }
        let mut body = BytesMut::new();
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| {
                let source = error.without_url();
                OutboundError::Broken { server, source }
            })?;
            let Some(chunk) = chunk else { return Ok(body.freeze()) };
            if limit < body.len() + chunk.len() {
                return Err(too_long);
            }
            body.extend_from_slice(&chunk);
        }
    }

    pub(super) fn failed(&self, error: reqwest::Error) -> OutboundError {
        // The address of a webhook may be a secret, and the log keeps what an error says.
        let (server, source) = (self.server, error.without_url());
        if source.is_connect() {
            OutboundError::Unreachable { server, source }
        } else {
            OutboundError::Broken { server, source }
        }
    }
}

/// What holds for every connection.
pub(in crate::adapters) fn bounded() -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT)
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("lukhas-mcp/", env!("CARGO_PKG_VERSION")))
}

/// Makes a client, with the one cryptography there is.
pub(in crate::adapters) fn build(builder: ClientBuilder) -> reqwest::Result<Client> {
    // It fails only where a choice was made before, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    builder.build()
}

fn common_headers(
    server: &'static str,
    options: &OutboundOptions,
) -> Result<HeaderMap, OutboundError> {
    let unusable = |what| OutboundError::Setting { what, server };
    let mut headers = HeaderMap::new();
    if let Some(header) = options.credentials.header() {
        let (name, value) = header.map_err(|()| unusable("the credentials"))?;
        headers.insert(name, value);
    }
    for (name, value) in &options.headers {
        let name = HeaderName::try_from(name).map_err(|_| unusable("the name of a header"))?;
        let value = secret_value(value.expose_secret());
        headers.append(name, value.map_err(|()| unusable("the value of a header"))?);
    }
    Ok(headers)
}

/// The breaker's leave to call. A call that is dropped in between gives it back.
#[derive(Debug)]
pub(super) struct Permit {
    breaker: Arc<Mutex<Breaker>>,
    admission: Admission,
    outcome: Outcome,
}

impl Permit {
    pub(super) fn ask(
        server: &'static str,
        breaker: &Arc<Mutex<Breaker>>,
    ) -> Result<Self, OutboundError> {
        let admitted = breaker.lock().unwrap_or_else(PoisonError::into_inner).admit(Instant::now());
        let admission =
            admitted.map_err(|retry_after| OutboundError::Open { server, retry_after })?;
        Ok(Self { breaker: Arc::clone(breaker), admission, outcome: Outcome::Abandoned })
    }

    pub(super) fn settle(mut self, is_good: bool) {
        self.outcome = if is_good { Outcome::Success } else { Outcome::Failure };
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        breaker.note(self.admission, self.outcome, Instant::now(), jitter());
    }
}
