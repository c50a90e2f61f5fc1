//! The index: what the next `git commit` of somebody else would take.
//!
//! It is read and written as a file of its own, not as part of an opened repository: libgit2 would
//! then look at the working tree by itself, which only [`Root`](crate::repo::root::Root) may.
//!
//! git takes a file for unchanged if its size and times are those in the index, unless it was changed
//! in the second in which the index was written, or later; then it compares the content. A new index
//! is written later, so whatever that rule still has to catch is marked to be compared.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Index, IndexEntry, IndexTime};

use super::error::GitError;
use super::index_lock::{OwnFiles, Patience};
use super::trees::{Entry, Mode};
use crate::repo::root::Seen;

/// What is to stand in the index at a path; nothing removes it.
#[derive(Debug, Clone)]
pub(super) struct Staging {
    pub(super) path: Vec<u8>,
    pub(super) entry: Option<Entry>,
    /// How git knows the file again without reading it, if that is safe to say.
    pub(super) stat: Option<FileStat>,
}

/// What git remembers of a file to see that it did not change. Larger numbers are cut to 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStat {
    pub(super) changed: Moment,
    pub(super) modified: Moment,
    pub(super) device: u32,
    pub(super) inode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) size: u32,
}

impl FileStat {
    /// What git would remember of a file; none if its times are none that the index takes.
    pub(super) fn of(seen: &Seen) -> Option<Self> {
        let stat = seen.index_stat();
        Some(Self {
            changed: moment(stat.changed_ns)?,
            modified: moment(stat.modified_ns)?,
            device: low_bits(stat.device),
            inode: low_bits(stat.inode),
            owner: stat.owner,
            group: stat.group,
            size: low_bits(stat.size),
        })
    }

    /// Whether whatever changes the file from now on gives it another second. The file system's
    /// clock may be a little late.
    pub(super) fn is_older_than(&self, now: i64) -> bool {
        i64::from(self.modified.0.max(self.changed.0)) + 1 < now
    }
}

fn moment(nanoseconds: i128) -> Option<Moment> {
    let seconds = i32::try_from(nanoseconds.div_euclid(1_000_000_000)).ok()?;
    let rest = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok()?;
    Some((seconds, rest))
}

#[expect(clippy::cast_possible_truncation, reason = "the index has room for 32 bits")]
fn low_bits(number: u64) -> u32 {
    number as u32
}

/// Seconds since 1970, and nanoseconds of the next.
pub(super) type Moment = (i32, u32);

/// Reads the index of a repository, or of a linked working tree; one that is not there is empty.
pub(super) fn read(git_directory: &Path) -> Result<Index, GitError> {
    open(&path_of(git_directory))
}

fn open(path: &Path) -> Result<Index, GitError> {
    Index::open(path).map_err(|error| match error.code() {
        ErrorCode::Locked => GitError::Busy("index.lock".into()),
        _ => GitError::UnusableIndex(error),
    })
}

/// When the index was written, in seconds since 1970; none if there is none.
pub(super) fn written_at(git_directory: &Path) -> Result<Option<i64>, GitError> {
    Ok(metadata_of(&path_of(git_directory))?.map(|metadata| metadata.mtime()))
}

/// Whether a file may have changed after an index was written without looking different.
pub(super) fn is_racy(entry: &IndexEntry, index_written: i64) -> bool {
    index_written <= entry.mtime.seconds().into()
}

/// What the index says of a file's looks.
pub(super) fn stat_of(entry: &IndexEntry) -> FileStat {
    FileStat {
        changed: (entry.ctime.seconds(), entry.ctime.nanoseconds()),
        modified: (entry.mtime.seconds(), entry.mtime.nanoseconds()),
        device: entry.dev,
        inode: entry.ino,
        owner: entry.uid,
        group: entry.gid,
        size: entry.file_size,
    }
}

/// An entry of the index that is no conflict, as trees have it.
pub(super) fn entry_of(entry: &IndexEntry) -> Option<Entry> {
    Mode::from_bits(entry.mode).map(|mode| Entry { id: entry.id, mode })
}

/// A new index beside the old one, and the lock of the index, until it is dropped.
pub(super) struct StagedIndex {
    files: OwnFiles,
    index: PathBuf,
    had_index: bool,
}

