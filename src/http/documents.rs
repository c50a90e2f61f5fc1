//! `GET /repo/{path}` and `GET /documents/{id}`: what the `url` of search results and documents
//! leads to.
//!
//! A file of the repository may be written by anybody, so that nothing of it is ever run or shown as
//! a page: text is plain text, pictures are pictures, and anything else is a download.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode_str;

use crate::http::{Shared, answers};
use crate::repo::content::mime_type;
use crate::repo::root::FileError;
use crate::repo::{ContentDigest, RepoError, RepoErrorKind, RepoPath};
use crate::tools::{ToolError, document};

/// What comes before the path of a file.
pub(super) const FILES: &str = "/repo/";

/// What comes before the id of a document.
pub(super) const DOCUMENTS: &str = "/documents/";

/// Not even a picture may load anything.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

const PLAIN: &str = "text/plain; charset=utf-8";

/// One file, as its bytes.
pub(super) async fn file(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let path = after(&request, FILES).and_then(|text| RepoPath::parse(&text).ok());
    let Some(path) = path else { return no_file() };
    match shared.repo.read(&path).await {
        Ok(file) => {
            let is_text = std::str::from_utf8(&file.bytes).is_ok();
            answer(&request, served_as(&path, is_text), file.bytes)
        }
        Err(RepoError::File(error @ FileError::TooLarge { .. })) => {
            answers::error(StatusCode::NOT_FOUND, &error.to_string())
        }
        Err(error) => match error.kind() {
            RepoErrorKind::Invalid | RepoErrorKind::Refused => no_file(),
            RepoErrorKind::Overloaded => busy(&error.to_string()),
            RepoErrorKind::Failed => failed(&error.into()),
        },
    }
}

/// The document about a job, a canary or a model.
pub(super) async fn about(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let Some(id) = after(&request, DOCUMENTS) else { return no_document() };
    match document(&shared.doors, &id).await {
        Ok(Some(found)) => {
            answer(&request, "text/markdown; charset=utf-8", found.text.into_bytes())
        }
        Ok(None) => no_document(),
        Err(ToolError::Overloaded(why)) => busy(&why),
        Err(error) => failed(&error.into()),
    }
}

/// What follows in the path of a request, decoded once.
pub(super) fn after(request: &HttpRequest, prefix: &str) -> Option<String> {
    let encoded = request.uri().path().strip_prefix(prefix)?;
    percent_decode_str(encoded).decode_utf8().ok().map(Into::into)
}

/// A type that no browser takes for a page or a program.
fn served_as(path: &RepoPath, is_text: bool) -> &'static str {
    match mime_type(path, is_text) {
        picture @ ("image/png" | "image/jpeg" | "image/gif" | "image/webp") => picture,
        _ if is_text => PLAIN,
        _ => "application/octet-stream",
    }
}

pub(super) fn answer(request: &HttpRequest, kind: &'static str, bytes: Vec<u8>) -> HttpResponse {
    let tag = format!("\"{}\"", ContentDigest::of(&bytes));
    let mut response = if answers::is_known(request, &tag) {
        HttpResponse::NotModified().finish()
    } else {
        HttpResponse::Ok().content_type(kind).body(bytes)
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// One answer for what is not there and for what is not shown, so that nobody learns which it is.
fn no_file() -> HttpResponse {
    answers::error(StatusCode::NOT_FOUND, "there is no such file in the repository")
}

pub(super) fn no_document() -> HttpResponse {
    let message = "there is no job, canary or model with this id";
    answers::error(StatusCode::NOT_FOUND, message)
}

pub(super) fn busy(why: &str) -> HttpResponse {
    let mut response = answers::error(StatusCode::SERVICE_UNAVAILABLE, why);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

pub(super) fn failed(error: &anyhow::Error) -> HttpResponse {
    tracing::error!(error = format!("{error:#}"), "a document could not be read");
    answers::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
}
