//! Saying something, and following what comes of it.

use std::pin::{Pin, pin};

use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::exit::Failure;
use crate::cli::remote::chat::turn::{Step, Turn};
use crate::cli::remote::session::{Session, read, say};
use crate::client::{ClientError, Told};
use crate::ids::IdPrefix;

/// A request that was taken.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sent {
    pub(super) conversation_id: String,
    pub(super) request_id: String,
    /// Where the conversation stood before.
    #[serde(skip)]
    pub(super) after: i64,
}

/// What is to be said.
#[derive(Debug, Clone)]
pub(super) struct Words<'a> {
    pub(super) text: &'a str,
    pub(super) conversation: Option<&'a str>,
    /// Whether somebody is there to be asked.
    pub(super) attended: bool,
}

impl Words<'_> {
    /// The call, under a name of its own: sent again, it is not said twice.
    pub(super) fn call(&self, wait_seconds: u16) -> Value {
        let mut call = json!({
            "text": self.text, "requestId": IdPrefix::draw().draw_id("req"),
            "waitSeconds": wait_seconds, "attended": self.attended,
        });
        if let Some(id) = self.conversation {
            call["conversationId"] = json!(id);
        }
        call
    }
}

/// The newest event of a conversation.
pub(super) async fn last_seq(session: &Session, id: &str) -> Result<i64, Failure> {
    let asked = json!({ "conversationId": id, "limit": 1 });
    let answer = session.answer("read_conversation", &asked).await?;
    let seq = answer["conversation"]["lastSeq"].as_i64();
    seq.ok_or_else(|| ClientError::Strange("it says no lastSeq".to_owned()).into())
}

/// Says it.
pub(super) async fn send(session: &Session, words: &Words<'_>) -> Result<Sent, Failure> {
    let after = match words.conversation {
        Some(id) => last_seq(session, id).await?,
        None => 0,
    };
    let answer = session.answer("send_message", &words.call(0)).await?;
    Ok(Sent { after, ..read(answer)? })
}

/// What comes of a request, step by step, over lost connections.
pub(super) struct Steps(Pin<Box<dyn Stream<Item = Result<Step, Failure>>>>);

impl Steps {
    pub(super) fn of(session: &Session, sent: &Sent) -> Self {
        let topic = format!("conversation/{}", sent.conversation_id);
        let events = session.daemon.follow(vec![topic], Some(sent.after));
        let turn = Turn::of(&sent.request_id);
        let steps = stream::unfold((events, turn), |(mut events, mut turn)| async move {
            loop {
                let step = match events.next().await {
                    Ok(Told::Event(event)) => turn.take(&event.data).map(Ok),
                    Ok(Told::Lost(error, _)) => {
                        say(&format!("{error}; trying again"));
                        None
                    }
                    Ok(Told::Stopped(_)) => {
                        say("the daemon stopped; waiting for it to come back");
                        None
                    }
                    Ok(Told::Open | Told::Gap(_)) => None,
                    Err(error) => Some(Err(error.into())),
                };
                if let Some(step) = step {
                    return Some((step, (events, turn)));
                }
            }
        });
        Self(Box::pin(steps))
    }

    /// The next step. May be dropped while it waits, and nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Step, Failure> {
        match pin!(&mut self.0).next().await {
            Some(step) => step,
            // There is no end but that of the request.
            None => std::future::pending().await,
        }
    }
}

/// Ends a request; that it is over already is as good.
pub(super) async fn cancel(session: &Session, sent: &Sent) -> Result<(), Failure> {
    let call = json!({ "conversationId": sent.conversation_id, "requestId": sent.request_id });
    match session.try_answer("cancel_message", &call).await {
        Ok(_) | Err(ClientError::Refused(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
