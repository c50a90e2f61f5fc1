//! What does a client ask for when it sends somebody to consent? Pure.

use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use crate::oauth::Scope;
use crate::oauth::server::client::Client;
use crate::oauth::server::error::Denied;
use crate::oauth::server::redirect::RedirectUri;
use crate::oauth::server::secret;

/// The most parameters that are read.
const MOST: usize = 32;

/// The longest `state`, in bytes, which is sent back as it came.
const LONGEST_STATE: usize = 2_048;

/// The parameters of a query or a form, each there once.
#[derive(Debug)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads them.
    ///
    /// # Errors
    /// There are too many, or one is there twice.
    pub fn read(text: &[u8]) -> Result<Self, Denied> {
        let invalid = |why: String| Err(Denied::InvalidRequest(why));
        let mut read = Self(Vec::new());
        for (name, value) in form_urlencoded::parse(text) {
            if read.0.iter().any(|(known, _)| *known == name) {
                let shown: String = name.chars().filter(char::is_ascii_graphic).take(32).collect();
                return invalid(format!("the parameter {shown} must be there only once"));
            }
            if MOST <= read.0.len() {
                return invalid(format!("there must be at most {MOST} parameters"));
            }
            read.0.push((name.into_owned(), value.into_owned()));
        }
        Ok(read)
    }

    /// A parameter; one without a value counts as left out.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter that must be there.
    pub(super) fn needed(&self, name: &str) -> Result<&str, Denied> {
        self.get(name)
            .ok_or_else(|| Denied::InvalidRequest(format!("the parameter {name} is missing")))
    }
}

/// A request that somebody may consent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The client.
    pub client_id: String,
    /// What it calls itself.
    pub client_name: String,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) challenge: String,
    /// Whether it asks for more than reading.
    pub(super) operate: bool,
}

impl Asked {
    /// Reads a request of this client for the resource at `base`.
    ///
    /// # Errors
    /// It is not one that can be granted. Nobody is sent back then: where to is not to be trusted.
    pub(super) fn read(params: &Params, client: &Client, base: &str) -> Result<Self, Denied> {
        let redirect_uri = redirect_uri(params.get("redirect_uri"), client)?;
        if params.needed("response_type")? != "code" {
            return Err(Denied::UnsupportedResponse);
        }
        let invalid = |why: &str| Denied::InvalidRequest(why.to_owned());
        if params.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(invalid("response_mode must be query, or be left out"));
        }
        let challenge = params.needed("code_challenge")?;
        let method = params.get("code_challenge_method").unwrap_or("plain");
        if method != "S256" || !secret::is_challenge(challenge) {
            return Err(invalid(
                "code_challenge_method must be S256, and code_challenge the SHA-256 of the \
                 verifier in base64url without padding",
            ));
        }
        let state = params.get("state").map(str::to_owned);
        if state.as_ref().is_some_and(|state| LONGEST_STATE < state.len()) {
            return Err(invalid("state must have at most 2048 bytes"));
        }
        let scope = match params.get("scope") {
            None => Scope::Operate,
            Some(list) => Scope::broadest(list).ok_or(Denied::InvalidScope)?,
        };
        check_resource(params, base)?;
        Ok(Self {
            client_id: client.id.clone(),
            client_name: client.name.clone(),
            redirect_uri: redirect_uri.as_str().to_owned(),
            state,
            challenge: challenge.to_owned(),
            operate: scope == Scope::Operate,
        })
    }

    /// The most that it asks for.
    pub fn scope(&self) -> Scope {
        if self.operate { Scope::Operate } else { Scope::Read }
    }

    /// Where the answer goes; read before, so that it can be read again.
    pub fn redirect_uri(&self) -> Option<RedirectUri> {
        RedirectUri::read(&self.redirect_uri)
    }
}

fn redirect_uri(asked: Option<&str>, client: &Client) -> Result<RedirectUri, Denied> {
    let invalid = |why: &str| Denied::InvalidRequest(why.to_owned());
    let Some(asked) = asked else {
        return match client.redirect_uris.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(invalid("the parameter redirect_uri is missing")),
        };
    };
    let why = "redirect_uri must be one that the client has registered";
    let asked = RedirectUri::read(asked).ok_or_else(|| invalid(why))?;
    let is_registered = client.redirect_uris.iter().any(|named| named.permits(&asked));
    if is_registered { Ok(asked) } else { Err(invalid(why)) }
}

