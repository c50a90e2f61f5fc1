//! What was seen of a file, so that it can be told later whether it is still the same.

use rustix::fs::{FileType, Stat};
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
            },
        }
    }

    /// Whether both are of one file, in whatever state.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.identity.device, self.identity.inode) == (other.identity.device, other.identity.inode)
    }

    /// A number that stays the same as long as the file does, also in another run of the daemon.
    /// It tells two states of one file apart, and is not made to tell apart what somebody forges.
    pub fn fingerprint(&self) -> u64 {
        let Identity { device, inode, modified_ns, changed_ns } = self.identity;
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

fn nanoseconds(seconds: i128, rest: i128) -> i128 {
    seconds * 1_000_000_000 + rest
}

/// What something is, in words for an error; none if it is a regular file.
pub(super) fn not_a_file(stat: &Stat) -> Option<&'static str> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => None,
        FileType::Directory => Some("a directory"),
        FileType::Symlink => Some("a symbolic link"),
        FileType::Fifo => Some("a pipe"),
        FileType::Socket => Some("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("a device"),
        FileType::Unknown => Some("of no known kind"),
    }
}
