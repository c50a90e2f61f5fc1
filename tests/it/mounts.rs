//! Files of a repository on file systems that are full, read-only, or know only one case.

use std::path::Path;
use std::process::Command;

use lukhas_mcp::repo::RepoPath;
use lukhas_mcp::repo::root::{FileError, Over, OwnFiles, Root, Seen, TemporaryName};
use tempfile::TempDir;

use crate::harness::skip;

/// A file system in memory, mounted for one test.
struct Mount(TempDir);

impl Mount {
    /// None if this user may not mount, or the kernel has no such file system.
    fn with(options: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "test"]).arg(directory.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.path()).status();
        assert!(status.unwrap().success());
    }

    fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _stays_mounted = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn write(root: &Root, name: &str, bytes: &[u8], over: Over<'_>) -> Result<Seen, FileError> {
    root.write(&path(name), bytes, &TemporaryName::random(), over)
}

#[test]
fn a_full_disk_leaves_the_old_contents() {
    let Some(mount) = Mount::with("size=256k,mode=700") else {
        return skip("a full disk", "only the superuser mounts one");
    };
    let root = Root::open(mount.path(), &OwnFiles::default()).unwrap();
    let old = vec![b'1'; 100_000];
    let seen = write(&root, "file", &old, Over::Nothing).unwrap();
    let full = "was not changed: the disk is full or its quota is used up";
    for (name, over) in
        [("file", Over::Exactly(&seen)), ("new", Over::Nothing), ("a/b/new", Over::Nothing)]
    {
        // Part of this is written before there is no more space.
        let refused = write(&root, name, &vec![b'2'; 200_000], over).unwrap_err();
        assert_eq!(refused.to_string(), format!("{name} {full}"));
        assert_eq!(mount.names(), ["file"]);
    }
    let file = root.read(&path("file"), 1 << 20).unwrap();
    assert_eq!((file.bytes, file.seen), (old, seen));
    // There is space again, so nothing was kept.
    write(&root, "file", &vec![b'3'; 120_000], Over::Exactly(&seen)).unwrap();
}

#[test]
fn without_a_place_for_another_name_nothing_is_written() {
    let Some(mount) = Mount::with("nr_inodes=4,mode=700") else {
        return skip("a disk without inodes", "only the superuser mounts one");
    };
    let root = Root::open(mount.path(), &OwnFiles::default()).unwrap();
    let refused = write(&root, "a/b/c/d/e/f", b"x", Over::Nothing);
    assert!(matches!(refused, Err(FileError::Full(_))), "{refused:?}");
    assert!(mount.names().is_empty(), "directories were left behind");
}

#[test]
fn nothing_is_written_to_a_read_only_file_system() {
    let Some(mount) = Mount::with("size=256k,mode=700") else {
        return skip("a read-only file system", "only the superuser mounts one");
    };
    let root = Root::open(mount.path(), &OwnFiles::default()).unwrap();
    let seen = write(&root, "file", b"1", Over::Nothing).unwrap();
    mount.remount("ro");
    let expected = "was not changed: the repository is mounted read-only";
    let refused = [
        write(&root, "file", b"2", Over::Exactly(&seen)).map(drop),
        write(&root, "new", b"2", Over::Nothing).map(drop),
        write(&root, "a/new", b"2", Over::Nothing).map(drop),
        root.rename(&path("file"), &path("new"), &seen, Over::Nothing).map(drop),
        root.remove(&path("file"), &seen),
    ];
    for result in refused {
        let told = result.unwrap_err().to_string();
        assert!(told.ends_with(expected), "{told}");
    }
    assert_eq!(root.read(&path("file"), 10).unwrap().bytes, b"1");
}

/// What is mounted within the repository may be anything, and is not entered.
#[test]
fn another_file_system_is_not_entered() {
    let Some(mount) = Mount::with("size=256k,mode=700") else {
        return skip("another file system", "only the superuser mounts one");
    };
    let parent = mount.path().parent().unwrap();
    let inside = mount.path().file_name().unwrap().to_str().unwrap();
    std::fs::write(mount.path().join("file"), b"1").unwrap();
    let root = Root::open(parent, &OwnFiles::default()).unwrap();
    let file = path(&format!("{inside}/file"));
    let expected = format!("{file} is on another file system than the repository");
    assert_eq!(root.read(&file, 10).unwrap_err().to_string(), expected);
    let written = root.write(&file, b"2", &TemporaryName::random(), Over::Nothing);
    assert_eq!(written.unwrap_err().to_string(), expected);
    assert_eq!(std::fs::read(mount.path().join("file")).unwrap(), b"1");
}

#[test]
fn where_there_is_one_case_nothing_is_replaced_unasked() {
    let Some(mount) = Mount::with("size=256k,mode=700,casefold") else {
        return skip(
            "one case",
            "the kernel has no such file system in memory, or this user no right",
        );
    };
    // Only a directory that is empty can be told to know one case.
    let folded = mount.path().join("folded");
    std::fs::create_dir(&folded).unwrap();
    let told = Command::new("chattr").arg("+F").arg(&folded).output();
    if !told.is_ok_and(|output| output.status.success()) {
        return skip("one case", "chattr +F is not to be had");
    }
    let own = OwnFiles { hidden: vec![folded.join("state.db")], guarded: Vec::new() };
    std::fs::write(folded.join("state.db"), b"own").unwrap();
    let root = Root::open(&folded, &own).unwrap();
    let seen = write(&root, "README.md", b"1", Over::Nothing).unwrap();
    let refused = write(&root, "readme.md", b"2", Over::Nothing);
    assert!(matches!(refused, Err(FileError::Exists(_))), "{refused:?}");
    let other = write(&root, "other", b"2", Over::Nothing).unwrap();
    let renamed = root.rename(&path("other"), &path("Readme.md"), &other, Over::Nothing);
    assert!(matches!(renamed, Err(FileError::Exists(_))), "{renamed:?}");
    assert_eq!(root.read(&path("README.md"), 10).unwrap().bytes, b"1");
    write(&root, "readme.md", b"3", Over::Exactly(&seen)).unwrap();
    assert_eq!(root.read(&path("README.MD"), 10).unwrap().bytes, b"3");
    assert!(matches!(root.read(&path("STATE.db"), 10), Err(FileError::NotFound(_))));
}
