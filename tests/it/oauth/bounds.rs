//! What strangers may ask of the authorization server, how often, and what it keeps of it.

use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::flow::{CALLBACK, KEY, READER, Server, error, posted};
use crate::harness::Home;

#[tokio::test]
async fn registering_and_guessing_cost_more_than_looking() {
    let server =
        Server::start_with(&[("MCP_RL_BUCKET", "40"), ("MCP_RL_WINDOW_MS", "600000")]).await;
    let client = server.client().await;
    let transaction = server.transaction(&client, &[]).await;
    let guess = [("transaction", transaction.as_str()), ("decision", "allow"), ("key", "guess")];
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let answer = server.answer(&guess).await;
        statuses.push(answer.status().as_u16());
        if answer.status() == 429 {
            assert!(answer.headers().contains_key("retry-after"));
        }
    }
    assert_eq!(statuses, [403, 403, 429, 429]);
    let refused = server.register(&json!({ "redirect_uris": [CALLBACK] })).await;
    assert_eq!(refused.status(), 429);
    // Who has a key is another asker.
    let keyed = server.browser.get(server.url("/api/whoami")).header("X-API-Key", KEY);
    assert_eq!(keyed.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn bodies_are_small_and_of_their_type() {
    let server = Server::start().await;
    let long = json!({ "redirect_uris": [CALLBACK], "client_name": "n".repeat(17_000) });
    assert_eq!(error(server.register(&long).await).await, (400, "invalid_request".to_owned()));
    let post = |path: &str| server.browser.post(server.url(path));
    for (name, request, status) in [
        ("JSON for a form", post("/oauth/token").json(&json!({})), 415),
        ("JSON for the page", post("/oauth/authorize").json(&json!({})), 415),
        ("a form for JSON", posted(post("/oauth/register"), &[("a", "b")]), 415),
        (
            "nothing",
            post("/oauth/token").header("content-type", "application/x-www-form-urlencoded"),
            400,
        ),
        (
            "a page of others",
            posted(post("/oauth/token"), &[("a", "b")]).header("Origin", "https://evil.example"),
            403,
        ),
        (
            "a page of others",
            post("/oauth/register").json(&json!({})).header("Origin", "https://evil.example"),
            403,
        ),
        ("the wrong method", server.browser.get(server.url("/oauth/token")), 405),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
    }
    for (metadata, word) in [
        (json!([]), "invalid_client_metadata"),
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://evil.example/"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["com.app:/cb"] }), "invalid_redirect_uri"),
    ] {
        let refused = error(server.register(&metadata).await).await;
        assert_eq!(refused, (400, word.to_owned()), "{metadata}");
    }
    let answer = server.register(&json!({ "redirect_uris": [CALLBACK], "scope": "x" })).await;
    let registered: Value = answer.json().await.unwrap();
    assert_eq!(registered["token_endpoint_auth_method"], "none");
    assert!(registered.get("client_secret").is_none());
}

#[tokio::test]
async fn no_file_and_no_log_holds_a_code_a_token_or_a_key() {
    let mut server = Server::start().await;
    let client = server.client().await;
    let code = server.code(&client, KEY, "operate").await;
    let tokens = server.tokens(&client, READER, "read").await;
    server.who(&tokens.access).await.unwrap();
    server.refresh(&client, &tokens.refresh).await;
    assert_eq!(server.daemon.terminate().await.code(), Some(0));
    let secrets = [&code, &tokens.access, &tokens.refresh, KEY, READER];
    for line in server.daemon.log() {
        for secret in secrets {
            assert!(!line.contains(secret), "{line}");
        }
    }
    let mut files = 0;
    for entry in std::fs::read_dir(server.home.path()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        files += 1;
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret is in {}", path.display());
        }
    }
    assert!(0 < files);
}

#[tokio::test]
async fn what_is_off_is_as_if_it_were_not_there() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", KEY);
    let daemon = home.start().await;
    let client = reqwest::Client::new();
    for path in ["/oauth/authorize", "/oauth/token", "/oauth/register", "/oauth/revoke"] {
        for (key, status) in [("", 401), (KEY, 404)] {
            for method in [reqwest::Method::GET, reqwest::Method::POST] {
                let request = client.request(method, format!("{}{path}", daemon.url));
                let answer = request.header("X-API-Key", key).send().await.unwrap();
                assert_eq!(answer.status(), status, "{path}");
                let challenge = answer.headers().get("www-authenticate");
                assert_eq!(
                    challenge.map(HeaderValue::as_bytes),
                    key.is_empty().then_some(&b"Bearer"[..])
                );
                assert!(answer.json::<Value>().await.unwrap().is_object(), "{path}");
            }
        }
    }
    for path in
        ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"]
    {
        let answer = client.get(format!("{}{path}", daemon.url)).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.json::<Value>().await.unwrap()["mcp_endpoint"], "/mcp");
    }
    let token = client.get(format!("{}/api/whoami", daemon.url)).bearer_auth("lma_x");
    assert_eq!(token.send().await.unwrap().status(), 401);
}
