//! Carrying out what somebody asks of a canary.

use std::sync::Arc;
use std::time::Duration;

use crate::canaries::machine::{self, Command, Refusal};
use crate::canaries::record::{self, Ground};
use crate::canaries::steps::{self, NotYet};
use crate::canaries::supervisor::Tell;
use crate::canaries::view::CanaryView;
use crate::canaries::{Canaries, CanaryError};
use crate::ids::CanaryId;
use crate::store::StoreError;
use crate::store::canaries::{self, CanaryStatus, Phase};
use crate::supervision::deliver;

/// How long the caller of a command waits for what the registry has to do.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a command looks again at a canary that moves on under it.
const REREADS: usize = 10;

enum Commanded {
    Done,
    Unknown,
    Refused(Refusal, CanaryStatus),
}

impl Canaries {
    /// Has a canary do something, and waits a while for what the registry has to do for it; the
    /// view tells how far that is. Asking for what is done already changes nothing.
    ///
    /// # Errors
    /// [`CanaryError::Unknown`], [`CanaryError::Over`], [`CanaryError::NotNow`], or the store's.
    pub async fn command(
        &self,
        id: &CanaryId,
        command: Command,
        principal: &str,
        reason: Option<String>,
    ) -> Result<Arc<CanaryView>, CanaryError> {
        for _ in 0..REREADS {
            match self.wish(id, command, principal, reason.clone()).await {
                // What the board has is older than the row, or lacks the evidence.
                Err(CanaryError::Store(StoreError::Stale)) => self.reread(id).await?,
                Err(error) => return Err(error),
                Ok(()) => return self.after(id, command).await,
            }
        }
        Err(StoreError::Stale.into())
    }

    async fn reread(&self, id: &CanaryId) -> Result<(), CanaryError> {
        let view = steps::read(&self.deps, id.as_str()).await.map_err(|why| match why {
            NotYet::Models(error) | NotYet::Restore(error) | NotYet::Confirm(error) => error.into(),
            NotYet::Store(error) => CanaryError::from(error),
            NotYet::Unreadable(error) => error.into(),
        })?;
        self.deps.board.put(view);
        Ok(())
    }

    /// Writes a command down.
    async fn wish(
        &self,
        id: &CanaryId,
        command: Command,
        principal: &str,
        reason: Option<String>,
    ) -> Result<(), CanaryError> {
        let (board, key, by) = (Arc::clone(&self.deps.board), id.to_string(), principal.to_owned());
        let (supervisor, child) = (self.supervisor.clone(), id.clone());
        let statistics = Arc::clone(&self.deps.statistics);
        let wish = self.deps.store.write(move |transaction| {
            let row = match canaries::find_for_change(transaction, &key) {
                Err(StoreError::NotFound) => return Ok(Commanded::Unknown),
                found => found?,
            };
            let to = match machine::command(&row, command) {
                Ok(to) => to,
                Err(refusal) => return Ok(Commanded::Refused(refusal, row.status)),
            };
            // A decision is recorded with the evidence of exactly this row.
            let view = board.get(&key).filter(|view| view.row.version == row.version);
            let view = view.filter(|view| view.evidence.is_some()).ok_or(StoreError::Stale)?;
            let ground = Ground { board: &board, statistics: &statistics, view: &view };
            record::commanded(transaction, &ground, (command, to), (&by, reason.as_deref()))?;
            // Told by the commit and not by this future, which a caller may drop.
            let (supervisor, child) = (supervisor.clone(), child.clone());
            transaction.after_commit(move || {
                deliver(&supervisor, Tell(child));
            });
            Ok(Commanded::Done)
        });
        match wish.await? {
            Commanded::Unknown => Err(CanaryError::Unknown(id.clone())),
            Commanded::Refused(Refusal::Over, status) => {
                Err(CanaryError::Over { id: id.clone(), status })
            }
            Commanded::Refused(Refusal::NotNow(why), _) => {
                Err(CanaryError::NotNow { id: id.clone(), why })
            }
            Commanded::Done | Commanded::Refused(Refusal::Already, _) => Ok(()),
        }
    }

    /// A canary after a command: over, where the command ends it and the registry was fast enough.
    async fn after(&self, id: &CanaryId, command: Command) -> Result<Arc<CanaryView>, CanaryError> {
        let view = self.find(id).await?;
        let ends = matches!(command, Command::Abort | Command::PromoteNow)
            || view.row.phase == Phase::Promoting;
        if !ends {
            return Ok(view);
        }
        let over = self.deps.board.until_over(id.as_str());
        match tokio::time::timeout(PATIENCE, over).await {
            Ok(Some(view)) => Ok(view),
            Ok(None) | Err(_) => self.find(id).await,
        }
    }
}
