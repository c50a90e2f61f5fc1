//! Jobs as tasks.

use serde_json::{Value, json};

use crate::harness::{Home, PATIENCE};
use crate::mcp::client::{Stateless, messages_until};

fn follows() -> Value {
    json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } })
}

fn eval(task: &str) -> Value {
    json!({ "taskId": task, "configId": "default" })
}

#[tokio::test]
async fn an_eval_is_a_task_for_who_follows_tasks() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, follows());
    let begun = client.call("run_eval", eval("quick")).await;
    assert_eq!(begun["resultType"], "task", "{begun}");
    let id = begun["taskId"].as_str().unwrap();
    for name in ["createdAt", "lastUpdatedAt", "statusMessage"] {
        assert!(begun[name].is_string(), "{name}: {begun}");
    }
    assert!(begun["ttlMs"].is_u64() && begun["pollIntervalMs"].is_u64());
    for name in ["task", "result", "structuredContent", "content", "requestState"] {
        assert_eq!(begun.get(name), None);
    }
    daemon.until(id, &["COMPLETED"]).await;
    let task = client.ask("tasks/get", json!({ "taskId": id })).await;
    let task = task.result();
    assert_eq!((&task["resultType"], &task["status"]), (&json!("complete"), &json!("completed")));
    assert_eq!(task["result"]["structuredContent"]["result"]["metrics"]["accuracy"], 0.75);
    // What is over takes what is said about it, and stays as it is.
    for method in ["tasks/cancel", "tasks/update"] {
        let params = json!({ "taskId": id, "inputResponses": { "x": {} } });
        let answer = client.ask(method, params).await;
        let members: Vec<_> = answer.result().as_object().unwrap().keys().collect();
        assert_eq!(members, ["_meta", "resultType"], "{method}");
    }
    assert_eq!(
        client.ask("tasks/get", json!({ "taskId": id })).await.result()["status"],
        "completed"
    );
    // The others get what they always got.
    let plain = Stateless::new(&daemon, json!({})).call("run_eval", eval("quick")).await;
    assert_eq!(plain["resultType"], "complete");
    assert!(plain["structuredContent"]["jobId"].is_string());
}

#[tokio::test]
async fn each_end_of_an_eval_is_one_of_its_task() {
    let home = Home::new();
    home.task("broken", "exit 3");
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, follows());
    let begun = client.call("run_eval", eval("broken")).await;
    let id = begun["taskId"].as_str().unwrap();
    daemon.until(id, &["FAILED"]).await;
    let task = client.ask("tasks/get", json!({ "taskId": id })).await;
    assert_eq!(task.result()["status"], "completed");
    assert_eq!(task.result()["result"]["isError"], true);
    let begun = client.call("run_eval", eval("sleep")).await;
    let id = begun["taskId"].as_str().unwrap();
    daemon.until(id, &["RUNNING"]).await;
    client.ask("tasks/cancel", json!({ "taskId": id })).await.result();
    daemon.until(id, &["CANCELLED"]).await;
    let task = client.ask("tasks/get", json!({ "taskId": id })).await;
    assert_eq!(task.result()["status"], "cancelled");
    let story = daemon.ask("why", json!({ "id": id })).await;
    assert!(story.to_string().contains("cancel"), "{story}");
}

/// A17
#[tokio::test]
async fn a_task_is_its_owners_alone() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "one,two");
    let one = home.start().await.with_key("one");
    let client = Stateless::new(&one, follows());
    let begun = client.call("run_eval", eval("sleep")).await;
    let id = begun["taskId"].as_str().unwrap();
    let unknown = client.ask("tasks/get", json!({ "taskId": "job_nobody-has-this" })).await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let request = client.request(&json!(7), method, json!({ "taskId": id }), &json!({}));
        // The last key counts, as it stands alone in a request of its own.
        let (_, request) = request.build_split();
        let mut request = request.unwrap();
        request.headers_mut().insert("x-api-key", "two".parse().unwrap());
        let sent = reqwest::Client::new().execute(request).await.unwrap();
        let other = crate::mcp::client::answer(sent).await;
        assert_eq!((other.status, &other.body), (unknown.status, &unknown.body), "{method}");
    }
    assert_eq!(unknown.code(), -32602);
    one.until(id, &["QUEUED", "RUNNING"]).await;
    // Who does not say that it follows tasks is told what is missing.
    let silent = Stateless::new(&one, json!({}));
    let refused = silent.ask("tasks/get", json!({ "taskId": id })).await;
    assert_eq!((refused.status, refused.code()), (400, -32021));
    client.ask("tasks/cancel", json!({ "taskId": id })).await.result();
}

#[tokio::test]
async fn a_task_is_there_after_a_kill() {
    let home = Home::new();
    let daemon = home.start().await;
    let begun = Stateless::new(&daemon, follows()).call("run_eval", eval("quick")).await;
    let id = begun["taskId"].as_str().unwrap().to_owned();
    daemon.kill();
    let daemon = home.start().await;
    daemon.until(&id, &["COMPLETED"]).await;
    let task = Stateless::new(&daemon, follows()).ask("tasks/get", json!({ "taskId": id })).await;
    assert_eq!(task.result()["status"], "completed");
}

#[tokio::test]
async fn who_listens_is_told_of_each_change() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, follows());
    let begun = client.call("run_eval", eval("sleep")).await;
    let id = begun["taskId"].as_str().unwrap();
    let params = json!({ "notifications": { "taskIds": [id, "job_nobody-has-this"] } });
    let request = client.request(&json!("l"), "subscriptions/listen", params, &json!({}));
    let mut stream = request.timeout(PATIENCE).send().await.unwrap();
    let acknowledged = messages_until(&mut stream, |all| !all.is_empty()).await;
    assert_eq!(acknowledged[0]["params"]["notifications"], json!({ "taskIds": [id] }));
    client.ask("tasks/cancel", json!({ "taskId": id })).await.result();
    let over = |message: &Value| {
        message["method"] == "notifications/tasks" && message["params"]["status"] == "cancelled"
    };
    let told = messages_until(&mut stream, |all| all.iter().any(over)).await;
    let subscription = "io.modelcontextprotocol/subscriptionId";
    assert!(told.iter().all(|message| message["params"]["_meta"][subscription] == "l"), "{told:?}");
}
