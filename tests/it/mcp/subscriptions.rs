//! `subscriptions/listen`: one stream for all that a client wants to hear of.

use serde_json::{Value, json};

use crate::harness::{Home, PATIENCE};
use crate::mcp::client::{Stateless, messages, messages_until};

#[tokio::test]
async fn only_what_was_asked_for_and_is_served_is_told() {
    let home = Home::new();
    let mut daemon = home.start().await;
    let (followed, other) = (daemon.run_eval("sleep").await, daemon.run_eval("sleep").await);
    let uri = format!("job://{followed}");
    let wanted = json!({
        "toolsListChanged": true,
        "resourcesListChanged": false,
        "resourceSubscriptions": [uri, "nothing://like-it"],
    });
    let mut stream = {
        let client = Stateless::new(&daemon, json!({}));
        let params = json!({ "notifications": wanted });
        let request = client.request(&json!(4), "subscriptions/listen", params, &json!({}));
        request.timeout(PATIENCE * 2).send().await.unwrap()
    };
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    let first = messages_until(&mut stream, |all| !all.is_empty()).await;
    assert_eq!(first[0]["method"], "notifications/subscriptions/acknowledged");
    // Tools stay the same.
    let honoured = json!({ "resourceSubscriptions": [uri] });
    assert_eq!(first[0]["params"]["notifications"], honoured);
    for job in [&other, &followed] {
        daemon.call("cancel_job", json!({ "jobId": job, "reason": "a test" })).await;
        daemon.until(job, &["CANCELLED"]).await;
    }
    let updated = |message: &Value| message["method"] == "notifications/resources/updated";
    let told = messages_until(&mut stream, |all| all.iter().any(updated)).await;
    assert!(told.iter().all(|message| updated(message) && message["params"]["uri"] == *uri));
    // A server that goes down says so on the stream, as an answer to the request.
    let (ended, rest) = tokio::join!(daemon.terminate(), stream.text());
    assert!(ended.success());
    let last = messages(&rest.unwrap()).pop().unwrap();
    assert_eq!((&last["id"], &last["result"]["resultType"]), (&json!(4), &json!("complete")));
    assert_eq!(last["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 4);
}

#[tokio::test]
async fn who_follows_no_tasks_is_not_left_waiting_for_one() {
    let home = Home::new();
    let daemon = home.start().await;
    let job = daemon.run_eval("sleep").await;
    let client = Stateless::new(&daemon, json!({}));
    let params = json!({ "notifications": { "taskIds": [job] } });
    assert_eq!(client.ask("subscriptions/listen", params).await.code(), -32021);
}

#[tokio::test]
async fn a_file_is_followed_whoever_changes_it() {
    let home = Home::new();
    std::fs::write(home.path().join("notes.md"), "one").unwrap();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({}));
    let uris = ["repo://notes.md", "repo://later.md", "repo://../outside.md"];
    let params = json!({ "notifications": { "resourceSubscriptions": uris } });
    let request = client.request(&json!(4), "subscriptions/listen", params, &json!({}));
    let mut stream = request.timeout(PATIENCE * 2).send().await.unwrap();
    let first = messages_until(&mut stream, |all| !all.is_empty()).await;
    let honoured = &first[0]["params"]["notifications"]["resourceSubscriptions"];
    assert_eq!(*honoured, json!(uris[..2]));
    let told_of = |uri: &'static str| {
        move |all: &[Value]| all.iter().any(|message| message["params"]["uri"] == uri)
    };
    // By an editor, by a tool, and by its going.
    std::fs::write(home.path().join("notes.md"), "two").unwrap();
    messages_until(&mut stream, told_of(uris[0])).await;
    daemon.call("create_file", json!({ "path": "later.md", "contents": "three" })).await;
    messages_until(&mut stream, told_of(uris[1])).await;
    std::fs::remove_file(home.path().join("notes.md")).unwrap();
    messages_until(&mut stream, told_of(uris[0])).await;
}

#[tokio::test]
async fn one_principal_takes_only_so_many_streams() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Stateless::new(&daemon, json!({}));
    let listen = || {
        let params = json!({ "notifications": { "resourcesListChanged": true } });
        client.request(&json!(4), "subscriptions/listen", params, &json!({})).send()
    };
    let mut open = Vec::new();
    let refused = loop {
        let mut sent = listen().await.unwrap();
        if sent.status() != 200 {
            break sent;
        }
        messages_until(&mut sent, |all| !all.is_empty()).await;
        open.push(sent);
        assert!(open.len() <= 64, "there is no bound");
    };
    assert_eq!((refused.status().as_u16(), open.len()), (503, 64));
    assert!(refused.headers().contains_key("retry-after"));
}
