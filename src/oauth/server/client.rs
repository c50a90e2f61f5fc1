//! Who wants to act for somebody: what a client says of itself. Pure.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::oauth::server::error::Denied;
use crate::oauth::server::redirect::{MOST, RedirectUri};
use crate::store::oauth::clients::ClientRow;
use crate::visible::hides;

/// The longest name that is shown, in characters.
const LONGEST_NAME: usize = 64;

/// What the ids of clients begin with that registered themselves.
const REGISTERED: &str = "client_";

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What it calls itself; anybody may call itself anything.
    pub name: String,
    /// Where it may be sent back to.
    pub redirect_uris: Vec<RedirectUri>,
}

/// How a client is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ClientId {
    /// It registered itself.
    Registered(String),
    /// Its id is the address of what it says of itself.
    Document(Url),
}

impl ClientId {
    /// Reads an id; `None` if no client can have it.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.starts_with(REGISTERED) {
            let is_plain = text.len() <= 64
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            return is_plain.then(|| Self::Registered(text.to_owned()));
        }
        let url = Url::parse(text).ok()?;
        // It is compared as text, so it must be written as it is read: without dots and defaults.
        let is_plain = text.len() <= 512
            && url.as_str() == text
            && url.path() != "/"
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        is_plain.then_some(Self::Document(url))
    }
}

/// What is read of RFC 7591's metadata.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    grant_types: Option<Vec<String>>,
    #[serde(default)]
    response_types: Option<Vec<String>>,
}

impl Metadata {
    /// Reads what a client posts or publishes.
    pub(super) fn read(body: &[u8]) -> Result<Self, Denied> {
        // A struct would also take an array, by position.
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        if !value.is_object() {
            return Err(Denied::InvalidMetadata("the metadata must be a JSON object"));
        }
        let why = "redirect_uris, grant_types and response_types must be lists of text, and the \
                   other metadata text";
        serde_json::from_value(value).map_err(|_other_form| Denied::InvalidMetadata(why))
    }

    /// A new client that registers itself. Whatever way of authentication it wants, it gets none:
    /// the answer says so, as RFC 7591 has it.
    pub(super) fn registered(self) -> Result<Client, Denied> {
        self.client(format!("{REGISTERED}{}", nanoid::nanoid!()))
    }

    /// The client whose metadata were found at its id.
    pub(super) fn published_at(self, id: &Url) -> Result<Client, Denied> {
        if self.client_id.as_deref() != Some(id.as_str()) {
            return Err(Denied::InvalidClient(
                "the metadata at client_id must name exactly this client_id".to_owned(),
            ));
        }
        let method = self.token_endpoint_auth_method.as_deref().unwrap_or("none");
        if method != "none" {
            let why = "token_endpoint_auth_method must be none: clients are public here";
            return Err(Denied::InvalidMetadata(why));
        }
        self.client(id.as_str().to_owned())
    }

    fn client(self, id: String) -> Result<Client, Denied> {
        let lacks = |list: &Option<Vec<String>>, needed: &str| {
            list.as_ref().is_some_and(|list| !list.iter().any(|one| one == needed))
        };
        if lacks(&self.grant_types, "authorization_code") || lacks(&self.response_types, "code") {
            let why = "grant_types must have authorization_code, and response_types code";
            return Err(Denied::InvalidMetadata(why));
        }
        if !(1..=MOST).contains(&self.redirect_uris.len()) {
            return Err(Denied::InvalidRedirect(format!("redirect_uris must be 1 to {MOST}")));
        }
        let read = |text: &String| {
            let why = "each of redirect_uris must be https, or http to a loopback address, \
                       without user name, password and fragment";
            RedirectUri::read(text).ok_or_else(|| Denied::InvalidRedirect(why.to_owned()))
        };
        let redirect_uris = self.redirect_uris.iter().map(read).collect::<Result<_, _>>()?;
        let name = self.client_name.as_deref().map(shown).unwrap_or_default();
        let name = if name.is_empty() { "a client without a name".to_owned() } else { name };
        Ok(Client { id, name, redirect_uris })
    }
}

/// A name as it may be shown: on one line, and nothing in it that is not seen.
fn shown(name: &str) -> String {
    let visible = name.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let visible = visible.filter(|c| !c.is_control() && !hides(*c));
    let name: String = visible.take(LONGEST_NAME).collect();
    name.trim().to_owned()
}

