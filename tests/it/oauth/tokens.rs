//! Tokens of an issuer elsewhere: who is let in, as whom, and what the others are told.

use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::issuer::TestIssuer;
use super::mint::SigningKey;
use super::{BASE, of_challenge};
use crate::fault_server::Fault;
use crate::harness::{Daemon, Home};

pub const KEY: &str = "a-key-beside-the-tokens";

pub struct Site {
    pub issuer: TestIssuer,
    pub key: SigningKey,
    home: Home,
    pub daemon: Daemon,
}

impl Site {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let issuer = TestIssuer::start().await;
        let key = SigningKey::ed25519();
        issuer.publishes(&[(&key, "k1")]);
        let mut home = Home::new()
            .with("LUKHAS_MCP_OAUTH_ISSUER", &issuer.url)
            .with("MCP_PUBLIC_BASE_URL", BASE);
        for (name, value) in settings {
            home = home.with(name, value);
        }
        let daemon = home.start().await;
        Self { issuer, key, home, daemon }
    }

    pub fn token(&self, changes: &Value) -> String {
        self.issuer.token(&self.key, "k1", changes)
    }

    async fn send(&self, token: &str, body: &Value) -> Response {
        let request = Client::new().post(format!("{}/mcp", self.daemon.url)).bearer_auth(token);
        request.json(body).send().await.unwrap()
    }

    async fn status(&self, token: &str) -> u16 {
        self.send(token, &ping()).await.status().as_u16()
    }
}

fn ping() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })
}

fn call(tool: &str, arguments: &Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
}

#[tokio::test]
async fn who_has_no_token_is_told_where_to_get_one() {
    let site = Site::start_with(&[("LUKHAS_MCP_API_KEYS", KEY)]).await;
    let url = &site.daemon.url;
    let answer = Client::new().post(format!("{url}/mcp")).json(&ping()).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(of_challenge(&answer, "scope").as_deref(), Some("read operate"));
    assert_eq!(of_challenge(&answer, "error"), None);
    let place = of_challenge(&answer, "resource_metadata").unwrap();
    assert_eq!(place, format!("{BASE}/.well-known/oauth-protected-resource/mcp"));
    for place in
        ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]
    {
        let told: Value =
            reqwest::get(format!("{url}{place}")).await.unwrap().json().await.unwrap();
        assert_eq!(
            told,
            json!({
                "resource": format!("{BASE}/mcp"),
                "authorization_servers": [site.issuer.url],
                "scopes_supported": ["read", "operate"],
                "bearer_methods_supported": ["header"],
                "resource_name": "lukhas-mcp",
            })
        );
    }
    // Of the daemon's own server, there is nothing: it is off.
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let answer = site.daemon.get(path).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.json::<Value>().await.unwrap()["error"].is_string(), "{path}");
    }
    let keyed = Client::new().post(format!("{url}/mcp")).header("X-API-Key", KEY).json(&ping());
    assert_eq!(keyed.send().await.unwrap().status(), 200, "keys go on as before");
    assert_eq!(site.status(KEY).await, 200, "in the other header as well");
}

#[tokio::test]
async fn a_good_token_is_its_subject_and_its_scopes_are_the_role() {
    let site = Site::start().await;
    for (changes, principal, role) in [
        (json!({}), "oauth:ops@example.org", "operate"),
        (json!({ "scope": "openid read" }), "oauth:ops@example.org", "read"),
        (json!({ "scope": null, "scp": ["operate"] }), "oauth:ops@example.org", "operate"),
        (json!({ "sub": "auth0|5f7c" }), "oauth:auth0|5f7c", "operate"),
    ] {
        let token = site.token(&changes);
        let request = Client::new().get(format!("{}/api/whoami", site.daemon.url));
        let you: Value = request.bearer_auth(token).send().await.unwrap().json().await.unwrap();
        assert_eq!((&you["principal"], &you["role"]), (&json!(principal), &json!(role)), "{you}");
        assert_eq!(you["open"], false);
    }
    let job = json!({ "taskId": "quick", "configId": "default" });
    let answer: Value =
        site.send(&site.token(&json!({})), &call("run_eval", &job)).await.json().await.unwrap();
    let job = &answer["result"]["structuredContent"]["jobId"];
    let story: Value = site
        .send(&site.token(&json!({ "scope": "read" })), &call("why", &json!({ "id": job })))
        .await
        .json()
        .await
        .unwrap();
    assert!(story.to_string().contains("oauth:ops@example.org"), "{story}");
}

