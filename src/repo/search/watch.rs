//! Which directories had something changed in them, as the kernel tells.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::repo::RepoPath;
use crate::repo::root::Root;

/// How long one wait is.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// A directory below the root; none is the root itself.
pub(super) type Directory = Option<RepoPath>;

/// The directories that are watched.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: Arc<OwnedFd>,
    directories: HashMap<i32, Directory>,
    numbers: BTreeMap<Directory, i32>,
    /// Whether a directory could not be watched.
    is_partial: bool,
}

/// Waits for changes.
#[derive(Debug, Clone)]
pub(super) struct Waiter(Arc<OwnedFd>);

impl Waiter {
    /// Blocks until something was changed since the last look, or for a while.
    pub(super) fn wait(&self) -> Result<(), Errno> {
        let mut inotify = [PollFd::new(&*self.0, PollFlags::IN)];
        match poll(&mut inotify, Some(&PATIENCE)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What was changed since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// In these directories, and the files in them that were named.
    pub(super) directories: BTreeSet<Directory>,
    pub(super) files: BTreeSet<RepoPath>,
    /// It is not known what was changed, or it may concern everything.
    pub(super) is_anywhere: bool,
}

impl Watch {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// The kernel has no more instances for us.
    pub(super) fn new() -> std::io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Self {
            inotify: Arc::new(inotify),
            directories: HashMap::new(),
            numbers: BTreeMap::new(),
            is_partial: false,
        })
    }

    /// How many directories are watched, and whether that is all.
    pub(super) fn extent(&self) -> (usize, bool) {
        (self.numbers.len(), !self.is_partial)
    }

    /// Watches a directory, if it is not yet.
    pub(super) fn add(&mut self, root: &Root, directory: &Directory) {
        if self.numbers.contains_key(directory) {
            return;
        }
        fail::fail_point!("search-watch", |_| self.is_partial = true);
        let what = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MODIFY
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR
            | WatchFlags::EXCL_UNLINK;
        match root.watch(&*self.inotify, directory.as_ref(), what) {
            Ok(number) => {
                if let Some(before) = self.directories.insert(number, directory.clone()) {
                    self.numbers.remove(&before);
                }
                self.numbers.insert(directory.clone(), number);
            }
            // It is gone already, or no directory any more.
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(_full) => self.is_partial = true,
        }
    }

    /// Says that all directories will be added once more: those that could not be watched get
    /// another chance.
    pub(super) fn begin_anew(&mut self) {
        self.is_partial = false;
    }

    /// Watches no more what is not among these directories.
    pub(super) fn keep_only(&mut self, directories: &BTreeSet<Directory>) {
        self.forget(|known| !directories.contains(known));
    }

    /// Watches a directory and all below it no more.
    pub(super) fn remove(&mut self, gone: &RepoPath) {
        let below = format!("{gone}/");
        self.forget(|known| {
            known.as_ref().is_some_and(|path| path == gone || path.as_str().starts_with(&below))
        });
    }

    fn forget(&mut self, is_gone: impl Fn(&Directory) -> bool) {
        let (directories, inotify) = (&mut self.directories, &self.inotify);
        self.numbers.retain(|known, number| {
            let is_gone = is_gone(known);
            if is_gone {
                directories.remove(number);
                // The kernel has done so by itself if the directory was removed.
                let _already = inotify::remove_watch(&**inotify, *number);
            }
            !is_gone
        });
    }

    /// The directories below one that are watched.
    pub(super) fn children(&self, of: &Directory) -> BTreeSet<RepoPath> {
        let all = self.numbers.keys().flatten();
        all.filter(|path| path.parent() == *of).cloned().collect()
    }

    /// What to wait with.
    pub(super) fn waiter(&self) -> Waiter {
        Waiter(Arc::clone(&self.inotify))
    }

    /// What was changed.
    pub(super) fn changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        let mut buffer = [MaybeUninit::uninit(); 16384];
        let mut gone = Vec::new();
        let mut reader = inotify::Reader::new(&*self.inotify, &mut buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => break,
                Err(_broken) => {
                    changes.is_anywhere = true;
                    break;
                }
            };
            let what = event.events();
            if what.contains(ReadFlags::QUEUE_OVERFLOW) {
                changes.is_anywhere = true;
                continue;
            }
            let Some(directory) = self.directories.get(&event.wd()) else { continue };
            if what.contains(ReadFlags::IGNORED) {
                gone.push(event.wd());
                continue;
            }
            let name = event.file_name().and_then(|name| name.to_str().ok());
            if name == Some(".gitignore") {
                changes.is_anywhere = true;
            }
            let text = match (directory, name) {
                (Some(directory), Some(name)) => Some(format!("{directory}/{name}")),
                (None, Some(name)) => Some(name.to_owned()),
                (_, None) => None,
            };
            changes.files.extend(text.and_then(|text| RepoPath::parse(&text).ok()));
            changes.directories.insert(directory.clone());
        }
        for number in gone {
            if let Some(directory) = self.directories.remove(&number) {
                self.numbers.remove(&directory);
            }
        }
        changes
    }
}
