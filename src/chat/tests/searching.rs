//! What a search finds.

use super::*;

async fn found(bench: &Bench, principal: &str, query: &str) -> Vec<(String, i64)> {
    let hits = bench.chat.search(principal, None, query, 10).await.unwrap();
    hits.into_iter().map(|hit| (hit.conversation_id, hit.seq)).collect()
}

fn at(conversation: &str, seq: i64) -> (String, i64) {
    (conversation.to_owned(), seq)
}

#[actix::test]
async fn the_newest_place_comes_first_and_nobody_elses() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    bench.ask("c", "r1", "the ranker ranker ranker is slow").await;
    let request = Request { text: "my ranker is secret".to_owned(), ..Request::default() };
    bench.chat.send("key-2", new_request("theirs", "r1", request)).await.unwrap();
    bench.until_over("theirs", 1).await;
    bench.ask("d", "r1", "the ranker is fast").await;
    assert_eq!(found(&bench, "key-1", "ranker").await, [at("d", 1), at("c", 1)]);
    assert_eq!(found(&bench, "key-1", "slow rank").await, [at("c", 1)]);
    assert_eq!(found(&bench, "key-1", "secret").await, []);
    assert_eq!(found(&bench, "key-2", "rank").await, [at("theirs", 1)]);
    let hits = bench.chat.search("key-1", Some(&id("c")), "ranker", 10).await.unwrap();
    assert_eq!(hits.len(), 1);
    assert!(hits[0].snippet.contains("⟦ranker⟧"), "{hits:?}");
    // What is forked is found where it is, and what is removed is not.
    let fork = bench.chat.fork("key-1", &id("c"), 2).await.unwrap();
    assert_eq!(found(&bench, "key-1", "slow").await, [at(&fork.id, 1), at("c", 1)]);
    bench.chat.clear("key-1", &id("c")).await.unwrap();
    assert_eq!(found(&bench, "key-1", "slow").await, [at(&fork.id, 1)]);
}

#[actix::test]
async fn any_query_is_answered() {
    let bench = Bench::new(FakeModel::saying(vec![])).await;
    let chat = &bench.chat;
    bench.ask("c", "r1", "a naïve \"answer\" of model x, and so on").await;
    for (query, is_found) in [
        ("naive\u{0}answ", true),
        ("naive", true),
        ("a", true),
        ("x", true),
        // It begins a word, but is none.
        ("n", false),
        ("na", true),
        ("\"answer\" OR", false),
        ("answer\" OR \"nothing", false),
        ("content:naive", false),
        ("NEAR(a b)", false),
    ] {
        let hits = chat.search("key-1", None, query, 10).await.unwrap();
        assert_eq!(!hits.is_empty(), is_found, "{query:?}: {hits:?}");
    }
    for query in ["", " ", "\u{0}", "- \" *"] {
        assert_eq!(chat.search("key-1", None, query, 10).await.unwrap(), [], "{query:?}");
    }
}
