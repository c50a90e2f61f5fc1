//! Canaries as tasks.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::canaries::site::{Face, Site};
use crate::canaries::{self, targets};
use crate::conforming;
use crate::harness::{Daemon, PATIENCE};
use crate::mcp::client::{Answer, Stateless, answer};

fn follower(daemon: &Daemon) -> Stateless<'_> {
    Stateless::new(daemon, json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } }))
}

/// Puts version 1 of a gate's model into it, starts a canary of version 2, and returns its task.
async fn begin(client: &Stateless<'_>, gate: &str, policy: &Value) -> Value {
    let old = json!({ "modelId": format!("{gate}-model:1"), "gate": gate });
    client.daemon.ask("promote_model", old).await;
    let new = json!({
        "modelId": format!("{gate}-model:2"), "fromGate": "stage", "toGate": gate, "policy": policy,
    });
    let begun = client.call("start_canary", new).await;
    assert_eq!(begun["resultType"], "task", "{begun}");
    begun
}

fn id(task: &Value) -> &str {
    task["taskId"].as_str().unwrap()
}

/// A policy whose canary begins when somebody lets it.
fn asking() -> Value {
    json!({
        "windowSeconds": 600, "pollSeconds": 0.2, "targets": targets(),
        "approval": { "before": ["start"] },
    })
}

async fn get(client: &Stateless<'_>, task: &str) -> Value {
    client.ask("tasks/get", json!({ "taskId": task })).await.result().clone()
}

