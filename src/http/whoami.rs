//! `GET /api/whoami`: who asks, and whom?

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::http::gate::Admitted;
use crate::http::{Shared, answers};
use crate::mcp::unauthorized;
use crate::tools::{ServerFacts, You};

/// The commit that the binary was built from, where the build said it.
const COMMIT: Option<&str> = option_env!("LUKHAS_MCP_COMMIT");

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    you: You,
    server: Server,
}

#[derive(Serialize)]
struct Server {
    #[serde(flatten)]
    facts: ServerFacts,
    commit: Option<&'static str>,
}

pub(super) async fn get(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let Some(admitted) = request.extensions().get::<Admitted>().cloned() else {
        return answers::json_text(StatusCode::UNAUTHORIZED, unauthorized());
    };
    let you = You::are(&admitted.caller, admitted.is_open());
    let server = Server { facts: ServerFacts::of(&shared.doors), commit: COMMIT };
    HttpResponse::Ok().json(Answer { you, server })
}
