//! Opens files that others may have put there: never through a link, and never one that could block
//! or go on for ever.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("it is not there")]
    Absent,
    #[error("it is not a regular file")]
    NotRegular,
    #[error("it is larger than {} KiB", .0 / 1024)]
    TooLarge(u64),
    #[error("it cannot be read ({})", .0.kind())]
    Failed(#[source] io::Error),
}

impl Unread {
    /// Whether the file itself is at fault, so that reading it again would not help.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Self::Absent | Self::NotRegular | Self::TooLarge(_) => true,
            Self::Failed(error) => error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
}

impl From<Unread> for io::Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Absent => io::ErrorKind::NotFound.into(),
            Unread::Failed(error) => error,
            Unread::NotRegular | Unread::TooLarge(_) => {
                Self::new(io::ErrorKind::InvalidData, unread)
            }
        }
    }
}

/// Opens a regular file for reading.
pub(super) fn open(path: &Path) -> Result<File, Unread> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        Errno::NOENT => Unread::Absent,
        Errno::LOOP | Errno::NXIO => Unread::NotRegular,
        other => Unread::Failed(other.into()),
    })?;
    let opened = File::from(opened);
    if opened.metadata().map_err(Unread::Failed)?.is_file() {
        Ok(opened)
    } else {
        Err(Unread::NotRegular)
    }
}

/// Reads a regular file of at most `max_bytes`.
pub(super) fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Unread> {
    let mut contents = Vec::new();
    let read = open(path)?.take(max_bytes + 1).read_to_end(&mut contents);
    if read.map_err(Unread::Failed)? as u64 > max_bytes {
        return Err(Unread::TooLarge(max_bytes));
    }
    Ok(contents)
}
