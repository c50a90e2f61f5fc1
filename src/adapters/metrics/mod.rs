//! Where the metrics of canaries come from.
//!
//! A [`MetricsSource`] looks and gives what it saw, raw: samples of counters, or one number of a
//! query. A [`Counters`] ledger, one for each gate a canary looks at, turns that into what happened
//! since the look before. Only the ledger concludes anything, it is pure, and it is stored, so that
//! a restart neither loses nor repeats a request.

mod ledger;
mod looked;
mod measurement;
mod source;

pub use self::ledger::Counters;
pub use self::looked::{Bucket, ErrorCounters, Looked, Point, Seen, Series, SeriesKey};
pub use self::measurement::{Gap, Measurement, Sample};
pub use self::source::{Look, MetricsSource, Needs, NotOffered, Offer, Offers, Past, PastError};
