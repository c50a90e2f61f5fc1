//! What files there are: bounded, and in the order of their paths.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::glob::Glob;
use super::root::{Entry, EntryKind, WalkLimits};
use super::{Deps, Repo, RepoError, RepoPath, Work};

/// How long a listing may look.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which files are asked for.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// Below which directory; `None` for the whole repository.
    pub under: Option<RepoPath>,
    /// Only what matches this, seen from the root of the repository or from the directory.
    pub matching: Option<Glob>,
    /// The most entries.
    pub most: usize,
    /// Whether directories are listed too.
    pub directories: bool,
}

/// A file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where.
    pub path: RepoPath,
    /// What.
    pub kind: EntryKind,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// In the order of their paths.
    pub entries: Vec<Listed>,
    /// Whether there is more than is listed, or may be.
    pub is_cut: bool,
}

impl Repo {
    /// Lists the files below a directory, all the way down, as far as git does not ignore them.
    ///
    /// # Errors
    /// There is no such directory, or it cannot be read.
    pub async fn list(&self, request: ListRequest) -> Result<Listing, RepoError> {
        self.blocking(Work::Survey, move |deps| list(deps, &request)).await
    }
}

fn list(deps: &Deps, request: &ListRequest) -> Result<Listing, RepoError> {
    let mut listing = Listing::default();
    let limits = WalkLimits { until: Some(Instant::now() + PATIENCE), ..WalkLimits::default() };
    let below = request.under.as_ref().map_or(0, |under| under.as_str().len() + 1);
    let mut visit = |Entry { path, kind, .. }: Entry| {
        let is_asked = kind == EntryKind::File || request.directories;
        let fits = |glob: &Glob| {
            let text = path.as_str();
            glob.matches(text) || text.get(below..).is_some_and(|rest| glob.matches(rest))
        };
        if !is_asked || !request.matching.as_ref().is_none_or(fits) {
            return ControlFlow::Continue(());
        }
        // One more than asked for tells that there is more.
        if request.most <= listing.entries.len() {
            listing.is_cut = true;
            return ControlFlow::Break(());
        }
        listing.entries.push(Listed { path, kind });
        ControlFlow::Continue(())
    };
    let walked = deps.root.walk(request.under.as_ref(), &limits, &mut visit)?;
    listing.is_cut |= walked.is_cut;
    Ok(listing)
}
