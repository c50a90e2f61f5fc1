//! What is refused for what its head says, whoever sends it?

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};

use crate::http::answers;
use crate::http::hosts::Hosts;
use crate::http::mcp::BODY;
use crate::http::routes::{self, Access};
use crate::mcp::refused;

/// Refuses what is not addressed to the daemon, or comes from the page of another origin.
pub(super) fn check_host(hosts: &Hosts, request: &ServiceRequest) -> Result<(), HttpResponse> {
    let forbidden = |why: &str| Err(answers::error(StatusCode::FORBIDDEN, why));
    let headers = request.headers();
    let mut all = headers.get_all(header::HOST);
    let (Some(host), None) = (all.next().and_then(|host| host.to_str().ok()), all.next()) else {
        return forbidden("the request must have one Host header");
    };
    if !hosts.admits(host) {
        return forbidden(
            "this Host is not one of the daemon's; set server.allowed_hosts to add it",
        );
    }
    if let Some(authority) = request.uri().authority()
        && !hosts.admits(authority.as_str())
    {
        return forbidden("the request line names a host that is not the daemon's");
    }
    let only_looks = matches!(*request.method(), Method::GET | Method::HEAD);
    if only_looks && routes::is_for_every_page(request.path()) {
        return Ok(());
    }
    let mut origins = headers.get_all(header::ORIGIN);
    match (origins.next(), origins.next()) {
        (None, _) => {}
        (Some(origin), None)
            if origin.to_str().is_ok_and(|origin| {
                hosts.admits_origin(origin, host)
                    || (hosts.socket().is_at(request.path())
                        && hosts.socket().admits_origin(origin))
            }) =>
        {
            return Ok(());
        }
        (Some(_), _) => return forbidden("pages of this Origin may not talk to the daemon"),
    }
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let navigates = headers.get("sec-fetch-mode").map(HeaderValue::as_bytes) == Some(b"navigate");
    match site {
        // A link from elsewhere may lead to what everybody may see.
        Some(b"cross-site" | b"same-site")
            if !(navigates
                && request.method() == Method::GET
                && routes::access(request.path()) == Access::Public) =>
        {
            forbidden("pages of other sites may not talk to the daemon")
        }
        _ => Ok(()),
    }
}

/// Refuses a body that is compressed or says that it is too long.
pub(super) fn check_size(request: &ServiceRequest) -> Result<(), HttpResponse> {
    let headers = request.headers();
    let encoding = headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        let why = "the body must not be compressed";
        return Err(answers::json_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, refused(why)));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if length
        .and_then(|length| length.parse::<u64>().ok())
        .is_some_and(|n| BODY as u64 <= n.saturating_sub(1))
    {
        let why = "the body must have at most 4 MiB";
        return Err(answers::json_text(StatusCode::PAYLOAD_TOO_LARGE, refused(why)));
    }
    Ok(())
}

/// Refuses a body of another type than the route takes.
pub(super) fn check_content_type(request: &ServiceRequest) -> Result<(), HttpResponse> {
    // Where nothing can be posted, the route says so.
    let is_posted = routes::allowed(request.path()).is_none_or(|all| all.contains("POST"));
    if request.method() != Method::POST || !is_posted {
        return Ok(());
    }
    let kind = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let taken = routes::content_type(request.path());
    if kind.eq_ignore_ascii_case(taken.as_bytes()) {
        return Ok(());
    }
    let why = format!("Content-Type must be {taken}");
    Err(answers::json_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, refused(&why)))
}
