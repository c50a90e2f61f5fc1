//! `events/poll`: what happened since a position.

use serde_json::{Value, json};

use crate::subscriptions::Subscriptions;
use crate::subscriptions::error::EventsError;
use crate::subscriptions::page::{self, Page};
use crate::subscriptions::params::Params;

/// How many events an answer has when the client does not say.
const USUAL: u64 = 50;

/// The most events of an answer.
const MOST: u64 = 200;

/// When it makes sense to ask again, in milliseconds: often enough for somebody who waits, and far
/// below what a client may ask.
const NEXT_MS: u64 = 5_000;

impl Subscriptions {
    /// What happened since a position; with none, the position of now.
    ///
    /// # Errors
    /// The params cannot be meant, or the log cannot be read.
    pub async fn poll(&self, params: &Value) -> Result<Value, EventsError> {
        let params = Params::of(params)?;
        let followed = params.followed()?;
        let (asked, floor) = self.position(params)?;
        let most = params.number("maxEvents")?.unwrap_or(USUAL).clamp(1, MOST);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let read = self.0.store.read(move |conn| {
            let start = page::start(conn, asked, floor)?;
            Ok((start, page::read(conn, &followed, start.after, most)?))
        });
        let (start, Page { occurrences, reached, has_more }) = read.await?;
        let events: Vec<Value> = occurrences.iter().map(|one| one.told(None)).collect();
        Ok(json!({
            "events": events,
            "cursor": self.0.cursors.seal(reached),
            "truncated": start.truncated,
            "hasMore": has_more,
            "nextPollMs": NEXT_MS,
        }))
    }
}
