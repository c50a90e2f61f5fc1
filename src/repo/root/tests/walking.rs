//! What a walk visits.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType};

use super::*;

#[test]
fn files_come_in_the_order_of_their_paths() {
    let place = Place::new();
    for name in ["b", "a/z", "a.txt", "a/b/c", "a-b", "Z", "é", "a0", ".hidden"] {
        place.put(name, b"");
    }
    let walked = place.walked();
    let files: Vec<&String> = walked.iter().filter(|name| place.at(name).is_file()).collect();
    assert!(files.is_sorted(), "{files:?}");
    assert_eq!(
        walked,
        [".hidden", "Z", "a-b", "a.txt", "a", "a/b", "a/b/c", "a/z", "a0", "b", "é"]
    );
    assert_eq!(place.walk(Some("a"), &WalkLimits::default()).0, ["a/b", "a/b/c", "a/z"]);
}

#[test]
fn what_is_no_clients_to_see_is_passed_over() {
    let place = Place::new();
    for name in [
        ".git/config",
        "vendor/nested/.git/HEAD",
        "vendor/nested/a",
        ".env",
        "tls/server.pem",
        ".ssh/config",
        "a\u{202e}b",
        ".lukhas-mcp-x.tmp",
        "visible",
    ] {
        place.put(name, b"");
    }
    // A worktree or submodule has a file there.
    place.put("module/.git", b"gitdir: ../elsewhere");
    place.put("module/a", b"");
    place.link("link", "visible");
    place.link("directory-link", "vendor");
    rustix::fs::mknodat(CWD, place.at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_eq!(place.walked(), ["tls", "vendor", "visible"]);
    for other in ["vendor/nested", "module"] {
        let (names, walked) = place.walk(Some(other), &WalkLimits::default());
        assert!(names.is_empty() && walked.is_passed_over, "{other}: {names:?}");
    }
    let under = |name| {
        place.root.walk(Some(&path(name)), &WalkLimits::default(), &mut |_| panic!("{name}"))
    };
    let no_directory = "visible is not a directory, or lies below something that is none";
    says(under("visible"), no_directory);
    says(under("missing"), "missing does not exist");
    let link = "directory-link is a symbolic link or behind one, and those are not followed";
    says(under("directory-link"), link);
}

#[test]
fn names_that_are_no_unicode_are_counted() {
    let place = Place::new();
    place.put("a", b"");
    for name in [b"caf\xe9".as_slice(), b"\xff"] {
        std::fs::write(place.at("").join(OsStr::from_bytes(name)), b"").unwrap();
    }
    let (names, walked) = place.walk(None, &WalkLimits::default());
    assert_eq!((names.len(), walked.not_unicode, walked.entries), (1, 2, 3));
}

/// A repository with rules in many places, and the names of its files.
fn with_rules() -> Place {
    let place = Place::new();
    git2::Repository::init(place.at("")).unwrap();
    place.put(".git/info/exclude", b"*.excluded\n!*.kept\n");
    place.put(
        ".gitignore",
        b"\xef\xbb\xbftarget/\n*.log\n!keep.log\n/top\n# no rule\n\\#hash\nsub/x\n[\n",
    );
    place.put("sub/.gitignore", b"!sub.log\n*.tmp\r\n/only\ntop\n");
    place.put("sub/deep/.gitignore", b"*\n!.gitignore\n!*.rs\n!again/\n");
    place.put("caf\u{e9}/.gitignore", b"\xff\xfe\nfoo\n");
    for name in [
        "a.log",
        "keep.log",
        "top",
        "target/debug/a.rs",
        "src/target/a.rs",
        "src/target.rs",
        "#hash",
        "a.excluded",
        "sub/a.excluded",
        "sub/x",
        "sub/sub.log",
        "sub/a.tmp",
        "a.tmp",
        "sub/only",
        "sub/only2",
        "sub/a/only",
        "sub/a/top",
        "sub/deep/a.rs",
        "sub/deep/a.txt",
        "sub/deep/again/a.rs",
        "sub/deep/again/a.txt",
        "sub/deep/lost/a.rs",
        "x",
        "other/x",
        "caf\u{e9}/foo",
        "caf\u{e9}/bar",
        "src/top",
        "src/a.rs",
        "keep.log.kept",
    ] {
        place.put(name, b"");
    }
    place
}

/// What libgit2 says is ignored is what is passed over.
#[test]
fn what_git_ignores_is_passed_over() {
    let place = with_rules();
    let git = git2::Repository::open(place.at("")).unwrap();
    let is_visible = |name: &String| {
        let is_gits = name == ".git" || name.starts_with(".git/");
        let is_ignored = |name: &Path| git.is_path_ignored(name).unwrap();
        let mut ancestors = Path::new(name).ancestors().filter(|part| *part != Path::new(""));
        place.at(name).is_file() && !is_gits && !ancestors.any(is_ignored)
    };
    let mut expected: Vec<String> = place.on_disk().into_iter().filter(is_visible).collect();
    // To libgit2 a rule takes back only what the same file says; to git also what was said above.
    expected.push("sub/sub.log".to_owned());
    expected.sort();
    let files = |names: Vec<String>| {
        names.into_iter().filter(|name| place.at(name).is_file()).collect::<Vec<_>>()
    };
    assert_eq!(files(place.walked()), expected);
    assert!(expected.contains(&"sub/deep/a.rs".to_owned()) && expected.len() < 25, "{expected:?}");

    // From further below it is the same.
    for under in ["sub", "sub/deep", "src", "sub/deep/again"] {
        let (names, walked) = place.walk(Some(under), &WalkLimits::default());
        let below = |name: &&String| name.starts_with(&format!("{under}/"));
        let expected: Vec<String> = expected.iter().filter(below).cloned().collect();
        assert_eq!(files(names), expected, "{under}");
        assert!(!walked.is_passed_over);
    }
    for under in ["target", "target/debug", "src/target"] {
        let (names, walked) = place.walk(Some(under), &WalkLimits::default());
        assert!(names.is_empty() && walked.is_passed_over, "{under}");
    }
}

#[test]
fn rules_that_cannot_be_read_are_none() {
    let place = Place::new();
    place.put("../outside/rules", b"*\n");
    place.put("a/x", b"");
    place.link("a/.gitignore", "../../outside/rules");
    place.put("b/x", b"");
    rustix::fs::mknodat(CWD, place.at("b/.gitignore"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    place.put("c/.gitignore", &b"x\n".repeat(200_000));
    place.put("c/x", b"");
    assert_eq!(place.walked(), ["a", "a/x", "b", "b/x", "c", "c/.gitignore", "c/x"]);
    std::fs::remove_file(place.at("../outside/rules")).unwrap();
}

#[test]
fn a_walk_ends_at_its_limits() {
    let place = Place::new();
    for name in ["a/1", "a/2", "a/3", "b/c/d/e", "f"] {
        place.put(name, b"");
    }
    let all = WalkLimits::default();
    let (names, walked) = place.walk(None, &all);
    let whole = Walked { entries: 9, ..Walked::default() };
    assert_eq!((names.len(), walked), (9, whole));

    let (names, walked) = place.walk(None, &WalkLimits { entries: 9, ..all });
    assert_eq!((names.len(), walked), (9, whole));
    let (names, walked) = place.walk(None, &WalkLimits { entries: 8, ..all });
    assert!(names.len() < 9 && walked.is_cut && walked.entries == 8);

    let (names, walked) = place.walk(None, &WalkLimits { depth: 1, ..all });
    assert_eq!((names, walked.is_cut), (["a", "b", "f"].map(str::to_owned).to_vec(), true));
    let (names, walked) = place.walk(None, &WalkLimits { depth: 4, ..all });
    assert_eq!((names.len(), walked), (9, whole));

    let (_, walked) = place.walk(None, &WalkLimits { entries_per_directory: 3, ..all });
    assert_eq!(walked, whole);
    let (names, walked) = place.walk(None, &WalkLimits { entries_per_directory: 2, ..all });
    assert!(names.len() < 9 && walked.is_cut);

    let (names, walked) = place.walk(None, &WalkLimits { until: Some(Instant::now()), ..all });
    assert!(names.is_empty() && walked.is_cut);
}

#[test]
fn a_visitor_may_have_enough() {
    let place = Place::new();
    for number in 0..100 {
        place.put(&format!("{}/{number}", number % 10), b"");
    }
    let mut count = 0;
    let mut visit = |_entry| {
        count += 1;
        if count == 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let walked = place.root.walk(None, &WalkLimits::default(), &mut visit).unwrap();
    assert!(!walked.is_cut && walked.entries < 110);
    assert_eq!(count, 20);
}

/// A directory with very many files is neither held as a whole nor gone through.
#[test]
fn a_very_large_directory_costs_little() {
    let place = Place::new();
    std::fs::create_dir(place.at("many")).unwrap();
    let many = beneath::open_directory(place.root.directory.as_fd(), "many").unwrap();
    for number in 0..20_000 {
        rustix::fs::mknodat(&many, format!("{number}"), FileType::RegularFile, Mode::RUSR, 0)
            .unwrap();
    }
    let limits = WalkLimits { entries_per_directory: 1_000, ..WalkLimits::default() };
    let began = Instant::now();
    let (names, walked) = place.walk(None, &limits);
    assert!(names.len() == 1_001 && walked.is_cut && walked.entries == 1_001);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}
