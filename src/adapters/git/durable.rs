//! Bringing what was written to the disk. libgit2 leaves that to the system, and after a power cut
//! a branch could name a commit that is not there.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use git2::{Oid, Repository};

/// From so many objects on, one sync of the whole file system is cheaper than one for each.
const MANY: usize = 64;

/// Syncs objects, and the directories that name them. Those that were there before, in a pack, are
/// on the disk already.
///
/// # Errors
/// The disk did not take them; they may be lost at a power cut.
pub(crate) fn sync_objects(repository: &Repository, objects: &[Oid]) -> io::Result<()> {
    let store = repository.commondir().join("objects");
    if MANY <= objects.len() {
        return Ok(rustix::fs::syncfs(File::open(store)?)?);
    }
    let mut directories = BTreeSet::new();
    for object in objects {
        let name = object.to_string();
        let Some((directory, file)) = name.split_at_checked(2) else { continue };
        let directory = store.join(directory);
        if sync_unless_packed(&directory.join(file))? {
            directories.insert(directory);
        }
    }
    directories.iter().try_for_each(|directory| sync_unless_packed(directory).map(drop))?;
    sync(&store)
}

/// Syncs a branch.
///
/// # Errors
/// The disk did not take it; it may be the old one after a power cut.
pub(crate) fn sync_reference(repository: &Repository, reference: &str) -> io::Result<()> {
    let file = repository.commondir().join(reference);
    if sync_unless_packed(&file)? { file.parent().map_or(Ok(()), sync) } else { Ok(()) }
}

/// Syncs a file or a directory, if it is there. If not, somebody packed it meanwhile, and git syncs
/// its packs.
fn sync_unless_packed(path: &Path) -> io::Result<bool> {
    match sync(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
