//! H29: a hundred clients with the same ids at once: each gets its own answers.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::Home;
use crate::mcp::client::{Session, Stateless};

const CLIENTS: usize = 100;
const EACH: usize = 20;

#[tokio::test]
async fn nobody_gets_the_answer_of_somebody_else() {
    let home = Home::new();
    let daemon = home.start().await;
    let jobs = join_all((0..CLIENTS).map(|_| daemon.run_eval("quick"))).await;
    let ask = async |n: usize| {
        let (mine, mut crossed) = (&jobs[n], 0);
        let arguments = json!({ "jobId": mine });
        let params = json!({ "name": "status", "arguments": arguments });
        let session = Session::begin(&daemon, json!({})).await;
        let stateless = Stateless::new(&daemon, json!({}));
        for id in 0..EACH {
            let id = json!(id);
            let meta = json!({ "progressToken": 1 });
            let sent = if id.as_u64().unwrap() % 2 == 0 {
                session.request(&id, "tools/call", &params).send().await.unwrap()
            } else {
                let request = stateless.request(&id, "tools/call", params.clone(), &meta);
                request.send().await.unwrap()
            };
            let text = sent.text().await.unwrap();
            let answer: Value = serde_json::from_str(&text).unwrap();
            let is_mine =
                answer["id"] == id && answer["result"]["structuredContent"]["jobId"] == json!(mine);
            crossed += usize::from(!is_mine);
        }
        crossed
    };
    let crossed: usize = join_all((0..CLIENTS).map(ask)).await.into_iter().sum();
    assert_eq!(crossed, 0);
}
