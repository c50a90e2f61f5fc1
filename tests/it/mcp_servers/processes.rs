//! What is left of a server's processes: nothing, whatever they do.

use std::time::Duration;

use lukhas_mcp::config::chat::Transport;
use lukhas_mcp::mcp_servers::{CallOptions, NotSent, ToolCallError};
use serde_json::json;
use tokio::time::Instant;

use super::bench::{Bench, alive, arguments, until_gone};
use crate::database::Database;

/// The processes of the server: its own, and one that it started.
async fn forked(bench: &Bench, apart: bool) -> Vec<String> {
    let (tool, options) = (bench.tool("fork"), CallOptions::default());
    let with = arguments(json!({ "apart": apart }));
    let answer = bench.servers.call(&tool, with, options).await.unwrap();
    answer.text.split(' ').map(str::to_owned).collect()
}

#[actix::test]
async fn a_stop_ends_a_server_that_will_not_and_all_that_it_started() {
    for words in [&[][..], &["ungrateful"], &["stubborn"]] {
        let bench = Bench::new(words).await;
        bench.until("ready").await;
        let mut pids = forked(&bench, false).await;
        pids.extend(forked(&bench, true).await);
        assert_eq!(alive(&pids).len(), 3, "{pids:?}");
        let began = Instant::now();
        bench.stop().await;
        assert!(alive(&pids).is_empty(), "{words:?}: {:?} of {pids:?}", alive(&pids));
        assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
        assert_eq!(bench.servers.states()[0].state.word(), "stopped");
        let mut rows = Database::open(&bench.directory.join("state.db"));
        assert_eq!(rows.number("SELECT count(*) AS number FROM mcp_processes"), 0);
    }
}

#[actix::test]
async fn what_a_server_that_crashed_had_started_is_ended_before_it_is_started_again() {
    let bench = Bench::new(&[]).await;
    bench.until("ready").await;
    let pids = forked(&bench, true).await;
    let (tool, options) = (bench.tool("crash"), CallOptions::default());
    bench.servers.call(&tool, arguments(json!({})), options.clone()).await.unwrap_err();
    let echo = bench.tool("echo");
    bench.servers.call(&echo, arguments(json!({})), options).await.unwrap();
    assert!(alive(&pids).is_empty(), "{:?} of {pids:?}", alive(&pids));
    let view = bench.until("ready").await;
    assert!(view.last_error.is_none() || view.failures == 1, "{view:?}");
    bench.stop().await;
    until_gone(&bench.noted("pids")).await;
}

#[actix::test]
async fn a_server_that_cannot_be_had_is_tried_on_and_says_why() {
    let bench = Bench::with(&[], |settings| {
        let Transport::Stdio { args, .. } = &mut settings.servers[1].transport else { panic!() };
        *args = vec!["-c".to_owned(), "import sys; sys.exit(7)".to_owned()];
    })
    .await;
    let view = bench.until("failed").await;
    assert!(3 <= view.failures, "{view:?}");
    let why = view.last_error.unwrap();
    assert!(why.contains("its program ended") && why.contains('7'), "{why}");
    // It is tried on, and at once when somebody wants that.
    assert!(bench.servers.retry("faults") && !bench.servers.retry("nobody"));
    let began = Instant::now();
    while bench.servers.states()[0].failures < view.failures + 2 {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bench.stop().await;

    let bench = Bench::with(&[], |settings| {
        let Transport::Stdio { command, .. } = &mut settings.servers[1].transport else { panic!() };
        *command = "/nonexistent/server".into();
    })
    .await;
    let why = bench.until("failed").await.last_error.unwrap();
    assert_eq!(why, "its program is not there, or may not be run");
    let mut rows = Database::open(&bench.directory.join("state.db"));
    assert_eq!(rows.number("SELECT count(*) AS number FROM mcp_processes"), 0);
    bench.stop().await;
}

#[actix::test]
async fn a_server_that_answers_nothing_any_more_is_started_again() {
    let bench = Bench::with(&["deaf"], |settings| {
        settings.connection.ping_timeout = Duration::from_millis(200);
        settings.connection.connection_timeout = Duration::from_millis(500);
        settings.servers[1].timeout = Duration::from_millis(300);
    })
    .await;
    bench.until("degraded").await;
    let (tool, options) = (bench.tool("echo"), CallOptions::default());
    let late = bench.servers.call(&tool, arguments(json!({})), options.clone()).await;
    assert!(matches!(late, Err(ToolCallError::Unknown(_))), "{late:?}");
    let began = Instant::now();
    while bench.noted("pids").len() < 2 {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", bench.servers.states());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let first = bench.noted("pids").remove(0);
    until_gone(&[first]).await;
    bench.stop().await;
    let stopped = bench.servers.call(&tool, arguments(json!({})), options).await;
    assert_eq!(stopped, Err(ToolCallError::NotSent(NotSent::NotConnected)));
}
