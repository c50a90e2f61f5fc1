//! How does one message reach the daemon, and what comes of it the client?

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::sleep;

use super::handshake::Handshake;
use super::line::{Era, Request};
use super::message;
use super::trouble::Trouble;
use crate::cli::remote::session::say;
use crate::client::{Content, Daemon, MessageStream, Reply, pause_after};

/// The most requests that are asked at once, streams that have no end not counted; as many as a
/// session of the daemon takes.
const AT_ONCE: usize = 64;

/// How often a stream that broke off is taken up again in a row.
const TRIES: u32 = 4;

/// How long a stream that ended before its answer is left alone, unless the daemon says.
const RETRY: Duration = Duration::from_millis(500);

/// What all messages share.
pub(super) struct Bridge {
    pub(super) daemon: Daemon,
    out: mpsc::Sender<Bytes>,
    handshake: Mutex<Handshake>,
    /// Held by who begins the session anew.
    pub(super) renewing: tokio::sync::Mutex<()>,
    /// Rung when there is another session to listen to.
    pub(super) changed: Notify,
    places: Semaphore,
}

impl Bridge {
    pub(super) fn new(daemon: Daemon, out: mpsc::Sender<Bytes>) -> Self {
        Self {
            daemon,
            out,
            handshake: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
            changed: Notify::new(),
            places: Semaphore::new(AT_ONCE),
        }
    }

    pub(super) fn handshake(&self) -> MutexGuard<'_, Handshake> {
        // Each change is whole before anything in it can panic.
        self.handshake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something to the client.
    pub(super) async fn tell(&self, line: Bytes) {
        // A client that is gone ends the bridge by itself.
        let _ = self.out.send(line).await;
    }

    /// Waits until the client has gone.
    pub(super) async fn nobody_reads(&self) {
        self.out.closed().await;
    }

    /// Asks for an answer, and hands it over with all that comes before it.
    pub(super) async fn request(&self, request: &Request, line: Bytes) {
        let place = async { self.places.acquire().await };
        // Nobody closes the places.
        let _place = if request.is_long() { None } else { place.await.ok() };
        if let Err(trouble) = self.ask(request, line).await {
            self.tell(trouble.answer(&request.id)).await;
        }
    }

    async fn ask(&self, request: &Request, line: Bytes) -> Result<(), Trouble> {
        let (reply, generation) = if request.begins_session() {
            (self.daemon.post_message(&[], line.clone()).await?, None)
        } else {
            self.send_in(&request.era, &line, Some(&request.id)).await?
        };
        let Reply { session, content } = reply;
        let answer = match content {
            Content::Nothing => return Err(Trouble::Other("the daemon gave no answer to it")),
            Content::Refused { status, body, why } => {
                return Err(Trouble::Refused { status, body, why });
            }
            Content::Message(body) => message::one_line(&body)
                .ok_or(Trouble::Other("what the daemon answered is not JSON"))?,
            Content::Stream(stream) => self.read(stream, request, generation).await?,
        };
        if let Some(result) = message::result(&answer) {
            if request.begins_session() {
                let version = agreed_version(result.get());
                self.handshake().begin(message::params(&line), version, session);
                self.changed.notify_one();
            } else if request.era == Era::Session {
                self.handshake().note(&request.method, request.uri.as_deref(), &line);
            }
        }
        self.tell(answer).await;
        Ok(())
    }

    /// Sends a message by the rules of its era. Where the daemon does not know the session, it took
    /// nothing, so the session begins anew and the message is sent once more.
    pub(super) async fn send(
        &self,
        era: &Era,
        line: &Bytes,
        id: Option<&str>,
    ) -> Result<Reply, Trouble> {
        Ok(self.send_in(era, line, id).await?.0)
    }

