//! Clients that come with tokens of OAuth, of an issuer elsewhere and of the daemon's own.

mod bounds;
mod documents;
mod flow;
mod issuer;
#[path = "../../../src/oauth/issuer/tests/mint.rs"]
mod mint;
mod routes;
mod server;
mod tokens;

use reqwest::Response;

/// Where clients believe to reach the daemon: a proxy that nobody needs here.
const BASE: &str = "https://mcp.example";

/// One parameter of a challenge.
fn of_challenge(answer: &Response, name: &str) -> Option<String> {
    let challenge = answer.headers().get("www-authenticate")?.to_str().unwrap();
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}
