//! What was asked and spent since the start, for whoever looks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chat::event::{Body, Cost, Ending, Event, Note};

/// What was asked and spent since the start, as it grows.
#[derive(Debug)]
pub(super) struct Statistics {
    complete: AtomicU64,
    error: AtomicU64,
    cancelled: AtomicU64,
    /// By the name of the provider. It has them all from the start, so that figures begin at 0.
    spent: BTreeMap<String, Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    cost_micros: AtomicU64,
    disbelieved: AtomicU64,
}

/// What was asked and spent since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsNow {
    /// How many requests ended, by how: `complete`, `error`, `cancelled`.
    pub ended: [(&'static str, u64); 3],
    /// What each provider took.
    pub spent: Vec<SpentOn>,
}

/// What one provider took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentOn {
    /// The provider.
    pub provider: String,
    /// Tokens of what was asked.
    pub prompt_tokens: u64,
    /// Tokens of what was answered.
    pub completion_tokens: u64,
    /// What that cost, in millionths of the currency of the prices.
    pub cost_micros: u64,
    /// How often what it said that it took was not believed.
    pub disbelieved: u64,
}

impl Statistics {
    pub(super) fn of<'a>(providers: impl Iterator<Item = &'a String>) -> Self {
        Self {
            complete: AtomicU64::new(0),
            error: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            spent: providers.map(|name| (name.clone(), Spent::default())).collect(),
        }
    }

    /// Takes note of the ends among what was added to a journal.
    pub(super) fn note(&self, added: &[Event]) {
        for event in added {
            let Body::Note { note: Note::TurnEnd { ending, .. }, .. } = &event.body else {
                continue;
            };
            let ended = match ending {
                Ending::Complete { .. } => &self.complete,
                Ending::Error { .. } => &self.error,
                Ending::Cancelled { .. } => &self.cancelled,
            };
            ended.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes note of what an answer cost.
    pub(super) fn charge(&self, provider: &str, cost: Cost) {
        let Some(spent) = self.spent.get(provider) else { return };
        spent.prompt_tokens.fetch_add(cost.usage.prompt_tokens, Ordering::Relaxed);
        spent.completion_tokens.fetch_add(cost.usage.completion_tokens, Ordering::Relaxed);
        spent.cost_micros.fetch_add(cost.cost_micros, Ordering::Relaxed);
    }

    /// Takes note that what a provider said that it took was not believed.
    pub(super) fn disbelieve(&self, provider: &str) {
        if let Some(spent) = self.spent.get(provider) {
            spent.disbelieved.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn now(&self) -> StatisticsNow {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let spent = self.spent.iter().map(|(provider, spent)| SpentOn {
            provider: provider.clone(),
            prompt_tokens: read(&spent.prompt_tokens),
            completion_tokens: read(&spent.completion_tokens),
            cost_micros: read(&spent.cost_micros),
            disbelieved: read(&spent.disbelieved),
        });
        StatisticsNow {
            ended: [
                ("complete", read(&self.complete)),
                ("error", read(&self.error)),
                ("cancelled", read(&self.cancelled)),
            ],
            spent: spent.collect(),
        }
    }
}
