//! Requests whose clients hear of them before the answer: as a task of their own, with a stream.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tracing::{Instrument as _, Span, error};

use crate::mcp::answer::{self, Answer, Code};
use crate::mcp::headers::Headers;
use crate::mcp::line::{Asking, Line};
use crate::mcp::meta::Meta;
use crate::mcp::methods::Asked;
use crate::mcp::outbox::{AbortOnDrop, Outbox};
use crate::mcp::server::{Server, at_fault};
use crate::mcp::session::{STANDING, Session};
use crate::mcp::stream::{Events, Outcome, place};
use crate::mcp::version::Version;
use crate::tools::Caller;

/// A request that outlives the body it came in.
struct Own {
    caller: Caller,
    version: Version,
    meta: Meta,
    headers: Headers,
    session: Option<Arc<Session>>,
    id: String,
    method: String,
    params: Option<Box<RawValue>>,
}

impl Own {
    fn of(asked: Asked<'_>, id: &str) -> Self {
        Self {
            caller: asked.caller.clone(),
            version: asked.version,
            meta: asked.meta.clone(),
            headers: asked.headers.clone(),
            session: asked.session.cloned(),
            id: id.to_owned(),
            method: asked.method.to_owned(),
            params: asked.params.map(ToOwned::to_owned),
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            caller: &self.caller,
            version: self.version,
            meta: &self.meta,
            headers: &self.headers,
            session: self.session.as_ref(),
            method: &self.method,
            params: self.params.as_deref(),
        }
    }
}

/// Why a client cannot come back to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoStream {
    /// Its session is over, or somebody else's.
    NoSession,
    /// It is not kept, or never was.
    NotKept,
}

impl Server {
    /// Has a request carried out: in place, or as a task with a stream if its client listens.
    pub(super) async fn carry_out(
        self: &Arc<Self>,
        asked: Asked<'_>,
        id: &str,
        accepts_events: bool,
    ) -> Outcome {
        let asking = match self.asking(asked) {
            Ok(asking) => asking,
            Err(fault) => return Outcome::Whole(answer::answer(asked.version, id, Err(fault))),
        };
        if accepts_events && may_tell(asked) {
            return self.as_task(asked, id, asking).await;
        }
        let asking = match asking {
            Asking::OnStream(_) => Asking::Never,
            asking => asking,
        };
        let line = Line::new(None, asked.meta, asking, &self.lists);
        Outcome::Whole(answer::answer(asked.version, id, self.perform(asked, &line).await))
    }

    async fn as_task(self: &Arc<Self>, asked: Asked<'_>, id: &str, asking: Asking) -> Outcome {
        let (number, outbox) = match asked.session {
            Some(session) => {
                let (number, outbox) = session.open_stream();
                (Some(number), outbox)
            }
            None => (None, Arc::<Outbox>::default()),
        };
        let line = Line::new(Some(Arc::clone(&outbox)), asked.meta, asking, &self.lists);
        let (server, own) = (Arc::clone(self), Own::of(asked, id));
        let span = Span::current();
        let (done, mut answered) = oneshot::channel();
        let ends = EndOnDrop { outbox: Arc::clone(&outbox) };
        let task = tokio::spawn(async move {
            // However this ends, the stream does as well.
            let ends = ends;
            let performed = AssertUnwindSafe(server.perform(own.asked(), &line)).catch_unwind();
            let answer = match performed.instrument(span).await {
                Ok(outcome) => answer::answer(own.version, &own.id, outcome),
                Err(_panic) => {
                    error!(method = own.method, "a request panicked");
                    at_fault(own.version, &own.id)
                }
            };
            if let Some(session) = &own.session {
                session.finish(&own.id);
            }
            if let Err(answer) = done.send(answer) {
                ends.outbox.send(answer.body.into_bytes());
            }
        });
        if let Some(session) = asked.session
            && !session.begin(id, task.abort_handle())
        {
            task.abort();
            let why = "a request with this id is under way, or too many are; wait for one to end";
            return Outcome::Whole(Answer::bad(answer::error(Some(id), Code::InvalidRequest, why)));
        }
        // Since 2026-07-28 who hangs up has cancelled; before, it may come back.
        let hangs_up = asked.version.is_stateless().then(|| AbortOnDrop(task.abort_handle()));
        tokio::select! {
            biased;
            answer = &mut answered => match answer {
                // What was said before a quick answer goes with it, on a stream.
                Ok(answer) if outbox.has_messages() => {
                    outbox.send(answer.body.into_bytes());
                    outbox.end();
                }
                Ok(answer) => return Outcome::Whole(answer),
                // Cancelled: nothing is to be said.
                Err(_cancelled) => {}
            },
            () = outbox.has_something() => {
                answered.close();
                if let Ok(answer) = answered.try_recv() {
                    outbox.send(answer.body.into_bytes());
                    outbox.end();
                }
            }
        }
        let items = outbox.read(0, hangs_up);
        Outcome::Stream(match number {
            Some(number) => Events::numbered(number, 0, items),
            None => Events::once(items),
        })
    }

    /// The stream that belongs to no request of a session, or one that a client comes back to.
    ///
    /// # Errors
    /// There is no such session, or no such stream.
    pub fn come_back(
        &self,
        caller: &Caller,
        session: &str,
        last_event_id: Option<&str>,
    ) -> Result<Events, NoStream> {
        let now = tokio::time::Instant::now();
        let session = self.sessions.find(session, caller, now).ok_or(NoStream::NoSession)?;
        let (number, from) = match last_event_id {
            None => (STANDING, session.standing.taken()),
            Some(id) => place(id).ok_or(NoStream::NotKept)?,
        };
        let outbox = session.stream(number).ok_or(NoStream::NotKept)?;
        let reading = (number == STANDING).then(|| {
            self.watched(&session).add_listing();
            session.reading()
        });
        let items = outbox.read(from, None);
        let items = futures_util::StreamExt::map(items, move |item| {
            // Held as long as the stream is read.
            let _reading = &reading;
            item
        });
        Ok(Events::numbered(number, from, items))
    }

    /// Ends a session; whether there was one.
    pub fn end_session(&self, caller: &Caller, session: &str) -> bool {
        self.sessions.end(session, caller)
    }
}

/// Whether a request may have something to say before its answer, or may have to be cancelled.
fn may_tell(asked: Asked<'_>) -> bool {
    let Asked { meta, session, method, .. } = asked;
    matches!(method, "tools/call" | "prompts/get" | "resources/read")
        && (session.is_some() || meta.progress_token.is_some() || meta.log_level.is_some())
}

struct EndOnDrop {
    outbox: Arc<Outbox>,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.outbox.end();
    }
}
