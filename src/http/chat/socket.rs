//! One socket: what comes in, what goes out, and when it ends.
//!
//! # Invariants
//!
//! 1. One task does everything of a socket, so that its frames come in one order.
//! 2. Nothing is gathered for a client that does not read: what it has not read stays in the
//!    journal, and a write that cannot go on ends the socket.
//! 3. What a client does wrong ends at most its own socket.

use std::sync::Arc;
use std::time::Duration;

use actix_ws::{CloseCode, CloseReason, Session};
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;
use tracing::debug;

use super::door::ChatDoor;
use super::following::Following;
use super::incoming::{Broken, Came, Incoming};
use super::outlet::Outlet;
use super::refusal::Refusal;
use super::under_way::UnderWay;
use crate::chat::Chat;
use crate::http::gate::Admitted;
use crate::http::until_shown_again::PATIENCE;
use crate::ids::ConversationId;

/// How long a write may not go on.
const STALL: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });

/// How long the other end may take for its part of a farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// How often in a row a client may be told that it asks too often.
const STRIKES: u32 = 32;

/// How many pings a client may send at once, and how many more a second.
const PINGS: f64 = 30.0;
const PINGS_A_SECOND: f64 = 2.0;

/// Why a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    code: CloseCode,
    why: &'static str,
}

const HUNG_UP: End = End { code: CloseCode::Normal, why: "" };
const STALLED: End =
    End { code: CloseCode::Again, why: "what is sent is not read; come back and resume" };
const SILENT: End = End { code: CloseCode::Policy, why: "pings are not answered" };
const GOES_DOWN: End = End { code: CloseCode::Away, why: "the server goes down; come back" };
const TOO_OFTEN: End = End { code: CloseCode::Policy, why: "too many messages" };
const TOKEN_OVER: End = End { code: CloseCode::Policy, why: "show the token again" };

impl From<Broken> for End {
    fn from(Broken { code, why }: Broken) -> Self {
        Self { code, why }
    }
}

/// What an action gave: the frame, and what the socket has to forget.
pub(super) struct Done {
    pub(super) frame: String,
    pub(super) cleared: Option<ConversationId>,
}

/// A socket.
pub(super) struct Socket {
    pub(super) chat: Chat,
    pub(super) admitted: Admitted,
    session: Session,
    outlet: Arc<Outlet>,
    /// The conversation of messages that name none.
    pub(super) own: Option<ConversationId>,
    pub(super) following: Following,
    pub(super) under_way: UnderWay,
    pub(super) doing: FuturesUnordered<LocalBoxFuture<'static, Done>>,
    strikes: u32,
    pings: f64,
    pinged: Instant,
}

impl Socket {
    pub(super) fn new(
        chat: Chat,
        admitted: Admitted,
        (session, outlet): (Session, Arc<Outlet>),
    ) -> Self {
        Self {
            chat,
            admitted,
            session,
            outlet,
            own: None,
            following: Following::default(),
            under_way: UnderWay::default(),
            doing: FuturesUnordered::new(),
            strikes: 0,
            pings: PINGS,
            pinged: Instant::now(),
        }
    }

