//! Talking, allowing and looking, with nothing but `tools/call`.

use serde_json::json;

use super::provider::Provider;
use super::{counted, has_python, home, say, until_connected};
use crate::harness::skip;

#[tokio::test]
async fn somebody_talks_and_is_answered_and_finds_it_again() {
    let provider = Provider::start().await;
    let home = home(&provider, "");
    let daemon = home.start().await;
    let answer = say(&daemon, "c", "r1", "Where is the ranker?").await;
    assert_eq!(answer["status"], "complete");
    assert_eq!(answer["answer"], "You said: Where is the ranker?");
    assert_eq!(answer["tokens"], 25);
    // The same again finds the first.
    assert_eq!(say(&daemon, "c", "r1", "Where is the ranker?").await["answer"], answer["answer"]);
    assert_eq!(provider.asked().len(), 1);
    let mut daemon = daemon;
    daemon.terminate().await;
    let daemon = home.start().await;
    let listed = daemon.ask("list_conversations", json!({})).await;
    assert_eq!(listed["conversations"][0]["title"], "Where is the ranker?");
    let renamed = json!({ "conversationId": "c", "title": "The ranker" });
    assert_eq!(daemon.ask("rename_conversation", renamed).await["title"], "The ranker");
    let hits = daemon.ask("search_conversations", json!({ "query": "ranker" })).await;
    assert_eq!(hits["hits"].as_array().unwrap().len(), 2);
    say(&daemon, "c", "r2", "And now?").await;
    let asked = provider.asked();
    let told: Vec<_> = asked[1]["messages"].as_array().unwrap()[1..]
        .iter()
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, ["Where is the ranker?", "You said: Where is the ranker?", "And now?"]);
}

#[tokio::test]
async fn the_daemons_own_tools_are_called_in_the_name_of_the_conversation() {
    let provider = Provider::start().await;
    let home = home(&provider, "");
    let daemon = home.start().await;
    let looked = say(&daemon, "c", "r1", "call ops__list_models {}").await;
    assert_eq!(looked["status"], "complete", "{looked}");
    assert_eq!(looked["answer"], "So be it.It says: {\"registry\":\"local\",\"models\":[]}");
    let call = "call ops__run_eval {\"taskId\":\"quick\",\"configId\":\"default\"}";
    let waits = say(&daemon, "c", "r2", call).await;
    assert_eq!(waits["status"], "running", "{waits}");
    let approval = &waits["approvals"][0];
    assert_eq!((&approval["server"], &approval["tool"]), (&json!("ops"), &json!("run_eval")));
    assert_eq!(approval["arguments"], json!({ "taskId": "quick", "configId": "default" }));
    let jobs = daemon.ask("list_jobs", json!({})).await;
    assert_eq!(jobs["jobs"], json!([]));
    let decision = json!({ "approvalId": approval["approvalId"], "decision": "once" });
    let decided = daemon.ask("decide_approval", decision).await;
    assert_eq!(decided["status"], "allowed");
    let done = say(&daemon, "c", "r2", call).await;
    assert_eq!(done["status"], "complete", "{done}");
    let jobs = daemon.ask("list_jobs", json!({})).await;
    let job = jobs["jobs"][0]["jobId"].as_str().unwrap();
    let story = daemon.call("why", json!({ "id": job })).await["content"][0]["text"].to_string();
    assert!(story.contains("chat:c"), "{story}");
    // What is for people is not there for models.
    let own = say(&daemon, "c", "r3", "call ops__decide_approval {}").await;
    assert!(own["answer"].as_str().unwrap().contains("There is no tool"), "{own}");
}

#[tokio::test]
async fn another_servers_tool_is_called_once_for_each_yes() {
    if !has_python() {
        return skip("another_servers_tool_is_called_once_for_each_yes", "there is no python3");
    }
    let provider = Provider::start().await;
    let home = home(&provider, "");
    let daemon = home.start().await;
    until_connected(&daemon).await;
    let done = say(&daemon, "c", "r1", "call files__append {\"token\":\"one\"}").await;
    assert_eq!(done["status"], "complete", "{done}");
    let wrong = say(&daemon, "c", "r2", "call files__append {\"tokn\":\"one\"}").await;
    assert!(wrong["answer"].as_str().unwrap().contains("token"), "{wrong}");
    let waits = say(&daemon, "c", "r3", "call files__ask_append {\"token\":\"two\"}").await;
    let approval = waits["approvals"][0]["approvalId"].clone();
    let decision = json!({ "approvalId": approval, "decision": "deny" });
    daemon.ask("decide_approval", decision).await;
    let denied = say(&daemon, "c", "r3", "call files__ask_append {\"token\":\"two\"}").await;
    assert_eq!(denied["status"], "complete", "{denied}");
    assert_eq!(counted(&home), ["one"]);
}

#[tokio::test]
async fn without_a_chat_there_are_no_tools_for_it() {
    let home = crate::harness::Home::new();
    let daemon = home.start().await;
    let listed = daemon.rpc("tools/list", json!({})).await.to_string();
    assert!(!listed.contains("send_message") && listed.contains("run_eval"));
}
