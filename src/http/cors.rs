//! What browsers are told about pages of an origin that the gate let in: that they may read the
//! answers, and what they may send. Pages of other origins never come this far.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::http::routes;

/// What pages may send besides what every page may.
const HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, \
    MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, X-API-Key, X-Client-Request-Id, \
    X-Lukhas-Attended";

/// What pages may read besides what every page may.
const EXPOSED: &str = "Mcp-Session-Id, WWW-Authenticate, X-Lukhas-Conversation";

/// How long a browser may remember the answer, in seconds.
const MAX_AGE: &str = "600";

/// The answer to a browser that asks before it sends; `None` when the request is something else,
/// or for a path that there is not.
pub(super) fn preflight(request: &ServiceRequest) -> Option<HttpResponse> {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let allowed = asks.then(|| routes::allowed(request.path())).flatten()?;
    let mut answer = HttpResponse::NoContent().finish();
    let headers = answer.headers_mut();
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, allowed),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Some(answer)
}

/// Lets a page of this origin read the answer. A key is sent by the page itself, never by the browser
/// on its own; what else a browser sends along is for proxies in front, and where the settings say so.
pub(super) fn expose(headers: &mut HeaderMap, origin: Option<HeaderValue>, with_credentials: bool) {
    // What pages of any origin may read says so itself.
    let is_for_all = headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    if let Some(origin) = origin.filter(|_| !is_for_all) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static(EXPOSED);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if with_credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
    }
}
