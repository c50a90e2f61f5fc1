//! The server: one gate around all routes, wherever it is listened.

use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::Condition;
use actix_web::{App, HttpServer, web};
use tracing_actix_web::TracingLogger;

use super::chat_listener::SocketListeners;
use super::{AppError, system};
use crate::config::Settings;
use crate::http::{self, ChatDoor, Gate, RequestSpans, Shared};
use crate::telemetry;

/// Builds the server.
pub(super) fn serve(
    settings: &Settings,
    (listener, sockets): (std::net::TcpListener, SocketListeners),
    (shared, door): (web::Data<Shared>, web::Data<ChatDoor>),
    gate: Gate,
) -> Result<Server, AppError> {
    let proof = http::proof();
    let traced = telemetry::is_traced();
    let seconds = settings.server.shutdown_deadline.as_secs().max(1);
    let SocketListeners { listeners, place } = sockets;
    let mut server = HttpServer::new(move || {
        App::new()
            .wrap(gate.clone())
            .wrap(Condition::new(traced, TracingLogger::<RequestSpans>::new()))
            .app_data(shared.clone())
            .app_data(proof.clone())
            .app_data(door.clone())
            .configure(http::configure)
            .configure(|config| {
                if let Some(path) = &place.endpoint {
                    http::configure_socket(config, path);
                }
            })
            .default_service(web::to(http::not_found))
    })
    .workers(settings.server.workers)
    // Reads of the database and of files, searches, surveys and changes each have bounds of their
    // own, and together fewer places than this; threads are made when they are needed.
    .worker_max_blocking_threads(32)
    .client_request_timeout(Duration::from_secs(5))
    .client_disconnect_timeout(Duration::from_secs(2))
    .tcp_nodelay(true)
    // Who sends no more has hung up: streams end at once, and requests that are cancelled so.
    .h1_allow_half_closed(false)
    .disable_signals()
    .shutdown_timeout(seconds)
    .listen(listener)
    .map_err(system("listen"))?;
    for listener in listeners {
        server = server.listen(listener).map_err(system("listen for sockets"))?;
    }
    Ok(server.run())
}
