//! The repository that tools work on: what of it is the daemon's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::parts::Parts;
use super::{AppError, report};
use crate::config::Settings;
use crate::events::Changes;
use crate::repo::git::{Author, GitSettings};
use crate::repo::root::{OwnFiles, Root};
use crate::repo::{LARGEST_FILE, Repo, RepoSettings};

/// Opens the repository. `files` are those that the settings came from, which may hold secrets.
pub(super) async fn open(
    parts: &Parts<'_>,
    files: &[PathBuf],
    followers: &Arc<Changes>,
) -> Result<Repo, AppError> {
    let settings = parts.settings;
    let root = Arc::new(Root::open(&settings.repo.root, &own_files(settings, files))?);
    let repo = Repo::start(RepoSettings {
        root,
        git: GitSettings {
            directory: settings.repo.root.clone(),
            author: Author {
                name: settings.repo.git_author_name.clone(),
                email: settings.repo.git_author_email.clone(),
            },
            largest: LARGEST_FILE,
        },
        search_index: settings.store.search_index.clone(),
        followers: Arc::clone(followers),
        clock: Arc::clone(parts.clock),
        read_only: settings.repo.read_only,
        store: parts.store.clone(),
        supervision: parts.supervision.clone(),
        arbiter: parts.arbiter.clone(),
        on_end: report("repository", parts.failed),
    });
    Ok(repo.await?)
}

/// What is as if it did not exist, and what is not to be changed.
fn own_files(settings: &Settings, files: &[PathBuf]) -> OwnFiles {
    let store = &settings.store;
    let kept = [
        Some(&store.db),
        Some(&store.legacy_state),
        Some(&store.search_index),
        store.backup_dir.as_ref(),
        Some(&settings.evals.runs_dir),
        settings.registry.git_repository.as_ref(),
        settings.audit.anchor_repo.as_ref(),
    ];
    let before_migration = store.db.with_extension("db.before-migration");
    let hidden = kept.into_iter().flatten().map(PathBuf::as_path);
    let hidden = hidden.chain([before_migration.as_path()]);
    let hidden = hidden.chain(files.iter().map(PathBuf::as_path)).map(Path::to_owned);
    // What stands there is run by run_eval: a file tool must not be a way to run anything.
    OwnFiles { hidden: hidden.collect(), guarded: vec![settings.evals.dir.clone()] }
}
