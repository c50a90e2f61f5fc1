//! The actor that keeps the index in step with the files, on a thread of its own that gives way to
//! all others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tracing::{info, warn};

use super::library::{Library, LibraryError};
use super::merging::Merged;
use super::shared::Shared;
use super::watch::{Changes, Waiter};
use crate::repo::RepoPath;

/// How far the indexer steps back: behind everybody else, and not so far that on a machine without an
/// idle core a change would never be found.
const NICENESS: i32 = 10;

/// How long more changes are waited for after the first.
const GATHER: Duration = Duration::from_millis(60);

/// How long it rests after a batch, so that a file that is written without end costs little.
const REST: Duration = Duration::from_millis(200);

/// After how long everything is looked at once more.
const RECONCILE: Duration = Duration::from_mins(5);

/// The wait before a failed look is taken again.
const RETRY: Duration = Duration::from_secs(10);

/// How often it looks whether somebody still needs it.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The daemon itself changed files.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Changed;

pub(super) struct Indexer {
    shared: Arc<Shared>,
    library: Option<Library>,
    waiter: Option<Waiter>,
    /// Whether a look is due soon.
    is_due: bool,
    is_merging: bool,
    /// Whether a failed look will be taken again.
    is_retrying: bool,
}

impl Indexer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            library: None,
            waiter: None,
            is_due: false,
            is_merging: false,
            is_retrying: false,
        }
    }

    /// Opens what was kept, and brings it into step.
    fn begin(&mut self, ctx: &mut Context<Self>) {
        fail::fail_point!("search-begin");
        // On Linux this is of the thread that asks, not of the process.
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            warn!(%error, "the search index is built at the usual priority");
        }
        let library = Library::open(Arc::clone(&self.shared));
        self.waiter = library.watch.as_ref().map(super::watch::Watch::waiter);
        self.library = Some(library);
        self.reconcile(ctx);
        self.wait(ctx);
        if let Some(library) = &self.library {
            let state = self.shared.state();
            let watches = library.watch.as_ref().map_or(0, |watch| watch.extent().0);
            info!(
                files = state.files,
                bytes = state.bytes_of_text,
                watches,
                "the repository can be searched"
            );
        }
    }

    fn reconcile(&mut self, ctx: &mut Context<Self>) {
        let told = self.shared.changed();
        if self.step(ctx, Library::reconcile) {
            self.shared.settle(&told);
        }
    }

    /// Does a piece of work, and says whether it went well; after a failure the whole is looked at
    /// again, later.
    fn step(
        &mut self,
        ctx: &mut Context<Self>,
        work: impl FnOnce(&mut Library) -> Result<(), LibraryError>,
    ) -> bool {
        let Some(library) = &mut self.library else { return false };
        let done = work(library);
        let is_done = done.is_ok();
        match done {
            Ok(()) => {}
            Err(LibraryError::Write(error)) => {
                warn!(%error, "the search index cannot be written and is kept in memory only");
                library.leave_shelf();
                ctx.run_later(REST, Self::reconcile_later);
            }
            Err(LibraryError::File(error)) => {
                warn!(%error, "the files cannot be looked through yet");
                if !std::mem::replace(&mut self.is_retrying, true) {
                    ctx.run_later(RETRY, Self::reconcile_later);
                }
            }
        }
        let extent = library.watch.as_ref().map(super::watch::Watch::extent);
        self.shared.update(|state| {
            state.watches = extent.map_or(0, |(watches, _)| watches);
            state.is_watch_partial = !extent.is_some_and(|(_, is_all)| is_all);
        });
        self.merge(ctx);
        is_done
    }

    fn reconcile_later(&mut self, ctx: &mut Context<Self>) {
        self.is_retrying = false;
        self.reconcile(ctx);
    }

    /// Merges segments when there are many, while changes go on being read.
    fn merge(&mut self, ctx: &mut Context<Self>) {
        if self.is_merging {
            return;
        }
        let Some(merging) = self.library.as_mut().and_then(Library::merging) else { return };
        self.is_merging = true;
        let run = tokio::task::spawn_blocking(move || merging.run());
        ctx.spawn(run.into_actor(self).map(|merged, indexer, ctx| {
            indexer.is_merging = false;
            match merged {
                Ok(Ok(merged)) => indexer.take_merged(merged, ctx),
                Ok(Err(error)) => warn!(%error, "parts of the search index cannot be merged"),
                Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
            }
        }));
    }

    fn take_merged(&mut self, merged: Merged, ctx: &mut Context<Self>) {
        if let Some(library) = &mut self.library {
            library.take_merged(merged);
        }
        self.merge(ctx);
    }

    fn wait(&mut self, ctx: &mut Context<Self>) {
        let Some(waiter) = self.waiter.clone() else { return };
        let wait = tokio::task::spawn_blocking(move || waiter.wait());
        ctx.spawn(wait.into_actor(self).map(|woken, indexer, ctx| match woken {
            Ok(Ok(())) => indexer.look_soon(ctx),
            Ok(Err(error)) => {
                warn!(%error, "changes of files are found by looking again and again only");
            }
            Err(_runtime_ends) => {}
        }));
    }

    fn look_soon(&mut self, ctx: &mut Context<Self>) {
        if !self.is_due {
            self.is_due = true;
            ctx.run_later(GATHER, Self::look);
        }
    }

    /// Looks at what was changed since the last time.
    fn look(&mut self, ctx: &mut Context<Self>) {
        fail::fail_point!("search-look");
        let told: BTreeMap<RepoPath, u64> = self.shared.changed();
        let is_done = self.step(ctx, |library| {
            let mut changes =
                library.watch.as_mut().map_or_else(Changes::default, super::watch::Watch::changes);
            changes.directories.extend(told.keys().map(RepoPath::parent));
            changes.files.extend(told.keys().cloned());
            changes.is_anywhere |= told.keys().any(|path| path.file_name() == ".gitignore");
            if changes == Changes::default() { Ok(()) } else { library.look_at(changes) }
        });
        if is_done {
            self.shared.settle(&told);
        }
        ctx.run_later(REST, |indexer, ctx| {
            indexer.is_due = false;
            if indexer.shared.changed().is_empty() {
                indexer.wait(ctx);
            } else {
                indexer.look_soon(ctx);
            }
        });
    }
}

impl Actor for Indexer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(Duration::ZERO, Self::begin);
        ctx.run_interval(RECONCILE, Self::reconcile);
        ctx.run_interval(HEARTBEAT, |indexer, ctx| {
            if indexer.shared.is_closed() {
                ctx.stop();
            }
        });
    }
}

impl Supervised for Indexer {
    fn restarting(&mut self, _: &mut Self::Context) {
        // What it had may be what it failed at.
        self.shared.withdraw();
        *self = Self::new(Arc::clone(&self.shared));
        Library::forget(&self.shared);
    }
}

impl Handler<Changed> for Indexer {
    type Result = ();

    fn handle(&mut self, Changed: Changed, ctx: &mut Self::Context) {
        self.look_soon(ctx);
    }
}
