//! What is done when the daemon does not know the session any more, because it was started anew or
//! nobody used it for long?

use bytes::Bytes;
use serde_json::json;

use super::bridge::{Bridge, agreed_version};
use super::message;
use super::trouble::Trouble;
use crate::cli::remote::session::say;
use crate::client::{Content, MessageStream};

/// The id of what the bridge asks for itself; no client hears of the answers.
const OWN: &str = "lukhas-mcp-stdio";

/// The same as it is written.
const OWN_AS_WRITTEN: &str = r#""lukhas-mcp-stdio""#;

impl Bridge {
    /// Begins the session anew as its client began it, unless somebody else just did. What the
    /// client had wished for is wished for again, and it hears that the resources it follows may
    /// have changed.
    ///
    /// # Errors
    /// The daemon is away, or agrees to nothing.
    pub(super) async fn renew(&self, generation: u64) -> Result<(), Trouble> {
        let _one = self.renewing.lock().await;
        let introduction = {
            let handshake = self.handshake();
            if !handshake.is_of(generation) {
                return Ok(());
            }
            handshake.introduction(OWN)
        };
        let over = Trouble::Other("the session is over; begin another with initialize");
        let reply = self.daemon.post_message(&[], introduction.ok_or(over)?).await?;
        let answer = match reply.content {
            Content::Refused { status, body, why } => {
                return Err(Trouble::Refused { status, body, why });
            }
            Content::Message(body) => Some(body),
            Content::Stream(stream) => own_answer(stream).await,
            Content::Nothing => None,
        };
        let version = answer.and_then(|answer| agreed_version(message::result(&answer)?.get()));
        let (wishes, followed, was_ready) = {
            let mut handshake = self.handshake();
            if version.is_none() || version.as_deref() != handshake.version() {
                let why = "the daemon came back and speaks another revision of the protocol; start \
                           the client again";
                return Err(Trouble::Other(why));
            }
            handshake.renew(reply.session);
            (handshake.wishes(OWN), handshake.followed(), handshake.was_ready())
        };
        if was_ready {
            let ready = message::notification("notifications/initialized", &json!({}));
            self.said_again(ready).await;
        }
        for wish in wishes {
            self.said_again(wish).await;
        }
        for uri in followed {
            let changed = json!({ "uri": uri });
            let line = message::notification("notifications/resources/updated", &changed);
            self.tell(line).await;
        }
        say("the daemon did not know the session any more; it was begun again");
        Ok(())
    }

    /// Says again what the client had said. What fails here is told; the client goes on.
    async fn said_again(&self, line: Bytes) {
        let (said, _) = self.handshake().headers();
        match self.daemon.post_message(&said, line).await {
            Ok(reply) => {
                if let Content::Refused { why, .. } = reply.content {
                    say(&format!("something of the session could not be restored: {why}"));
                }
            }
            Err(error) => say(&format!("something of the session could not be restored: {error}")),
        }
    }
}

/// The answer to the bridge's own request on a stream.
async fn own_answer(mut stream: MessageStream) -> Option<Bytes> {
    while let Ok(Some(message)) = stream.next().await {
        if message::answers(&message, OWN_AS_WRITTEN) {
            return Some(message);
        }
    }
    None
}
