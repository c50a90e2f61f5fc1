//! Calling whoever answers bit by bit, for as long as that takes.
//!
//! A call is good or bad by what the first of it says, which only the caller can tell: it gives its
//! verdict, and a call that is dropped before that says nothing about the server.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use super::call::Call;
use super::client::{Outbound, Permit};
use super::error::OutboundError;
use super::record::CallRecord;

/// An answer whose body has yet to come. Dropping it ends the call.
#[derive(Debug)]
pub struct Opened {
    /// The HTTP status, a redirect's too.
    pub status: u16,
    headers: HeaderMap,
    server: &'static str,
    response: Response,
}

impl Opened {
    /// A header, if it is there and is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// More of the body; `None` at its end.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, OutboundError> {
        self.response.chunk().await.map_err(|error| {
            let source = error.without_url();
            OutboundError::Broken { server: self.server, source }
        })
    }

    /// The body up to a length; what comes after that, or after the connection broke, is left out.
    pub async fn beginning(&mut self, limit: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while body.len() < limit {
            let Ok(Some(chunk)) = self.chunk().await else { break };
            let room = limit - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        body
    }
}

/// What the breaker and the record are told of a call.
#[derive(Debug)]
pub struct Verdict {
    permit: Option<Permit>,
    record: Arc<Mutex<CallRecord>>,
}

impl Verdict {
    /// The server is well.
    pub fn good(self) {
        self.give(None);
    }

    /// It is not, and why.
    pub fn bad(self, why: String) {
        self.give(Some(why));
    }

    fn give(self, error: Option<String>) {
        if let Some(permit) = self.permit {
            permit.settle(error.is_none());
        }
        self.record.lock().unwrap_or_else(PoisonError::into_inner).set(error);
    }
}

impl Outbound {
    /// Calls, and comes back with the head of the answer within the call's time. A status that is an
    /// error, or a redirect, is an answer.
    ///
    /// # Errors
    /// No answer came; that is taken note of already.
    pub async fn open(&self, call: &Call) -> Result<(Opened, Verdict), OutboundError> {
        let server = self.server;
        let request = self.request(call)?;
        let permit = self.breaker.as_ref().map(|breaker| Permit::ask(server, breaker));
        let verdict = Verdict { permit: permit.transpose()?, record: Arc::clone(&self.record) };
        let limit = call.timeout;
        let answer = tokio::time::timeout(limit, self.client.execute(request)).await;
        let answer = answer.map_or(Err(OutboundError::TimedOut { server, limit }), |answer| {
            answer.map_err(|error| self.failed(error))
        });
        let opened = answer.and_then(|response| opened(server, response));
        match opened {
            Ok(opened) => Ok((opened, verdict)),
            Err(error) => {
                verdict.bad(error.to_string());
                Err(error)
            }
        }
    }

    /// Takes note of a call that began well and ended badly.
    pub fn note_break(&self, why: String) {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).set(Some(why));
    }
}

fn opened(server: &'static str, response: Response) -> Result<Opened, OutboundError> {
    let headers = response.headers().clone();
    let encoding = headers.get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(OutboundError::Encoded { server });
    }
    Ok(Opened { status: response.status().as_u16(), headers, server, response })
}
