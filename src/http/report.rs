//! `GET /api/report/{id}?format=json|md|csv`: everything known of a job, a canary or a model, to be
//! kept.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::http::documents::{after, answer, busy, failed, no_document};
use crate::http::{Shared, answers};
use crate::tools::{ReportFormat, ToolError, report};

/// What comes before the id.
const REPORTS: &str = "/api/report/";

/// What the query may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default = "json")]
    format: String,
}

fn json() -> String {
    ReportFormat::Json.extension().to_owned()
}

pub(super) async fn get(
    request: HttpRequest,
    shared: web::Data<Shared>,
    query: Result<web::Query<Asked>, actix_web::Error>,
) -> HttpResponse {
    let format = query.ok().and_then(|asked| ReportFormat::parse(&asked.format));
    let Some(format) = format else {
        let why = format!("the query must be format=… at most once: {}", ReportFormat::listed());
        return answers::error(StatusCode::BAD_REQUEST, &why);
    };
    let Some(id) = after(&request, REPORTS) else { return no_document() };
    match report(&shared.doors, &id, format).await {
        Ok(Some(text)) => download(&request, &id, format, text),
        Ok(None) => no_document(),
        Err(ToolError::Overloaded(why)) => busy(&why),
        Err(error) => failed(&error.into()),
    }
}

fn download(request: &HttpRequest, id: &str, format: ReportFormat, text: String) -> HttpResponse {
    let digest = STANDARD.encode(Sha256::digest(text.as_bytes()));
    let mut response = answer(request, format.media_type(), text.into_bytes());
    let headers = response.headers_mut();
    // An id of something that there is has no quotes and no line ends.
    let name = format!("attachment; filename=\"{id}.{}\"", format.extension());
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    if let Ok(digest) = HeaderValue::try_from(format!("sha-256=:{digest}:")) {
        headers.insert(header::HeaderName::from_static("repr-digest"), digest);
    }
    response
}
