//! Nothing leads out of the root: not a link, not a path, not a directory that is moved away.

use proptest::prelude::*;
use rustix::fs::{RenameFlags, ResolveFlags};

use super::*;
use crate::repo::PathError;

/// A repository full of links.
fn with_links() -> Place {
    let place = Place::new();
    place.put("a/b/file", b"inside");
    place.put("target", b"inside");
    for (name, target) in [
        ("out", "../outside"),
        ("out-file", "../outside/secret"),
        ("evil", "../repo-evil/secret"),
        ("absolute", "/etc/passwd"),
        ("dangling", "nowhere"),
        ("loop", "loop"),
        ("in", "target"),
        ("in-directory", "a"),
        ("a/up", ".."),
        ("a/out", "../../outside"),
        ("magic-root", "/proc/self/root"),
        ("magic-directory", "/proc/self/cwd"),
        ("magic-file", "/proc/self/fd/0"),
        ("chain0", "target"),
    ] {
        place.link(name, target);
    }
    for link in 0..41 {
        place.link(&format!("chain{}", link + 1), &format!("chain{link}"));
    }
    place
}

#[test]
fn links_are_not_followed_wherever_they_lead() {
    let place = with_links();
    let before = place.on_disk();
    let elsewhere = place.look("target");
    for name in [
        "out",
        "out/secret",
        "out/new",
        "out/new/er",
        "out-file",
        "evil",
        "absolute",
        "dangling",
        "loop",
        "loop/x",
        "in",
        "in-directory",
        "in-directory/b/file",
        "a/up",
        "a/up/target",
        "a/out/secret",
        "magic-root",
        "magic-root/etc/passwd",
        "magic-directory/x",
        "magic-file",
        "chain1",
        "chain41",
    ] {
        let link = format!("{name} is a symbolic link or behind one, and those are not followed");
        says(place.read(name), &link);
        says(place.root.look(&path(name)), &link);
        says(place.write(name, b"x", Over::Nothing), &link);
        says(place.write(name, b"x", Over::Exactly(&elsewhere)), &link);
        says(place.root.remove(&path(name), &elsewhere), &link);
        says(place.root.rename(&path(name), &path("new"), &elsewhere, Over::Nothing), &link);
        says(place.root.rename(&path("target"), &path(name), &elsewhere, Over::Nothing), &link);
    }
    for name in ["out/secret", "a/out/secret", "a/up/target", "magic-root/x"] {
        let cleared = place.root.remove_temporary(&path(name), &TemporaryName::random());
        assert!(matches!(cleared, Err(FileError::SymbolicLink(_))), "{name}");
    }
    assert_eq!(place.on_disk(), before);
    place.assert_contained();
    assert_eq!(place.walked(), ["a", "a/b", "a/b/file", "target"]);
}

#[test]
fn no_path_leads_out() {
    let place = with_links();
    let evil = place.at("../repo-evil/secret");
    for text in ["../repo-evil/secret", evil.to_str().unwrap(), "a/../../outside/secret", "//etc"] {
        let refused = RepoPath::parse(text).unwrap_err();
        assert!(matches!(refused, PathError::Climbs | PathError::NotRelative), "{text}");
    }
}

/// The directory is another one by the time the file is to be put into it.
#[test]
fn what_is_written_does_not_follow_a_directory_that_is_moved() {
    let place = with_links();
    let (file, temporary) = (path("a/b/new"), TemporaryName::random());
    let parent = place.root.parent(&file).unwrap();
    std::fs::rename(place.at("a/b"), place.at("a/moved")).unwrap();
    place.link("a/b", "../../outside");
    let before = place.on_disk();
    let written = place.root.write_in(&parent, &file, b"x", &temporary, Over::Nothing);
    says(written, "a/b/new is in a directory that was moved in the meantime");
    assert_eq!(place.on_disk(), before);
    place.assert_contained();
}

/// What the kernel opens below a directory when links within it may be followed.
fn oracle(place: &Place, text: &str) -> Result<Seen, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let opened = rustix::fs::openat2(&place.root.directory, text, flags, Mode::empty(), resolve)?;
    rustix::fs::fstat(&opened).map(|stat| Seen::of(&stat))
}

fn paths() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "a",
        "b",
        "file",
        "target",
        "out",
        "secret",
        "out-file",
        "in",
        "in-directory",
        "up",
        "..",
        ".",
        "",
        "magic-root",
        "etc",
        "passwd",
        "loop",
        "chain1",
        "chain41",
        "~",
        ".git",
        "new",
    ]);
    prop::collection::vec(name, 1..7).prop_map(|names| names.join("/"))
}

#[test]
fn whatever_is_read_or_written_is_inside() {
    let place = with_links();
    let (mut read, mut written) = (0, 0);
    let config = ProptestConfig { cases: 5_000, failure_persistence: None, ..<_>::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&paths(), |text| {
            let Ok(path) = RepoPath::parse(&text) else { return Ok(()) };
            prop_assert_eq!(RepoPath::parse(path.as_str()), Ok(path.clone()));
            if let Ok(file) = place.root.read(&path, 1 << 20) {
                prop_assert_eq!(oracle(&place, path.as_str()), Ok(file.seen));
                prop_assert_ne!(file.bytes, SECRET);
            }
            if let Ok(seen) = place.root.write(&path, b"x", &TemporaryName::random(), Over::Nothing)
            {
                prop_assert_eq!(oracle(&place, path.as_str()), Ok(seen));
                place.root.remove(&path, &seen)?;
            }
            Ok(())
        })
        .unwrap();
    for text in place.walked() {
        read += usize::from(place.read(&text).is_ok());
        written += usize::from(oracle(&place, &text).is_ok());
    }
    assert!(2 <= read && 2 <= written, "the paths led to nothing: {read}, {written}");
    place.assert_contained();
}

/// Exchanging two names in one step, as an attacker would.
pub(super) fn exchange(one: &Path, other: &Path) {
    use rustix::fs::CWD;
    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}
