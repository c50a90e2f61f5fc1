//! Passing messages of MCP on, as they are: what is posted to the endpoint, and what comes back.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::time::timeout;

use crate::client::sse::Frames;
use crate::client::{ANSWER, ClientError, Daemon, answer};

/// How long the daemon may take to begin with an answer. A call may wait for 55 seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// The longest message that is read, in bytes.
const LONGEST: usize = 32 * 1024 * 1024;

/// What clients of the protocol have to accept.
const BOTH: &str = "application/json, text/event-stream";
const EVENTS: &str = "text/event-stream";

/// The header that names a session.
const SESSION: &str = "mcp-session-id";

/// What the daemon made of a request to its endpoint.
#[derive(Debug)]
pub struct Reply {
    /// The session that begins with it.
    pub session: Option<String>,
    /// What came.
    pub content: Content,
}

/// What came back.
#[derive(Debug)]
pub enum Content {
    /// It was taken, and there is nothing to say.
    Nothing,
    /// One message.
    Message(Bytes),
    /// Messages, as they come.
    Stream(MessageStream),
    /// It was refused.
    Refused {
        /// The status of the answer.
        status: u16,
        /// Its body, which may be a message.
        body: Bytes,
        /// Why, in words.
        why: ClientError,
    },
}

/// A stream that is read message by message.
#[derive(Debug)]
pub struct MessageStream {
    frames: Frames,
    last: Option<String>,
    retry: Option<Duration>,
}

impl MessageStream {
    /// Waits for the next message; `None` when the stream ends.
    ///
    /// # Errors
    /// The connection breaks, or is silent for too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.frames.next().await? {
            self.last = frame.id.or(self.last.take());
            self.retry = frame.retry.or(self.retry);
            if !frame.data.is_empty() {
                return Ok(Some(frame.data.into()));
            }
        }
        Ok(None)
    }

    /// From where the rest can be read on another connection, if it can.
    pub fn last_event_id(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// How soon the daemon wants to see a reader again that it sent away.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }
}

impl Daemon {
    /// Posts a message with these headers.
    ///
    /// # Errors
    /// The daemon cannot be reached, or nothing came back in time.
    pub async fn post_message(
        &self,
        headers: &[(&'static str, String)],
        message: Bytes,
    ) -> Result<Reply, ClientError> {
        let request = || {
            let request =
                self.client.post(self.endpoint()).header(CONTENT_TYPE, "application/json");
            with(request.header("Accept", BOTH), headers).body(message.clone())
        };
        reply(timeout(PATIENCE, self.send(request)).await, PATIENCE).await
    }

    /// Opens the stream of a session, or the rest of one after an event.
    ///
    /// # Errors
    /// The daemon cannot be reached, or nothing came back in time.
    pub async fn open_messages(
        &self,
        headers: &[(&'static str, String)],
        last: Option<&str>,
    ) -> Result<Reply, ClientError> {
        let request = || {
            let request = with(self.client.get(self.endpoint()).header("Accept", EVENTS), headers);
            match last {
                Some(last) => request.header("Last-Event-ID", last),
                None => request,
            }
        };
        reply(timeout(ANSWER, self.send(request)).await, ANSWER).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The daemon cannot be reached, or nothing came back in time.
    pub async fn end_session(
        &self,
        headers: &[(&'static str, String)],
    ) -> Result<Reply, ClientError> {
        let request = || with(self.client.delete(self.endpoint()), headers);
        reply(timeout(ANSWER, self.send(request)).await, ANSWER).await
    }

    fn endpoint(&self) -> String {
        format!("{}/mcp", self.url)
    }
}

fn with(request: RequestBuilder, headers: &[(&'static str, String)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
}

async fn reply(
    sent: Result<Result<Response, ClientError>, tokio::time::error::Elapsed>,
    patience: Duration,
) -> Result<Reply, ClientError> {
    let response = sent.map_err(|_| ClientError::Silent(patience.as_secs()))??;
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let session = header(SESSION).map(str::to_owned);
    let is_stream = header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with(EVENTS));
    let status = response.status();
    let content = if !status.is_success() {
        let body = whole(response).await?;
        let why = answer::refused(status, &body);
        Content::Refused { status: status.as_u16(), body, why }
    } else if is_stream {
        let frames = Frames::of(response, LONGEST);
        Content::Stream(MessageStream { frames, last: None, retry: None })
    } else if matches!(status, StatusCode::ACCEPTED | StatusCode::NO_CONTENT) {
        Content::Nothing
    } else {
        Content::Message(whole(response).await?)
    };
    Ok(Reply { session, content })
}

/// A body, of bounded size.
async fn whole(mut response: Response) -> Result<Bytes, ClientError> {
    let mut body = BytesMut::new();
    loop {
        let chunk = timeout(ANSWER, response.chunk()).await;
        let chunk = chunk.map_err(|_| ClientError::Silent(ANSWER.as_secs()))?;
        let Some(chunk) = chunk.map_err(ClientError::Unreachable)? else {
            return Ok(body.freeze());
        };
        if LONGEST < body.len() + chunk.len() {
            return Err(ClientError::Strange("a message is longer than 32 MiB".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
}
