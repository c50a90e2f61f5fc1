//! Why is there no answer, and what is the client told instead? Pure.

use bytes::Bytes;

use super::message::{self, INTERNAL_ERROR};
use crate::client::ClientError;

/// What a client is told of a request that may have arrived.
const LOST: &str = "the connection to the daemon was lost before the answer came; what was asked \
    for may have been done, so look before you ask again";

/// Why a message got no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The daemon was not reached, or did not answer to the end.
    Connection(ClientError),
    /// The answer did not come to its end, and cannot be taken up again.
    Lost,
    /// The daemon said no.
    Refused { status: u16, body: Bytes, why: ClientError },
    /// Something else, in words.
    Other(&'static str),
}

impl Trouble {
    /// Why, in one sentence.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Connection(error @ ClientError::Unreachable(_)) if !error.came_to_nothing() => {
                LOST.to_owned()
            }
            Self::Connection(why) | Self::Refused { why, .. } => why.to_string(),
            Self::Lost => LOST.to_owned(),
            Self::Other(why) => (*why).to_owned(),
        }
    }

    /// The answer to a request that met with it; `null` stands for an id that could not be read.
    pub(super) fn answer(&self, id: &str) -> Bytes {
        let said = match self {
            // What to do about a key is better said here than by the daemon.
            Self::Refused { status, body, .. } if *status != 401 => message::refusal_of(id, body),
            _ => None,
        };
        said.unwrap_or_else(|| message::error(id, INTERNAL_ERROR, &self.sentence()))
    }
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        Self::Connection(error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn each_trouble_is_an_answer_with_a_sentence() {
        let refused = |status, body: &str| Trouble::Refused {
            status,
            body: Bytes::from(body.to_owned()),
            why: match status {
                401 => ClientError::Unauthorized,
                _ => ClientError::Refused("the page says no".to_owned()),
            },
        };
        let spoken = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#;
        for (trouble, code, sentence) in [
            (refused(400, spoken), -32600, "no"),
            (refused(401, spoken), INTERNAL_ERROR, "LUKHAS_MCP_API_KEY"),
            (refused(502, "<html>"), INTERNAL_ERROR, "the page says no"),
            (Trouble::Lost, INTERNAL_ERROR, "look before you ask again"),
            (Trouble::Connection(ClientError::Silent(9)), INTERNAL_ERROR, "9 s"),
            (Trouble::Other("because"), INTERNAL_ERROR, "because"),
        ] {
            let answer: Value = serde_json::from_slice(&trouble.answer(r#""a""#)).unwrap();
            assert_eq!(answer["id"], "a", "{trouble:?}");
            assert_eq!(answer["error"]["code"], code, "{trouble:?}");
            let said = answer["error"]["message"].as_str().unwrap();
            assert!(said.contains(sentence), "{said}");
        }
    }
}
