//! Which jobs does somebody see who looks for the first time?

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use crate::jobs::{JobError, Jobs};
use crate::store::jobs::{self, JobHead};

impl Jobs {
    /// The newest `open` of the jobs that are not over, and the newest `over` of those that are;
    /// newest first, each once.
    ///
    /// Whatever became of a job before this was called is in its head.
    ///
    /// # Errors
    /// The store's.
    pub async fn recent(&self, open: usize, over: u16) -> Result<Vec<JobHead>, JobError> {
        let board = Arc::clone(&self.deps.board);
        let read = self.deps.store.read(move |conn| {
            // The board first: a job that ends in between is then in both and not in neither.
            let mut views = board.all_open();
            views.sort_unstable_by_key(|view| Reverse(view.row.number));
            views.truncate(open);
            let open = views.iter().map(|view| JobHead::of(&view.row));
            let mut heads: HashMap<String, JobHead> =
                open.map(|head| (head.job_id.clone(), head)).collect();
            let over = jobs::newest_over(conn, over.into())?;
            heads.extend(over.into_iter().map(|head| (head.job_id.clone(), head)));
            Ok(heads.into_values())
        });
        let mut heads: Vec<JobHead> = read.await?.collect();
        heads.sort_unstable_by_key(|head| Reverse(head.number));
        Ok(heads)
    }
}
