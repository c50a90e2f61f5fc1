//! What writing, renaming and removing leave behind.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use rustix::process::{Resource, Rlimit};

use super::*;

impl Place {
    fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.at(name)).unwrap().mode() & 0o7777
    }

    fn set_mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.at(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn a_file_is_written_read_renamed_and_removed() {
    let place = Place::new();
    let seen = place.write("docs/mcp/hello.md", b"# Hello\n", Over::Nothing).unwrap();
    let file = place.root.read(&path("docs/mcp/hello.md"), 8).unwrap();
    assert_eq!((file.bytes.as_slice(), file.seen), (b"# Hello\n".as_slice(), seen));
    let again = place.write("docs/mcp/hello.md", b"other", Over::Nothing);
    says(again, "docs/mcp/hello.md exists already");

    let seen = place.write("docs/mcp/hello.md", b"\xff\0", Over::Exactly(&seen)).unwrap();
    assert_eq!(place.read("docs/mcp/hello.md").unwrap(), b"\xff\0");
    let outdated = place.write("docs/mcp/hello.md", b"x", Over::Exactly(&file.seen));
    let changed = "docs/mcp/hello.md was changed by somebody else in the meantime; read it again";
    says(outdated, changed);

    let (from, to) = (path("docs/mcp/hello.md"), path("a/b.md"));
    says(place.root.rename(&from, &to, &file.seen, Over::Nothing), changed);
    let moved = place.root.rename(&from, &to, &seen, Over::Nothing).unwrap();
    assert!(moved.is_same_file(&seen));
    assert_eq!(place.walked(), ["a", "a/b.md", "docs", "docs/mcp"]);
    says(
        place.root.remove(&to, &seen),
        "a/b.md was changed by somebody else in the meantime; read it again",
    );
    place.root.remove(&to, &moved).unwrap();
    says(place.read("a/b.md"), "a/b.md does not exist");
    assert_eq!(place.on_disk(), ["a", "docs", "docs/mcp"]);
}

#[test]
fn a_rename_replaces_only_what_was_seen() {
    let place = Place::new();
    let a = place.write("a", b"a", Over::Nothing).unwrap();
    let b = place.write("b", b"b", Over::Nothing).unwrap();
    says(place.root.rename(&path("a"), &path("b"), &a, Over::Nothing), "b exists already");
    says(place.root.rename(&path("a"), &path("a"), &a, Over::Nothing), "a exists already");
    let other = place.root.rename(&path("a"), &path("b"), &a, Over::Exactly(&a));
    says(other, "b was changed by somebody else in the meantime; read it again");
    place.root.rename(&path("a"), &path("b"), &a, Over::Exactly(&b)).unwrap();
    assert_eq!((place.on_disk(), place.read("b").unwrap()), (vec!["b".to_owned()], b"a".to_vec()));
}

#[test]
fn what_should_be_there_and_is_not_was_changed() {
    let place = Place::new();
    let seen = place.write("a/b", b"", Over::Nothing).unwrap();
    std::fs::remove_dir_all(place.at("a")).unwrap();
    let changed = "a/b was changed by somebody else in the meantime; read it again";
    says(place.write("a/b", b"x", Over::Exactly(&seen)), changed);
    assert_eq!(place.on_disk(), Vec::<String>::new());
    says(place.root.remove(&path("a/b"), &seen), "a/b does not exist");
}

#[test]
fn a_directory_is_not_written_over() {
    let place = Place::new();
    place.put("a/b", b"");
    let expected = "a is a directory, and only regular files can be used";
    says(place.write("a", b"x", Over::Nothing), expected);
    let seen = place.look("a/b");
    says(place.write("a", b"x", Over::Exactly(&seen)), expected);
    says(place.root.rename(&path("a/b"), &path("a"), &seen, Over::Nothing), expected);
    let below = "a/b/c is not a directory, or lies below something that is none";
    says(place.write("a/b/c", b"x", Over::Nothing), below);
    says(place.write("a/b/c/d", b"x", Over::Nothing), &below.replace("a/b/c", "a/b/c/d"));
    assert_eq!(place.on_disk(), ["a", "a/b"]);
}

#[test]
fn permissions_are_kept_and_new_files_are_the_owners() {
    let place = Place::new();
    // Whatever the mask takes away is given all the same, and whatever it leaves is not.
    for mask in [0o000, 0o022, 0o277] {
        let previous = rustix::process::umask(Mode::from_raw_mode(mask));
        place.write(&format!("new{mask}"), b"", Over::Nothing).unwrap();
        rustix::process::umask(previous);
        assert_eq!(place.mode(&format!("new{mask}")), 0o600);
    }
    place.write("deep/er/new", b"", Over::Nothing).unwrap();
    assert_eq!((place.mode("deep"), place.mode("deep/er")), (0o700, 0o700));

    for (mode, kept) in [(0o755, 0o755), (0o644, 0o644), (0o4755, 0o755), (0o2775, 0o775)] {
        place.put("kept", b"1");
        place.set_mode("kept", mode);
        let seen = place.look("kept");
        assert_eq!(seen.mode, mode);
        let seen = place.write("kept", b"2", Over::Exactly(&seen)).unwrap();
        assert_eq!((place.mode("kept"), seen.mode), (kept, kept));
    }
}

#[test]
fn the_owner_stays_the_owner() {
    let place = Place::new();
    place.put("a", b"1");
    if std::os::unix::fs::chown(place.at("a"), Some(12_345), Some(54_321)).is_err() {
        eprintln!("SKIPPED owners: only the superuser gives files away");
        return;
    }
    place.set_mode("a", 0o664);
    let seen = place.look("a");
    place.write("a", b"2", Over::Exactly(&seen)).unwrap();
    let after = std::fs::metadata(place.at("a")).unwrap();
    assert_eq!((after.uid(), after.gid(), after.mode() & 0o7777), (12_345, 54_321, 0o664));
}

#[test]
fn a_read_only_file_is_left_alone() {
    let place = Place::new();
    place.put("a", b"1");
    place.put("b", b"2");
    place.set_mode("a", 0o444);
    let (a, b) = (place.look("a"), place.look("b"));
    says(place.write("a", b"x", Over::Exactly(&a)), "a is marked read-only");
    says(place.root.remove(&path("a"), &a), "a is marked read-only");
    let renamed = place.root.rename(&path("b"), &path("a"), &b, Over::Exactly(&a));
    says(renamed, "a is marked read-only");
    assert_eq!((place.read("a").unwrap(), place.on_disk().len()), (b"1".to_vec(), 2));
}

/// A limit on the size of files would end the daemon by a signal if it were tried.
#[test]
fn what_is_larger_than_the_system_allows_is_refused() {
    let place = Place::new();
    let before = rustix::process::getrlimit(Resource::Fsize);
    let small = Rlimit { current: Some(1000), maximum: before.maximum };
    rustix::process::setrlimit(Resource::Fsize, small).unwrap();
    let refused = place.write("a/b", &[0; 1001], Over::Nothing);
    let taken = place.write("c", &[0; 1000], Over::Nothing);
    rustix::process::setrlimit(Resource::Fsize, before).unwrap();
    says(refused, "a/b was not changed: it would be larger than the system allows");
    assert_eq!(taken.unwrap().size, 1000);
    assert_eq!(place.on_disk(), ["c"]);
}

#[test]
fn names_that_are_not_for_writing_are_not_written() {
    let place = Place::new();
    let steers = "can be read but not changed";
    for name in [".gitattributes", "a/.gitmodules"] {
        place.put(name, b"* text\n");
        assert_eq!(place.read(name).unwrap(), b"* text\n");
        let seen = place.look(name);
        for refused in [
            place.write(name, b"x", Over::Exactly(&seen)),
            place.write(name, b"x", Over::Nothing),
            place.root.rename(&path(name), &path("x"), &seen, Over::Nothing),
            place.root.remove(&path(name), &seen).map(|()| seen),
        ] {
            assert!(refused.unwrap_err().to_string().ends_with(steers));
        }
    }
    place.put("src/aux.c", b"1");
    let seen = place.look("src/aux.c");
    let seen = place.write("src/aux.c", b"2", Over::Exactly(&seen)).unwrap();
    for (name, fresh) in [("src/con.c", "nul"), ("a?", "a."), ("CON/x", "b ")] {
        let refused = place.write(name, b"", Over::Nothing);
        assert!(matches!(refused, Err(FileError::Refused { .. })), "{name}");
        let renamed = place.root.rename(&path("src/aux.c"), &path(fresh), &seen, Over::Nothing);
        assert!(matches!(renamed, Err(FileError::Refused { .. })), "{fresh}");
    }
    place.root.rename(&path("src/aux.c"), &path("src/auxiliary.c"), &seen, Over::Nothing).unwrap();
}

#[test]
fn what_a_killed_write_left_is_removed() {
    let place = Place::new();
    let temporary = TemporaryName::random();
    let left = format!("a/{temporary}");
    place.put(&left, b"half of");
    assert_eq!(TemporaryName::parse(temporary.as_str()), Some(temporary.clone()));
    place.root.remove_temporary(&path("a/b"), &temporary).unwrap();
    assert_eq!(place.on_disk(), ["a"]);
    place.root.remove_temporary(&path("a/b"), &temporary).unwrap();
    place.root.remove_temporary(&path("missing/b"), &temporary).unwrap();
    for wrong in ["", ".lukhas-mcp-.tmp", ".lukhas-mcp-../../x.tmp", "a"] {
        assert_eq!(TemporaryName::parse(wrong), None);
    }
    let upper = temporary.as_str().to_uppercase();
    assert_eq!(TemporaryName::parse(&upper), None);
    assert!(RepoPath::parse(&left).is_err() && RepoPath::parse(&upper).is_err());
}

/// One write at a time has a temporary name; a second finds it taken and leaves the first alone.
#[test]
fn a_temporary_name_that_is_taken_is_not_taken_over() {
    let place = Place::new();
    let temporary = TemporaryName::random();
    place.put(temporary.as_str(), b"first");
    let second = place.root.write(&path("a"), b"second", &temporary, Over::Nothing);
    assert!(matches!(second, Err(FileError::Exists(_))));
    assert_eq!(std::fs::read(place.at(temporary.as_str())).unwrap(), b"first");
}

/// As it is done where the system cannot tell whether a rename replaces something.
#[test]
fn a_link_replaces_nothing() {
    let place = Place::new();
    place.put("a", b"1");
    place.put("b", b"2");
    let top = beneath::open_directory(place.root.directory.as_fd(), ".").unwrap();
    assert_eq!(write::link_over_nothing(&top, "a", &top, "b"), Err(Errno::EXIST));
    write::link_over_nothing(&top, "a", &top, "c").unwrap();
    assert_eq!(
        (place.on_disk().join(" "), place.read("c").unwrap()),
        ("b c".into(), b"1".to_vec())
    );
}
