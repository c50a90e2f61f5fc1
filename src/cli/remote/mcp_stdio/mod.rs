//! `mcp-stdio`: a bridge for clients that speak MCP over standard input and output only.
//!
//! Each line that comes in is posted to the daemon, and each message that comes back is a line that
//! goes out. Nothing else is ever written to standard output; words for people go to standard error.

mod bridge;
mod handshake;
mod line;
mod message;
mod pipe;
mod renewal;
mod standing;
mod trouble;
mod under_way;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use self::bridge::Bridge;
use self::line::{Era, Line, Request};
use self::message::{INVALID_REQUEST, PARSE_ERROR};
use self::pipe::Input;
use self::under_way::UnderWay;
use crate::cli::exit::Failure;
use crate::cli::remote::connection::AddressFlags;
use crate::cli::settings::SettingsFlags;

/// The most messages that are on their way or wait for their turn; then nothing is read.
const MOST: usize = 256;

/// How long what is under way may take once the client says nothing more.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// How long the last things to do may take: to end the session, and to write what is left.
const FAREWELL: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    address: AddressFlags,
}

pub(super) fn run(flags: SettingsFlags, arguments: &Arguments) -> Result<(), Failure> {
    let (daemon, _) = arguments.address.daemon(flags)?;
    actix::System::new().block_on(async move {
        let cannot = |what: &'static str| move |error| Failure::other(what, &error);
        let lines = pipe::lines().map_err(cannot("read standard input"))?;
        let (out, written) = pipe::writer().map_err(cannot("write to standard output"))?;
        let mut signals = Signals::listen().map_err(cannot("listen for signals"))?;
        let bridge = Arc::new(Bridge::new(daemon, out));
        let mut work = Work { bridge, tasks: JoinSet::new(), under_way: UnderWay::default() };
        let outcome = work.run(lines, &mut signals).await;
        work.end(written).await;
        outcome
    })
}

/// The signals that end the bridge.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The bridge at work.
struct Work {
    bridge: Arc<Bridge>,
    tasks: JoinSet<()>,
    under_way: UnderWay,
}

impl Work {
    /// Passes lines on until the client says nothing more, reads nothing more, or a signal comes.
    async fn run(
        &mut self,
        mut lines: mpsc::Receiver<Input>,
        signals: &mut Signals,
    ) -> Result<(), Failure> {
        let bridge = Arc::clone(&self.bridge);
        let mut standing = std::pin::pin!(standing::read(&bridge));
        // What comes after a handshake belongs to the session that it begins.
        let mut handshake: Option<oneshot::Receiver<()>> = None;
        loop {
            let is_free = handshake.is_none() && self.tasks.len() < MOST;
            tokio::select! {
                () = signals.any() => return Ok(()),
                () = bridge.nobody_reads() => return Ok(()),
                ended = self.tasks.join_next(), if !self.tasks.is_empty() => survived(ended)?,
                () = over(&mut handshake), if handshake.is_some() => handshake = None,
                line = lines.recv(), if is_free => match line {
                    Some(Input::Line(line)) => handshake = self.take(line).await,
                    Some(Input::TooLong) => {
                        let why = "a line must have at most 4 MiB";
                        bridge.tell(message::error("null", INVALID_REQUEST, why)).await;
                    }
                    None => break,
                },
                never = &mut standing => match never {},
            }
        }
        self.under_way.end_long();
        let deadline = Instant::now() + LAST_ANSWERS;
        while !self.tasks.is_empty() {
            tokio::select! {
                () = signals.any() => break,
                () = bridge.nobody_reads() => break,
                ended = timeout_at(deadline, self.tasks.join_next()) => match ended {
                    Ok(ended) => survived(ended)?,
                    Err(_late) => break,
                },
                never = &mut standing => match never {},
            }
        }
        Ok(())
    }

    /// Begins with a line. What is returned is over when a handshake is, if it is one.
    async fn take(&mut self, text: Bytes) -> Option<oneshot::Receiver<()>> {
        let bridge = Arc::clone(&self.bridge);
        match line::read(&text) {
            Line::Blank => {}
            Line::Unreadable(why) => {
                let why = format!("the line is not JSON: {why}");
                bridge.tell(message::error("null", PARSE_ERROR, &why)).await;
            }
            Line::Request(request) => return self.begin(request, text).await,
            Line::Notification { method, era, cancels } => {
                let cancelled = cancels.and_then(|id| self.under_way.find(&id));
                self.tasks.spawn(async move {
                    // A request that says everything about itself is cancelled by hanging up.
                    let by_hanging_up =
                        cancelled.as_ref().is_some_and(|request| !request.is_in_session);
                    if !by_hanging_up {
                        bridge.notify(&method, &era, &text).await;
                    }
                    if let Some(request) = cancelled {
                        request.task.abort();
                    }
                });
            }
            Line::Answer => {
                let _ = self.tasks.spawn(async move {
                    bridge.notify("an answer to the daemon", &Era::Session, &text).await;
                });
            }
            Line::Batch(ids) => {
                self.tasks.spawn(async move { bridge.pass(&text, &ids).await });
            }
            Line::Odd => {
                self.tasks.spawn(async move { bridge.pass(&text, &[]).await });
            }
        }
        None
    }

    async fn begin(&mut self, request: Request, text: Bytes) -> Option<oneshot::Receiver<()>> {
        let bridge = Arc::clone(&self.bridge);
        if self.under_way.find(&request.id).is_some() {
            let why = "a request with this id is under way; wait for it to end";
            bridge.tell(message::error(&request.id, INVALID_REQUEST, why)).await;
            return None;
        }
        let (done, handshake) = oneshot::channel::<()>();
        let begins_session = request.begins_session();
        let (id, is_long) = (request.id.clone(), request.is_long());
        let is_in_session = request.era == Era::Session;
        let task = self.tasks.spawn(async move {
            bridge.request(&request, text).await;
            drop(done);
        });
        self.under_way.add(id, under_way::Asked { is_in_session, is_long, task });
        begins_session.then_some(handshake)
    }

    /// Ends the session, and has everything written that was to be said.
    async fn end(mut self, written: oneshot::Receiver<()>) {
        self.tasks.shutdown().await;
        let (said, _) = self.bridge.handshake().headers();
        if self.bridge.handshake().has_session() {
            // A daemon that is away has no session to end.
            let _ = timeout(FAREWELL, self.bridge.daemon.end_session(&said)).await;
        }
        drop(self.bridge);
        let _ = timeout(FAREWELL, written).await;
    }
}

async fn over(handshake: &mut Option<oneshot::Receiver<()>>) {
    if let Some(handshake) = handshake {
        // Nothing is sent; it is over when the other half is gone.
        let _ = handshake.await;
    }
}

/// A task that panicked leaves somebody without an answer, which is worse than to end.
fn survived(ended: Option<Result<(), tokio::task::JoinError>>) -> Result<(), Failure> {
    match ended {
        Some(Err(error)) if error.is_panic() => {
            Err(Failure::new("a message failed through a fault of the bridge"))
        }
        _ => Ok(()),
    }
}
