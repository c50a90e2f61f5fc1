//! Renaming and removing a file.

use rustix::fs::AtFlags;

use super::directory::Parent;
use super::seen::Attributes;
use super::{FileError, Over, Root, Seen};
use crate::repo::RepoPath;

impl Root {
    /// Renames a file that is what the caller saw, and tells what is then seen of it. Missing
    /// directories are made.
    ///
    /// # Errors
    /// What should have been there was not, or the file cannot be renamed. Then all is as it was,
    /// unless a directory could not be brought to the disk at the very end.
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
        let target = self.parent_for(to, over)?;
        self.move_between(&source, from, &target, to, over).inspect_err(|_error| target.unmake())
    }

    fn move_between(
        &self,
        source: &Parent,
        from: &RepoPath,
        target: &Parent,
        to: &RepoPath,
        over: Over<'_>,
    ) -> Result<Seen, FileError> {
        let replaced = self.check_over(target, to, over)?;
        if replaced.as_ref().is_some_and(Attributes::is_read_only) {
            return Err(FileError::ReadOnly(to.clone()));
        }
        self.check_place(target, to)?;
        self.rename_in(source, from.file_name(), target, to, over)?;
        // The new name first: between the two, a file with both names is better than one with none.
        target.sync().and_then(|()| source.sync()).map_err(|errno| self.error(errno, to))?;
        self.look_in(target, to).map(|(seen, _)| seen)
    }

    /// Removes a file that is what the caller saw.
    ///
    /// # Errors
    /// It was not, or it cannot be removed. Then it is still there, unless the directory could not
    /// be brought to the disk at the very end.
    pub fn remove(&self, path: &RepoPath, seen: &Seen) -> Result<(), FileError> {
        let over = Over::Exactly(seen);
        self.check_change(path, over)?;
        let parent = self.parent(path)?;
        let removed = self.check_over(&parent, path, over)?;
        if removed.as_ref().is_some_and(Attributes::is_read_only) {
            return Err(FileError::ReadOnly(path.clone()));
        }
        rustix::fs::unlinkat(&parent.opened, path.file_name(), AtFlags::empty())
            .and_then(|()| parent.sync())
            .map_err(|errno| self.error(errno, path))
    }
}
