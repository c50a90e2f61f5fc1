//! An answer in pieces, as server-sent events.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use bytes::Bytes;
use futures_util::stream;
use tokio::time::timeout;

use super::super::door::ChatDoor;
use super::answer::{Heading, broken};
use super::answering::{Answering, Step};
use super::fault::Fault;

/// How long the status of the answer waits for the first word.
const FIRST_WORD: Duration = Duration::from_secs(10);

/// The wait between two signs of life.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A sign of life.
const ALIVE: Bytes = Bytes::from_static(b": idle\n\n");

struct Pieces {
    answering: Answering,
    heading: Heading,
    /// What is to be sent before anything else.
    ready: Option<Bytes>,
    is_over: bool,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Streams an answer. What goes wrong before the first word is answered with a status that says so.
pub(super) async fn stream(
    mut answering: Answering,
    heading: Heading,
    door: &ChatDoor,
) -> Result<HttpResponse, Fault> {
    let mut ready = heading.opening().to_vec();
    let mut is_over = false;
    match timeout(FIRST_WORD, answering.next()).await {
        Ok(Step::Text(text)) => ready.extend(heading.piece(&text)),
        Ok(Step::End(end)) => {
            ready.extend(heading.closing(&end?));
            is_over = true;
        }
        Err(_elapsed) => {}
    }
    let ended = Box::pin(door.ended());
    let pieces = Pieces { answering, heading, ready: Some(ready.into()), is_over, ended };
    let frames = stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.next().await?;
        Some((Ok::<_, Infallible>(piece), pieces))
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(frames)))
}

impl Pieces {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(ready) = self.ready.take() {
            return Some(ready);
        }
        if self.is_over {
            return None;
        }
        let step = tokio::select! {
            step = timeout(KEEP_ALIVE, self.answering.next()) => step,
            () = &mut self.ended => {
                let why = "the server goes down; ask again in a moment".to_owned();
                Ok(Step::End(Err(Fault::new(503, "unavailable", why))))
            }
        };
        let Ok(step) = step else { return Some(ALIVE) };
        Some(match step {
            Step::Text(text) => self.heading.piece(&text),
            Step::End(end) => {
                self.is_over = true;
                match end {
                    Ok(finish) => self.heading.closing(&finish),
                    Err(fault) => broken(&fault),
                }
            }
        })
    }
}
