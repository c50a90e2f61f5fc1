//! The daemon's own authorization server: register, consent, call, refresh, and every way in which
//! that goes wrong.

use serde_json::{Value, json};

use super::BASE;
use super::flow::{CALLBACK, KEY, READER, Server, Tokens, VERIFIER, error, field, posted, told};

#[tokio::test]
async fn a_client_finds_its_way_from_a_refusal_to_a_call() {
    let server = Server::start().await;
    let refused = server.browser.post(server.url("/mcp")).json(&json!({})).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let place = super::of_challenge(&refused, "resource_metadata").unwrap();
    let place = server.url(place.strip_prefix(BASE).unwrap());
    let resource: Value = reqwest::get(place).await.unwrap().json().await.unwrap();
    assert_eq!(resource["authorization_servers"], json!([BASE]));
    for path in
        ["/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/mcp"]
    {
        let metadata: Value = reqwest::get(server.url(path)).await.unwrap().json().await.unwrap();
        assert_eq!(metadata["issuer"], BASE, "{path}");
        assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
        assert_eq!(metadata["client_id_metadata_document_supported"], true);
        for (name, path) in [
            ("authorization_endpoint", "/oauth/authorize"),
            ("token_endpoint", "/oauth/token"),
            ("registration_endpoint", "/oauth/register"),
            ("revocation_endpoint", "/oauth/revoke"),
        ] {
            assert_eq!(metadata[name], format!("{BASE}{path}"), "{name}");
        }
    }

    let client = server.client().await;
    let transaction = server.transaction(&client, &[]).await;
    let form = [
        ("transaction", transaction.as_str()),
        ("decision", "allow"),
        ("scope", "operate"),
        ("key", KEY),
    ];
    let answer = server.answer(&form).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(told(&answer, "state").as_deref(), Some("st&te=1"));
    assert_eq!(told(&answer, "iss").as_deref(), Some(BASE));
    let code = told(&answer, "code").unwrap();
    let first = Tokens::of(server.exchange(&client, &code).await).await;
    assert_eq!(first.whole["token_type"], "Bearer");
    assert_eq!(first.whole["expires_in"], 3_600);
    assert_eq!(first.whole["scope"], "read operate");
    let (principal, role) = server.who(&first.access).await.unwrap();
    assert!(principal.starts_with("oauth:") && principal.ends_with("/loopback"), "{principal}");
    assert_eq!(role, "operate");

    let second = Tokens::of(server.refresh(&client, &first.refresh).await).await;
    assert_eq!(server.who(&second.access).await.unwrap().0, principal);
    assert!(server.who(&first.access).await.is_ok(), "it is good for an hour");
    // Somebody has the refresh token that was replaced: all ends.
    let again = error(server.refresh(&client, &first.refresh).await).await;
    assert_eq!(again, (400, "invalid_grant".to_owned()));
    for token in [&first.access, &second.access] {
        assert_eq!(server.who(token).await, Err(401));
    }
    let late = error(server.refresh(&client, &second.refresh).await).await;
    assert_eq!(late, (400, "invalid_grant".to_owned()));
    assert_eq!(server.actions(), &["oauth_consent", "oauth_reuse"]);
}

#[tokio::test]
async fn a_code_is_good_once_for_one_client_one_address_and_one_verifier() {
    let server = Server::start().await;
    let (client, other) = (server.client().await, server.client().await);
    let code = server.code(&client, KEY, "read").await;
    let resource = format!("{BASE}/mcp");
    let form = |changes: &[(&'static str, &'static str)]| {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", client.clone()),
            ("code", code.clone()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
            ("resource", resource.clone()),
        ];
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push((name, (*value).to_owned()));
        }
        form
    };
    for (name, form, word) in [
        ("no grant_type", form(&[("grant_type", "")]), "invalid_request"),
        ("a password", form(&[("grant_type", "password")]), "unsupported_grant_type"),
        ("no client", form(&[("client_id", "")]), "invalid_request"),
        ("an unknown client", form(&[("client_id", "client_x")]), "invalid_grant"),
        ("no code", form(&[("code", "")]), "invalid_request"),
        ("another code", form(&[("code", "lmc_x")]), "invalid_grant"),
        ("no verifier", form(&[("code_verifier", "")]), "invalid_request"),
        (
            "another verifier",
            form(&[("code_verifier", "another-verifier-of-at-least-43-characters-ok")]),
            "invalid_grant",
        ),
        ("another address", form(&[("redirect_uri", "http://127.0.0.1:9/other")]), "invalid_grant"),
        (
            "another port",
            form(&[("redirect_uri", "http://127.0.0.1:10/callback")]),
            "invalid_grant",
        ),
        ("another resource", form(&[("resource", "https://other.example")]), "invalid_target"),
    ] {
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refused = error(server.post_form("/oauth/token", &form).await).await;
        assert_eq!(refused, (400, word.to_owned()), "{name}");
    }
    let stolen = error(server.exchange(&other, &code).await).await;
    assert_eq!(stolen.1, "invalid_grant", "it is another client's");
    let tokens = Tokens::of(server.exchange(&client, &code).await).await;
    assert!(server.who(&tokens.access).await.is_ok());
    let again = error(server.exchange(&client, &code).await).await;
    assert_eq!(again, (400, "invalid_grant".to_owned()));
    assert_eq!(server.who(&tokens.access).await, Err(401), "what came of it is over");
    assert_eq!(error(server.refresh(&client, &tokens.refresh).await).await.1, "invalid_grant");
}

