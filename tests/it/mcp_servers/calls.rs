//! What becomes of calls, whatever their server does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lukhas_mcp::mcp_servers::{
    CallOptions, Elicitation, ElicitationAnswer, Elicitor, Lost, NotSent, ToolCallError, ToolOutput,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::bench::{Bench, PATIENCE, arguments};

async fn call(bench: &Bench, tool: &str, with: Value) -> Result<ToolOutput, ToolCallError> {
    let tool = bench.tool(tool);
    bench.servers.call(&tool, arguments(with), CallOptions::default()).await
}

fn short(settings: &mut lukhas_mcp::config::chat::McpServersSettings) {
    settings.servers[1].timeout = Duration::from_millis(700);
    settings.servers[1].max_timeout = Duration::from_millis(2_500);
}

/// Says "main" to whatever it is asked.
#[derive(Default)]
struct Main(Mutex<Vec<Elicitation>>, Duration);

#[async_trait]
impl Elicitor for Main {
    async fn ask(&self, elicitation: Elicitation) -> ElicitationAnswer {
        self.0.lock().unwrap().push(elicitation);
        sleep(self.1).await;
        ElicitationAnswer::Accept(arguments(json!({ "branch": "main" })))
    }
}

#[actix::test]
async fn arguments_go_to_the_server_as_they_are_and_answers_come_back_so() {
    let bench = Bench::new(&["noise"]).await;
    bench.until("ready").await;
    // B9: nothing is added, nothing is taken away.
    let with = json!({ "b": null, "a": { "x": [1, 2.5, "ä"] }, "extra": true });
    let answer = call(&bench, "echo", with.clone()).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&answer.text).unwrap(), with);
    assert!(!answer.is_error);
    let answer = call(&bench, "closed", json!({})).await.unwrap();
    let params: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(params["arguments"], json!({}));
    let failed = call(&bench, "fails", json!({})).await.unwrap();
    assert_eq!((failed.text.as_str(), failed.is_error), ("it went wrong", true));
    let refused = call(&bench, "refuses", json!({})).await.unwrap_err();
    let message = "no, not with [secret]".to_owned();
    assert_eq!(refused, ToolCallError::Failed { code: -32099, message });
    bench.stop().await;
}

#[actix::test]
async fn what_is_wrong_before_it_is_sent_reaches_no_server() {
    let bench = Bench::new(&[]).await;
    bench.until("ready").await;
    let wrong = call(&bench, "strict", json!({ "job": 5, "more": 1 })).await.unwrap_err();
    let ToolCallError::NotSent(NotSent::Arguments(why)) = wrong else { panic!("{wrong}") };
    let why = why.join("; ");
    assert!(why.contains("/job: ") && why.contains("more"), "{why}");
    let missing = call(&bench, "strict", json!({})).await.unwrap_err().to_string();
    assert!(missing.contains("job"), "{missing}");
    let large = call(&bench, "echo", json!({ "x": "x".repeat(2 << 20) })).await.unwrap_err();
    assert!(matches!(large, ToolCallError::NotSent(NotSent::Arguments(_))), "{large}");
    let mut other = bench.tool("echo");
    other.hash = "0".repeat(64);
    let options = CallOptions::default();
    let redefined = bench.servers.call(&other, arguments(json!({})), options.clone()).await;
    assert_eq!(redefined, Err(ToolCallError::NotSent(NotSent::Redefined)));
    other.server = "nobody".into();
    let nobody = bench.servers.call(&other, arguments(json!({})), options).await;
    assert_eq!(nobody, Err(ToolCallError::NotSent(NotSent::NoServer("nobody".to_owned()))));
    assert_eq!(bench.noted("calls"), Vec::<String>::new());
    bench.stop().await;
}

#[actix::test]
async fn progress_gives_time_up_to_a_cap() {
    let bench = Bench::with(&[], short).await;
    bench.until("ready").await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let progress: lukhas_mcp::mcp_servers::OnProgress =
        Arc::new(move |progress| sink.lock().unwrap().push(progress.message.unwrap()));
    let options = CallOptions { progress: Some(progress), ..CallOptions::default() };
    let tool = bench.tool("slow");
    let with = json!({ "steps": 4, "rest": 0.4 });
    let answer = bench.servers.call(&tool, arguments(with), options.clone()).await.unwrap();
    assert_eq!(answer.text, "done");
    // The last may be overtaken by the answer.
    assert_eq!(seen.lock().unwrap()[..3], ["step 1", "step 2", "step 3"]);
    let with = json!({ "steps": 50, "rest": 0.2 });
    let endless = bench.servers.call(&tool, arguments(with), options).await;
    let cap = Duration::from_millis(2_500);
    assert_eq!(endless, Err(ToolCallError::Unknown(Lost::TookTooLong(cap))));
    bench.stop().await;
}

