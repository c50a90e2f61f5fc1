//! Conversations at a terminal and in a pipe, with a stand-in that answers as a daemon does.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::stand_in::{Frames, Reply, StandIn, open};
use super::watching::{on_a_terminal, script_is_there};
use super::{ended, run};
use crate::harness::{Home, PATIENCE};

/// The name that the stand-in gives every request.
const REQUEST: &str = "req_1";

fn frame(id: Option<u64>, status: &str, chunk: &Value, metadata: &Value) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let data = json!({
        "request_id": REQUEST, "status": status, "conversation_id": "c_1", "seq": 3,
        "chunk": chunk, "metadata": metadata,
    });
    format!("{id}event: {status}\ndata: {data}\n\n")
}

fn words(kind: &str, data: &str) -> String {
    let chunk = json!({ "type": "text", "data": data, "metadata": { "type": kind } });
    frame(None, "chunk", &chunk, &json!({}))
}

fn beside(id: u64, kind: &str, data: &str, about: &Value) -> String {
    let chunk = json!({ "type": kind, "data": data, "metadata": about });
    frame(Some(id), "processing", &chunk, &json!({}))
}

fn asks() -> String {
    let about = json!({
        "approval_id": "ap_1", "call_id": "k", "server": "ops", "tool": "run_eval",
        "arguments": { "taskId": "quick\u{1b}[2J\u{202e}" }, "reason": "it changes something",
    });
    beside(4, "approval_required", "", &about)
}

fn complete(id: u64) -> String {
    frame(Some(id), "complete", &json!({}), &json!({ "tokens": 42, "cost": 0.5 }))
}

async fn daemon(streams: Vec<Frames>) -> StandIn {
    let answers = |tool: &str, call: &Value, _| {
        Reply::Answer(match tool {
            "send_message" => {
                assert!(call["requestId"].as_str().unwrap().starts_with("req_"));
                json!({ "conversationId": "c_1", "requestId": REQUEST, "status": "running" })
            }
            "read_conversation" => json!({
                "conversation": { "conversationId": "c_1", "title": "Weather", "lastSeq": 2 },
                "events": [], "hasEarlier": false,
            }),
            "list_approvals" => json!({ "approvals": [{
                "approvalId": "ap_1", "conversationId": "c_1", "server": "ops", "tool": "run_eval",
                "arguments": { "taskId": "a\u{202e}" }, "reason": "it changes something",
                "createdAt": "2026-11-22T07:00:00.000Z", "expiresAt": "2026-11-23T07:00:00.000Z",
            }] }),
            "decide_approval" => {
                let status = if call["decision"] == "deny" { "denied" } else { "allowed" };
                json!({ "approvalId": call["approvalId"], "status": status })
            }
            "approve_canary" => json!({ "canaryId": call["canaryId"], "status": "RUNNING" }),
            _ => json!({}),
        })
    };
    StandIn::start(answers, streams).await
}