#[tokio::test]
async fn a_token_allows_no_more_than_the_key_and_what_was_chosen() {
    let server = Server::start().await;
    let client = server.client().await;
    for (key, chosen, role) in
        [(KEY, "operate", "operate"), (KEY, "read", "read"), (READER, "operate", "read")]
    {
        let tokens = server.tokens(&client, key, chosen).await;
        assert_eq!(server.who(&tokens.access).await.unwrap().1, role, "{chosen}");
        let eval = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "run_eval", "arguments": { "taskId": "quick", "configId": "default" } },
        });
        let request = server.browser.post(server.url("/mcp")).bearer_auth(&tokens.access);
        let answer = request.json(&eval).send().await.unwrap();
        assert_eq!(answer.status(), if role == "read" { 403 } else { 200 }, "{chosen}");
    }
    // What was not asked for is not given, whatever the form says.
    let transaction = server.transaction(&client, &[("scope", "read")]).await;
    let form = [
        ("transaction", transaction.as_str()),
        ("decision", "allow"),
        ("scope", "operate"),
        ("key", KEY),
    ];
    let code = told(&server.answer(&form).await, "code").unwrap();
    let tokens = Tokens::of(server.exchange(&client, &code).await).await;
    assert_eq!(tokens.whole["scope"], "read");
}

#[tokio::test]
async fn who_revokes_a_token_ends_all_that_belongs_to_it() {
    let server = Server::start().await;
    let (client, other) = (server.client().await, server.client().await);
    for which in ["access", "refresh"] {
        let tokens = server.tokens(&client, KEY, "operate").await;
        let token = if which == "access" { &tokens.access } else { &tokens.refresh };
        for (form, good) in [
            (vec![("token", "lma_unknown")], true),
            (vec![("token", token.as_str()), ("client_id", other.as_str())], true),
            (vec![("token", token.as_str()), ("client_id", client.as_str())], false),
        ] {
            let answer = server.post_form("/oauth/revoke", &form).await;
            assert_eq!(answer.status(), 200, "{which}");
            assert_eq!(server.who(&tokens.access).await.is_ok(), good, "{which} {form:?}");
        }
        assert_eq!(error(server.refresh(&client, &tokens.refresh).await).await.1, "invalid_grant");
    }
    let nothing = error(server.post_form("/oauth/revoke", &[]).await).await;
    assert_eq!(nothing, (400, "invalid_request".to_owned()));
    assert_eq!(
        server.actions(),
        &["oauth_consent", "oauth_revoke", "oauth_consent", "oauth_revoke"]
    );
}

#[tokio::test]
async fn tokens_survive_a_kill_and_end_with_the_key_that_consented() {
    let server = Server::start().await;
    let client = server.client().await;
    let (mine, readers) = (
        server.tokens(&client, KEY, "operate").await,
        server.tokens(&client, READER, "read").await,
    );
    let server = server.restarted_with("LUKHAS_MCP_LOG_REQUESTS", "true").await;
    assert_eq!(server.who(&mine.access).await.unwrap().1, "operate");
    assert_eq!(server.who(&readers.access).await.unwrap().1, "read");
    let next = Tokens::of(server.refresh(&client, &mine.refresh).await).await;

    let another = "another-key-of-the-daemon";
    let server = server.restarted_with("LUKHAS_MCP_API_KEYS", another).await;
    for token in [&mine.access, &next.access] {
        assert_eq!(server.who(token).await, Err(401), "its key is gone");
    }
    assert_eq!(error(server.refresh(&client, &next.refresh).await).await.1, "invalid_grant");
    assert!(server.who(&readers.access).await.is_ok(), "this one's key is not");
    assert_eq!(server.actions(), &["oauth_consent", "oauth_consent", "oauth_end"]);
}

