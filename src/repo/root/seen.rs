//! What was seen of a file, so that it can be told later whether it is still the same.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Gid, Stat, Uid};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::clock::Timestamp;

/// A file's contents, and what was seen of it just before they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// All of its bytes.
    pub bytes: Vec<u8>,
    /// If it is changed while it is read, this is no longer what can be seen of it.
    pub seen: Seen,
}

/// What was seen of a file at one moment. Two are equal only if nobody wrote to the file between
/// them, as far as the file system tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// In bytes.
    pub size: u64,
    /// When its contents were last changed.
    pub modified: Timestamp,
    /// Its permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    identity: Identity,
}

/// Which file, and in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    modified_ns: i128,
    /// No program sets this one at will, unlike the time of modification.
    changed_ns: i128,
    owner: u32,
    group: u32,
}

/// What git's index keeps of a file, to tell without reading it that it did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repo) struct IndexStat {
    /// In nanoseconds since 1970, as are the next.
    pub(in crate::repo) changed_ns: i128,
    pub(in crate::repo) modified_ns: i128,
    pub(in crate::repo) device: u64,
    pub(in crate::repo) inode: u64,
    pub(in crate::repo) owner: u32,
    pub(in crate::repo) group: u32,
    pub(in crate::repo) size: u64,
}

impl Seen {
    pub(super) fn of(stat: &Stat) -> Self {
        let modified_ns = nanoseconds(stat.st_mtime.into(), stat.st_mtime_nsec.into());
        let modified = OffsetDateTime::from_unix_timestamp_nanos(modified_ns)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: Timestamp::new(modified),
            mode: stat.st_mode & 0o7777,
            identity: Identity {
                device: stat.st_dev,
                inode: stat.st_ino,
                modified_ns,
                changed_ns: nanoseconds(stat.st_ctime.into(), stat.st_ctime_nsec.into()),
                owner: stat.st_uid,
                group: stat.st_gid,
            },
        }
    }

    /// The same in the index's terms.
    pub(in crate::repo) fn index_stat(&self) -> IndexStat {
        let Identity { device, inode, modified_ns, changed_ns, owner, group } = self.identity;
        IndexStat { changed_ns, modified_ns, device, inode, owner, group, size: self.size }
    }

    /// Whether both are of one file, in whatever state.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.identity.device, self.identity.inode) == (other.identity.device, other.identity.inode)
    }

    /// A number that stays the same as long as the file does, also in another run of the daemon.
    /// It tells two states of one file apart, and is not made to tell apart what somebody forges.
    pub fn fingerprint(&self) -> u64 {
        let Identity { device, inode, modified_ns, changed_ns, .. } = self.identity;
        let mut text = Sha256::new();
        for number in [device, inode, self.size] {
            text.update(number.to_le_bytes());
        }
        for moment in [modified_ns, changed_ns] {
            text.update(moment.to_le_bytes());
        }
        let digest = text.finalize();
        digest.first_chunk().copied().map_or(0, u64::from_le_bytes)
    }
}

/// What belongs to a file and outlives its contents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes {
    /// Without setuid, setgid and sticky.
    permissions: u32,
    owner: Uid,
    group: Gid,
}

impl Attributes {
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            permissions: stat.st_mode & 0o777,
            owner: Uid::from_raw(stat.st_uid),
            group: Gid::from_raw(stat.st_gid),
        }
    }

    /// Whether not even the owner may write to the file. The superuser could all the same.
    pub(super) fn is_read_only(&self) -> bool {
        self.permissions & 0o222 == 0
    }

    /// Gives the file that takes the place the same owner and group, as far as that is allowed, and
    /// tells its mode: if the group is another one, that gets no permissions that were not for it.
    pub(super) fn give_owner(&self, file: &OwnedFd) -> u32 {
        let owned = rustix::fs::fchown(file, Some(self.owner), Some(self.group))
            .or_else(|_errno| rustix::fs::fchown(file, None, Some(self.group)));
        if owned.is_ok() { self.permissions } else { self.permissions & 0o707 }
    }
}

fn nanoseconds(seconds: i128, rest: i128) -> i128 {
    seconds * 1_000_000_000 + rest
}

/// What a directory is, in words for an error.
pub(super) const DIRECTORY: &str = "a directory";

/// What a symbolic link is.
pub(super) const SYMBOLIC_LINK: &str = "a symbolic link";

/// What something is, in words for an error; none if it is a regular file.
pub(super) fn not_a_file(stat: &Stat) -> Option<&'static str> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => None,
        FileType::Directory => Some(DIRECTORY),
        FileType::Symlink => Some(SYMBOLIC_LINK),
        FileType::Fifo => Some("a pipe"),
        FileType::Socket => Some("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("a device"),
        FileType::Unknown => Some("of no known kind"),
    }
}
