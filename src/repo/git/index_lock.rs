//! The lock that git programs take before they replace the index, and the files that a replacement
//! needs meanwhile.
//!
//! `index.lock` is a second name of a file of ours that is locked with `flock` for as long as the
//! process lives. So a lock that a kill left behind can be told from everybody else's: it is the
//! same file as one of ours that nobody holds. Such a one is taken away; no other lock ever is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::GitError;

/// What the names of our files in the repository's directory begin with.
const PREFIX: &str = "lukhas-mcp-index-";

/// How often a file of our own is made anew because somebody took it for a left one.
const ATTEMPTS: usize = 16;

/// The waits between two attempts to get a lock.
const SHORTEST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// Waits that grow, up to a deadline.
pub(super) struct Patience {
    deadline: Instant,
    next: Duration,
}

impl Patience {
    pub(super) fn new(longest: Duration) -> Self {
        Self { deadline: Instant::now() + longest, next: SHORTEST_WAIT }
    }

    /// Waits, or tells that the time is over.
    pub(super) fn wait(&mut self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        #[expect(clippy::disallowed_methods, reason = "git is used on the blocking pool only")]
        std::thread::sleep(self.next.min(left));
        self.next = (self.next * 2).min(LONGEST_WAIT);
        true
    }
}

/// Files of ours in the repository's directory. They are removed with it, the lock first.
pub(super) struct OwnFiles {
    directory: PathBuf,
    stem: String,
    /// Kept open, because it is locked for as long.
    file: File,
    has_lock: bool,
}

impl OwnFiles {
    /// Makes them, and takes away what a killed process left of its own.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        clear_left_files(directory)?;
        for _ in 0..ATTEMPTS {
            let stem = format!("{PREFIX}{}", nanoid::nanoid!());
            let path = directory.join(format!("{stem}.own"));
            let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            // Until it is locked it looks like a left one.
            if is_locked_now(&file)? && file.metadata()?.nlink() != 0 {
                return Ok(Self { directory: directory.to_owned(), stem, file, has_lock: false });
            }
        }
        Err(io::Error::other("a new file was taken for a left one each time"))
    }

    /// The path of a file of ours.
    pub(super) fn path(&self, ending: &str) -> PathBuf {
        self.directory.join(format!("{}.{ending}", self.stem))
    }

    /// Takes the lock of the index.
    ///
    /// # Errors
    /// [`GitError::Busy`] if somebody holds it for longer than we wait.
    pub(super) fn lock(&mut self, patience: &mut Patience) -> Result<(), GitError> {
        loop {
            match std::fs::hard_link(self.path("own"), lock_of(&self.directory)) {
                Ok(()) => {
                    self.has_lock = true;
                    return Ok(());
                }
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
                Err(_) if patience.wait() => {}
                Err(_) => return Err(GitError::Busy("index.lock".into())),
            }
        }
    }

    /// Gives the lock of the index back.
    pub(super) fn unlock(&mut self) -> io::Result<()> {
        if self.has_lock {
            self.has_lock = false;
            let lock = lock_of(&self.directory);
            if is_same(&lock, &self.file.metadata()?)? {
                std::fs::remove_file(lock)?;
            }
        }
        Ok(())
    }
}

impl Drop for OwnFiles {
    fn drop(&mut self) {
        let ended = self.unlock().and_then(|()| remove_files(&self.directory, &self.stem));
        if let Err(error) = ended {
            // The next one to commit or to start takes them away.
            tracing::warn!(error.kind = %error.kind(), "files of a commit could not be removed");
        }
    }
}

fn lock_of(directory: &Path) -> PathBuf {
    directory.join("index.lock")
}

/// Locks a file for this process unless somebody else has.
fn is_locked_now(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_same(path: &Path, file: &std::fs::Metadata) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(there) => Ok((there.dev(), there.ino()) == (file.dev(), file.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Takes away what killed processes left of ours, the lock of the index first.
pub(super) fn clear_left_files(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".own")) else { continue };
        if !stem.starts_with(PREFIX) {
            continue;
        }
        let file = match File::open(directory.join(&name)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if !is_locked_now(&file)? {
            continue;
        }
        if is_same(&lock_of(directory), &file.metadata()?)? {
            std::fs::remove_file(lock_of(directory))?;
            tracing::info!("took away the index.lock that a killed daemon left");
        }
        remove_files(directory, stem)?;
    }
    Ok(())
}

/// Removes our files of one stem, last the one that shows that they are ours.
fn remove_files(directory: &Path, stem: &str) -> io::Result<()> {
    for ending in ["new.lock", "new", "old", "own"] {
        match std::fs::remove_file(directory.join(format!("{stem}.{ending}"))) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
