//! The line from a call that is under way to the people who follow its conversation.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;

use crate::chat::control::Control;
use crate::chat::feed::Feed;
use crate::chat::frame::Place;
use crate::chat::toolbox::Caller;
use crate::mcp_servers::{Elicitation, ElicitationAnswer, Elicitor, Wanted};

/// The line of one call.
pub(super) struct Line {
    feed: Arc<Feed>,
    control: Arc<Control>,
    request_id: Arc<str>,
    call_id: String,
    seq: i64,
    is_attended: bool,
}

impl Line {
    pub(super) fn new(
        (feed, control): (Arc<Feed>, Arc<Control>),
        (request_id, call_id): (Arc<str>, String),
        (seq, is_attended): (i64, bool),
    ) -> Self {
        Self { feed, control, request_id, call_id, seq, is_attended }
    }

    fn pass(&self, kind: &str, data: &str, metadata: &serde_json::Value) {
        let place =
            Place { conversation_id: self.feed.id().as_str(), request_id: Some(&self.request_id) };
        self.feed.pass(place.passing(self.seq, kind, data, metadata));
    }
}

/// A question of a server, as followers are told of it.
pub(super) fn told(id: &str, question: &Elicitation) -> serde_json::Value {
    let (schema, url) = match &question.wanted {
        Wanted::Form { schema } => (Some(schema), None),
        Wanted::Visit { url } => (None, Some(url.as_str())),
    };
    json!({
        "elicitation_id": id, "server": question.server, "message": question.message,
        "schema": schema, "url": url,
    })
}

/// A question is taken back when nobody waits for its answer any more.
struct Asked<'a> {
    control: &'a Control,
    id: &'a str,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.control.withdraw(self.id);
    }
}

impl Caller for Line {
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let metadata = json!({
            "call_id": self.call_id, "state": "running", "progress": progress, "total": total,
        });
        self.pass("tool_progress", message.unwrap_or_default(), &metadata);
    }
}

#[async_trait]
impl Elicitor for Line {
    async fn ask(&self, question: Elicitation) -> ElicitationAnswer {
        if !self.is_attended {
            return ElicitationAnswer::Cancel;
        }
        let id = crate::ids::IdPrefix::draw().draw_id("el");
        let mut metadata = told(&id, &question);
        metadata["call_id"] = json!(self.call_id);
        let message = question.message.clone();
        let answer = self.control.ask(id.clone(), question);
        let _asked = Asked { control: &self.control, id: &id };
        self.pass("elicitation_required", &message, &metadata);
        tokio::select! {
            answer = answer => answer.unwrap_or(ElicitationAnswer::Cancel),
            () = self.control.cancel.cancelled() => ElicitationAnswer::Cancel,
        }
    }
}
