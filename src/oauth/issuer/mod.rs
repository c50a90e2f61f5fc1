//! Is a token of the authorization server that the settings name good for this daemon?
//!
//! Its keys are fetched when the first token comes, kept, and fetched again when they are old or a
//! token names another. However many requests wait for keys, the issuer is asked once.

mod freshness;
mod key_set;
mod published;
mod signature;
#[cfg(test)]
mod tests;
mod token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;
use tracing::{info, warn};
use url::Url;

use self::freshness::{Cache, FLOOR, Step};
use self::key_set::{KeySet, Lookup};
use self::published::{FetchError, Published};
pub use self::token::Fault;
use self::token::{Expected, Named};
use crate::adapters::outbound::{OutboundError, OutboundOptions};
use crate::clock::Clock;
use crate::oauth::Access;

/// How long it may take to fetch keys, whatever has to be asked for them. Less than the floor, so that
/// nobody waits twice.
const FETCH: Duration = Duration::from_secs(8);

/// Which issuer, and for whom its tokens must be.
pub struct IssuerSettings {
    /// The issuer, exactly as its tokens name it.
    pub issuer: String,
    /// The audience that its tokens must name.
    pub audience: String,
    /// Where its keys are, if its metadata need not be asked.
    pub jwks_uri: Option<Url>,
    /// Certificates in PEM of the authorities that are trusted for it instead of the system's.
    pub authorities: Option<Vec<u8>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// Why a token lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is not good.
    Invalid(Fault),
    /// Nobody can say just now; the same token may be judged after this time.
    Unjudged(Duration),
}

/// Judges tokens; cheap to clone.
#[derive(Clone)]
pub struct Issuer(Arc<Shelf>);

struct Shelf {
    expected: Expected,
    source: Box<dyn KeySource>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cache: Cache<KeySet>,
    /// The request to the issuer that is under way.
    fetching: Option<Fetching>,
}

type Fetching = Shared<BoxFuture<'static, ()>>;

/// Where keys come from.
#[async_trait]
trait KeySource: Send + Sync + 'static {
    async fn fetch(&self) -> Result<KeySet, FetchError>;
}

#[async_trait]
impl KeySource for Published {
    async fn fetch(&self) -> Result<KeySet, FetchError> {
        Self::fetch(self).await
    }
}

impl Issuer {
    /// The issuer of the settings; nothing is asked of it yet.
    ///
    /// # Errors
    /// Its address cannot be called, or the certificates are none.
    pub fn new(settings: IssuerSettings) -> Result<Self, OutboundError> {
        let IssuerSettings { issuer, audience, jwks_uri, authorities, clock } = settings;
        let options = OutboundOptions { authorities, ..OutboundOptions::default() };
        let source = Box::new(Published::new(&issuer, jwks_uri, options)?);
        Ok(Self::with(Expected { issuer, audience }, source, clock))
    }

    fn with(expected: Expected, source: Box<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shelf { expected, source, clock, state: Mutex::default() }))
    }

    /// The issuer, exactly as its tokens name it.
    pub fn name(&self) -> &str {
        &self.0.expected.issuer
    }

    /// Judges a token, and has the issuer asked for its keys first where that is needed.
    ///
    /// # Errors
    /// It is not good, or cannot be judged.
    pub async fn judge(&self, token: &str) -> Result<Access, Refused> {
        let named = token::named(token).map_err(Refused::Invalid)?;
        // Twice at most: after an attempt to fetch keys, nothing is fetched for a while.
        for _ in 0..2 {
            match self.step(&named) {
                Step::Judge(keys) => return self.judge_by(&keys, token, &named),
                Step::JudgeAndRefresh(keys) => {
                    drop(self.fetch());
                    return self.judge_by(&keys, token, &named);
                }
                Step::UnknownKey => return Err(Refused::Invalid(Fault::UnknownKey)),
                Step::Later(wait) => return Err(Refused::Unjudged(wait)),
                Step::Fetch => self.fetch().await,
            }
        }
        Err(Refused::Unjudged(FLOOR))
    }

    fn judge_by(&self, keys: &KeySet, token: &str, named: &Named) -> Result<Access, Refused> {
        let judged = match keys.find(named.key.as_deref(), named.algorithm) {
            Lookup::Found(key) => {
                let now = self.0.clock.now().unix_seconds();
                token::judge(token, named, key, &self.0.expected, now)
            }
            Lookup::Unknown => Err(Fault::UnknownKey),
            Lookup::Unfit => Err(Fault::Algorithm),
        };
        judged.map_err(Refused::Invalid)
    }

    fn step(&self, named: &Named) -> Step<KeySet> {
        let state = self.0.state();
        let knows = |keys: &KeySet| {
            !matches!(keys.find(named.key.as_deref(), named.algorithm), Lookup::Unknown)
        };
        match state.cache.step(Instant::now(), knows) {
            // Whoever came first has asked already.
            Step::Later(_) | Step::UnknownKey if state.fetching.is_some() => Step::Fetch,
            step => step,
        }
    }

    /// Asks the issuer for its keys, or joins those who wait for them.
    fn fetch(&self) -> Fetching {
        let mut state = self.0.state();
        if let Some(fetching) = &state.fetching {
            return fetching.clone();
        }
        state.cache.begins(Instant::now());
        let kept = Arc::clone(&self.0);
        // A task of its own: it goes on when the request that began it is gone.
        let task = tokio::spawn(async move {
            let fetched = tokio::time::timeout(FETCH, kept.source.fetch()).await;
            kept.settle(fetched.unwrap_or(Err(FetchError::TooSlow)));
        });
        let kept = Arc::clone(&self.0);
        let fetching = async move {
            if task.await.is_err() {
                warn!("fetching the keys of the issuer of tokens was cut short");
                kept.state().fetching = None;
            }
        };
        state.fetching.insert(fetching.boxed().shared()).clone()
    }
}

impl Shelf {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, fetched: Result<KeySet, FetchError>) {
        match &fetched {
            Ok(_) => info!("the keys of the issuer of tokens were fetched"),
            Err(error) => warn!(%error, "the keys of the issuer of tokens cannot be had"),
        }
        let mut state = self.state();
        state.cache.ends(fetched.ok(), Instant::now());
        state.fetching = None;
    }
}