#[tokio::test]
async fn a_token_that_is_not_good_is_told_why_and_lets_nobody_in() {
    let site = Site::start_with(&[("LUKHAS_MCP_API_KEYS", KEY)]).await;
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (forger, base) = (SigningKey::ed25519(), &site.daemon.url);
    let expired = site.token(&json!({ "exp": now - 60 }));
    for (name, token, why) in [
        ("a wrong key", "wrong".to_owned(), "not a signed JSON web token"),
        ("nothing in it", "..".to_owned(), "not a signed JSON web token"),
        ("forged", site.issuer.token(&forger, "k1", &json!({})), "signature"),
        ("unknown key", site.issuer.token(&forger, "k2", &json!({})), "does not publish"),
        ("expired", expired.clone(), "expired"),
        ("too early", site.token(&json!({ "nbf": now + 600 })), "not valid yet"),
        ("another issuer", site.token(&json!({ "iss": "https://evil.example" })), "issuer"),
        ("another audience", site.token(&json!({ "aud": "https://other.example" })), "audience"),
        ("for our root", site.token(&json!({ "aud": BASE })), "audience"),
    ] {
        let answer = site.send(&token, &ping()).await;
        assert_eq!(answer.status(), 401, "{name}");
        assert_eq!(of_challenge(&answer, "error").as_deref(), Some("invalid_token"), "{name}");
        let said = of_challenge(&answer, "error_description").unwrap();
        assert!(said.contains(why), "{name}: {said}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], -32000, "{name}");
    }
    let (good, client) = (site.token(&json!({})), Client::new());
    for (name, request) in [
        ("in the query", client.get(format!("{base}/api/whoami?access_token={good}"))),
        ("as a key in the query", client.get(format!("{base}/sse?topic=jobs&key={good}"))),
        ("as a key", client.get(format!("{base}/api/whoami")).header("X-API-Key", &good)),
        (
            "beside a key",
            client.get(format!("{base}/api/whoami")).header("X-API-Key", KEY).bearer_auth(&good),
        ),
        (
            "as Basic",
            client
                .get(format!("{base}/api/whoami"))
                .header("Authorization", format!("Basic {good}")),
        ),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 401, "{name}");
    }
    assert_eq!(site.status(&good).await, 200);
    for line in site.daemon.log() {
        for token in [&good, &expired] {
            let signature = token.rsplit('.').next().unwrap();
            assert!(!line.contains(signature), "a token is in the log: {line}");
        }
    }
}

