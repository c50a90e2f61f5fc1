//! `GET /mcp/server-card`: who is there, for whoever looks for servers.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::answers::MCP_ENDPOINT;
use crate::http::{Shared, answers};
use crate::mcp::server_card;
use crate::repo::ContentDigest;

/// Where it is.
pub(super) const PATH: &str = "/mcp/server-card";

const KIND: &str = "application/mcp-server-card+json";

/// It changes with a restart only.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// It has nothing that is for one origin and not for another.
const EVERYBODY: HeaderValue = HeaderValue::from_static("*");

pub(super) async fn get(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    // The gate let in only hosts that are the daemon's, so who asked by one finds it there again.
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let asked = || format!("http://{}{MCP_ENDPOINT}", host.unwrap_or("localhost"));
    let endpoint = shared.doors.links.endpoint().unwrap_or_else(asked);
    let card = server_card(&endpoint).to_string();
    let tag = format!("\"{}\"", ContentDigest::of(card.as_bytes()));
    let is_known = answers::is_known(&request, &tag);
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header((header::CACHE_CONTROL, CACHING))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, EVERYBODY))
        .insert_header((header::ETAG, tag));
    if is_known { answer.finish() } else { answer.content_type(KIND).body(card) }
}
