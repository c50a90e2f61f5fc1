//! What is known of a server's tools, prompts and resources, and how that changes.

use std::time::Duration;

use lukhas_mcp::mcp_servers::{CallOptions, NotSent, Pin, PromptRole, ToolCallError};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::bench::{Bench, PATIENCE, arguments};

#[actix::test]
async fn names_are_unique_and_what_is_refused_is_seen() {
    for words in [&[][..], &["modern"], &["pages"]] {
        let bench = Bench::new(words).await;
        let view = bench.until("ready").await;
        let version = if words == ["modern"] { "2026-07-28" } else { "2025-11-25" };
        assert_eq!(view.protocol_version.as_deref(), Some(version));
        let catalogue = bench.servers.catalogue();
        let names: Vec<_> =
            catalogue.entries().iter().map(|entry| entry.exposed.as_str()).collect();
        assert_eq!(names[..4], ["ops__status", "faults__echo", "faults__strict", "faults__kept"]);
        assert_eq!(catalogue.entries()[0].pin, Pin::Own);
        let dotted = &bench.entry("with.dot").exposed;
        assert!(dotted.starts_with("faults__with_dot_"), "{dotted}");
        let long = "a_very_long_name_that_does_not_fit_and_says_only_at_its_end_what_it_reads";
        let long = &bench.entry(long).exposed;
        assert!(long.len() <= 64 && long.contains("_what_it_reads_"), "{long}");
        assert!(catalogue.entries()[1].definition.hints.read_only == Some(true));
        let refused: Vec<_> = catalogue
            .quarantined()
            .iter()
            .map(|one| (one.tool.as_str(), one.why.as_str()))
            .collect();
        assert_eq!(refused.len(), 3, "{refused:?}");
        assert!(refused[0].0 == "bad" && refused[0].1.contains("schema"), "{refused:?}");
        assert!(refused[1].0 == "worse" && refused[1].1.contains("not an object"), "{refused:?}");
        assert!(refused[2].0 == "echo" && refused[2].1.contains("two tools"), "{refused:?}");
        bench.stop().await;
    }
}

#[actix::test]
async fn prompts_and_resources_are_reached() {
    for words in [&[][..], &["modern"]] {
        let bench = Bench::new(words).await;
        bench.until("ready").await;
        let options = CallOptions::default;
        let servers = &bench.servers;
        let (server, prompt) = servers.prompts().remove(0);
        assert_eq!((server.as_str(), prompt.name.as_str()), ("faults", "review"));
        let with = arguments(json!({ "path": "a.rs" }));
        let messages = servers.prompt("faults", "review", with, options()).await.unwrap();
        assert_eq!(messages[0].role, PromptRole::User);
        assert_eq!(messages[0].text, "Review a.rs.");
        let none = servers.prompt("faults", "none", arguments(json!({})), options()).await;
        assert!(matches!(none, Err(ToolCallError::NotSent(NotSent::Nothing(_)))), "{none:?}");
        assert_eq!(servers.resources()[0].1.uri, "note://1");
        assert_eq!(servers.resource_templates()[0].1.uri, "note://{n}");
        let text = servers.resource("faults", "note://7", options()).await.unwrap();
        assert_eq!(text, "This is note://7.");
        bench.stop().await;
    }
}

#[actix::test]
async fn what_a_server_does_not_have_is_not_asked_for() {
    let bench = Bench::new(&["tools-only"]).await;
    let view = bench.until("ready").await;
    assert_eq!((view.prompts, view.resources), (0, 0));
    let asked = bench.noted("methods");
    assert!(
        !asked
            .iter()
            .any(|method| method.starts_with("prompts") || method.starts_with("resources")),
        "{asked:?}"
    );
    let none = bench.servers.resource("faults", "note://1", CallOptions::default()).await;
    assert!(matches!(none, Err(ToolCallError::NotSent(NotSent::Nothing(_)))), "{none:?}");
    bench.stop().await;
}

#[actix::test]
async fn a_list_without_an_end_is_cut_and_that_is_seen() {
    let bench = Bench::new(&["loop"]).await;
    let view = bench.until("degraded").await;
    assert!(view.last_error.unwrap().contains("no end"));
    assert!(0 < view.tools);
    bench.stop().await;
}

#[actix::test]
async fn another_definition_waits_for_a_yes_also_after_a_restart() {
    redefined(&[]).await;
}

