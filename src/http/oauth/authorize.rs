//! `/oauth/authorize`: may this client act for somebody? Asked of whoever has a key.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::form;
use super::page;
use crate::audit::Refusal;
use crate::http::gate::Admitted;
use crate::http::mcp::retry_later;
use crate::http::routes::nothing_here;
use crate::mcp::rate_limited;
use crate::oauth::Scope;
use crate::oauth::server::{Asked, AuthorizationServer, Denied, Params, Transaction};
use crate::tools::Role;

/// What reading a client's document costs beside the request itself, in requests.
const DOCUMENT: usize = 4;

/// What a wrong key costs beside the request itself, in requests.
const WRONG_KEY: usize = 9;

/// Shows the page.
pub(in crate::http) async fn get(request: HttpRequest) -> HttpResponse {
    let Some((admitted, server)) = server_of(&request) else { return nothing_here() };
    let params = match Params::read(request.query_string().as_bytes()) {
        Ok(params) => params,
        Err(denied) => return refused(&denied),
    };
    let has_document = params.get("client_id").is_some_and(|id| id.contains("://"));
    if has_document && let Err(wait) = admitted.take(DOCUMENT) {
        return retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait);
    }
    let asked = server.ask(&params).await;
    match asked {
        Ok((asked, sealed)) => shown(StatusCode::OK, &asked, &sealed, None),
        Err(denied) => refused(&denied),
    }
}

/// Takes the answer.
pub(in crate::http) async fn post(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let Some((admitted, server)) = server_of(&request) else { return nothing_here() };
    if !comes_from_our_page(&request) {
        let why = "consent is given on the daemon's own page, in a browser that says so";
        return plain(StatusCode::FORBIDDEN, &page::refusal(why), None);
    }
    let form = match form::read(payload).await.and_then(|body| Params::read(&body)) {
        Ok(form) => form,
        Err(denied) => return refused(&denied),
    };
    let sealed = form.get("transaction").unwrap_or_default();
    let Some(transaction) = server.reopen(sealed) else {
        let why = "the page is too old, or was answered already; begin anew at the client";
        return refused(&Denied::InvalidRequest(why.to_owned()));
    };
    match form.get("decision") {
        Some("allow") => {}
        Some("deny") => return server.deny(&transaction).map_or_else(nothing_here, sent_to),
        _ => return refused(&Denied::InvalidRequest("decision must be allow or deny".to_owned())),
    }
    let chosen = match form.get("scope") {
        Some("operate") => Scope::Operate,
        _ => Scope::Read,
    };
    let key = form.get("key").unwrap_or_default();
    let Some(place) = admitted.keys().find(key.trim().as_bytes()) else {
        return wrong_key(&admitted, &transaction, sealed);
    };
    let caller = admitted.keys().caller(place);
    let most = match caller.role {
        Role::Operate => chosen,
        Role::Read => Scope::Read,
    };
    match server.grant(&transaction, (&caller.principal, most)).await {
        Ok(to) => sent_to(to),
        Err(denied) => refused(&denied),
    }
}

fn server_of(request: &HttpRequest) -> Option<(Admitted, AuthorizationServer)> {
    let admitted = request.extensions().get::<Admitted>().cloned()?;
    let server = admitted.oauth()?.server.clone()?;
    Some((admitted, server))
}

/// Whether the browser says that a page of ours sent the form. The gate has refused other pages
/// already; here, saying nothing is not enough.
fn comes_from_our_page(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    headers.contains_key(header::ORIGIN) && site.is_none_or(|site| site == b"same-origin")
}

/// Guessing keys costs the guesser more than looking at pages.
fn wrong_key(admitted: &Admitted, transaction: &Transaction, sealed: &str) -> HttpResponse {
    admitted.count(Refusal::WrongKey);
    if let Err(wait) = admitted.take(WRONG_KEY) {
        return retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait);
    }
    let note = "This is not a key of the daemon. Try again.";
    shown(StatusCode::FORBIDDEN, &transaction.asked, sealed, Some(note))
}

fn shown(status: StatusCode, asked: &Asked, sealed: &str, note: Option<&str>) -> HttpResponse {
    let next = asked.redirect_uri().map(|uri| uri.source());
    plain(status, &page::consent(asked, sealed, note), next.as_deref())
}

fn refused(denied: &Denied) -> HttpResponse {
    plain(form::status(denied), &page::refusal(&denied.to_string()), None)
}

fn plain(status: StatusCode, html: &str, next: Option<&str>) -> HttpResponse {
    HttpResponseBuilder::new(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, page::policy(next)))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        // With `no-referrer`, a browser would not say which page a form comes from.
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .body(html.to_owned())
}

/// Sends the browser back to the client, with GET.
fn sent_to(address: String) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, address)).finish()
}
