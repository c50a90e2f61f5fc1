//! What goes wrong within the index, and what it costs.

use fail::FailScenario;

use super::*;

#[actix::test]
async fn an_indexer_that_panics_comes_back_and_builds_anew() {
    let scenario = FailScenario::setup();
    let site = Site::new(&[("a.md", "dingo")]);
    fail::cfg("search-begin", "2*panic(cannot begin)->off").unwrap();
    let index = site.start();
    let found = search(&index, "dingo").await;
    assert_eq!((paths(&found), found.answered_by), (vec!["a.md"], AnsweredBy::Scan));
    until("it is ready", || index.state().phase == Phase::Ready).await;
    fail::cfg("search-look", "1*panic(cannot look)->off").unwrap();
    site.write("b.md", "dingo");
    find_within(&index, "dingo", &["a.md", "b.md"]).await;
    until("it is ready again", || index.state().phase == Phase::Ready).await;
    let found = search(&index, "dingo").await;
    assert_eq!((paths(&found).len(), found.answered_by), (2, AnsweredBy::Index));
    scenario.teardown();
}

#[actix::test]
async fn an_indexer_that_is_given_up_leaves_the_direct_look() {
    let scenario = FailScenario::setup();
    let site = Site::new(&[("a.md", "dingo")]);
    fail::cfg("search-begin", "panic(never begins)").unwrap();
    let index = site.start();
    let own = vec![RepoPath::parse("a.md").unwrap()];
    index.changed(own.clone());
    until("it is given up", || index.state().phase == Phase::Failed).await;
    until("nothing is noted", || index.0.shared.changed().is_empty()).await;
    // Nobody would ever settle it.
    index.changed(own);
    assert!(index.0.shared.changed().is_empty());
    let found = search(&index, "dingo").await;
    assert_eq!((paths(&found), found.answered_by), (vec!["a.md"], AnsweredBy::Scan));
    assert!(found.is_complete);
    scenario.teardown();
}

#[actix::test]
async fn where_nothing_can_be_watched_own_changes_are_found_all_the_same() {
    let scenario = FailScenario::setup();
    let site = Site::new(&[("a.md", "dingo"), ("dir/b.md", "")]);
    fail::cfg("search-watch", "return").unwrap();
    let index = site.ready().await;
    until("the state tells", || index.state().is_watch_partial).await;
    assert_eq!(index.state().watches, 0);
    site.write("dir/b.md", "dingo");
    index.changed(vec![RepoPath::parse("dir/b.md").unwrap()]);
    find_within(&index, "dingo", &["a.md", "dir/b.md"]).await;
    until("the index has it", || index.state().segments == 2).await;
    find_within(&index, "dingo", &["a.md", "dir/b.md"]).await;
    scenario.teardown();
}

#[actix::test]
async fn too_many_searches_are_refused_and_not_queued_for_ever() {
    let site = Site::new(&[("a.md", "dingo")]);
    let index = site.ready().await;
    let held = Arc::clone(&index.0.turns).acquire_many_owned(4).await.unwrap();
    let refused = index.search(Query::parse("dingo").unwrap(), 5).await;
    assert!(matches!(refused, Err(SearchError::Overloaded)), "{refused:?}");
    drop(held);
    assert_eq!(paths(&search(&index, "dingo").await), ["a.md"]);
}

#[actix::test]
async fn a_root_that_is_gone_is_told() {
    let site = Site::new(&[("a.md", "dingo")]);
    let root = site.root();
    std::fs::remove_dir_all(site.repository()).unwrap();
    let query = Query::parse("dingo").unwrap();
    let refused = scan(&root, &query, 5).map(|found| found.hits);
    assert!(matches!(refused, Err(SearchError::File(FileError::Gone))), "{refused:?}");
}
