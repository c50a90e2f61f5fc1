//! What does a client say of itself whose id is an address?
//!
//! The address is a stranger's: it is called as the addresses of webhooks are that clients name, a
//! few at a time, and what it answers is remembered for a while, be it good or not.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use crate::adapters::outbound::{Call, OpenOutbound, Reach};
use crate::oauth::server::client::{Client, Metadata};
use crate::oauth::server::error::Denied;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a document may be, in bytes.
const LONGEST: usize = 16 * 1024;

/// How many are asked for at once.
const AT_ONCE: usize = 32;

/// How many are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(256).expect("256 is not 0");

/// How long a good one is remembered, and one that could not be had.
const LIFE: (Duration, Duration) = (Duration::from_mins(5), Duration::from_secs(30));

/// Reads documents.
pub(super) struct Documents {
    outbound: OpenOutbound,
    remembered: Mutex<LruCache<String, Remembered>>,
    places: Semaphore,
}

#[derive(Clone)]
struct Remembered {
    outcome: Result<Client, String>,
    until: Instant,
}

impl Documents {
    pub(super) fn new(reach: Reach) -> Self {
        Self {
            outbound: OpenOutbound::new(reach),
            remembered: Mutex::new(LruCache::new(REMEMBERED)),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// The client that describes itself at this address.
    pub(super) async fn read(&self, id: &Url) -> Result<Client, Denied> {
        if let Some(outcome) = self.remembered(id) {
            return outcome.map_err(Denied::InvalidClient);
        }
        let too_many = "the metadata of too many clients are read just now; try again in a moment";
        let place = self.places.try_acquire().map_err(|_none_left| Denied::Busy(too_many))?;
        let outcome = self.fetch(id).await.map_err(|denied| denied.to_string());
        drop(place);
        let life = if outcome.is_ok() { LIFE.0 } else { LIFE.1 };
        let remembered = Remembered { outcome: outcome.clone(), until: Instant::now() + life };
        let mut all = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        all.put(id.as_str().to_owned(), remembered);
        outcome.map_err(Denied::InvalidClient)
    }

    fn remembered(&self, id: &Url) -> Option<Result<Client, String>> {
        let mut all = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(id.as_str())?;
        (Instant::now() < known.until).then(|| known.outcome.clone())
    }

    async fn fetch(&self, id: &Url) -> Result<Client, Denied> {
        let server = self.outbound.to("the server of the client's metadata", id.clone()).await?;
        let call = Call::get(&[]).header("accept", "application/json");
        let answer = server.call(&call.within(PATIENCE).at_most(LONGEST)).await?;
        if answer.status != 200 {
            let why = format!("client_id cannot be read: it answers with status {}", answer.status);
            return Err(Denied::InvalidClient(why));
        }
        Metadata::read(&answer.body)?.published_at(id)
    }
}
