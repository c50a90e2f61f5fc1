//! What is said to a client whose token will not do, so that it gets one that will?

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};

use super::{Oauth, RESOURCE_OF_MCP};
use crate::http::answers;
use crate::mcp::{refused, unauthorized};
use crate::oauth::{Fault, Scope};

/// The challenge of RFC 6750 with the pointer of RFC 9728. None of its parts has a quote: addresses
/// write it otherwise, and the words are ours.
pub(super) fn challenge(base: &str, error: Option<(&str, &str)>, scope: Scope) -> HeaderValue {
    let scope = scope.as_list();
    let error = error.map_or_else(String::new, |(error, why)| {
        format!("error=\"{error}\", error_description=\"{why}\", ")
    });
    let text =
        format!("Bearer {error}resource_metadata=\"{base}{RESOURCE_OF_MCP}\", scope=\"{scope}\"");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Bearer"))
}

pub(super) fn not_good(oauth: &Oauth, fault: Fault) -> HttpResponse {
    let challenge = oauth.challenge(Some(("invalid_token", &fault.to_string())), Scope::Operate);
    let mut response = answers::json_text(StatusCode::UNAUTHORIZED, unauthorized());
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

pub(super) fn too_narrow(oauth: &Oauth, needed: Scope) -> HttpResponse {
    let why = match needed {
        Scope::Read => "the token must have the scope read, or operate",
        Scope::Operate => "this changes something, and the token must have the scope operate",
    };
    let challenge = oauth.challenge(Some(("insufficient_scope", why)), needed);
    let mut response = answers::json_text(StatusCode::FORBIDDEN, refused(why));
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}
