//! Following events: the methods of the events extension as answers of the protocol.

use futures_util::StreamExt as _;
use serde_json::Value;
use serde_json::value::RawValue;
use tracing::error;

use crate::mcp::answer::{self, Done};
use crate::mcp::fault::Fault;
use crate::mcp::methods::{Asked, read};
use crate::mcp::outbox::Item;
use crate::mcp::server::Server;
use crate::mcp::stream::{Events, Outcome};
use crate::subscriptions::EventsError;

/// The method whose answer is a stream of events.
pub(super) const STREAM: &str = "events/stream";

impl Server {
    /// Answers a method of the extension that has one answer.
    pub(super) async fn follow(&self, asked: Asked<'_>) -> Result<Done, Fault> {
        let params = params_of(asked.params)?;
        let principal = &asked.caller.principal;
        let subscriptions = &self.doors.subscriptions;
        let outcome = match asked.method {
            "events/list" => subscriptions.list(Some(&params).filter(|params| !params.is_null())),
            "events/poll" => subscriptions.poll(&params).await,
            "events/subscribe" => subscriptions.subscribe(principal, &params).await,
            "events/unsubscribe" => subscriptions.unsubscribe(principal, &params).await,
            other => return Err(Fault::unknown_method(other)),
        };
        outcome.map(|object| Done::value(&object)).map_err(|error| self.refused(error))
    }

    /// Opens a stream of events.
    pub(super) async fn stream_events(
        &self,
        asked: Asked<'_>,
        id: &str,
        accepts_events: bool,
    ) -> Outcome {
        match self.streaming(asked, id, accepts_events).await {
            Ok(events) => Outcome::Stream(events),
            Err(fault) => Outcome::Whole(answer::answer(asked.version, id, Err(fault))),
        }
    }

    async fn streaming(
        &self,
        asked: Asked<'_>,
        id: &str,
        accepts_events: bool,
    ) -> Result<Events, Fault> {
        if !accepts_events {
            let why = "events/stream answers with a stream: accept text/event-stream, or ask with \
                       events/poll";
            return Err(Fault::Params(why.to_owned()));
        }
        let params = params_of(asked.params)?;
        // It was read as JSON before.
        let id = serde_json::from_str(id).unwrap_or(Value::Null);
        let opened = self.doors.subscriptions.stream(&asked.caller.principal, id, &params).await;
        let messages = opened.map_err(|error| self.refused(error))?.enumerate();
        Ok(Events::once(messages.map(|(number, body)| Item::Message {
            number: u64::try_from(number).unwrap_or(u64::MAX),
            body,
        })))
    }

    fn refused(&self, error: EventsError) -> Fault {
        let (code, data) = (error.code(self.doors.subscriptions.codes()), error.data());
        match error {
            EventsError::InvalidParams(why) => Fault::Params(why),
            EventsError::Overloaded(why) => Fault::Overloaded(why),
            EventsError::Failed { what, source } => {
                // Logged here, once, because the client is told nothing of it.
                error!(error = format!("{source:#}"), "following events failed");
                Fault::Internal(what)
            }
            error => Fault::Other { code, message: error.to_string(), data },
        }
    }
}

/// The params as a value; null where there are none.
fn params_of(params: Option<&RawValue>) -> Result<Value, Fault> {
    Ok(read::<Value>(params)?.unwrap_or(Value::Null))
}
