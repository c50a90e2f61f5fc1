//! Committing: prepare what nobody sees, write the intent down, publish it, record it.

use std::time::Duration;

use super::change::{Change, CommittedFile, Fate};
use super::git::{CommitId, CommitMessage, CommitRequest, GitError, Paths, StagedChange};
use super::{Repo, RepoError, Work};

/// How long a commit waits for those before it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a commit is made anew because somebody else's was faster.
const TRIES: usize = 3;

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Its name.
    pub id: CommitId,
    /// What it says, with the sign-off if one was asked for.
    pub message: CommitMessage,
    /// The short name of its branch.
    pub branch: String,
    /// What it changes, in the order of the paths.
    pub changes: Vec<StagedChange>,
}

/// A commit that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitOrder {
    /// What it takes in.
    pub paths: Paths,
    /// What it says.
    pub message: CommitMessage,
    /// Whether `Signed-off-by:` with the author is added.
    pub signoff: bool,
}

impl Repo {
    /// Commits files as they stand in the working tree.
    ///
    /// # Errors
    /// There is nothing to commit or no branch for it, somebody is in the middle of something, or
    /// the repository cannot be written; the branch is then as it was.
    pub async fn commit(&self, actor: &str, order: CommitOrder) -> Result<Committed, RepoError> {
        let place = self.admit_change()?;
        let (this, actor) = (self.clone(), actor.to_owned());
        let work = async move {
            let _place = place;
            let turn = tokio::time::timeout(PATIENCE, this.0.committing.lock()).await;
            let _turn = turn.map_err(|_elapsed| RepoError::Overloaded)?;
            this.commit_in_turn(&actor, order).await
        };
        // It goes on even if whoever asked hangs up.
        tokio::spawn(work).await.unwrap_or(Err(RepoError::Panicked))
    }

    async fn commit_in_turn(
        &self,
        actor: &str,
        order: CommitOrder,
    ) -> Result<Committed, RepoError> {
        let CommitOrder { paths, message, signoff } = order;
        let at = self.0.clock.now();
        let request = CommitRequest { paths, message, signoff, at };
        let mut tries = 1;
        loop {
            match self.commit_once(actor, request.clone()).await {
                // What was prepared for the old tip is prepared anew for the new one.
                Err(RepoError::Git(GitError::Moved)) if tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn commit_once(
        &self,
        actor: &str,
        request: CommitRequest,
    ) -> Result<Committed, RepoError> {
        let prepared = self.git(Work::Change, move |tree| tree.prepare(&request)).await?;
        let files = prepared.changes().iter().map(|change| CommittedFile {
            path: change.path.clone(),
            before: change.before,
            after: change.after,
        });
        let change = Change::Commit {
            commit: prepared.id().to_string(),
            branch: prepared.branch().to_owned(),
            subject: prepared.message().subject().to_owned(),
            files: files.collect(),
        };
        let committed = Committed {
            id: prepared.id(),
            message: prepared.message().clone(),
            branch: prepared.branch().to_owned(),
            changes: prepared.changes().to_vec(),
        };
        let intent = self.journal().open(actor, change).await?;
        let published = self.git(Work::Change, move |tree| tree.publish(&prepared)).await;
        let fate = match &published {
            Ok(_) => Some(Fate::Made),
            // The branch may have it all the same.
            Err(_) => self.fate_of(&intent).await,
        };
        let recorded = match fate {
            Some(fate) => self.close(&intent, fate).await,
            None => Ok(()),
        };
        published?;
        recorded.map(|()| committed)
    }
}