#[actix::test]
async fn another_definition_is_heard_of_in_the_revision_without_a_handshake() {
    redefined(&["modern"]).await;
}

async fn redefined(words: &[&str]) {
    let bench = Bench::new(words).await;
    bench.until("ready").await;
    if words == ["modern"] {
        // It hears of nothing before it listens.
        let began = Instant::now();
        while !bench.noted("methods").iter().any(|method| method == "subscriptions/listen") {
            assert!(began.elapsed() < PATIENCE);
            sleep(Duration::from_millis(10)).await;
        }
    }
    let before = bench.servers.catalogue();
    let (old, call) = (bench.tool("kept"), |tool| {
        let (servers, options) = (bench.servers.clone(), CallOptions::default());
        async move { servers.call(&tool, arguments(json!({})), options).await }
    });
    assert_eq!(bench.entry("kept").pin, Pin::Same);
    call(old.clone()).await.unwrap();
    call(bench.tool("redefine")).await.unwrap();
    let mut catalogues = bench.servers.catalogues();
    let changed = |catalogue: &std::sync::Arc<lukhas_mcp::mcp_servers::Catalogue>| {
        catalogue.find("faults__kept").is_some_and(|entry| entry.pin != Pin::Same)
    };
    drop(tokio::time::timeout(PATIENCE, catalogues.wait_for(changed)).await.unwrap());
    // A turn goes on with the catalogue it has; what it knows is not called any more.
    assert_eq!(before.find("faults__kept").unwrap().pin, Pin::Same);
    assert!(before.generation() < bench.servers.catalogue().generation());
    assert_eq!(call(old.clone()).await, Err(ToolCallError::NotSent(NotSent::Redefined)));
    let new = bench.entry("kept");
    assert_eq!(new.pin, Pin::Changed { agreed: old.hash.clone() });
    let refused = call(new.reference.clone()).await;
    assert_eq!(refused, Err(ToolCallError::NotSent(NotSent::NotAgreed)));
    assert!(!bench.servers.accept(&old).await.unwrap(), "it is not defined so any more");
    assert!(bench.servers.accept(&new.reference).await.unwrap());
    assert_eq!(bench.entry("kept").pin, Pin::Same);
    call(new.reference.clone()).await.unwrap();
    bench.stop().await;
    // The next process of the server defines it as the first did, which nobody agreed to now.
    let again = Bench::at(&bench.directory, words, |_| ()).await;
    again.until("ready").await;
    assert_eq!(again.entry("kept").pin, Pin::Changed { agreed: new.reference.hash.clone() });
    assert_eq!(again.entry("echo").pin, Pin::Same);
    again.stop().await;
}

#[actix::test]
async fn a_flood_costs_little_and_what_it_says_is_not_missed() {
    let bench = Bench::new(&[]).await;
    bench.until("ready").await;
    let (tool, options) = (bench.tool("flood"), CallOptions::default());
    let with = arguments(json!({ "count": 50_000 }));
    let answer = bench.servers.call(&tool, with, options).await.unwrap();
    assert_eq!(answer.text, "flooded");
    let began = Instant::now();
    let lists = || bench.noted("methods").iter().filter(|one| *one == "tools/list").count();
    while lists() < 2 {
        assert!(began.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20)).await;
    }
    assert!(lists() < 10, "{} lists for one flood", lists());
    bench.until("ready").await;
    bench.stop().await;
}

#[actix::test]
async fn a_server_sees_its_own_environment_only() {
    let bench = Bench::new(&[]).await;
    bench.until("ready").await;
    let (tool, options) = (bench.tool("env"), CallOptions::default());
    let answer = bench.servers.call(&tool, arguments(json!({})), options).await.unwrap();
    let Some(Value::Object(seen)) = answer.structured else { panic!("{answer:?}") };
    let passed = [
        "HOME",
        "LANG",
        "PATH",
        "TMPDIR",
        "USER",
        "STATE",
        "SECRET",
        "LUKHAS_MCP_PROCESS",
        "LC_CTYPE",
    ];
    let more: Vec<_> = seen.keys().filter(|name| !passed.contains(&name.as_str())).collect();
    assert!(more.is_empty(), "{more:?}");
    assert_eq!(seen["SECRET"], "hush-hush-hush");
    bench.stop().await;
}
