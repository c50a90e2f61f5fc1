//! Forgetting, from time to time, what is not to be kept.
//!
//! A request that ends has its conversation looked at already. This is for conversations in which
//! nothing happens any more, and for settings that were made stricter.

use std::sync::Arc;

use crate::chat::Chat;
use crate::chat::room::Room;
use crate::chat::{forgetting, retention};
use crate::config::chat::RetentionPolicy;
use crate::store::chat::excess::{self, Excess};
use crate::store::chat::usage;
use crate::store::{StoreError, Transaction};

/// How many conversations are looked for at once.
const FOUND_AT_ONCE: i64 = 200;

/// How many go with one transaction, so that others who write do not wait long.
const CHANGED_AT_ONCE: i64 = 10;

/// How long the ledger has every entry; of earlier days it has the sums.
const LEDGER_KEPT: time::Duration = time::Duration::days(92);

/// How many entries are summed up in one transaction.
const ENTRIES_AT_ONCE: i64 = 500;

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Conversations, with all that was said in them.
    pub conversations: usize,
    /// Events of conversations that are still there.
    pub events: usize,
}

impl Chat {
    /// Forgets what is not to be kept. Where time decides, a conversation goes whole once nothing
    /// has happened in it for so long; until then it keeps its last request, as with every policy.
    ///
    /// # Errors
    /// The store's; what was forgotten by then stays forgotten.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        self.sum_up_ledger().await?;
        let policy = self.deps.settings.repository.retention;
        // What a failure left of those that went.
        forgetting::go_on(&self.deps.store).await?;
        let cutoff = retention::cutoff(policy, self.deps.clock.now()).map(|at| at.to_string());
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let excess = match (policy, &cutoff) {
            (RetentionPolicy::TokenLimit { max_tokens }, _) => Excess::Tokens(whole(max_tokens)),
            (RetentionPolicy::MessageCount { max_messages }, _) => {
                Excess::Messages(whole(max_messages))
            }
            (_, Some(cutoff)) => Excess::Before(cutoff.clone()),
            (_, None) => return Ok(Swept::default()),
        };
        let conversations = match cutoff {
            Some(cutoff) => self.forget_idle(&cutoff).await?,
            None => 0,
        };
        Ok(Swept { conversations, events: self.forget_excess(excess, policy).await? })
    }

    /// Sums up what the ledger has of days long ago. Budgets look at today, and at what each
    /// conversation has taken, which it knows itself.
    async fn sum_up_ledger(&self) -> Result<(), StoreError> {
        let first = self.deps.clock.now().plus(-LEDGER_KEPT).to_string();
        let first = first.get(..10).unwrap_or_default().to_owned();
        loop {
            let day = first.clone();
            let sum_up = move |transaction: &mut Transaction<'_>| {
                usage::sum_up_before(transaction, &day, ENTRIES_AT_ONCE)
            };
            let summed_up = self.deps.store.record(sum_up).await?;
            if i64::try_from(summed_up).map_or(true, |n| n < ENTRIES_AT_ONCE) {
                return Ok(());
            }
        }
    }

    /// Forgets the conversations in which nothing has happened since `cutoff`.
    async fn forget_idle(&self, cutoff: &str) -> Result<usize, StoreError> {
        let mut forgotten = 0;
        loop {
            let cutoff = cutoff.to_owned();
            let feeds = Arc::clone(&self.deps.feeds);
            let removed = self.deps.store.record(move |transaction| {
                let idle = excess::idle_since(transaction.reader(), &cutoff, CHANGED_AT_ONCE)?;
                let (mut room, mut gone) = (Room::new(), 0);
                for id in &idle {
                    let is_whole = forgetting::remove(transaction, id, &mut room)?;
                    let (feeds, id) = (Arc::clone(&feeds), id.clone());
                    transaction.after_commit(move || feeds.remove(&id));
                    gone += 1;
                    if !is_whole {
                        break;
                    }
                }
                Ok(gone)
            });
            let removed = removed.await?;
            forgetting::go_on(&self.deps.store).await?;
            match removed {
                0 => return Ok(forgotten),
                removed => forgotten += removed,
            }
        }
    }

    /// Forgets what single conversations have too much of.
    async fn forget_excess(
        &self,
        excess: Excess,
        policy: RetentionPolicy,
    ) -> Result<usize, StoreError> {
        let (mut forgotten, mut after) = (0, String::new());
        loop {
            // One that keeps its last request may be found again and again, so each is looked at once.
            let (what, from) = (excess.clone(), after.clone());
            let store = &self.deps.store;
            let find = move |conn: &mut _| excess::conversations(conn, &what, &from, FOUND_AT_ONCE);
            let found = store.read(find).await?;
            let Some(last) = found.last() else { return Ok(forgotten) };
            after.clone_from(last);
            for id in found {
                // Nobody who writes waits while all of it is looked at.
                let (key, now) = (id.clone(), self.deps.clock.now());
                let due = move |conn: &mut _| forgetting::due(conn, &key, (policy, now));
                for seq in store.read(due).await? {
                    let id = id.clone();
                    let removed = store
                        .record(move |transaction| forgetting::forget_up_to(transaction, &id, seq));
                    forgotten += removed.await?;
                }
            }
        }
    }
}