    /// The same, with the session that it was sent in.
    async fn send_in(
        &self,
        era: &Era,
        line: &Bytes,
        id: Option<&str>,
    ) -> Result<(Reply, Option<u64>), Trouble> {
        let (said, generation) = match era {
            Era::Stateless(said) => (said.clone(), None),
            Era::Session => {
                let (said, generation) = self.handshake().headers();
                let is_in_session = said.iter().any(|(name, _)| *name == "mcp-session-id");
                (said, is_in_session.then_some(generation))
            }
        };
        let reply = self.daemon.post_message(&said, line.clone()).await?;
        match (&reply.content, generation) {
            (Content::Refused { status: 404, body, .. }, Some(generation))
                if !id.is_some_and(|id| message::answers(body, id)) =>
            {
                self.renew(generation).await?;
                self.changed.notify_one();
                let (said, generation) = self.handshake().headers();
                Ok((self.daemon.post_message(&said, line.clone()).await?, Some(generation)))
            }
            _ => Ok((reply, generation)),
        }
    }

    /// Reads the stream of a request up to its answer, over lost connections where the stream can be
    /// taken up again.
    async fn read(
        &self,
        stream: MessageStream,
        request: &Request,
        generation: Option<u64>,
    ) -> Result<Bytes, Trouble> {
        let (mut stream, mut last, mut tries) = (stream, None, 0);
        loop {
            while let Ok(Some(message)) = stream.next().await {
                tries = 0;
                // What is no JSON is no message.
                let Some(line) = message::one_line(&message) else { continue };
                if message::answers(&line, &request.id) {
                    return Ok(line);
                }
                self.tell(line).await;
            }
            last = stream.last_event_id().map(str::to_owned).or(last);
            let retry = stream.retry().unwrap_or(RETRY);
            stream = loop {
                tries += 1;
                if request.era != Era::Session || last.is_none() || TRIES < tries {
                    return Err(Trouble::Lost);
                }
                sleep(retry.max(pause_after(tries))).await;
                let (said, now) = self.handshake().headers();
                // The streams of another session have the same names.
                if generation != Some(now) {
                    return Err(Trouble::Lost);
                }
                match self.daemon.open_messages(&said, last.as_deref()).await {
                    Ok(Reply { content: Content::Stream(again), .. }) => break again,
                    Ok(_) => return Err(Trouble::Lost),
                    Err(_unreachable) => {}
                }
            };
        }
    }

    /// Passes on what wants no answer.
    pub(super) async fn notify(&self, method: &str, era: &Era, line: &Bytes) {
        match self.send(era, line, None).await {
            Ok(Reply { content: Content::Refused { why, .. }, .. }) => {
                say(&format!("{method} was refused: {why}"));
            }
            Err(trouble) => say(&format!("{method} did not arrive: {}", trouble.sentence())),
            Ok(_) => {
                if method == "notifications/initialized" && self.handshake().ready() {
                    self.changed.notify_one();
                }
            }
        }
    }

    /// Passes on what is answered as a whole or not at all; `ids` want answers.
    pub(super) async fn pass(&self, line: &Bytes, ids: &[String]) {
        let trouble = match self.send(&Era::Session, line, None).await {
            Ok(Reply { content, .. }) => match content {
                Content::Nothing => return,
                Content::Message(body) => match message::one_line(&body) {
                    Some(answer) => return self.tell(answer).await,
                    None => Trouble::Other("what the daemon answered is not JSON"),
                },
                Content::Stream(mut stream) => {
                    while let Ok(Some(message)) = stream.next().await {
                        if let Some(line) = message::one_line(&message) {
                            self.tell(line).await;
                        }
                    }
                    return;
                }
                Content::Refused { status, body, why } => {
                    // Several were refused one by one.
                    let answers = message::one_line(&body).filter(|line| line.starts_with(b"["));
                    if let Some(answers) = answers {
                        return self.tell(answers).await;
                    }
                    Trouble::Refused { status, body, why }
                }
            },
            Err(trouble) => trouble,
        };
        let nobody = ["null".to_owned()];
        for id in if ids.is_empty() { &nobody } else { ids } {
            self.tell(trouble.answer(id)).await;
        }
    }
}

/// The revision in the result of `initialize`.
pub(super) fn agreed_version(result: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Agreed {
        protocol_version: String,
    }
    serde_json::from_str::<Agreed>(result).ok().map(|agreed| agreed.protocol_version)
}
