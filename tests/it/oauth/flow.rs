//! What a real client does with the daemon's own authorization server, step by step.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;

use super::BASE;
use crate::database::Database;
use crate::harness::{Daemon, Home};

/// Keys that nothing else looks like.
pub const KEY: &str = "consent-key-5b1c90e7";
pub const READER: &str = "consent-reader-77aa01";

pub const CALLBACK: &str = "http://127.0.0.1:9/callback";
pub const VERIFIER: &str = "a-verifier-that-is-at-least-43-characters-long.~_";

/// A daemon that gives out tokens, and a browser that goes where it is sent only when it is told.
pub struct Server {
    pub home: Home,
    pub daemon: Daemon,
    pub browser: Client,
}

fn challenge() -> String {
    BASE64URL.encode(Sha256::digest(VERIFIER))
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let mut home = Home::new()
            .with("LUKHAS_MCP_OAUTH_BUILT_IN", "true")
            .with("LUKHAS_MCP_API_KEYS", KEY)
            .with("LUKHAS_MCP_READ_API_KEYS", READER)
            .with("MCP_PUBLIC_BASE_URL", BASE);
        for (name, value) in settings {
            home = home.with(name, value);
        }
        let daemon = home.start().await;
        let browser = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { home, daemon, browser }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.daemon.url)
    }

    pub async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Response {
        posted(self.browser.post(self.url(path)), form).send().await.unwrap()
    }

    pub async fn register(&self, metadata: &Value) -> Response {
        self.browser.post(self.url("/oauth/register")).json(metadata).send().await.unwrap()
    }

    /// Registers a client and returns its id.
    pub async fn client(&self) -> String {
        let metadata = json!({ "client_name": "Test client", "redirect_uris": [CALLBACK] });
        let answer = self.register(&metadata).await;
        assert_eq!(answer.status(), 201);
        answer.json::<Value>().await.unwrap()["client_id"].as_str().unwrap().to_owned()
    }

    /// The same server after a kill, with a setting changed.
    pub async fn restarted_with(self, name: &str, value: &str) -> Self {
        let Self { home, daemon, browser } = self;
        daemon.kill();
        let home = home.with(name, value);
        let daemon = home.start().await;
        Self { home, daemon, browser }
    }

    /// The address that a client sends its user to.
    pub fn authorize_url(&self, client_id: &str, changes: &[(&str, &str)]) -> Url {
        let (challenge, resource) = (challenge(), format!("{BASE}/mcp"));
        let mut params = vec![
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", CALLBACK),
            ("state", "st&te=1"),
            ("scope", "read operate"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", &resource),
        ];
        for (name, value) in changes {
            params.retain(|(known, _)| known != name);
            params.push((name, value));
        }
        Url::parse_with_params(&self.url("/oauth/authorize"), params).unwrap()
    }

    /// Opens the page, as a link from another site does.
    pub async fn page(&self, url: Url) -> Response {
        let request = self.browser.get(url);
        let request = request.header("Sec-Fetch-Site", "cross-site");
        request.header("Sec-Fetch-Mode", "navigate").send().await.unwrap()
    }

    /// The hidden field of a page.
    pub async fn transaction(&self, client_id: &str, changes: &[(&str, &str)]) -> String {
        let page = self.page(self.authorize_url(client_id, changes)).await;
        assert_eq!(page.status(), 200, "{}", page.text().await.unwrap());
        field(&page.text().await.unwrap())
    }

    /// Sends the form as the page's own browser does.
    pub async fn answer(&self, form: &[(&str, &str)]) -> Response {
        let request = self.browser.post(self.url("/oauth/authorize"));
        let request = request.header("Origin", BASE).header("Sec-Fetch-Site", "same-origin");
        posted(request, form).send().await.unwrap()
    }

    /// Consents with a key, and returns the code.
    pub async fn code(&self, client_id: &str, key: &str, scope: &str) -> String {
        let transaction = self.transaction(client_id, &[]).await;
        let form = [
            ("transaction", transaction.as_str()),
            ("decision", "allow"),
            ("scope", scope),
            ("key", key),
        ];
        let answer = self.answer(&form).await;
        assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
        told(&answer, "code").unwrap()
    }

    pub async fn exchange(&self, client_id: &str, code: &str) -> Response {
        let resource = format!("{BASE}/mcp");
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("resource", &resource),
        ];
        self.post_form("/oauth/token", &form).await
    }

    /// The whole way to tokens.
    pub async fn tokens(&self, client_id: &str, key: &str, scope: &str) -> Tokens {
        let code = self.code(client_id, key, scope).await;
        Tokens::of(self.exchange(client_id, &code).await).await
    }

    pub async fn refresh(&self, client_id: &str, token: &str) -> Response {
        let form =
            [("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", token)];
        self.post_form("/oauth/token", &form).await
    }

    /// The actions of OAuth in the audit chain, in their order.
    pub fn actions(&self) -> Vec<String> {
        let sql = "SELECT action AS text FROM audits WHERE action LIKE 'oauth%' ORDER BY id";
        Database::open(&self.home.db()).texts(sql)
    }

    /// Who somebody is that presents this token: principal and role; or the status.
    pub async fn who(&self, token: &str) -> Result<(String, String), u16> {
        let request = self.browser.get(self.url("/api/whoami")).bearer_auth(token);
        let answer = request.send().await.unwrap();
        if !answer.status().is_success() {
            return Err(answer.status().as_u16());
        }
        let you: Value = answer.json().await.unwrap();
        let text = |name: &str| you[name].as_str().unwrap().to_owned();
        Ok((text("principal"), text("role")))
    }
}

/// A request with a form.
pub fn posted(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
}

/// What the token endpoint gave out.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub whole: Value,
}

impl Tokens {
    pub async fn of(answer: Response) -> Self {
        let status = answer.status();
        let whole: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{whole}");
        let text = |name: &str| whole[name].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), whole }
    }
}

/// What an answer tells the client it leads to.
pub fn told(answer: &Response, name: &str) -> Option<String> {
    let to = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert!(to.as_str().starts_with(CALLBACK), "{to}");
    to.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The error of an answer, by its word.
pub async fn error(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert!(body["error_description"].is_string(), "{body}");
    (status, body["error"].as_str().unwrap().to_owned())
}

pub fn field(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"transaction\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}
