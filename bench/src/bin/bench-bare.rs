//! The yardstick: the least that an actix-web handler can do, two workers, one fixed answer.
//!
//! `PORT` names the loopback port. Every ratio of the benchmark is a ratio to this.

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context;

const WORKERS: usize = 2;

const ANSWER: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"#,
    r#""{\"jobId\":\"job_000000000000000000000\",\"taskId\":\"bare\",\"configId\":\"default\"}"}],"#,
    r#""structuredContent":{"jobId":"job_000000000000000000000","taskId":"bare","#,
    r#""configId":"default","status":"QUEUED","padding":"00000"}}}"#,
);
const _: () = assert!(ANSWER.len() == 290, "the yardstick is 290 bytes long");

/// The body is taken, though not looked at: actix-web closes a connection on which it was left.
async fn answer(_body: web::Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(ANSWER)
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let port: u16 = std::env::var("PORT")
        .context("PORT names the loopback port")?
        .parse()
        .context("PORT is a number from 1 to 65535")?;
    HttpServer::new(|| App::new().route("/mcp", web::post().to(answer)))
        .workers(WORKERS)
        .bind(("127.0.0.1", port))
        .context("binding the loopback port")?
        .run()
        .await
        .context("serving")
}
