//! What does a server want to know from the user in the middle of a call?

use async_trait::async_trait;
use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use serde_json::{Map, Value};
use tracing::warn;
use url::Url;

use crate::mcp_servers::schema::Checker;
use crate::visible;

/// The longest question, in bytes.
const MESSAGE: usize = 4 << 10;

/// The longest address.
const ADDRESS: usize = 2_000;

/// A question of a server's for the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Elicitation {
    /// The server that asks.
    pub server: String,
    /// The tool, prompt or resource that it asks for.
    pub about: String,
    /// What it says, without anything that hides in it. It is the server's word, not the daemon's.
    pub message: String,
    /// What it wants.
    pub wanted: Wanted,
}

/// What a server wants of the user.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Values by this schema, which is flat.
    Form {
        /// The schema.
        schema: Value,
    },
    /// A visit to this address, which is http or https. The daemon never opens it.
    Visit {
        /// The address.
        url: Url,
    },
}

/// What the user said.
#[derive(Debug, Clone, PartialEq)]
pub enum ElicitationAnswer {
    /// Yes, with these values.
    Accept(Map<String, Value>),
    /// No.
    Decline,
    /// Nothing.
    Cancel,
}

/// Asks the user of one call.
#[async_trait]
pub trait Elicitor: Send + Sync {
    /// Asks. It is dropped when the answer is not waited for any more.
    async fn ask(&self, elicitation: Elicitation) -> ElicitationAnswer;
}

/// Asks nobody.
#[derive(Debug, Clone, Copy)]
pub struct NobodyToAsk;

#[async_trait]
impl Elicitor for NobodyToAsk {
    async fn ask(&self, _: Elicitation) -> ElicitationAnswer {
        ElicitationAnswer::Cancel
    }
}

/// Puts a server's question to the user, if it may be put.
pub(super) async fn put(
    elicitor: &dyn Elicitor,
    (server, about): (&str, &str),
    params: ElicitRequestParams,
) -> ElicitResult {
    let declined = || ElicitResult::new(ElicitationAction::Decline);
    let (message, wanted) = match params {
        ElicitRequestParams::FormElicitationParams { message, requested_schema, .. } => {
            let Ok(schema) = serde_json::to_value(requested_schema) else { return declined() };
            (message, Wanted::Form { schema })
        }
        ElicitRequestParams::UrlElicitationParams { message, url, .. } => {
            let Some(url) = address(&url) else {
                warn!(server, "a server asked for a visit to an address that is none for people");
                return declined();
            };
            (message, Wanted::Visit { url })
        }
        // The protocol may get other kinds; they are not ones that a user can be asked.
        _ => return declined(),
    };
    let checker = match &wanted {
        Wanted::Form { schema } => match Checker::new(schema) {
            Ok(checker) => Some(checker),
            Err(why) => {
                warn!(server, why, "a server asked for values by a schema that is none");
                return declined();
            }
        },
        Wanted::Visit { .. } => None,
    };
    let message = visible::plain(&message, MESSAGE);
    let (server_name, about) = (server.to_owned(), about.to_owned());
    let elicitation = Elicitation { server: server_name, about, message, wanted };
    match elicitor.ask(elicitation).await {
        ElicitationAnswer::Decline => declined(),
        ElicitationAnswer::Cancel => ElicitResult::new(ElicitationAction::Cancel),
        ElicitationAnswer::Accept(values) => {
            let accepted = ElicitResult::new(ElicitationAction::Accept);
            let Some(checker) = checker else { return accepted };
            let values = Value::Object(values);
            if checker.check(&values).is_err() {
                warn!(server, "the user's values are not those that the server asked for");
                return ElicitResult::new(ElicitationAction::Cancel);
            }
            accepted.with_content(values)
        }
    }
}

/// An address that people can be sent to.
fn address(text: &str) -> Option<Url> {
    if ADDRESS < text.len() || text.chars().any(|c| c.is_control() || visible::hides(c)) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    (is_web && url.username().is_empty() && url.password().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    struct Says(ElicitationAnswer, Mutex<Vec<Elicitation>>);

    #[async_trait]
    impl Elicitor for Says {
        async fn ask(&self, elicitation: Elicitation) -> ElicitationAnswer {
            self.1.lock().unwrap().push(elicitation);
            self.0.clone()
        }
    }

    fn form() -> ElicitRequestParams {
        serde_json::from_value(json!({
            "mode": "form", "message": "Which\u{202e} branch?",
            "requestedSchema": {
                "type": "object",
                "properties": { "branch": { "type": "string", "minLength": 2 } },
                "required": ["branch"],
            },
        }))
        .unwrap()
    }

    async fn asked(
        answer: ElicitationAnswer,
        params: ElicitRequestParams,
    ) -> (ElicitResult, Vec<Elicitation>) {
        let says = Says(answer, Mutex::default());
        let result = put(&says, ("git", "commit"), params).await;
        let seen = says.1.into_inner().unwrap();
        (result, seen)
    }

    #[actix::test]
    async fn values_come_back_only_as_they_were_asked_for() {
        let values = |values: Value| ElicitationAnswer::Accept(values.as_object().unwrap().clone());
        let (result, seen) = asked(values(json!({ "branch": "main" })), form()).await;
        assert_eq!(result.action, ElicitationAction::Accept);
        assert_eq!(result.content, Some(json!({ "branch": "main" })));
        assert_eq!((seen[0].message.as_str(), seen[0].about.as_str()), ("Which branch?", "commit"));
        let (result, _) = asked(values(json!({ "branch": "m" })), form()).await;
        assert_eq!((result.action, result.content), (ElicitationAction::Cancel, None));
        let (result, _) = asked(ElicitationAnswer::Decline, form()).await;
        assert_eq!(result.action, ElicitationAction::Decline);
    }

    #[actix::test]
    async fn nobody_is_sent_to_what_is_no_web_address() {
        for (url, is_asked) in [
            ("https://example.com/consent?x=1", true),
            ("javascript:alert(1)", false),
            ("file:///etc/passwd", false),
            ("$(reboot)", false),
            ("https://user:pass@example.com/", false),
            ("https://example.com/\u{202e}", false),
        ] {
            let params = json!({ "mode": "url", "message": "m", "url": url, "elicitationId": "e" });
            let params = serde_json::from_value(params).unwrap();
            let (result, seen) = asked(ElicitationAnswer::Accept(Map::new()), params).await;
            assert_eq!(seen.len() == 1, is_asked, "{url}");
            assert_eq!(result.action == ElicitationAction::Accept, is_asked, "{url}");
        }
    }
}
