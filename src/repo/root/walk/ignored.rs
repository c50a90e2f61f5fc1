//! What git would ignore: by `.gitignore` in each directory, the deeper one winning, and by
//! `.git/info/exclude`.
//!
//! What the user of the daemon has set up to be ignored everywhere does not count: it is no part of
//! the repository.

use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::{Mode, OFlags};

use crate::repo::RepoPath;
use crate::repo::root::{beneath, seen};

/// The most bytes of rules that are read from one file; it takes a fifth of a second to understand
/// as many. More is no file of rules.
const LARGEST: u64 = 128 * 1024;

/// The rules on the way to a directory.
#[derive(Default)]
pub(super) struct Ignored {
    exclude: Option<Gitignore>,
    by_directory: Vec<Rules>,
}

/// The rules of one directory.
struct Rules {
    matcher: Gitignore,
    /// How many bytes of a path come before what the rules are about.
    start: usize,
}

impl Ignored {
    /// Reads the rules that the repository has and does not share.
    pub(super) fn enter_root(&mut self, root: &OwnedFd) {
        // Where `.git` is a file, the rules are outside.
        self.exclude = read(root, ".git/info/exclude").map(|text| matcher(&text));
    }

    /// Takes up the rules in a directory, and tells whether it has any.
    pub(super) fn enter(&mut self, opened: &OwnedFd, path: Option<&RepoPath>) -> bool {
        let Some(text) = read(opened, ".gitignore") else { return false };
        let start = path.map_or(0, |path| path.as_str().len() + 1);
        self.by_directory.push(Rules { matcher: matcher(&text), start });
        true
    }

    /// Forgets the rules that were taken up last.
    pub(super) fn leave(&mut self) {
        self.by_directory.pop();
    }

    /// Whether git ignores something in the directory that was entered last.
    pub(super) fn is_ignored(&self, path: &RepoPath, is_directory: bool) -> bool {
        let shared = self.by_directory.iter().rev().map(|rules| (&rules.matcher, rules.start));
        let own = self.exclude.iter().map(|matcher| (matcher, 0));
        for (matcher, start) in shared.chain(own) {
            let about = path.as_str().get(start..).unwrap_or_default();
            match matcher.matched(about, is_directory) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

/// Reads a file of rules; none if there is none that can be.
fn read(directory: &OwnedFd, name: &str) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = beneath::open(directory.as_fd(), name, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&opened).ok()?;
    if seen::not_a_file(&stat).is_some() {
        return None;
    }
    let mut text = Vec::new();
    std::fs::File::from(opened).take(LARGEST + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= LARGEST).then_some(text)
}

/// Understands as many lines as are rules, as git does.
fn matcher(text: &[u8]) -> Gitignore {
    // Paths are given as seen from the directory.
    let mut builder = GitignoreBuilder::new(".");
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for line in text.split(|&byte| byte == b'\n') {
        if let Ok(line) = std::str::from_utf8(line) {
            let _no_rule = builder.add_line(None, line);
        }
    }
    builder.build().unwrap_or_else(|_too_large| Gitignore::empty())
}
