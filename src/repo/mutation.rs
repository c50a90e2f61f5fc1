//! How a file is changed: look and plan, write the intent down, do it, write down what became of it.
//!
//! All of it happens under the locks of the files, and goes on to its end even if whoever asked
//! hangs up.

use tokio::sync::OwnedSemaphorePermit;
use tracing::{error, warn};

use super::change::{Change, Fate};
use super::journal::Intent;
use super::{Deps, Repo, RepoError, RepoPath, Work, settling};
use crate::store::StoreError;

/// What is to be done, decided from what the files hold now.
pub(super) struct Plan<T> {
    pub(super) change: Change,
    pub(super) effect: Effect<T>,
}

/// Does it. Blocks.
pub(super) type Effect<T> = Box<dyn FnOnce(&Deps) -> Result<T, RepoError> + Send>;

impl Repo {
    /// Changes these files as `plan` decides, which reads them and touches nothing.
    pub(super) async fn mutate<T, P>(
        &self,
        actor: &str,
        paths: Vec<RepoPath>,
        plan: P,
    ) -> Result<T, RepoError>
    where
        T: Send + 'static,
        P: FnOnce(&Deps) -> Result<Plan<T>, RepoError> + Send + 'static,
    {
        let place = self.admit_change()?;
        let (this, actor) = (self.clone(), actor.to_owned());
        let change = async move { this.carry_out(&actor, &paths, plan, place).await };
        tokio::spawn(change).await.unwrap_or(Err(RepoError::Panicked))
    }

    async fn carry_out<T, P>(
        &self,
        actor: &str,
        paths: &[RepoPath],
        plan: P,
        _place: OwnedSemaphorePermit,
    ) -> Result<T, RepoError>
    where
        T: Send + 'static,
        P: FnOnce(&Deps) -> Result<Plan<T>, RepoError> + Send + 'static,
    {
        let _held = self.locks().hold(&paths.iter().collect::<Vec<_>>()).await?;
        let Plan { change, effect } = self.blocking(Work::Change, plan).await?;
        let intent = self.journal().open(actor, change).await?;
        let done = self.blocking(Work::Change, effect).await;
        let fate = match &done {
            Ok(_) => Some(Fate::Made),
            // It may have got as far as to be seen, so the files have the last word.
            Err(_) => self.fate_of(&intent).await,
        };
        self.index().changed(paths.to_vec());
        let recorded = match fate {
            Some(fate) => self.close(&intent, fate).await,
            None => Ok(()),
        };
        // Why it was not done is of more use than that this was not recorded.
        let done = done?;
        recorded.map(|()| done)
    }

    /// Writes down what became of a change.
    pub(super) async fn close(&self, intent: &Intent, fate: Fate) -> Result<(), RepoError> {
        let Err(error) = self.journal().close(intent, fate).await else { return Ok(()) };
        if !matches!(error, StoreError::Stale) {
            warn!(%error, "a change of the repository waits to be recorded");
            self.journal().owe(intent.clone(), fate);
        }
        Err(RepoError::Unrecorded(error))
    }

    /// What became of a change that failed half-way, or was cut off; `None` where that cannot be
    /// seen now, and the next start looks again.
    pub(super) async fn fate_of(&self, intent: &Intent) -> Option<Fate> {
        let change = intent.change.clone();
        let look = self.blocking(Work::Change, move |deps| settling::look(deps, &change));
        match look.await {
            Ok(evidence) => Some(intent.change.fate(evidence)),
            Err(error) => {
                let action = intent.change.action();
                error!(action, %error, "what became of a change of the repository cannot be seen");
                None
            }
        }
    }
}
