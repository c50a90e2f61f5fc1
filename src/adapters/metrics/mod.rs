//! Where the metrics of canaries come from.

mod measurement;

pub use self::measurement::{Gap, Measurement, Sample};