/// Waits until a task has this status, and returns it.
async fn until(client: &Stateless<'_>, task: &str, status: &str) -> Value {
    let began = Instant::now();
    loop {
        let found = get(client, task).await;
        if found["status"] == status {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "it is never {status}: {found}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn decide(client: &Stateless<'_>, task: &str, given: Value) -> Answer {
    let params = json!({ "taskId": task, "inputResponses": { "start": given } });
    client.ask("tasks/update", params).await
}

fn accepted(content: &Value) -> Value {
    json!({ "action": "accept", "content": content })
}

/// The fact in the story of a canary that says how it was ended.
async fn abort(daemon: &Daemon, canary: &str) -> Value {
    let story = daemon.ask("why", json!({ "id": canary })).await;
    let mut facts = story["facts"].as_array().unwrap().iter();
    let fact = facts.find(|fact| fact["action"] == "canary_abort");
    fact.unwrap_or_else(|| panic!("nothing says that it was aborted: {story}")).clone()
}

async fn principal(daemon: &Daemon) -> Value {
    let sent = daemon.get("/api/whoami").send().await.unwrap();
    sent.json::<Value>().await.unwrap()["principal"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_awaits_its_start_asks_its_owner_until_there_is_an_answer() {
    let site = Site::start([("live", Face::failing(0.0))]).await;
    let home = canaries::home(&site).with("LUKHAS_MCP_API_KEYS", "one,two");
    let one = home.start().await.with_key("one");
    let client = follower(&one);
    let begun = begin(&client, "live", &asking()).await;
    assert_eq!(begun["status"], "input_required", "{begun}");
    assert!(begun["ttlMs"].is_null() && begun["pollIntervalMs"].is_u64(), "{begun}");
    let task = id(&begun).to_owned();
    let asked = get(&client, &task).await;
    let question = &asked["inputRequests"]["start"];
    assert_eq!(question["method"], "elicitation/create", "{asked}");
    let choices = &question["params"]["requestedSchema"]["properties"]["decision"]["enum"];
    assert_eq!(choices, &json!(["approve", "abort"]));
    assert!(question["params"]["message"].as_str().unwrap().contains("live-model:2"));

    // A no to the form decides nothing, nor does an answer to something else.
    decide(&client, &task, json!({ "action": "decline" })).await.result();
    // The question at the end of the window has another name.
    let yes = accepted(&json!({ "decision": "approve" }));
    let other = json!({ "taskId": task, "inputResponses": { "promotion": yes } });
    client.ask("tasks/update", other).await.result();
    let neither = decide(&client, &task, accepted(&json!({ "decision": "promote" }))).await;
    assert_eq!(neither.code(), -32602, "{neither:?}");
    assert_eq!(get(&client, &task).await, asked);

    drop(client);
    one.kill();
    let one = home.start().await.with_key("one");
    let client = follower(&one);
    assert_eq!(get(&client, &task).await, asked, "a kill changes nothing");

    let yes = decide(&client, &task, accepted(&json!({ "decision": "approve" }))).await;
    let members: Vec<_> = yes.result().as_object().unwrap().keys().collect();
    assert_eq!(members, ["_meta", "resultType"]);
    let goes_on = get(&client, &task).await;
    assert_eq!((&goes_on["status"], goes_on.get("inputRequests")), (&json!("working"), None));
    canaries::until(&one, &task, PATIENCE, |shown| 2 <= shown["polls"].as_i64().unwrap()).await;
    // What is not asked any more is not answered.
    for decision in ["approve", "abort"] {
        decide(&client, &task, accepted(&json!({ "decision": decision }))).await.result();
        assert_eq!(get(&client, &task).await["status"], "working", "{decision}");
    }
    assert_eq!(canaries::version_in(&one, "live").await, "2");

    client.ask("tasks/cancel", json!({ "taskId": task })).await.result();
    let over = until(&client, &task, "cancelled").await;
    assert_eq!((over.get("result"), over.get("error")), (None, None), "{over}");
    assert_eq!(canaries::version_in(&one, "live").await, "1");
    let fact = abort(&one, &task).await;
    assert_eq!(fact["actor"], principal(&one).await);
    assert!(fact.to_string().contains("its task was cancelled"), "{fact}");
    // What is over takes it, and stays as it is.
    client.ask("tasks/cancel", json!({ "taskId": task })).await.result();
    decide(&client, &task, accepted(&json!({ "decision": "approve" }))).await.result();
    assert_eq!(get(&client, &task).await, over);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_may_end_a_canary_before_it_begins() {
    let site = Site::start([("live", Face::failing(0.0))]).await;
    let home = canaries::home(&site);
    let daemon = home.start().await;
    let client = follower(&daemon);
    let task = begin(&client, "live", &asking()).await;
    let task = id(&task);
    let no = accepted(&json!({ "decision": "abort", "reason": "we sell ice tonight" }));
    decide(&client, task, no).await.result();
    until(&client, task, "cancelled").await;
    assert_eq!(canaries::version_in(&daemon, "live").await, "1");
    let fact = abort(&daemon, task).await;
    assert_eq!(fact["actor"], principal(&daemon).await);
    assert!(fact.to_string().contains("we sell ice tonight"), "{fact}");
}

/// A17
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_asks_is_unknown_to_everybody_else() {
    let site = Site::start([("live", Face::failing(0.0))]).await;
    let home = canaries::home(&site).with("LUKHAS_MCP_API_KEYS", "one,two");
    let one = home.start().await.with_key("one");
    let client = follower(&one);
    let begun = begin(&client, "live", &asking()).await;
    let task = id(&begun);
    let before = get(&client, task).await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let unknown = client.ask(method, json!({ "taskId": "canary_nobody-has-this" })).await;
        assert_eq!(unknown.code(), -32602, "{method}: {unknown:?}");
        let yes = accepted(&json!({ "decision": "approve" }));
        let params = json!({ "taskId": task, "inputResponses": { "start": yes } });
        let request = client.request(&json!(7), method, params, &json!({}));
        // The last key counts, as it stands alone in a request of its own.
        let (_, request) = request.build_split();
        let mut request = request.unwrap();
        request.headers_mut().insert("x-api-key", "two".parse().unwrap());
        let other = answer(reqwest::Client::new().execute(request).await.unwrap()).await;
        assert_eq!((other.status, &other.body), (unknown.status, &unknown.body), "{method}");
    }
    assert_eq!(get(&client, task).await, before);
    assert_eq!(canaries::version_in(&one, "live").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_decision_about_a_canary_completes_its_task() {
    let good = Face::Traffic { per_second: 1000.0, failing: 0.0, slow: 0.0 };
    let faces = [("dry", good.clone()), ("good", good), ("bad", Face::failing(0.5))];
    let site = Site::start(faces).await;
    let home = canaries::home(&site);
    let daemon = home.start().await;
    let client = follower(&daemon);
    let policy = |seconds: u16| json!({ "windowSeconds": seconds, "pollSeconds": 0.2, "targets": targets() });
    let mut dry = policy(3);
    dry["dryRun"] = json!(true);
    let rows = [
        ("dry", dry, "PENDING", "1"),
        ("good", policy(3), "PROMOTED", "2"),
        ("bad", policy(600), "ROLLED_BACK", "1"),
    ];
    let mut begun = Vec::new();
    for (gate, policy, status, version) in &rows {
        let task = begin(&client, gate, policy).await;
        assert_eq!(task["status"], "working", "{gate}: {task}");
        begun.push((gate, id(&task).to_owned(), status, version));
    }
    for (gate, task, status, version) in begun {
        let over = until(&client, &task, "completed").await;
        let result = &over["result"];
        assert_eq!(result["resultType"], "complete", "{gate}: {over}");
        conforming::check("canary_status", result);
        let shown = &result["structuredContent"];
        assert_eq!((&shown["canaryId"], &shown["status"]), (&json!(task), &json!(status)));
        assert_eq!(shown["phase"], "over", "{gate}");
        assert_eq!(canaries::version_in(&daemon, gate).await, **version, "{gate}");
    }
}
