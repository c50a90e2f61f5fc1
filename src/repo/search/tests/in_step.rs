//! What the index makes of files that cannot be looked at, are too many, or are among many.

use std::collections::BTreeSet;

use fail::FailScenario;
use rustix::time::{ClockId, clock_gettime};

use super::*;
use crate::repo::search::library::{Library, LibraryError};
use crate::repo::search::watch::Changes;

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn library(site: &Site) -> (Arc<Shared>, Library) {
    let shared =
        Arc::new(Shared::new(site.root(), site.shelf(), Arc::new(SystemClock), Arc::default()));
    let library = Library::open(Arc::clone(&shared));
    (shared, library)
}

fn inside(directory: &str, files: &[&str]) -> Changes {
    Changes {
        directories: BTreeSet::from([Some(path(directory))]),
        files: files.iter().copied().map(path).collect(),
        is_anywhere: false,
    }
}

fn known(shared: &Shared) -> Vec<String> {
    let snapshot = shared.current().unwrap();
    let mut paths: Vec<String> = snapshot.paths().map(str::to_owned).collect();
    paths.sort_unstable();
    paths
}

#[test]
fn a_directory_that_cannot_be_read_for_a_moment_is_not_empty() {
    let scenario = FailScenario::setup();
    let site = Site::new(&[("dir/a.md", "dingo"), ("dir/below/b.md", "dingo")]);
    let (shared, mut library) = library(&site);
    library.reconcile().unwrap();
    let watched = library.watch.as_ref().unwrap().extent();
    std::fs::remove_file(site.repository().join("dir/a.md")).unwrap();
    site.write("dir/c.md", "dingo");
    fail::cfg("search-list", "return").unwrap();
    let failed = library.look_at(inside("dir", &["dir/c.md"]));
    assert!(matches!(failed, Err(LibraryError::File(FileError::Io { .. }))), "{failed:?}");
    // What is there can be seen, although its directory cannot.
    assert_eq!(known(&shared), ["dir/below/b.md"]);
    assert_eq!(library.watch.as_ref().unwrap().extent(), watched);
    // What the daemon itself wrote is found meanwhile.
    shared.note_changed(vec![path("dir/c.md")]);
    let found = answer(&shared, &Query::parse("dingo").unwrap(), 10).unwrap();
    assert_eq!(found.hits.len(), 2, "{found:?}");
    scenario.teardown();
    library.look_at(inside("dir", &["dir/c.md"])).unwrap();
    assert_eq!(known(&shared), ["dir/below/b.md", "dir/c.md"]);
}

#[test]
fn a_file_that_a_cut_walk_does_not_come_to_stays() {
    let deep = vec!["d"; 105].join("/");
    let file = format!("{deep}/f.md");
    let site = Site::new(&[("a.md", "dingo"), (&file, "dingo")]);
    let (shared, mut library) = library(&site);
    library.reconcile().unwrap();
    assert_eq!(known(&shared), ["a.md"]);
    library.look_at(inside(&deep, &[])).unwrap();
    library.reconcile().unwrap();
    assert_eq!(known(&shared), ["a.md", &file]);
    assert!(!answer(&shared, &Query::parse("dingo").unwrap(), 10).unwrap().is_complete);
    // Unless it is ignored, or gone.
    site.write(".gitignore", "*.md");
    library.reconcile().unwrap();
    assert_eq!(known(&shared), [".gitignore"]);
    site.write(".gitignore", "");
    library.look_at(inside(&deep, &[])).unwrap();
    assert!(known(&shared).contains(&file));
    std::fs::remove_file(site.repository().join(&file)).unwrap();
    library.reconcile().unwrap();
    assert_eq!(known(&shared), [".gitignore", "a.md"]);
}

#[test]
fn an_answer_is_not_complete_when_text_was_left_out() {
    let site = Site::new(&[("a.md", "dingo"), ("b.md", "dingo")]);
    let (shared, mut library) = library(&site);
    library.most_bytes = 5;
    library.reconcile().unwrap();
    assert!(shared.state().is_cut);
    let found = answer(&shared, &Query::parse("dingo").unwrap(), 10).unwrap();
    assert_eq!((paths(&found), found.is_complete), (vec!["a.md"], false));
    let site = Site::new(&[("a.md", "dingo")]);
    let (shared, mut library) = self::library(&site);
    library.most_bytes = 5;
    library.reconcile().unwrap();
    assert!(answer(&shared, &Query::parse("dingo").unwrap(), 10).unwrap().is_complete);
}

/// What this thread has worked, however busy the machine is.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

#[test]
fn a_file_among_many_directories_costs_little() {
    let site = Site::new(&[("many/a.md", "dingo")]);
    for n in 0..4000 {
        std::fs::create_dir(site.repository().join(format!("many/{n}"))).unwrap();
    }
    let (shared, mut library) = library(&site);
    library.reconcile().unwrap();
    site.write("many/b.md", "dingo");
    let before = worked();
    library.look_at(inside("many", &["many/b.md"])).unwrap();
    let worked = worked().saturating_sub(before);
    assert_eq!(known(&shared), ["many/a.md", "many/b.md"]);
    assert!(worked < Duration::from_secs(1), "{worked:?}");
}
