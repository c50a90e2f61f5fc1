//! What was agreed on in the session, and what does it take to begin it anew? Pure.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::message;

/// The most resources that are followed again after the daemon came back.
const FOLLOWED: usize = 1_000;

/// The session, and what its client said that a daemon that comes back has to hear again.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// The params of `initialize`.
    introduction: Option<Box<RawValue>>,
    version: Option<String>,
    session: Option<String>,
    /// Whether the client said that it is ready.
    is_ready: bool,
    /// The params of each subscription, by its resource.
    followed: BTreeMap<String, Box<RawValue>>,
    /// The params that set the level of logging.
    level: Option<Box<RawValue>>,
    generation: u64,
}

impl Handshake {
    /// A client introduced itself, and this is what came of it.
    pub(super) fn begin(
        &mut self,
        introduction: Option<Box<RawValue>>,
        version: Option<String>,
        session: Option<String>,
    ) {
        let generation = self.generation + 1;
        *self = Self { introduction, version, session, generation, ..Self::default() };
    }

    /// The client is ready; whether there is a stream to be read from now on.
    pub(super) fn ready(&mut self) -> bool {
        self.is_ready = true;
        self.session.is_some()
    }

    /// The same session began again with another id.
    pub(super) fn renew(&mut self, session: Option<String>) {
        self.session = session;
        self.generation += 1;
    }

    /// What the headers of each message in the session say, and which session that is.
    pub(super) fn headers(&self) -> (Vec<(&'static str, String)>, u64) {
        let said = [("mcp-protocol-version", &self.version), ("mcp-session-id", &self.session)];
        let said = said.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        (said.collect(), self.generation)
    }

    pub(super) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether this is still the session of the headers that went with it.
    pub(super) fn is_of(&self, generation: u64) -> bool {
        self.generation == generation
    }

    /// A request of the session went well: it is remembered, if it has to be said again.
    pub(super) fn note(&mut self, method: &str, uri: Option<&str>, asked: &[u8]) {
        match (method, uri, message::params(asked)) {
            ("resources/subscribe", Some(uri), Some(params)) if self.followed.len() < FOLLOWED => {
                self.followed.insert(uri.to_owned(), params);
            }
            ("resources/unsubscribe", Some(uri), _) => {
                self.followed.remove(uri);
            }
            ("logging/setLevel", _, params) => self.level = params,
            _ => {}
        }
    }

    /// The introduction once more, if there was one.
    pub(super) fn introduction(&self, id: &str) -> Option<Bytes> {
        let params = self.introduction.as_ref()?;
        Some(message::request(id, "initialize", params))
    }

    /// Whether the client had said that it is ready.
    pub(super) fn was_ready(&self) -> bool {
        self.is_ready
    }

    /// What has to be asked for again.
    pub(super) fn wishes(&self, id: &str) -> Vec<Bytes> {
        let followed = self.followed.values().map(|params| ("resources/subscribe", params));
        let level = self.level.iter().map(|params| ("logging/setLevel", params));
        level.chain(followed).map(|(method, params)| message::request(id, method, params)).collect()
    }

    /// The resources whose changes nobody told of in the meantime.
    pub(super) fn followed(&self) -> Vec<String> {
        self.followed.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Handshake {
        let mut handshake = Handshake::default();
        let params = RawValue::from_string(r#"{"capabilities":{}}"#.to_owned()).unwrap();
        handshake.begin(Some(params), Some("2025-11-25".to_owned()), Some("s-1".to_owned()));
        handshake
    }

    #[test]
    fn what_was_agreed_on_is_said_with_each_message() {
        assert_eq!(Handshake::default().headers(), (vec![], 0));
        let mut handshake = begun();
        let said = |session: &str| {
            let version = ("mcp-protocol-version", "2025-11-25".to_owned());
            vec![version, ("mcp-session-id", session.to_owned())]
        };
        assert_eq!(handshake.headers(), (said("s-1"), 1));
        assert!(handshake.ready());
        handshake.renew(Some("s-2".to_owned()));
        assert_eq!(handshake.headers(), (said("s-2"), 2));
        assert!(handshake.was_ready() && !handshake.is_of(1) && handshake.is_of(2));
    }

    #[test]
    fn what_the_client_wished_for_is_wished_for_again() {
        let mut handshake = begun();
        let asked = |uri: &str| format!(r#"{{"params":{{"uri":"{uri}"}}}}"#);
        for (method, uri) in [
            ("resources/subscribe", "job://a"),
            ("resources/subscribe", "job://b"),
            ("resources/subscribe", "job://a"),
            ("resources/unsubscribe", "job://b"),
            ("resources/read", "job://c"),
        ] {
            handshake.note(method, Some(uri), asked(uri).as_bytes());
        }
        handshake.note("logging/setLevel", None, br#"{"params":{"level":"debug"}}"#);
        let wishes: Vec<_> = handshake.wishes("own").iter().map(|wish| wish.to_vec()).collect();
        let expected = [
            r#"{"jsonrpc":"2.0","id":"own","method":"logging/setLevel","params":{"level":"debug"}}"#,
            r#"{"jsonrpc":"2.0","id":"own","method":"resources/subscribe","params":{"uri":"job://a"}}"#,
        ];
        assert_eq!(wishes, expected.map(|wish| wish.as_bytes().to_vec()));
        assert_eq!(handshake.followed(), ["job://a"]);
        handshake.begin(None, None, None);
        assert!(handshake.wishes("own").is_empty() && handshake.introduction("own").is_none());
    }
}
