//! M16, and A17 and A19 for tokens: what is no good token opens no method of any route.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use lukhas_mcp::http::ROUTES;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::mint::SigningKey;
use super::tokens::{KEY, Site};
use super::{BASE, of_challenge};
use crate::abuse::every_path;

/// A request to a method of a route, that would do something.
fn request(site: &Site, method: &str, path: &str, query: &str) -> RequestBuilder {
    let topic = if path == "/sse" { "topic=jobs" } else { "" };
    let url = format!("{}{path}?{topic}{query}", site.daemon.url);
    let request = Client::new().request(Method::from_bytes(method.as_bytes()).unwrap(), url);
    match (method, path) {
        ("POST", "/mcp") => request.json(&json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {
                "name": "run_eval", "arguments": { "taskId": "quick", "configId": "default" },
            },
        })),
        ("POST", "/sse/ticket" | "/v1/chat/completions") => request.json(&json!({})),
        ("POST", _) => {
            request.header("Content-Type", "application/x-www-form-urlencoded").body("a=b")
        }
        _ => request,
    }
}

/// Every method of every route that is for somebody; those of a server of our own are off here.
fn doors() -> Vec<(&'static str, &'static str)> {
    let routes = ROUTES.iter().zip(every_path());
    let closed = routes.filter(|(route, path)| {
        format!("{:?}", route.access) != "Public" || path.starts_with("/oauth/")
    });
    closed.flat_map(|(route, path)| route.allow.split(", ").map(move |one| (one, path))).collect()
}

async fn jobs(site: &Site) -> usize {
    let params = json!({ "name": "list_jobs", "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let url = format!("{}/mcp", site.daemon.url);
    let sent = Client::new().post(url).header("X-API-Key", KEY).json(&body).send().await.unwrap();
    let answer: Value = sent.json().await.unwrap();
    answer["result"]["structuredContent"]["jobs"].as_array().unwrap().len()
}

/// A token that says that it needs no signature.
fn unsigned(site: &Site) -> String {
    let good = site.token(&json!({}));
    let claims = good.split('.').nth(1).unwrap();
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    format!("{head}.{claims}.")
}

#[tokio::test]
async fn what_is_no_good_token_opens_no_method_of_any_route() {
    let site = Site::start_with(&[("LUKHAS_MCP_API_KEYS", KEY)]).await;
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let good = site.token(&json!({}));
    let forged = site.issuer.token(&SigningKey::ed25519(), "k1", &json!({}));
    let rows = [
        ("M16 no token of ours", "wrong".to_owned(), 401),
        ("M16 expired", site.token(&json!({ "exp": now - 60 })), 401),
        ("M16 not yet valid", site.token(&json!({ "nbf": now + 600 })), 401),
        ("M16 another issuer", site.token(&json!({ "iss": "https://evil.example" })), 401),
        ("M16 another audience", site.token(&json!({ "aud": "https://other.example/mcp" })), 401),
        ("M16 for the root", site.token(&json!({ "aud": BASE })), 401),
        ("M16 no audience", site.token(&json!({ "aud": null })), 401),
        ("M16 no end", site.token(&json!({ "exp": null })), 401),
        ("M16 no subject", site.token(&json!({ "sub": null })), 401),
        ("M16 forged", forged, 401),
        ("M16 unsigned", unsigned(&site), 401),
        ("M16 another scope", site.token(&json!({ "scope": "openid admin" })), 403),
    ];
    for (method, path) in doors() {
        for (name, token, status) in &rows {
            let answer = request(&site, method, path, "").bearer_auth(token).send().await.unwrap();
            assert_eq!(answer.status(), *status, "{name}: {method} {path}");
            let error = of_challenge(&answer, "error");
            let expected = if *status == 401 { "invalid_token" } else { "insufficient_scope" };
            assert_eq!(error.as_deref(), Some(expected), "{name}: {method} {path}");
        }
        let bare = |query: &str| request(&site, method, path, query);
        for (name, wrong) in [
            ("M16 in the query", bare(&format!("&access_token={good}"))),
            ("M16 as a key in the query", bare(&format!("&key={good}"))),
            ("M16 as a key", bare("").header("X-API-Key", &good)),
            ("M16 as Basic", bare("").header("Authorization", format!("Basic {good}"))),
            ("M16 beside a key", bare("").bearer_auth(&good).header("X-API-Key", KEY)),
            ("M16 nothing", bare("")),
        ] {
            let status = wrong.send().await.unwrap().status();
            assert_eq!(status, 401, "{name}: {method} {path}");
        }
    }
    assert_eq!(jobs(&site).await, 0, "nothing was done");
    for (method, path) in doors() {
        let answer = request(&site, method, path, "").bearer_auth(&good).send().await.unwrap();
        // Who can send a token in a header needs no ticket.
        let is_for_keys = path == "/sse/ticket";
        let is_let_in = ![401, 403].contains(&answer.status().as_u16());
        assert_ne!(is_let_in, is_for_keys, "{method} {path}: {answer:?}");
    }
    assert_eq!(jobs(&site).await, 1, "what is good does it");
}

#[tokio::test]
async fn a_token_for_reading_changes_nothing_by_any_method_of_any_route() {
    let site = Site::start_with(&[("LUKHAS_MCP_API_KEYS", KEY)]).await;
    let read = site.token(&json!({ "scope": "read" }));
    for (method, path) in doors() {
        let answer = request(&site, method, path, "").bearer_auth(&read).send().await.unwrap();
        let changes =
            matches!((method, path), ("POST", "/mcp" | "/sse/ticket" | "/v1/chat/completions"));
        assert_eq!(answer.status() == 403, changes, "{method} {path}: {answer:?}");
        assert_ne!(answer.status(), 401, "{method} {path}");
    }
    assert_eq!(jobs(&site).await, 0);
}

#[tokio::test]
async fn many_subjects_and_a_key_at_once_are_each_named_for_their_own() {
    let site = Site::start_with(&[("LUKHAS_MCP_API_KEYS", KEY)]).await;
    let named = async |sent: RequestBuilder| {
        let sent: Response = sent.send().await.unwrap();
        let you: Value = sent.json().await.unwrap();
        you["principal"].as_str().unwrap().to_owned()
    };
    let url = format!("{}/api/whoami", site.daemon.url);
    let key = named(Client::new().get(&url).header("X-API-Key", KEY)).await;
    assert!(key.starts_with("key:"), "A19 {key}");
    let ask = async |n: usize| {
        let (client, mut wrong) = (Client::new(), 0);
        let token = site.token(&json!({ "sub": format!("subject-{n}") }));
        for round in 0..40 {
            let (sent, expected) = if (n + round).is_multiple_of(5) {
                (client.get(&url).header("X-API-Key", KEY), key.clone())
            } else {
                (client.get(&url).bearer_auth(&token), format!("oauth:subject-{n}"))
            };
            wrong += usize::from(named(sent).await != expected);
        }
        wrong
    };
    let wrong: usize = join_all((0..50).map(ask)).await.into_iter().sum();
    assert_eq!(wrong, 0, "A19");
}