#[tokio::test]
async fn too_narrow_a_token_is_told_which_scopes_are_needed_and_does_nothing() {
    let site = Site::start().await;
    let read = site.token(&json!({ "scope": "read" }));
    let eval = call("run_eval", &json!({ "taskId": "quick", "configId": "default" }));
    for body in [eval.clone(), json!([ping(), eval])] {
        let answer = site.send(&read, &body).await;
        assert_eq!(answer.status(), 403, "{body}");
        assert_eq!(of_challenge(&answer, "error").as_deref(), Some("insufficient_scope"));
        assert_eq!(of_challenge(&answer, "scope").as_deref(), Some("read operate"));
        assert!(of_challenge(&answer, "resource_metadata").is_some());
    }
    let jobs: Value = site.send(&read, &call("list_jobs", &json!({}))).await.json().await.unwrap();
    assert_eq!(jobs["result"]["structuredContent"]["jobs"], json!([]));
    for scope in [json!(null), json!(""), json!("openid email")] {
        let answer = site.send(&site.token(&json!({ "scope": scope })), &ping()).await;
        assert_eq!(answer.status(), 403, "{scope}");
        assert_eq!(of_challenge(&answer, "error").as_deref(), Some("insufficient_scope"));
        assert_eq!(of_challenge(&answer, "scope").as_deref(), Some("read"));
    }
    let ticket = Client::new().post(format!("{}/sse/ticket", site.daemon.url)).bearer_auth(&read);
    assert_eq!(ticket.json(&json!({})).send().await.unwrap().status(), 403);
    let stream =
        Client::new().get(format!("{}/sse?topic=jobs", site.daemon.url)).bearer_auth(&read);
    assert_eq!(stream.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_issuer_that_fails_lets_nobody_in_and_is_asked_once() {
    for (name, fault) in [
        ("an error", Fault::answer("500 Internal Server Error", "text/plain", "no")),
        ("no set of keys", Fault::json("{}")),
        ("an empty set", Fault::json(r#"{"keys":[]}"#)),
        ("half an answer", Fault::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_vec())),
        ("a huge answer", Fault::Endless(b"{\"keys\":[                                ")),
        ("a way elsewhere", Fault::redirect("302 Found", "http://127.0.0.1:1/keys")),
        ("no HTTP", Fault::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec())),
    ] {
        let site = Site::start().await;
        site.issuer.fails_with(fault);
        for _ in 0..5 {
            let answer = site.send(&site.token(&json!({})), &ping()).await;
            assert_eq!(answer.status(), 503, "{name}");
            let wait: u32 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=10).contains(&wait), "{name}: {wait}");
        }
        let keys = site.issuer.asked().iter().filter(|path| path.ends_with("/keys")).count();
        assert_eq!(keys, 1, "{name}");
    }
}

#[tokio::test]
async fn an_issuer_that_says_nothing_holds_up_its_own_tokens_and_nobody_else() {
    let site = Site::start_with(&[("LUKHAS_MCP_API_KEYS", KEY)]).await;
    site.issuer.fails_with(Fault::Silence);
    let (token, began) = (site.token(&json!({})), tokio::time::Instant::now());
    let (judged, keyed) = tokio::join!(site.status(&token), async {
        let status = site.status(KEY).await;
        (status, began.elapsed())
    });
    assert_eq!((judged, keyed.0), (503, 200));
    assert!(keyed.1.as_secs() < 5, "{keyed:?}");
    assert!(began.elapsed().as_secs() < 15);
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_fetched_when_a_token_names_it() {
    let site = Site::start().await;
    assert_eq!(site.status(&site.token(&json!({}))).await, 200);
    let (new, another) = (SigningKey::rsa(), SigningKey::p256());
    site.issuer.publishes(&[(&new, "k2"), (&another, "k3")]);
    let token = site.issuer.token(&new, "k2", &json!({}));
    assert_eq!(site.status(&token).await, 401, "the issuer was asked a moment ago");
    tokio::time::sleep(std::time::Duration::from_millis(10_100)).await;
    assert_eq!(site.status(&token).await, 200);
    assert_eq!(site.status(&site.issuer.token(&another, "k3", &json!({}))).await, 200);
    assert_eq!(site.status(&site.token(&json!({}))).await, 401, "the old one was withdrawn");
}

#[tokio::test]
async fn openid_metadata_and_a_place_of_the_keys_serve_as_well() {
    let site = Site::start_with(&[("LUKHAS_MCP_OAUTH_AUDIENCE", "urn:lukhas")]).await;
    site.issuer.is_openid();
    assert_eq!(site.status(&site.token(&json!({}))).await, 401, "it is for another audience");
    assert_eq!(site.status(&site.token(&json!({ "aud": ["urn:lukhas"] }))).await, 200);
    let place = format!("{}/keys", site.issuer.url);
    let Site { issuer, key, home, daemon } = site;
    daemon.kill();
    let asked = issuer.asked().len();
    let home = home.with("LUKHAS_MCP_OAUTH_JWKS_URI", &place);
    let daemon = home.start().await;
    let site = Site { issuer, key, home, daemon };
    assert_eq!(site.status(&site.token(&json!({ "aud": ["urn:lukhas"] }))).await, 200);
    assert_eq!(site.issuer.asked()[asked..], ["/realms/ops/keys"]);
}