impl Client {
    /// The client in a row of the table.
    pub(super) fn of_row(row: ClientRow) -> Option<Self> {
        let texts: Vec<String> = serde_json::from_str(&row.redirect_uris_json).ok()?;
        let redirect_uris = texts.iter().map(|text| RedirectUri::read(text)).collect::<Option<_>>();
        Some(Self { id: row.id, name: row.name, redirect_uris: redirect_uris? })
    }

    /// The row of a client that registered at this time.
    pub(super) fn row(&self, created_at: &str) -> ClientRow {
        ClientRow {
            id: self.id.clone(),
            name: self.name.clone(),
            redirect_uris_json: json!(self.addresses()).to_string(),
            created_at: created_at.to_owned(),
            used_at: None,
        }
    }

    /// Where it may be sent back to, as it wrote them.
    pub fn addresses(&self) -> Vec<&str> {
        self.redirect_uris.iter().map(RedirectUri::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn registered(metadata: &Value) -> Result<Client, &'static str> {
        let read = Metadata::read(metadata.to_string().as_bytes());
        read.and_then(Metadata::registered).map_err(|denied| denied.code())
    }

    #[test]
    fn a_client_registers_with_what_can_be_used() {
        let uri = "https://chatgpt.com/cb";
        let good =
            registered(&json!({ "redirect_uris": [uri], "client_name": " Chat\u{202e}\nGPT " }));
        let good = good.unwrap();
        assert_eq!((good.name.as_str(), good.addresses()), ("Chat GPT", vec![uri]));
        assert!(matches!(ClientId::read(&good.id), Some(ClientId::Registered(_))), "{}", good.id);
        let row = good.row("2026-11-21T00:00:00.000Z");
        assert_eq!(Client::of_row(row), Some(good));
        for (metadata, code) in [
            (json!([]), "invalid_client_metadata"),
            (json!({}), "invalid_redirect_uri"),
            (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": uri }), "invalid_client_metadata"),
            (json!({ "redirect_uris": vec![uri; 11] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": [uri, "http://evil.example/"] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": [uri], "client_name": 7 }), "invalid_client_metadata"),
            (
                json!({ "redirect_uris": [uri], "grant_types": ["client_credentials"] }),
                "invalid_client_metadata",
            ),
            (
                json!({ "redirect_uris": [uri], "response_types": ["token"] }),
                "invalid_client_metadata",
            ),
        ] {
            assert_eq!(registered(&metadata), Err(code), "{metadata}");
        }
        let plain = registered(&json!({ "redirect_uris": [uri], "client_name": "\u{200b}" }));
        assert_eq!(plain.unwrap().name, "a client without a name");
        let long = json!({ "redirect_uris": [uri], "client_name": "n".repeat(5_000) });
        assert_eq!(registered(&long).unwrap().name.len(), 64);
    }

    #[test]
    fn a_document_speaks_for_its_own_address_alone() {
        let id = Url::parse("https://app.example/client.json").unwrap();
        let document = |id: &str, method: &str| {
            let metadata = json!({
                "client_id": id, "client_name": "App", "redirect_uris": ["https://app.example/cb"],
                "token_endpoint_auth_method": method,
            });
            Metadata::read(metadata.to_string().as_bytes()).unwrap()
        };
        assert_eq!(document(id.as_str(), "none").published_at(&id).unwrap().id, id.as_str());
        for (other, method) in [
            ("https://app.example/client.json?", "none"),
            ("https://APP.example/client.json", "none"),
            ("https://evil.example/client.json", "none"),
            (id.as_str(), "private_key_jwt"),
        ] {
            assert!(document(other, method).published_at(&id).is_err(), "{other} {method}");
        }
    }

    #[test]
    fn an_id_is_a_registered_one_or_an_address_written_plainly() {
        for good in ["https://app.example/client.json", "https://app.example:8443/a?v=1"] {
            assert!(matches!(ClientId::read(good), Some(ClientId::Document(_))), "{good}");
        }
        for bad in [
            "",
            "app",
            "client_ä",
            "client_a b",
            "https://app.example",
            "https://app.example/",
            "https://app.example/a/../b",
            "https://APP.example/a",
            "https://app.example:443/a",
            "https://u@app.example/a",
            "https://app.example/a#b",
            &format!("https://app.example/{}", "a".repeat(512)),
        ] {
            assert_eq!(ClientId::read(bad), None, "{bad}");
        }
    }
}