/// Makes an index in which exactly this is staged; the entries of others stay as they are. It is
/// made first and locked then, if the old one is still the same, so that others wait for a moment
/// only.
///
/// # Errors
/// There are conflicts, the index cannot be read or written, or somebody holds its lock for too
/// long.
pub(super) fn stage(
    git_directory: &Path,
    stagings: &[Staging],
    patience: &mut Patience,
) -> Result<StagedIndex, GitError> {
    let index = path_of(git_directory);
    let mut files = OwnFiles::create(git_directory)?;
    loop {
        let before = metadata_of(&index)?;
        let is_written = write_new(&files, &index, before.as_ref(), stagings)?;
        files.lock(patience)?;
        if is_written && state(metadata_of(&index)?.as_ref()) == state(before.as_ref()) {
            return Ok(StagedIndex { files, index, had_index: before.is_some() });
        }
        files.unlock()?;
        if !patience.wait() {
            return Err(GitError::Busy("index.lock again and again".into()));
        }
    }
}

impl StagedIndex {
    /// Puts the new index in the place of the old one, which is kept.
    pub(super) fn replace(&self) -> Result<(), GitError> {
        if self.had_index {
            std::fs::hard_link(&self.index, self.files.path("old"))?;
        }
        Ok(std::fs::rename(self.files.path("new"), &self.index)?)
    }

    /// Puts the old index back, to the byte.
    pub(super) fn take_back(self) -> Result<(), GitError> {
        if self.had_index {
            std::fs::rename(self.files.path("old"), &self.index)?;
        } else {
            remove_if_there(&self.index)?;
        }
        Ok(())
    }

    /// Gives the lock back, and brings the new index to the disk.
    pub(super) fn keep(mut self) -> Result<(), GitError> {
        self.files.unlock()?;
        if let Some(directory) = self.index.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }
}

/// Makes the new index beside the old one; false if somebody replaced that meanwhile.
fn write_new(
    files: &OwnFiles,
    old: &Path,
    before: Option<&Metadata>,
    stagings: &[Staging],
) -> Result<bool, GitError> {
    let new = files.path("new");
    remove_if_there(&new)?;
    if before.is_some() {
        match std::fs::copy(old, &new) {
            Ok(_size) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    let mut index = open(&new)?;
    if index.has_conflicts() {
        return Err(GitError::Conflicts);
    }
    if let Some(before) = before {
        mark_racy(&mut index, before.mtime())?;
    }
    for staging in stagings {
        match staging.entry {
            // This removes what stands in the way, such as files of a directory that is a file now.
            Some(entry) => index.add(&index_entry(staging, entry))?,
            None => remove_entry(&mut index, &staging.path)?,
        }
    }
    index.write()?;
    if let Some(before) = before {
        std::fs::set_permissions(&new, before.permissions())?;
    }
    File::open(&new)?.sync_all()?;
    Ok(true)
}

/// Marks the entries whose files may have changed unseen after the old index was written.
fn mark_racy(index: &mut Index, index_written: i64) -> Result<(), GitError> {
    let racy: Vec<IndexEntry> = index
        .iter()
        .filter(|entry| is_racy(entry, index_written) && entry.file_size != 0)
        .map(|entry| IndexEntry { file_size: 0, ..entry })
        .collect();
    Ok(racy.iter().try_for_each(|entry| index.add(entry))?)
}

fn remove_entry(index: &mut Index, path: &[u8]) -> Result<(), GitError> {
    match index.remove(Path::new(OsStr::from_bytes(path)), 0) {
        Err(error) if error.code() != ErrorCode::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn index_entry(staging: &Staging, entry: Entry) -> IndexEntry {
    let time = |(seconds, nanoseconds)| IndexTime::new(seconds, nanoseconds);
    // With a size of nothing git compares the content when it looks next.
    let unknown = FileStat {
        changed: (0, 0),
        modified: (0, 0),
        device: 0,
        inode: 0,
        owner: 0,
        group: 0,
        size: 0,
    };
    let stat = staging.stat.unwrap_or(unknown);
    IndexEntry {
        ctime: time(stat.changed),
        mtime: time(stat.modified),
        dev: stat.device,
        ino: stat.inode,
        mode: entry.mode.bits(),
        uid: stat.owner,
        gid: stat.group,
        file_size: stat.size,
        id: entry.id,
        flags: 0,
        flags_extended: 0,
        path: staging.path.clone(),
    }
}

fn path_of(git_directory: &Path) -> PathBuf {
    git_directory.join("index")
}

fn metadata_of(path: &Path) -> Result<Option<Metadata>, GitError> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn remove_if_there(path: &Path) -> Result<(), GitError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Which file it is, and in which state.
fn state(metadata: Option<&Metadata>) -> Option<[i128; 5]> {
    metadata.map(|of| {
        let time = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        [
            of.dev().into(),
            of.ino().into(),
            of.len().into(),
            time(of.mtime(), of.mtime_nsec()),
            time(of.ctime(), of.ctime_nsec()),
        ]
    })
}
