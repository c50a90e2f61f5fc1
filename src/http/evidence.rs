//! `GET /evidence/export?from=30d&to=now`: what was recorded, with its proof, as a zip.

use std::io::Read as _;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde::Deserialize;

use crate::audit::{EvidenceRange, Pack};
use crate::http::gate::Admitted;
use crate::http::{Shared, answers};

/// How much of a pack is read at once, in bytes.
const CHUNK: usize = 128 * 1024;

/// How long to wait before asking again, in seconds.
const AGAIN: u8 = 5;

/// What the query may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default = "a_month_ago")]
    from: String,
    #[serde(default = "now")]
    to: String,
}

fn a_month_ago() -> String {
    "30d".to_owned()
}

fn now() -> String {
    "now".to_owned()
}

pub(super) async fn get(
    request: HttpRequest,
    shared: web::Data<Shared>,
    query: Result<web::Query<Asked>, actix_web::Error>,
) -> HttpResponse {
    let bad = |why: &str| answers::error(StatusCode::BAD_REQUEST, why);
    let Ok(web::Query(asked)) = query else {
        return bad("the query must be from=… and to=…, each at most once");
    };
    let range = match EvidenceRange::parse(&asked.from, &asked.to, shared.clock.now()) {
        Ok(range) => range,
        Err(error) => return bad(&error.to_string()),
    };
    let principal = request.extensions().get::<Admitted>().map(|a| a.caller.principal.clone());
    match shared.exports.export(&principal.unwrap_or_default(), range).await {
        Ok(pack) => download(pack),
        Err(error) if error.is_transient() => {
            let why = error.to_string();
            let mut response = answers::error(StatusCode::SERVICE_UNAVAILABLE, &why);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(u16::from(AGAIN)));
            response
        }
        Err(error) => answers::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn download(pack: Pack) -> HttpResponse {
    let disposition = format!("attachment; filename=\"{}\"", pack.name);
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/zip")))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .body(SizedStream::new(pack.length, chunks(pack)))
}

/// Reads the pack as fast as the client does, on the blocking pool.
fn chunks(pack: Pack) -> impl Stream<Item = std::io::Result<Bytes>> {
    try_unfold(pack, |mut pack| async {
        let read = web::block(move || {
            let mut chunk = vec![0; CHUNK];
            let length = pack.content.read(&mut chunk)?;
            chunk.truncate(length);
            Ok::<_, std::io::Error>((chunk, pack))
        });
        let (chunk, pack) = read.await.map_err(std::io::Error::other)??;
        Ok(if chunk.is_empty() { None } else { Some((Bytes::from(chunk), pack)) })
    })
}
