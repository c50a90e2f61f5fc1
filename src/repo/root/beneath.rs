//! Lookups that the kernel keeps below a directory.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// How often a lookup is tried that others disturb by moving directories about.
const TRIES: usize = 64;

/// Opens what `path` names below the directory `at`: through no link of any kind and into no other
/// file system.
pub(super) fn open(
    at: BorrowedFd<'_>,
    path: &str,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let mut tries = TRIES;
    loop {
        match rustix::fs::openat2(at, path, flags, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) if 1 < tries => tries -= 1,
            opened_or_failed => return opened_or_failed,
        }
    }
}

/// Opens a directory so that it can be read and synced.
pub(super) fn open_directory(at: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    open(at, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
