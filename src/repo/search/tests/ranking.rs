//! Which file comes first.

use super::*;

const FILES: [(&str, &str); 14] = [
    ("src/queue.rs", "//! Who waits.\n\npub struct FairQueue {\n    places: usize,\n}\n"),
    (
        "src/supervisor.rs",
        "use super::queue::FairQueue;\n\nfn new() -> FairQueue {\n    FairQueue::new(3)\n}\n",
    ),
    (
        "tests/queue.rs",
        "use x::FairQueue;\n\n#[test]\nfn places_are_fair() { FairQueue::new(1); }\n",
    ),
    ("vendor/queue/lib.rs", "pub struct FairQueue;\n"),
    ("src/keys.rs", "fn rotate_keys(api_key: &str) {}\nconst MAX_KEYS: usize = 3;\n"),
    (
        "docs/operations.md",
        "# Operations\n\n## Keys\n\nTo rotate the API keys, add the new key, move the clients\nand remove the old key.\n",
    ),
    ("docs/limits.md", "# Limits\n\nThe rate limit is a bucket; the\nlimit of memory is none.\n"),
    ("src/rate.rs", "//! A rate, no limit.\n//! Limits the rate of requests.\n"),
    ("src/walk.c", "static int walk_tree(struct node *n)\n{\n\treturn walk_tree(n->left);\n}\n"),
    ("src/walk_tree.py", "from walk import go\n\ngo()\n"),
    ("config/app.toml", "[server]\nmax_body = 4194304\nport = 8766\n"),
    ("src/config.rs", "    let max_body = settings.max_body; // the max_body of a max_body\n"),
    ("Cargo.lock", "[[package]]\nname = \"fairqueue\"\n"),
    ("migrations/up.sql", "CREATE TABLE audits (id INTEGER);\nCREATE INDEX x ON audits (id);\n"),
];

#[actix::test]
async fn what_a_reader_expects_comes_first() {
    let site = Site::new(&FILES);
    let index = site.ready().await;
    for (query, best) in [
        // Where it is defined; then uses, tests and what is somebody else's.
        ("FairQueue", "src/queue.rs"),
        ("fairqueue", "src/queue.rs"),
        // A file that is called so.
        ("walk_tree.py", "src/walk_tree.py"),
        ("how do I rotate the api keys?", "docs/operations.md"),
        ("rotate_keys", "src/keys.rs"),
        ("MAX_KEYS", "src/keys.rs"),
        ("\"rate limit\"", "docs/limits.md"),
        ("max_body", "config/app.toml"),
        ("create table audits", "migrations/up.sql"),
        ("re:struct\\s+node", "src/walk.c"),
        ("ext:py walk", "src/walk_tree.py"),
        ("path:vendor FairQueue", "vendor/queue/lib.rs"),
    ] {
        let found = search(&index, query).await;
        assert_eq!(found.answered_by, AnsweredBy::Index);
        assert_eq!(paths(&found).first(), Some(&best), "{query}: {:#?}", found.hits);
    }
}

#[actix::test]
async fn a_hit_shows_its_line() {
    let site = Site::new(&FILES);
    let index = site.ready().await;
    for (query, line, text) in [
        ("FairQueue path:src/queue.rs", Some(3), "pub struct FairQueue {\nplaces: usize,\n}"),
        ("\"limit is a bucket\"", Some(3), "The rate limit is a bucket; the"),
        ("re:limit\\s+of", Some(4), "limit of memory is none."),
        ("path:operations.md", None, "# Operations"),
    ] {
        let hits = search(&index, query).await.hits;
        let (line_found, snippet) = hits.first().map(|hit| (hit.line, &hit.snippet)).unwrap();
        assert_eq!(line_found, line, "{query}: {hits:?}");
        assert!(snippet.starts_with(text), "{query}: {snippet:?}");
    }
}

#[actix::test]
async fn hits_of_one_query_are_always_in_one_order() {
    let twins: Vec<(String, &str)> =
        (0..30).map(|n| (format!("dir{n:02}/twin.rs"), "fn twin() {}")).collect();
    let files: Vec<(&str, &str)> =
        twins.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let site = Site::new(&files);
    let index = site.ready().await;
    let first = search(&index, "twin").await;
    assert_eq!(paths(&first), files.iter().take(10).map(|file| file.0).collect::<Vec<_>>());
    assert_eq!(search(&index, "twin").await, first);
}