    /// Serves until it ends, and says farewell.
    pub(super) async fn serve(mut self, mut incoming: Incoming, door: Arc<ChatDoor>) {
        let end = self.talk(&mut incoming, &door).await.unwrap_or_else(|end| end);
        debug!(code = ?end.code, why = end.why, "a socket ends");
        let reason = CloseReason { code: end.code, description: Some(end.why.to_owned()) };
        let farewell = async {
            if self.session.close(Some(reason)).await.is_ok() {
                // Until the other end has read it, nothing may be left unread here.
                while let Some(Ok(came)) = incoming.next().await {
                    if came == Came::Close {
                        break;
                    }
                }
            }
        };
        // Whoever does not take part is left.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    async fn talk(&mut self, incoming: &mut Incoming, door: &ChatDoor) -> Result<End, End> {
        let settings = &self.chat.settings().websocket;
        let (interval, timeout) = (settings.ping_interval, settings.ping_timeout);
        let ended = door.ended();
        tokio::pin!(ended);
        let life = self.admitted.has_token().then_some(PATIENCE.saturating_sub(FAREWELL));
        let life = tokio::time::sleep(life.unwrap_or(Duration::MAX / 4));
        tokio::pin!(life);
        let mut is_asked = false;
        let silence = tokio::time::sleep(interval);
        tokio::pin!(silence);
        loop {
            // In this order, so that a frame, which is what comes most, looks at nothing behind it,
            // and no stream of frames keeps what the client says from being heard.
            tokio::select! {
                biased;
                () = &mut ended => return Err(GOES_DOWN),
                () = &mut life => return Err(TOKEN_OVER),
                came = incoming.next() => {
                    is_asked = false;
                    silence.as_mut().reset(Instant::now() + interval);
                    match came {
                        Some(Err(broken)) => return Err(broken.into()),
                        None | Some(Ok(Came::Close)) => return Ok(HUNG_UP),
                        Some(Ok(Came::Pong)) => {}
                        Some(Ok(Came::Ping(said))) => self.pong(&said).await?,
                        Some(Ok(Came::Binary)) => {
                            let why = "a message must be text: one JSON object";
                            self.send(&Refusal::invalid(why).frame(None, None)).await?;
                        }
                        Some(Ok(Came::Text(text))) => self.take(&text).await?,
                    }
                }
                (conversation, frame) = self.following.next() => {
                    if frame.is_last && let Some(request_id) = &frame.request_id {
                        self.under_way.end(&conversation, request_id);
                    }
                    let text = std::str::from_utf8(&frame.json).unwrap_or_default();
                    self.send(text).await?;
                }
                Some(done) = self.doing.next(), if !self.doing.is_empty() => {
                    if let Some(cleared) = done.cleared {
                        self.forget(&cleared);
                    }
                    self.send(&done.frame).await?;
                }
                () = &mut silence => {
                    if is_asked {
                        return Err(SILENT);
                    }
                    is_asked = true;
                    silence.as_mut().reset(Instant::now() + timeout);
                    self.ping().await?;
                }
            }
        }
    }

    /// Takes a message, if its sender does not send too many.
    async fn take(&mut self, text: &str) -> Result<(), End> {
        if let Err(wait) = self.admitted.take(1) {
            self.strikes += 1;
            if STRIKES <= self.strikes {
                return Err(TOO_OFTEN);
            }
            let request_id = super::message::id_of(text);
            let refusal = Refusal::rate_limited(wait);
            return self.send(&refusal.frame(request_id.as_deref(), None)).await;
        }
        self.strikes = 0;
        // A message takes many steps, and few of them at once.
        self.hear(text).boxed_local().await
    }

    /// Sends a frame.
    pub(super) async fn send(&mut self, text: &str) -> Result<(), End> {
        let Self { session, outlet, .. } = self;
        written(async {
            outlet.take(text.len()).await;
            session.text(text).await
        })
        .await
    }

    async fn ping(&mut self) -> Result<(), End> {
        let Self { session, outlet, .. } = self;
        written(async {
            outlet.take(0).await;
            session.ping(b"").await
        })
        .await
    }

    async fn pong(&mut self, said: &[u8]) -> Result<(), End> {
        let more = self.pinged.elapsed().as_secs_f64() * PINGS_A_SECOND;
        self.pinged = Instant::now();
        self.pings = (self.pings + more).min(PINGS) - 1.0;
        if self.pings < 0.0 {
            return Err(TOO_OFTEN);
        }
        let Self { session, outlet, .. } = self;
        written(async {
            outlet.take(said.len()).await;
            session.pong(said).await
        })
        .await
    }

    fn forget(&mut self, conversation: &ConversationId) {
        self.following.leave(conversation);
        self.under_way.forget(conversation);
        if self.own.as_ref() == Some(conversation) {
            self.own = None;
        }
    }
}

/// Waits for a write, but not for ever.
async fn written(write: impl Future<Output = Result<(), actix_ws::Closed>>) -> Result<(), End> {
    match tokio::time::timeout(STALL, write).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_closed)) => Err(HUNG_UP),
        Err(_elapsed) => Err(STALLED),
    }
}
