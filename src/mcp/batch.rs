//! Batches, which one revision has: several messages in one body, and their answers in one.

use std::sync::Arc;

use serde_json::value::RawValue;
use tracing::Instrument as _;

use crate::mcp::answer::{self, Answer, Code};
use crate::mcp::envelope::{Envelope, Malformed, Message};
use crate::mcp::era::{DISCOVER, agreed};
use crate::mcp::line::Line;
use crate::mcp::meta::Meta;
use crate::mcp::methods::Asked;
use crate::mcp::server::{INITIALIZE, Received, Server, no_object, not_served, unreadable};
use crate::mcp::session::Session;
use crate::mcp::version::Version;

/// The most messages in a batch: a batch must not be a way around the rate limit.
const MOST: usize = 50;

impl Server {
    /// Answers a batch.
    pub(super) async fn batch(&self, received: &Received, text: &str) -> Answer {
        let refuse = |code, why: &str| Answer::bad(answer::error(None, code, why));
        let agreed = match agreed(&received.headers) {
            Ok(agreed) => agreed,
            Err(()) if received.headers.is_later() => Some(Version::V20260728),
            Err(()) => return not_served(None),
        };
        let session = match self.session(received) {
            Ok(session) => session,
            Err(refusal) => return refusal,
        };
        let agreed = agreed.or(session.as_ref().map(|session| session.version));
        if !matches!(agreed, None | Some(Version::V20250326)) {
            return refuse(Code::InvalidRequest, "only 2025-03-26 has batches; send one message");
        }
        let members: Vec<&RawValue> = match serde_json::from_str(text) {
            Ok(members) => members,
            Err(error) => return refuse(Code::Parse, &format!("the body is not JSON: {error}")),
        };
        if members.is_empty() || MOST < members.len() {
            let why = format!("a batch must have 1 to {MOST} messages");
            return refuse(Code::InvalidRequest, &why);
        }
        let has_no_place = |member: &&RawValue| {
            Envelope::read(member.get()).map(Envelope::check).is_ok_and(|message| {
                matches!(message, Ok(Message::Request { method, .. })
                    if method == INITIALIZE || method == DISCOVER)
            })
        };
        if members.iter().any(has_no_place) {
            return refuse(Code::InvalidRequest, "initialize must not be in a batch");
        }
        let (mut answers, mut statuses) = (Vec::new(), Vec::new());
        for member in members {
            let answer = self.member(received, session.as_ref(), member.get()).await;
            statuses.push(answer.status);
            if !answer.body.is_empty() {
                answers.push(answer.body.into_bytes());
            }
        }
        // What one member did is answered, whatever became of the others.
        let refused = statuses.iter().all(|status| matches!(status, 400 | 503));
        let status = if refused { statuses.into_iter().max().unwrap_or(400) } else { 200 };
        if answers.is_empty() {
            return Answer::accepted();
        }
        Answer::with_status(status, answer::joined(&answers))
    }

    /// Answers one member of a batch; none of them is told anything before the end.
    async fn member(
        &self,
        received: &Received,
        session: Option<&Arc<Session>>,
        text: &str,
    ) -> Answer {
        let envelope = match Envelope::read(text) {
            Ok(envelope) => envelope,
            Err(error) => {
                let (code, why) = unreadable(&error);
                return Answer::bad(answer::error(None, code, &why));
            }
        };
        match envelope.check() {
            Err(Malformed { id, why }) => Answer::bad(answer::error(id, Code::InvalidRequest, why)),
            Ok(Message::Notification { method, params }) => {
                self.notified(received, &method, params)
            }
            Ok(Message::Response { id, result }) => self.responded(received, id, result),
            Ok(Message::Request { id, method, params }) => {
                if let Some(refusal) = no_object(id.get(), params) {
                    return refusal;
                }
                let Received { caller, headers, .. } = received;
                let version = Version::V20250326;
                // What an earlier revision says about itself is a wish; of a batch, only the trace is.
                let meta = Meta::of(params).unwrap_or_default().of_a_batch();
                let asked = Asked {
                    caller,
                    version,
                    meta: &meta,
                    headers,
                    session,
                    method: &method,
                    params,
                };
                let line = Line::silent(&self.lists);
                let span = self.span(asked, id.get());
                let outcome = self.perform(asked, &line).instrument(span).await;
                answer::answer(version, id.get(), outcome)
            }
        }
    }
}