#[actix::test]
async fn a_call_that_hangs_is_given_up_and_its_server_told() {
    let bench = Bench::with(&[], short).await;
    bench.until("ready").await;
    let late = call(&bench, "hang", json!({})).await;
    let limit = Duration::from_millis(700);
    assert_eq!(late, Err(ToolCallError::Unknown(Lost::TimedOut(limit))));
    let options = CallOptions::default();
    let cancel = options.cancel.clone();
    let tool = bench.tool("hang");
    let hanging = bench.servers.call(&tool, arguments(json!({})), options.clone());
    let cancelling = async {
        sleep(Duration::from_millis(200)).await;
        cancel.cancel();
    };
    let (cancelled, ()) = tokio::join!(hanging, cancelling);
    assert_eq!(cancelled, Err(ToolCallError::Cancelled { sent: true }));
    let before = bench.servers.call(&tool, arguments(json!({})), options).await;
    assert_eq!(before, Err(ToolCallError::Cancelled { sent: false }));
    // One who just goes away cancels as well.
    let dropped = bench.servers.call(&tool, arguments(json!({})), CallOptions::default());
    drop(tokio::time::timeout(Duration::from_millis(200), dropped).await);
    let began = Instant::now();
    while bench.noted("cancelled").len() < 3 {
        assert!(began.elapsed() < PATIENCE, "{:?}", bench.noted("cancelled"));
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(bench.noted("cancelled"), ["hang", "hang", "hang"]);
    assert_eq!(bench.noted("calls").len(), 3, "the one before was not sent");
    assert_eq!(bench.servers.states()[0].in_flight, 0);
    assert_eq!(call(&bench, "echo", json!({})).await.unwrap().text, "{}");
    bench.stop().await;
}

#[actix::test]
async fn a_server_that_dies_in_a_call_leaves_it_unknown_and_comes_back() {
    let bench = Bench::new(&[]).await;
    bench.until("ready").await;
    let lost = call(&bench, "crash", json!({})).await;
    assert_eq!(lost, Err(ToolCallError::Unknown(Lost::Connection)));
    // The next one waits for the new connection.
    assert_eq!(call(&bench, "echo", json!({})).await.unwrap().text, "{}");
    assert_eq!(bench.noted("effects"), ["crash"], "it is not repeated");
    assert_eq!(bench.noted("pids").len(), 2);
    bench.stop().await;
}

#[actix::test]
async fn an_actor_that_fails_in_a_call_leaves_it_unknown_and_begins_anew() {
    let bench = Bench::with(&[], |settings| settings.servers[1].name = "breaks".to_owned()).await;
    bench.until("ready").await;
    let tool = |name: &str| {
        let catalogue = bench.servers.catalogue();
        catalogue.find_origin("breaks", name).expect("there is the tool").reference.clone()
    };
    let (hang, redefine) = (tool("hang"), tool("redefine"));
    fail::cfg("mcp-list-changed", "1*panic(told to)->off").unwrap();
    let options = CallOptions::default;
    let hanging = bench.servers.call(&hang, arguments(json!({})), options());
    let failing = async {
        sleep(Duration::from_millis(300)).await;
        // Its answer may come before the connection goes, or not.
        drop(bench.servers.call(&redefine, arguments(json!({})), options()).await);
    };
    let began = Instant::now();
    let (lost, ()) = tokio::join!(hanging, failing);
    assert_eq!(lost, Err(ToolCallError::Unknown(Lost::Connection)));
    assert!(began.elapsed() < Duration::from_secs(4), "it waited for its time to be over");
    // The next one has a new connection, and what was there before is gone.
    bench.until("ready").await;
    let echo = bench.servers.call(&tool("echo"), arguments(json!({})), options()).await;
    assert_eq!(echo.unwrap().text, "{}");
    let pids = bench.noted("pids");
    assert_eq!(pids.len(), 2);
    super::bench::until_gone(&pids[..1]).await;
    assert_eq!(bench.noted("calls").iter().filter(|call| call.contains("hang")).count(), 1);
    bench.stop().await;
}

#[actix::test]
async fn an_answer_that_is_too_long_ends_its_call_and_no_more() {
    let bench = Bench::new(&[]).await;
    bench.until("ready").await;
    let long = call(&bench, "long", json!({})).await.unwrap_err().to_string();
    assert!(long.contains("longer than 4 MiB"), "{long}");
    assert_eq!(call(&bench, "echo", json!({})).await.unwrap().text, "{}");
    assert_eq!(bench.noted("pids").len(), 1);
    bench.stop().await;
}

async fn asked(words: &[&str], may_ask: bool) -> (Value, Vec<Elicitation>) {
    let bench = Bench::with(words, |settings| {
        settings.servers[1].elicitation = may_ask;
        short(settings);
    })
    .await;
    bench.until("ready").await;
    // The user takes longer than a call may.
    let main = Arc::new(Main(Mutex::default(), Duration::from_secs(3)));
    let options = CallOptions { elicitor: main.clone(), ..CallOptions::default() };
    let answer = bench.servers.call(&bench.tool("asks"), arguments(json!({})), options).await;
    bench.stop().await;
    let seen = main.0.lock().unwrap().clone();
    (serde_json::from_str(&answer.unwrap().text).unwrap(), seen)
}

#[actix::test]
async fn a_server_asks_the_user_in_both_eras_where_it_may() {
    for words in [&[][..], &["modern"]] {
        let (answer, seen) = asked(words, true).await;
        assert_eq!(answer, json!({ "action": "accept", "content": { "branch": "main" } }));
        assert_eq!((seen.len(), seen[0].about.as_str()), (1, "asks"));
        assert_eq!(seen[0].message, "Which branch?");
    }
    let (refused, seen) = asked(&[], false).await;
    assert_eq!((refused["code"].as_i64(), seen.len()), (Some(-32601), 0), "{refused}");
    let (refused, seen) = asked(&["modern"], false).await;
    assert_eq!((refused["action"].as_str(), seen.len()), (Some("cancel"), 0), "{refused}");
}
