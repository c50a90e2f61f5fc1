//! Whether the daemon lives, is ready, and what it is.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use tokio::time::Instant;

use crate::http::lifecycle::Phase;
use crate::http::{ChatDoor, Shared, answers, cockpit};
use crate::mcp::Version;

/// How long the proof that database and repository can be used stands.
const PROOF: Duration = Duration::from_secs(1);

/// How long the proof may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// When database and repository were last proved to be usable, and with what outcome.
#[derive(Default)]
pub struct Proof(Mutex<Option<(Instant, Result<(), String>)>>);

/// A proof that was not made yet, for all workers.
pub fn proof() -> web::Data<Proof> {
    web::Data::new(Proof::default())
}

pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "alive" }))
}

pub(super) async fn ready(shared: web::Data<Shared>, proof: web::Data<Proof>) -> HttpResponse {
    let not_ready = |why: &str| {
        HttpResponse::ServiceUnavailable()
            .insert_header(("Retry-After", "1"))
            .json(json!({ "status": "not ready", "reason": why }))
    };
    match readiness(&shared, &proof).await {
        Ok(()) => HttpResponse::Ok().json(json!({ "status": "ready" })),
        Err(why) => not_ready(&why),
    }
}

/// Whether requests are welcome and what they need can be used; else why not. What was proved stands
/// for [`PROOF`], whoever asks.
pub(super) async fn readiness(shared: &Shared, proof: &Proof) -> Result<(), String> {
    match shared.lifecycle.phase() {
        Phase::Starting => Err("starting".to_owned()),
        Phase::Draining => Err("draining".to_owned()),
        Phase::Ready => usable(shared, proof).await,
    }
}

async fn usable(shared: &Shared, proof: &Proof) -> Result<(), String> {
    let known = proof.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((at, outcome)) = known
        && at.elapsed() < PROOF
    {
        return outcome;
    }
    let outcome = prove(shared).await;
    let now = Some((Instant::now(), outcome.clone()));
    *proof.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    outcome
}

/// Proves that the database can be written, and that the repository is where it was.
async fn prove(shared: &Shared) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, shared.store.probe()).await {
        Ok(probed) => probed.map_err(|error| error.to_string())?,
        Err(_elapsed) => return Err("the database does not answer".to_owned()),
    }
    match tokio::time::timeout(PATIENCE, shared.repo.is_there()).await {
        Ok(true) => Ok(()),
        Ok(false) => Err("the directory of the repository is gone".to_owned()),
        Err(_elapsed) => Err("the repository's disk does not answer".to_owned()),
    }
}

pub(super) async fn health(
    request: HttpRequest,
    shared: web::Data<Shared>,
    door: web::Data<ChatDoor>,
) -> HttpResponse {
    if door.is_for_sockets(request.app_config().local_addr()) {
        // As the earlier backend said it at its port.
        return HttpResponse::Ok().json(json!({ "status": "healthy" }));
    }
    HttpResponse::Ok().json(json!({
        "status": "healthy",
        "timestamp": shared.clock.now().to_string(),
        "server": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "transport": "Streamable HTTP",
        "mcp_version": Version::NEWEST.as_str(),
    }))
}

/// What there is, in JSON; a browser is led to the page.
pub(super) async fn index(
    request: HttpRequest,
    shared: web::Data<Shared>,
    door: web::Data<ChatDoor>,
) -> HttpResponse {
    if door.is_for_sockets(request.app_config().local_addr()) {
        return HttpResponse::Ok().json(json!({ "message": "MCP WebSocket Chat Server" }));
    }
    let by_accept = (header::VARY, HeaderValue::from_static("Accept"));
    if answers::accepts(&request, "text/html") {
        return HttpResponse::Found()
            .insert_header((header::LOCATION, cockpit::PATH))
            .insert_header(by_accept)
            .finish();
    }
    HttpResponse::Ok().insert_header(by_accept).json(json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "description": env!("CARGO_PKG_DESCRIPTION"),
        "mcp_endpoint": answers::MCP_ENDPOINT,
        "mcp_version": Version::NEWEST.as_str(),
        "cockpit": cockpit::PATH,
        "events": "/sse?topic=jobs",
        "health": ["/healthz", "/readyz", "/health"],
        "metrics": "/metrics",
        "chat": ["/ws/chat", "/v1/chat/completions"],
        "openapi": "/openapi.json",
        "tools": shared.server.tool_names(),
    }))
}
