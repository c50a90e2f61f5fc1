//! The seam: whom canaries ask for metrics, and what they ask.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::looked::Looked;
use crate::adapters::outbound::ServerState;
use crate::clock::Timestamp;
use crate::ids::{GateId, ModelId};

/// What is asked for in one look at one gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The model of the canary.
    pub model: ModelId,
    /// The gate that is looked at: the canary's own, or the one it is compared with.
    pub gate: GateId,
    /// The numbers that are wanted.
    pub needs: Needs,
    /// What `$__window` stands for in scalar queries; whole seconds, at least one.
    pub window: Duration,
    /// How often it is looked. A source gives up on a server after half of it, at most 10 s.
    pub poll: Duration,
    /// How far back raw samples are asked for: `Counters::lookback` of this gate's ledger.
    pub lookback: Duration,
}

/// The numbers that have a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needs {
    /// Whether failed requests are to be counted.
    pub errors: bool,
    /// The target of latency in milliseconds, if slow requests are to be counted.
    pub latency_target_ms: Option<f64>,
}

/// What a source can say of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Requests are counted: the strong evidence.
    Counts,
    /// A query gives one number: weak evidence.
    Scalar,
    /// Nothing.
    Nothing,
}

/// What a source can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offers {
    /// Of failed requests.
    pub errors: Offer,
    /// Of slow requests.
    pub latency: Offer,
}

impl Offers {
    /// Whether everything that is needed can be seen.
    ///
    /// # Errors
    /// A number cannot be seen; the error says what to set.
    pub fn cover(self, needs: Needs) -> Result<(), NotOffered> {
        if needs.errors && self.errors == Offer::Nothing {
            return Err(NotOffered::Errors);
        }
        if needs.latency_target_ms.is_some() && self.latency == Offer::Nothing {
            return Err(NotOffered::Latency);
        }
        Ok(())
    }
}

/// A canary that cannot be observed, and what to set so that it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    /// There is no source at all.
    #[error(
        "no source of metrics is configured: set LUKHAS_SCRAPE_URL or PROM_URL, and PROM_TOTAL, \
         PROM_ERRORS and PROM_BUCKET (or the queries PROM_Q_ERR and PROM_Q_LAT)"
    )]
    Source,
    /// Errors have a target and are not observed.
    #[error(
        "max_error_rate cannot be observed: set PROM_TOTAL and PROM_ERRORS to the series that \
         count requests and failed requests, or PROM_Q_ERR to a query"
    )]
    Errors,
    /// Latency has a target and is not observed.
    #[error(
        "latency_p95_ms cannot be observed: set PROM_BUCKET to the buckets of a latency \
         histogram, or PROM_Q_LAT to a query"
    )]
    Latency,
}

/// A span of the past, for trying a policy on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The first look.
    pub from: Timestamp,
    /// The last look, at the latest.
    pub to: Timestamp,
    /// The time between looks.
    pub step: Duration,
}

impl Past {
    /// The most looks of one span.
    pub const MOST_LOOKS: usize = 2_000;

    /// The moments of the looks, oldest first.
    ///
    /// # Errors
    /// The span is empty, or has too many looks.
    pub fn moments(&self) -> Result<Vec<Timestamp>, PastError> {
        let step = time::Duration::try_from(self.step).unwrap_or(time::Duration::MAX);
        let span = self.to.since(self.from);
        if step < time::Duration::seconds(1) || span < step {
            return Err(PastError::Span);
        }
        let looks = span.whole_milliseconds() / step.whole_milliseconds() + 1;
        match i32::try_from(looks) {
            Ok(looks) if usize::try_from(looks).is_ok_and(|looks| looks <= Self::MOST_LOOKS) => {
                Ok((0..looks).map(|look| self.from.plus(step * look)).collect())
            }
            _ => Err(PastError::TooLong),
        }
    }
}

/// Why the past cannot be looked at. The words may be shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PastError {
    /// The source knows the present only.
    #[error("{0} has no past: a backtest needs a Prometheus server")]
    NoPast(&'static str),
    /// The span holds no two looks.
    #[error("the span must hold at least one step, and a step at least one second")]
    Span,
    /// The span holds too many looks.
    #[error("the span holds more than {} steps", Past::MOST_LOOKS)]
    TooLong,
    /// The server could not be asked.
    #[error("{0}")]
    Failed(String),
}

/// Where metrics come from.
///
/// A look never fails as a whole: each number is a value, a gap or an error of its own.
#[async_trait]
pub trait MetricsSource: fmt::Debug + Send + Sync + 'static {
    /// What it is called in events and records.
    fn name(&self) -> &'static str;

    /// What it can see.
    fn offers(&self) -> Offers;

    /// What it is called that is asked, and how that server has been of late.
    fn servers(&self) -> Vec<(&'static str, ServerState)> {
        Vec::new()
    }

    /// Looks at a gate now.
    async fn look(&self, look: &Look) -> Looked;

    /// What looks at moments of the past would have seen, oldest first. The first one is to begin
    /// a new ledger with, as the first look of a canary does.
    ///
    /// # Errors
    /// The source has no past, the span is of no use, or the server could not be asked.
    async fn history(&self, look: &Look, past: Past)
    -> Result<Vec<(Timestamp, Looked)>, PastError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_offered_names_the_setting() {
        let offers = Offers { errors: Offer::Counts, latency: Offer::Nothing };
        let needs = |errors, latency_target_ms| Needs { errors, latency_target_ms };
        assert_eq!(offers.cover(needs(true, None)), Ok(()));
        let refused = offers.cover(needs(true, Some(250.0))).unwrap_err();
        assert!(refused.to_string().contains("PROM_BUCKET"), "{refused}");
        let blind = Offers { errors: Offer::Nothing, ..offers };
        assert_eq!(blind.cover(needs(true, None)), Err(NotOffered::Errors));
    }

    #[test]
    fn the_past_is_looked_at_step_by_step() {
        let at = |text| Timestamp::parse(text).unwrap();
        let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:14Z"));
        let past = |seconds| Past { from, to, step: Duration::from_secs(seconds) };
        let moments: Vec<_> = past(5).moments().unwrap().iter().map(Timestamp::to_string).collect();
        assert_eq!(moments.len(), 3);
        assert_eq!(moments[2], "2026-01-01T00:00:10.000Z");
        assert_eq!(past(15).moments(), Err(PastError::Span));
        assert_eq!(past(0).moments(), Err(PastError::Span));
        let long = Past { to: at("2027-01-01T00:00:00Z"), ..past(1) };
        assert_eq!(long.moments(), Err(PastError::TooLong));
    }
}