fn command(home: &Home, daemon: &StandIn, arguments: &[&str]) -> Command {
    let mut command = home.command(arguments);
    command.env("LUKHAS_MCP_URL", &daemon.url);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_printed_once_over_a_lost_connection_and_the_rest_beside_it() {
    let home = Home::new();
    let about = json!({
        "tool": "status", "server": "ops", "call_id": "k", "state": "running", "arguments": {},
    });
    let first = vec![(0, open(Some(2))), (0, words("delta", "Rain,")), (0, words("delta", " mo"))];
    let rest = vec![
        (0, open(Some(2))),
        (0, words("replay", "Rain, mostly")),
        (0, words("delta", ".\u{1b}[2J")),
        (0, beside(5, "tool_execution", "", &about)),
        (0, complete(6)),
    ];
    let daemon = daemon(vec![first, rest]).await;
    let arguments = ["chat", "--conversation", "c_1", "how", "is", "it?"];
    let output = run(command(&home, &daemon, &arguments)).await;
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "Rain, mostly.\\u{1b}[2J\n");
    assert!(said.contains("● ops status {}"), "{said}");
    assert!(said.ends_with("lukhas-mcp: c_1: 42 tokens, cost 0.5000\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_end_has_its_code() {
    let home = Home::new();
    let failed =
        |chunk: Value| vec![(0, open(Some(0))), (0, frame(Some(4), "error", &chunk, &json!({})))];
    for (frames, expected) in [
        (failed(json!({ "error": "the model is away", "code": "provider" })), "the model is away"),
        (failed(json!({ "error": "x", "code": "cancelled" })), "somebody ended the answer"),
        (
            vec![(0, open(Some(0))), (0, asks())],
            "run_eval of ops waits for approval; `lukhas-mcp approve ap_1` allows it, \
             `lukhas-mcp deny` does not, and the answer goes on then",
        ),
    ] {
        let daemon = daemon(vec![frames]).await;
        let output = run(command(&home, &daemon, &["chat", "hi"])).await;
        assert_eq!(ended(&output, 9), expected);
    }
    let daemon = daemon(vec![vec![]]).await;
    let output = run(command(&home, &daemon, &["chat"])).await;
    assert_eq!(ended(&output, 2), "there is nothing to say: give a text, or pipe one in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_listed_whole_and_decided() {
    let home = Home::new();
    let daemon = daemon(vec![vec![]]).await;
    let print = async |arguments: &[&str]| {
        let output = run(command(&home, &daemon, arguments)).await;
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = print(&["approvals"]).await;
    assert!(listed.starts_with("◌ asks  ap_1  run_eval of ops  c_1"), "{listed}");
    assert!(
        listed.contains("\n    {\"taskId\":\"a\\u202e\"}\n    it changes something\n"),
        "{listed}"
    );
    assert_eq!(print(&["approve", "ap_1", "--always"]).await, "✓ allowed  ap_1\n");
    assert_eq!(print(&["deny", "ap_1"]).await, "■ denied  ap_1\n");
    assert!(print(&["approve", "canary_1"]).await.contains("canary_1"));
    assert_eq!((daemon.calls("decide_approval"), daemon.calls("approve_canary")), (2, 1));
    for arguments in [&["deny", "canary_1"][..], &["approve", "canary_1", "--always"]] {
        assert_eq!(run(command(&home, &daemon, arguments)).await.status.code(), Some(2));
    }
}

/// Somebody types ahead, is asked, answers, and leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_terminal_a_call_is_allowed_by_what_is_typed_after_the_question() {
    if !script_is_there() {
        return;
    }
    let home = Home::new();
    let stream = vec![
        (0, open(Some(0))),
        (0, words("delta", "Let me see.")),
        (1500, asks()),
        (2500, words("replay", "Let me see.")),
        (500, complete(9)),
    ];
    let daemon = daemon(vec![stream]).await;
    let typescript = home.path().join("typescript");
    let mut script = on_a_terminal(&command(&home, &daemon, &["chat"]), &typescript);
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut keys = child.stdin.take().unwrap();
    let until = async |text: &str| {
        let began = Instant::now();
        let shown = || std::fs::read_to_string(&typescript).unwrap_or_default();
        while !shown().contains(text) {
            assert!(began.elapsed() < PATIENCE, "no {text:?} in {:?}", shown());
            sleep(Duration::from_millis(20)).await;
        }
        shown()
    };
    until("> ").await;
    keys.write_all(b"run it\n").unwrap();
    until("Let me see.").await;
    // Typed before the question, so it is no answer to it.
    keys.write_all(b"y\n").unwrap();
    let asked = until("[y]es, [a]lways in this conversation, or [n]o?").await;
    assert!(asked.contains("\"taskId\": \"quick\\u001b[2J\\u202e\""), "{asked:?}");
    sleep(Duration::from_millis(300)).await;
    assert_eq!(daemon.calls("decide_approval"), 0);
    keys.write_all(b"maybe\ny\n").unwrap();
    until("✓ allowed").await;
    assert_eq!(daemon.calls("decide_approval"), 1);
    until("42 tokens, cost 0.5000").await;
    keys.write_all(b"/nope\n/quit\n").unwrap();
    until("there is no command /nope").await;
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert_eq!(status.code(), Some(0));
}