/// Refuses a request for a token that is for somebody else. The endpoint is the resource; clients
/// that know the host alone name that.
pub(super) fn check_resource(params: &Params, base: &str) -> Result<(), Denied> {
    let Some(asked) = params.get("resource") else { return Ok(()) };
    let resource = format!("{base}/mcp");
    let plain = |text: &str| {
        let url = Url::parse(text).ok().filter(|url| url.fragment().is_none())?;
        Some(url.as_str().trim_end_matches('/').to_owned())
    };
    let is_ours = plain(asked).is_some_and(|asked| {
        [&resource, base].into_iter().any(|ours| plain(ours) == Some(asked.clone()))
    });
    if is_ours { Ok(()) } else { Err(Denied::InvalidTarget(resource)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://mcp.example";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn client(uris: &[&str]) -> Client {
        let redirect_uris = uris.iter().map(|uri| RedirectUri::read(uri).unwrap()).collect();
        Client { id: "client_a".to_owned(), name: "A".to_owned(), redirect_uris }
    }

    fn asked(changes: &[(&str, &str)]) -> Result<Asked, &'static str> {
        let mut params = vec![
            ("client_id", "client_a"),
            ("response_type", "code"),
            ("redirect_uri", "https://a.example/cb"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "s&1"),
            ("scope", "read operate"),
            ("resource", "https://mcp.example/mcp"),
        ];
        for (name, value) in changes {
            params.retain(|(known, _)| known != name);
            params.push((name, value));
        }
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let params = Params::read(text.as_bytes()).unwrap();
        let client = client(&["https://a.example/cb", "http://127.0.0.1/cb"]);
        Asked::read(&params, &client, BASE).map_err(|denied| denied.code())
    }

    #[test]
    fn a_request_is_read_whole() {
        let good = asked(&[]).unwrap();
        assert_eq!(good.state.as_deref(), Some("s&1"));
        assert_eq!(good.scope(), Scope::Operate);
        assert_eq!(good.redirect_uri().unwrap().host(), "a.example");
        for (changes, scope) in [
            ([("scope", "")], Scope::Operate),
            ([("scope", "openid read")], Scope::Read),
            ([("resource", "")], Scope::Operate),
            ([("resource", "https://mcp.example")], Scope::Operate),
            ([("resource", "https://mcp.example/")], Scope::Operate),
            ([("resource", "HTTPS://MCP.example/mcp/")], Scope::Operate),
            ([("redirect_uri", "http://127.0.0.1:4711/cb")], Scope::Operate),
            ([("response_mode", "query")], Scope::Operate),
        ] {
            assert_eq!(asked(&changes).map(|asked| asked.scope()), Ok(scope), "{changes:?}");
        }
    }

    #[test]
    fn what_cannot_be_granted_is_refused_by_its_word() {
        let long = "s".repeat(2_049);
        for (changes, code) in [
            ([("response_type", "")], "invalid_request"),
            ([("response_type", "token")], "unsupported_response_type"),
            ([("response_type", "code token")], "unsupported_response_type"),
            ([("response_mode", "fragment")], "invalid_request"),
            ([("redirect_uri", "")], "invalid_request"),
            ([("redirect_uri", "https://a.example/cb/")], "invalid_request"),
            ([("redirect_uri", "https://evil.example/cb")], "invalid_request"),
            ([("redirect_uri", "javascript:alert(1)")], "invalid_request"),
            ([("code_challenge", "")], "invalid_request"),
            ([("code_challenge", "short")], "invalid_request"),
            ([("code_challenge_method", "")], "invalid_request"),
            ([("code_challenge_method", "plain")], "invalid_request"),
            ([("code_challenge_method", "s256")], "invalid_request"),
            ([("state", long.as_str())], "invalid_request"),
            ([("scope", "openid")], "invalid_scope"),
            ([("scope", "admin")], "invalid_scope"),
            ([("resource", "https://other.example/mcp")], "invalid_target"),
            ([("resource", "https://mcp.example/other")], "invalid_target"),
            ([("resource", "https://mcp.example/mcp#x")], "invalid_target"),
            ([("resource", "mcp")], "invalid_target"),
        ] {
            assert_eq!(asked(&changes).map(drop), Err(code), "{changes:?}");
        }
    }

    #[test]
    fn parameters_are_there_once_and_are_not_many() {
        assert!(Params::read(b"a=1&b=2&c=").unwrap().get("c").is_none());
        let many: Vec<String> = (0..33).map(|n| format!("p{n}=")).collect();
        let many = many.join("&");
        for bad in ["a=1&a=1", "a=1&%61=2", &many] {
            let denied = Params::read(bad.as_bytes()).unwrap_err();
            assert_eq!(denied.code(), "invalid_request", "{bad}");
        }
    }

    #[test]
    fn who_named_one_address_need_not_name_it_again() {
        let text = format!(
            "client_id=client_a&response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256"
        );
        let params = Params::read(text.as_bytes()).unwrap();
        let asked = Asked::read(&params, &client(&["https://a.example/cb"]), BASE).unwrap();
        assert_eq!(asked.redirect_uri, "https://a.example/cb");
    }
}
