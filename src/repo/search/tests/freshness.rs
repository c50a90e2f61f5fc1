//! How soon a change is found.

use super::*;

/// What is promised, on a machine that does nothing else.
const SOON: Duration = Duration::from_secs(1);

/// The best of a few tries: the machine that runs the tests does other things too.
fn assert_soon(times: &[Duration]) {
    assert!(times.iter().min().is_some_and(|best| *best < SOON), "{times:?}");
}

#[actix::test]
async fn a_changed_file_is_found_within_a_second() {
    let site = Site::new(&[("a.md", "nothing"), ("dir/b.md", "nothing")]);
    let index = site.ready().await;
    let mut times = Vec::new();
    for n in 0..3 {
        site.write("dir/b.md", &format!("zebra{n}"));
        times.push(find_within(&index, &format!("zebra{n}"), &["dir/b.md"]).await);
        site.write(&format!("new{n}/deep/c.md"), &format!("gnu{n}"));
        let path = format!("new{n}/deep/c.md");
        times.push(find_within(&index, &format!("gnu{n}"), &[&path]).await);
    }
    assert_soon(&times);
    std::fs::remove_file(site.repository().join("dir/b.md")).unwrap();
    std::fs::rename(site.repository().join("new0"), site.repository().join("other")).unwrap();
    find_within(&index, "zebra2", &[]).await;
    find_within(&index, "gnu0", &["other/deep/c.md"]).await;
    find_within(&index, "path:new0", &[]).await;
    // What moved is watched where it is now.
    site.write("other/deep/c.md", "okapi");
    find_within(&index, "okapi", &["other/deep/c.md"]).await;
}

#[actix::test]
async fn what_the_daemon_wrote_is_found_by_the_next_search() {
    let site = Site::new(&[("a.md", "nothing")]);
    let index = site.ready().await;
    for n in 0..20 {
        let path = format!("dir{n}/own.md");
        site.write(&path, &format!("quagga{n}"));
        index.changed(vec![RepoPath::parse(&path).unwrap()]);
        let found = search(&index, &format!("quagga{n}")).await;
        assert_eq!(paths(&found), [path.as_str()]);
        std::fs::remove_file(site.repository().join(&path)).unwrap();
        index.changed(vec![RepoPath::parse(&path).unwrap()]);
        let found = search(&index, &format!("quagga{n}")).await;
        assert_eq!(paths(&found), Vec::<&str>::new());
    }
}

#[actix::test]
async fn another_branch_is_taken_in_as_a_whole() {
    let site = Site::new(&[("a.md", "nothing")]);
    let index = site.ready().await;
    for n in 0..2000 {
        site.write(&format!("d{}/f{n}.rs", n % 40), &format!("fn branch_{n}() {{ okapi(); }}"));
    }
    let start = Instant::now();
    until("all files are known", || index.state().files == 2001).await;
    assert!(start.elapsed() < PATIENCE);
    find_within(&index, "branch_1234", &["d34/f1234.rs"]).await;
    for n in 0..40 {
        std::fs::remove_dir_all(site.repository().join(format!("d{n}"))).unwrap();
    }
    until("all files are forgotten", || index.state().files == 1).await;
    find_within(&index, "okapi", &[]).await;
}

#[actix::test]
async fn a_stale_hit_is_not_shown() {
    let site = Site::new(&[("a.md", "lemur"), ("b.md", "lemur")]);
    let index = site.ready().await;
    // Read as it is now, whatever the index thinks.
    site.write("a.md", "");
    let found = search(&index, "lemur").await;
    assert_eq!(paths(&found), ["b.md"]);
}

#[actix::test]
async fn the_next_start_knows_what_changed_in_between() {
    let site = Site::new(&[("a.md", "tapir"), ("b.md", "tapir"), ("c.md", "tapir")]);
    drop(site.ready().await);
    site.write("a.md", "okapi");
    std::fs::remove_file(site.repository().join("b.md")).unwrap();
    site.write("d.md", "tapir");
    let index = site.ready().await;
    find_within(&index, "tapir", &["c.md", "d.md"]).await;
    assert_eq!(index.state().files, 3);
}

#[actix::test]
async fn nothing_secret_ignored_or_linked_is_found() {
    let site = Site::new(&[
        ("a.md", "ibex"),
        (".env", "ibex=1"),
        ("server.pem", "ibex"),
        (".git/config", "ibex"),
        ("state.db", "ibex"),
        (".gitignore", "ignored/\n*.log\n"),
        ("ignored/x.md", "ibex"),
        ("b.log", "ibex"),
    ]);
    let outside = site.home.path().join("outside.md");
    std::fs::write(&outside, "ibex").unwrap();
    std::os::unix::fs::symlink(&outside, site.repository().join("link.md")).unwrap();
    std::os::unix::fs::symlink(site.home.path(), site.repository().join("linked")).unwrap();
    let index = site.ready().await;
    find_within(&index, "ibex", &["a.md"]).await;
    let told = [".env", "link.md", "ignored/x.md", "b.log"].map(RepoPath::parse);
    index.changed(told.into_iter().flatten().collect());
    find_within(&index, "ibex", &["a.md"]).await;
    site.write("ignored/y.md", "ibex");
    site.write(".gitignore", "*.log\n");
    find_within(&index, "ibex", &["a.md", "ignored/x.md", "ignored/y.md"]).await;
    site.write(".gitignore", "*.md\n");
    find_within(&index, "ibex", &["b.log"]).await;
}
