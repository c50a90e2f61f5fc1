//! The daemon is killed while conversations call tools: no call is made twice, none is left without
//! a result, questions stay open, and no program is left running.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::provider::Provider;
use super::{counted, has_python, home};
use crate::database::Database;
use crate::dice::{Dice, free_port};
use crate::harness::{Daemon, Home, PATIENCE, skip};

/// How many talk at the same time, each in a conversation of its own.
const TALKERS: usize = 4;

fn kills() -> usize {
    std::env::var("LUKHAS_KILLS").map_or(20, |kills| kills.parse().unwrap())
}

/// Somebody who talks, whatever becomes of the daemon.
struct Talker {
    name: usize,
    url: String,
    client: Client,
    dice: Dice,
    is_enough: Arc<AtomicBool>,
}

impl Talker {
    async fn call(&self, tool: &str, arguments: Value) -> Option<Value> {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let sent = self.client.post(&self.url).json(&body).timeout(Duration::from_secs(5));
        let answer: Value = sent.send().await.ok()?.json().await.ok()?;
        Some(answer["result"]["structuredContent"].clone())
    }

    /// Talks until there was enough, and answers what was acknowledged.
    async fn run(mut self) -> Vec<String> {
        let mut said = Vec::new();
        for n in 0.. {
            if self.is_enough.load(Ordering::Relaxed) {
                break;
            }
            let token = format!("t{}-{n}", self.name);
            let tool = *self.dice.pick(&["append", "append", "ask_append", "peek"]);
            let text = format!("call files__{tool} {{\"token\":\"{token}\"}}");
            let text = if tool == "peek" { "call files__peek {}".to_owned() } else { text };
            let request = json!({
                "conversationId": format!("c{}", self.name), "requestId": token, "text": text,
                "waitSeconds": 2,
            });
            // Until it is acknowledged, it is said again: by its name it is the same.
            loop {
                let answer = self.call("send_message", request.clone()).await;
                let status = answer.as_ref().and_then(|answer| answer["status"].as_str());
                match status {
                    Some("complete" | "error" | "cancelled") => break,
                    Some(_running) => self.decide(answer.unwrap_or_default()).await,
                    None => sleep(self.dice.milliseconds(5..40)).await,
                }
            }
            said.push(token);
        }
        said
    }

    /// Answers the questions of an answer, mostly with yes.
    async fn decide(&mut self, answer: Value) {
        for approval in answer["approvals"].as_array().into_iter().flatten() {
            let decision = if self.dice.one_in(4) { "deny" } else { "once" };
            let call = json!({ "approvalId": approval["approvalId"], "decision": decision });
            self.call("decide_approval", call).await;
        }
    }
}

async fn ready(home: &Home, port: u16, client: &Client) -> Daemon {
    let began = Instant::now();
    let daemon = home.spawn_at(port);
    let url = format!("http://127.0.0.1:{port}/readyz");
    while !client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200) {
        assert!(began.elapsed() < PATIENCE, "not ready: {:?}", daemon.log());
        sleep(Duration::from_millis(2)).await;
    }
    daemon
}

