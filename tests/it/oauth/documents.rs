//! Clients whose id is an address: what they say of themselves there, and what may be there instead.

use serde_json::{Value, json};

use super::flow::{CALLBACK, KEY, Server, error, posted, told};
use crate::fault_server::{Fault, FaultServer};

/// A server in development, whose clients may be on the same machine.
async fn server() -> Server {
    Server::start_with(&[("MCP_PUBLIC_BASE_URL", "http://127.0.0.1:8766")]).await
}

fn document(id: &str, changes: &Value) -> Fault {
    let mut document = json!({
        "client_id": id, "client_name": "Documented", "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    for (name, value) in changes.as_object().unwrap() {
        document[name] = value.clone();
    }
    Fault::json(&document.to_string())
}

/// The same answer with the id, which is known only now, in the place of `ID`.
fn naming(id: &str, fault: Fault) -> Fault {
    let Fault::Raw(bytes) = &fault else { return fault };
    let text = String::from_utf8(bytes.clone()).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    if body.contains("\"ID\"") {
        Fault::json(&body.replace("\"ID\"", &format!("\"{id}\"")))
    } else {
        fault
    }
}

#[tokio::test]
async fn a_document_is_as_good_as_a_registration_and_is_read_once() {
    let server = server().await;
    let place = FaultServer::start(Fault::Silence).await;
    let id = place.url.join("client.json").unwrap().to_string();
    place.becomes(document(&id, &json!({})));
    let resource = [("resource", "")];
    let page = server.page(server.authorize_url(&id, &resource)).await;
    let text = page.text().await.unwrap();
    assert!(text.contains("Documented") && text.contains(&id), "{text}");
    let form = [
        ("transaction", &*super::flow::field(&text)),
        ("decision", "allow"),
        ("scope", "operate"),
        ("key", KEY),
    ];
    let request = posted(server.browser.post(server.url("/oauth/authorize")), &form);
    let answer = request.header("Origin", "http://127.0.0.1:8766").send().await.unwrap();
    let code = told(&answer, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", id.as_str()),
        ("code", code.as_str()),
        ("code_verifier", super::flow::VERIFIER),
    ];
    let tokens: Value = server.post_form("/oauth/token", &form).await.json().await.unwrap();
    let who = server.who(tokens["access_token"].as_str().unwrap()).await.unwrap();
    assert!(who.0.ends_with("/127.0.0.1"), "{who:?}");
    for _ in 0..5 {
        assert_eq!(server.page(server.authorize_url(&id, &resource)).await.status(), 200);
    }
    assert_eq!(place.requests().len(), 1);
    let asked = &place.requests()[0];
    assert!(!asked.to_lowercase().contains("authorization"), "{asked}");
}

#[tokio::test]
async fn what_is_not_the_clients_document_is_no_client() {
    let server = server().await;
    for (name, fault) in [
        ("another id", document("http://127.0.0.1/other.json", &json!({}))),
        ("no address", document("ID", &json!({ "redirect_uris": [] }))),
        ("another address", document("ID", &json!({ "redirect_uris": ["https://a.example/"] }))),
        ("a secret", document("ID", &json!({ "token_endpoint_auth_method": "private_key_jwt" }))),
        ("a list", Fault::json("[]")),
        ("no JSON", Fault::answer("200 OK", "text/html", "<html>")),
        ("not found", Fault::answer("404 Not Found", "application/json", "{}")),
        ("a way inside", Fault::redirect("302 Found", "http://169.254.169.254/latest")),
        ("too long", Fault::Endless(b"                                ")),
        ("half of it", Fault::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec())),
        ("nothing", Fault::Silence),
    ] {
        let place = FaultServer::start(Fault::Silence).await;
        let id = place.url.join("client.json").unwrap().to_string();
        place.becomes(naming(&id, fault));
        for _ in 0..2 {
            let page = server.page(server.authorize_url(&id, &[("resource", "")])).await;
            assert_eq!(page.status(), 400, "{name}");
        }
        assert_eq!(place.requests().len(), 1, "{name}: a failure is remembered as well");
    }
}

#[tokio::test]
async fn outside_of_development_no_document_is_read_from_inside() {
    let server = Server::start().await;
    let place = FaultServer::start(document("ID", &json!({}))).await;
    let port = place.url.port().unwrap();
    for id in [
        format!("http://127.0.0.1:{port}/client.json"),
        format!("https://127.0.0.1:{port}/client.json"),
        format!("https://localhost:{port}/client.json"),
        format!("https://[::1]:{port}/client.json"),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://[::ffff:10.0.0.1]/client.json".to_owned(),
    ] {
        let page = server.page(server.authorize_url(&id, &[])).await;
        assert_eq!(page.status(), 400, "{id}");
    }
    assert_eq!(place.requests(), Vec::<String>::new());
    let unknown = error(server.exchange("https://a.example/client.json", "lmc_x").await).await;
    assert_eq!(unknown.1, "invalid_grant");
}
