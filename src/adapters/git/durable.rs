//! Bringing what was written to the disk. libgit2 leaves that to the system, and after a power cut
//! a branch could name a commit that is not there.

use std::fs::File;
use std::io;
use std::path::Path;

use git2::{Oid, Repository};

/// Syncs objects, and the directories that name them. Those that were there before, in a pack, are
/// on the disk already.
pub(super) fn sync_objects(repository: &Repository, objects: &[Oid]) -> io::Result<()> {
    let store = repository.commondir().join("objects");
    for object in objects {
        let name = object.to_string();
        let Some((directory, file)) = name.split_at_checked(2) else { continue };
        sync_with_directory(&store.join(directory).join(file))?;
    }
    sync(&store)
}

/// Syncs a branch.
pub(super) fn sync_reference(repository: &Repository, reference: &str) -> io::Result<()> {
    sync_with_directory(&repository.commondir().join(reference))
}

fn sync_with_directory(file: &Path) -> io::Result<()> {
    match sync(file) {
        Ok(()) => file.parent().map_or(Ok(()), sync),
        // Somebody packed it meanwhile, and git syncs its packs.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
