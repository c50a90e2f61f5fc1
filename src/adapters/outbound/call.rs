//! What is asked of a server: a method, a place below its address, headers and a body.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use url::Url;
use url::form_urlencoded::Serializer;

use super::error::OutboundError;

/// How long an answer may take when a call does not say.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many bytes of an answer are read when a call does not say.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// How a server shall know who calls.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// It need not.
    #[default]
    None,
    /// By a token, as `Authorization: Bearer`.
    Bearer(SecretString),
    /// By a name and a password, as `Authorization: Basic`.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: SecretString,
    },
}

impl Credentials {
    /// The header that says it; `None` also when it cannot be a header.
    pub(super) fn header(&self) -> Option<Result<(HeaderName, HeaderValue), ()>> {
        let text = match self {
            Self::None => return None,
            Self::Bearer(token) => format!("Bearer {}", token.expose_secret()),
            Self::Basic { user, password } => {
                let pair = format!("{user}:{}", password.expose_secret());
                format!("Basic {}", BASE64.encode(pair))
            }
        };
        Some(secret_value(&text).map(|value| (AUTHORIZATION, value)))
    }
}

/// One call, as it is put together.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) method: reqwest::Method,
    place: Place,
    query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, HeaderText)>,
    pub(super) body: Option<Bytes>,
    pub(super) timeout: Duration,
    pub(super) longest_answer: usize,
}

#[derive(Debug, Clone)]
enum Place {
    /// Segments of a path below the configured address; none is the address itself.
    Below(Vec<String>),
    /// A whole URL, which must be of the same origin.
    Url(Url),
}

#[derive(Debug, Clone)]
pub(super) enum HeaderText {
    Plain(String),
    Secret(SecretString),
}

impl Call {
    fn new(method: reqwest::Method, segments: &[&str]) -> Self {
        let segments = segments.iter().map(|segment| (*segment).to_owned()).collect();
        Self {
            method,
            place: Place::Below(segments),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            timeout: TIMEOUT,
            longest_answer: LONGEST_ANSWER,
        }
    }

    /// Reads what is below the configured address. Segments may hold anything; a slash in one does
    /// not part it.
    pub fn get(segments: &[&str]) -> Self {
        Self::new(reqwest::Method::GET, segments)
    }

    /// Posts to what is below the configured address.
    pub fn post(segments: &[&str]) -> Self {
        Self::new(reqwest::Method::POST, segments)
    }

    /// Puts to what is below the configured address.
    pub fn put(segments: &[&str]) -> Self {
        Self::new(reqwest::Method::PUT, segments)
    }

    /// Deletes what is below the configured address.
    pub fn delete(segments: &[&str]) -> Self {
        Self::new(reqwest::Method::DELETE, segments)
    }

    /// Reads a URL, which must have the origin of the configured address.
    pub fn get_url(url: Url) -> Self {
        Self { place: Place::Url(url), ..Self::get(&[]) }
    }

    /// Adds a pair to the query of the URL.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), HeaderText::Plain(value.to_owned())));
        self
    }

    /// Adds a header that nobody may read.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: SecretString) -> Self {
        self.headers.push((name.to_owned(), HeaderText::Secret(value)));
        self
    }

    /// Sends bytes as they are, which their sender may have signed.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        let mut call = self.header(CONTENT_TYPE.as_str(), content_type);
        call.body = Some(body.into());
        call
    }

    /// Sends a value as JSON.
    ///
    /// # Errors
    /// The value cannot be JSON, such as a map whose keys are no strings.
    pub fn json(self, value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(self.body("application/json", serde_json::to_vec(value)?))
    }

    /// Sends pairs as a form.
    #[must_use]
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let text = Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body("application/x-www-form-urlencoded", text)
    }

    /// Allows so much time from the call to the end of the answer, connecting included.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Reads so many bytes of an answer; a longer one is an error.
    #[must_use]
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.longest_answer = bytes;
        self
    }

    /// Where it goes.
    ///
    /// # Errors
    /// It would leave the origin of `base`, or not stay below it.
    pub(super) fn url(&self, server: &'static str, base: &Url) -> Result<Url, OutboundError> {
        let astray = || OutboundError::Astray { server };
        let mut url = match &self.place {
            Place::Url(url) => url.clone(),
            Place::Below(segments) => {
                let mut url = base.clone();
                // A browser would read these as ways up or as nothing.
                if segments.iter().any(|part| matches!(part.as_str(), "" | "." | "..")) {
                    return Err(astray());
                }
                if !segments.is_empty() {
                    let mut path = url.path_segments_mut().map_err(|()| astray())?;
                    path.pop_if_empty().extend(segments);
                }
                url
            }
        };
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let stays =
            url.origin() == base.origin() && url.username().is_empty() && url.password().is_none();
        if stays { Ok(url) } else { Err(astray()) }
    }
}

/// A header's value that no log shows.
pub(in crate::adapters) fn secret_value(text: &str) -> Result<HeaderValue, ()> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(call: &Call, base: &str) -> Result<String, OutboundError> {
        call.url("the server", &Url::parse(base).unwrap()).map(String::from)
    }

    #[test]
    fn segments_stay_below_the_address() {
        let call = Call::get(&["api", "a/b", "ü?#"]).query("q", "a&b=c d");
        let expected = "https://host/base/api/a%2Fb/%C3%BC%3F%23?q=a%26b%3Dc+d";
        assert_eq!(url(&call, "https://host/base/").unwrap(), expected);
        assert_eq!(url(&call, "https://host/base").unwrap(), expected);
        for segment in ["", ".", ".."] {
            assert!(url(&Call::get(&["api", segment]), "https://host").is_err());
        }
    }

    #[test]
    fn the_address_itself_keeps_its_query() {
        assert_eq!(url(&Call::post(&[]), "https://host/a?b=c").unwrap(), "https://host/a?b=c");
    }

    #[test]
    fn another_origin_is_refused() {
        let base = "https://host/";
        for other in ["http://host/", "https://host:8443/", "https://host2/", "https://u:p@host/"] {
            assert!(url(&Call::get_url(Url::parse(other).unwrap()), base).is_err(), "{other}");
        }
        let same = Url::parse("https://host:443/x").unwrap();
        assert_eq!(url(&Call::get_url(same), base).unwrap(), "https://host/x");
    }

    #[test]
    fn credentials_are_headers_that_no_log_shows() {
        let password = SecretString::from("pass word");
        let basic = Credentials::Basic { user: "me".to_owned(), password };
        let (_, value) = basic.header().unwrap().unwrap();
        assert_eq!(value.to_str().unwrap(), "Basic bWU6cGFzcyB3b3Jk");
        assert!(value.is_sensitive());
        assert!(!format!("{basic:?}").contains("pass word"));
        let broken = Credentials::Bearer(SecretString::from("a\nb"));
        assert!(broken.header().unwrap().is_err());
    }
}
