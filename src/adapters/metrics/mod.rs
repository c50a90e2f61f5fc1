//! Where the metrics of canaries come from.
//!
//! A [`MetricsSource`] looks and gives what it saw, raw: samples of counters, or one number of a
//! query. [`from_settings`] chooses it. A [`Counters`] ledger, one for each gate a canary looks at, turns that into what happened
//! since the look before. Only the ledger concludes anything, it is pure, and it is stored, so that
//! a restart neither loses nor repeats a request.

use std::time::Duration;

mod collect;
mod configured;
mod ledger;
mod looked;
mod measurement;
pub mod prometheus;
pub mod query;
pub mod scrape;
pub mod selector;
mod source;

pub use self::configured::{SourceError, from_settings, tells_gates_apart};
pub use self::ledger::Counters;
pub use self::looked::{Bucket, ErrorCounters, Looked, Point, Seen, Series, SeriesKey};
pub use self::measurement::{Gap, Measurement, Sample};
pub use self::source::{Look, MetricsSource, Needs, NotOffered, Offer, Offers, Past, PastError};

/// How long a server may take for an answer: half a poll, at most 10 s.
fn time_limit(poll: Duration) -> Duration {
    (poll / 2).min(Duration::from_secs(10))
}