/// The programs of this home's server that run.
fn programs(home: &Home) -> Vec<String> {
    let name = home.path().join("counting_server.py").display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&name) {
            found.push(format!("{} {line}", entry.file_name().display()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_random_moments_make_no_call_twice_and_leave_none_open() {
    if !has_python() {
        let test = "kills_at_random_moments_make_no_call_twice_and_leave_none_open";
        return skip(test, "there is no python3");
    }
    let (mut dice, port, kills) = (Dice::new(), free_port(), kills());
    let provider = Provider::start().await;
    let home = home(&provider, "");
    lukhas_mcp::client::install_tls();
    let client = Client::new();
    let is_enough = Arc::<AtomicBool>::default();
    let talkers: Vec<_> = (0..TALKERS)
        .map(|name| {
            let talker = Talker {
                name,
                url: format!("http://127.0.0.1:{port}/mcp"),
                client: client.clone(),
                dice: dice.split(),
                is_enough: Arc::clone(&is_enough),
            };
            tokio::spawn(talker.run())
        })
        .collect();
    for _ in 0..kills {
        let daemon = ready(&home, port, &client).await;
        sleep(dice.milliseconds(100..1500)).await;
        daemon.kill();
    }
    let mut daemon = ready(&home, port, &client).await;
    is_enough.store(true, Ordering::Relaxed);
    let mut said = Vec::new();
    for talker in talkers {
        said.extend(talker.await.unwrap());
    }
    assert_eq!(daemon.terminate().await.code(), Some(0), "{:?}", daemon.log());
    assert_eq!(programs(&home), Vec::<String>::new(), "something still runs");

    let mut database = Database::open(&home.db());
    let lines = |database: &mut Database, sql: &str| database.texts(sql);
    // Every call that a model wanted has one result, and every intent.
    let wanted = lines(
        &mut database,
        "SELECT e.conversation_id || ' ' || json_extract(c.value, '$.id') || ' ' || (SELECT \
         count(*) FROM chat_events r WHERE r.conversation_id = e.conversation_id AND r.type = \
         'tool_result' AND r.tool_call_id = json_extract(c.value, '$.id') AND r.seq > e.seq AND \
         r.seq < coalesce((SELECT min(n.seq) FROM chat_events n WHERE n.conversation_id = \
         e.conversation_id AND n.type IN ('assistant_message', 'user_message') AND n.seq > e.seq), \
         1e18)) AS text FROM chat_events e, json_each(e.tool_calls) c WHERE e.type = \
         'assistant_message'",
    );
    let wrong: Vec<_> = wanted.iter().filter(|line| !line.ends_with(" 1")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let open = lines(
        &mut database,
        "SELECT request_id AS text FROM chat_turns WHERE status IN ('queued', 'running')",
    );
    assert_eq!(open, Vec::<String>::new());
    // No side effect twice; and each that was told as done was done.
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    for line in counted(&home) {
        *done.entry(line).or_default() += 1;
    }
    let twice: Vec<_> = done.iter().filter(|(_, times)| 1 < **times).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let outcomes = lines(
        &mut database,
        "SELECT json_extract(i.tool_calls, '$[0].arguments') || '#' || json_extract(r.extra, \
         '$.outcome') AS text FROM chat_events i JOIN chat_events r ON r.conversation_id = \
         i.conversation_id AND r.type = 'tool_result' AND r.tool_call_id = i.tool_call_id AND \
         r.seq > i.seq AND r.seq < coalesce((SELECT min(n.seq) FROM chat_events n WHERE \
         n.conversation_id = i.conversation_id AND n.type = 'user_message' AND n.seq > i.seq), \
         1e18) WHERE i.type = 'tool_call'",
    );
    let mut unknown = 0;
    for outcome in &outcomes {
        let (arguments, outcome) = outcome.rsplit_once('#').unwrap();
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        let Some(token) = arguments["token"].as_str() else { continue };
        match outcome {
            "ok" => assert_eq!(done.get(token), Some(&1), "{token} was told as done"),
            "unknown" => unknown += 1,
            "error" | "denied" | "cancelled" => {
                assert_eq!(done.get(token), None, "{token} was told as not done: {outcome}");
            }
            other => panic!("{other}"),
        }
    }
    println!(
        "kills={kills} said={} calls={} done={} unknown={unknown}",
        said.len(),
        outcomes.len(),
        done.len()
    );
    assert!(kills <= said.len(), "there was hardly any talk: {}", said.len());
    assert!(!done.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_outlives_kills_and_its_answer_counts_once() {
    if !has_python() {
        return skip("a_question_outlives_kills_and_its_answer_counts_once", "there is no python3");
    }
    let (port, provider) = (free_port(), Provider::start().await);
    let home = home(&provider, "");
    lukhas_mcp::client::install_tls();
    let client = Client::new();
    let daemon = home.start_at(port).await;
    super::until_connected(&daemon).await;
    let text = "call files__ask_append {\"token\":\"once\"}";
    let waits = super::say(&daemon, "c", "r1", text).await;
    let asked = waits["approvals"][0]["approvalId"].clone();
    daemon.kill();
    for _ in 0..3 {
        let daemon = ready(&home, port, &client).await;
        sleep(Duration::from_millis(100)).await;
        daemon.kill();
    }
    let daemon = home.start_at(port).await;
    let open = daemon.ask("list_approvals", json!({})).await;
    assert_eq!(open["approvals"][0]["approvalId"], asked);
    assert_eq!(counted(&home), Vec::<String>::new());
    daemon.ask("decide_approval", json!({ "approvalId": asked, "decision": "once" })).await;
    let done = super::say(&daemon, "c", "r1", text).await;
    assert_eq!(done["status"], "complete", "{done}");
    assert_eq!(counted(&home), ["once"]);
}