#[tokio::test]
async fn a_consent_is_given_on_our_page_once_and_with_a_key() {
    let server = Server::start().await;
    let client = server.client().await;
    let page = server.page(server.authorize_url(&client, &[])).await;
    let header = |name: &str| page.headers()[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(policy.contains("form-action 'self' http://127.0.0.1:9;"), "{policy}");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert_eq!(header("x-frame-options"), "DENY");
    let text = page.text().await.unwrap();
    assert!(text.contains("Test client") && text.contains("<strong>127.0.0.1</strong>"), "{text}");
    assert!(!text.contains("<script"));
    let transaction = field(&text);

    let allow = |key| {
        [
            ("transaction", transaction.as_str()),
            ("decision", "allow"),
            ("scope", "read"),
            ("key", key),
        ]
    };
    for key in ["", "wrong", &KEY[1..]] {
        let refused = server.answer(&allow(key)).await;
        assert_eq!(refused.status(), 403, "{key}");
        assert!(refused.text().await.unwrap().contains("not a key of the daemon"));
    }
    for (name, headers) in [
        ("no origin", vec![]),
        ("another site", vec![("Origin", "https://evil.example".to_owned())]),
        ("no origin at all", vec![("Origin", "null".to_owned())]),
        ("only our word", vec![("Sec-Fetch-Site", "same-origin".to_owned())]),
        (
            "another page",
            vec![("Origin", BASE.to_owned()), ("Sec-Fetch-Site", "same-site".to_owned())],
        ),
        (
            "the address bar",
            vec![("Origin", BASE.to_owned()), ("Sec-Fetch-Site", "none".to_owned())],
        ),
    ] {
        let mut request = posted(server.browser.post(server.url("/oauth/authorize")), &allow(KEY));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        assert_eq!(request.send().await.unwrap().status(), 403, "{name}");
    }
    assert_eq!(server.answer(&allow(KEY)).await.status(), 303);
    assert_eq!(server.answer(&allow(KEY)).await.status(), 400, "it was answered");
    let forged = [("transaction", "e30.AAAA"), ("decision", "allow"), ("key", KEY)];
    assert_eq!(server.answer(&forged).await.status(), 400);

    let transaction = server.transaction(&client, &[]).await;
    let denied = server.answer(&[("transaction", &transaction), ("decision", "deny")]).await;
    assert_eq!(told(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(told(&denied, "state").as_deref(), Some("st&te=1"));
    assert_eq!(told(&denied, "iss").as_deref(), Some(BASE));
    assert_eq!(told(&denied, "code"), None);
}

#[tokio::test]
async fn who_cannot_be_trusted_is_not_sent_anywhere() {
    let server = Server::start().await;
    let client = server.client().await;
    for (name, changes) in [
        ("no client", ("client_id", "")),
        ("an unknown client", ("client_id", "client_unknown")),
        ("another address", ("redirect_uri", "https://evil.example/")),
        ("a script", ("redirect_uri", "javascript:alert(1)")),
        ("no challenge", ("code_challenge", "")),
        ("the plain method", ("code_challenge_method", "plain")),
        ("an implicit grant", ("response_type", "token")),
        ("scopes of others", ("scope", "admin")),
        ("a token for others", ("resource", "https://other.example/mcp")),
        ("a document inside", ("client_id", "https://169.254.169.254/latest/meta-data")),
        ("a document without TLS", ("client_id", "http://example.org/client.json")),
        ("a document without a path", ("client_id", "https://example.org/")),
    ] {
        let page = server.page(server.authorize_url(&client, &[changes])).await;
        assert_eq!(page.status(), 400, "{name}");
        assert!(page.headers().get("location").is_none(), "{name}");
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("form-action 'none'"), "{name}");
        let text = page.text().await.unwrap();
        assert!(text.contains("Nothing was granted"), "{name}: {text}");
        assert!(!text.contains("evil.example") && !text.contains("alert"), "{name}: {text}");
    }
    let twice = format!("{}&client_id=x", server.authorize_url(&client, &[]));
    assert_eq!(server.browser.get(twice).send().await.unwrap().status(), 400);
}
