//! Renaming and removing a file.

use rustix::fs::AtFlags;

use super::write::MadeDirectories;
use super::{FileError, Over, Root, Seen};
use crate::repo::RepoPath;

impl Root {
    /// Renames a file that is what the caller saw, and tells what is then seen of it. Missing
    /// directories are made.
    ///
    /// # Errors
    /// What should have been there was not, or the file cannot be renamed; then all is as it was.
    pub fn rename(
        &self,
        from: &RepoPath,
        to: &RepoPath,
        seen: &Seen,
        over: Over<'_>,
    ) -> Result<Seen, FileError> {
        self.check_change(from, Over::Exactly(seen))?;
        self.check_change(to, over)?;
        let source = self.parent(from)?;
        self.check_over(&source, from, Over::Exactly(seen))?;
        let mut made = MadeDirectories::default();
        let renamed = self.parent_for(to, over, &mut made).and_then(|target| {
            self.check_over(&target, to, over)?;
            self.rename_in(&source, from.file_name(), &target, to, over)?;
            let synced = rustix::fs::fsync(&target).and_then(|()| rustix::fs::fsync(&source));
            synced.map_err(|errno| self.error(errno, to))?;
            self.look_in(&target, to)
        });
        if renamed.is_err() {
            made.remove();
        }
        renamed
    }

    /// Removes a file that is what the caller saw.
    ///
    /// # Errors
    /// It was not, or it cannot be removed.
    pub fn remove(&self, path: &RepoPath, seen: &Seen) -> Result<(), FileError> {
        let over = Over::Exactly(seen);
        self.check_change(path, over)?;
        let parent = self.parent(path)?;
        self.check_over(&parent, path, over)?;
        rustix::fs::unlinkat(&parent, path.file_name(), AtFlags::empty())
            .and_then(|()| rustix::fs::fsync(&parent))
            .map_err(|errno| self.error(errno, path))
    }
}
