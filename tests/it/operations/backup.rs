//! Copies of the database that are made while it is in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::time::{Duration, sleep};

use super::{assert_refused, run};
use crate::database::Database;
use crate::harness::Home;

const FACTS: &str = "SELECT hash AS text FROM audits ORDER BY id";
const OVER: &str = "SELECT job_id || status || updated_at AS text FROM jobs \
                    WHERE status NOT IN ('QUEUED', 'RUNNING') ORDER BY job_id";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_a_daemon_to_start_from() {
    let home = Home::new().with("LUKHAS_MCP_LOG_REQUESTS", "false");
    let daemon = home.start().await;
    let first = daemon.run_eval("quick").await;
    daemon.until(&first, &["COMPLETED"]).await;
    let arguments = json!({ "taskId": "quick", "configId": "default" });
    let params = json!({ "name": "run_eval", "arguments": arguments });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let request = daemon.post(body.to_string());
    let is_enough = Arc::<AtomicBool>::default();
    let is_over = Arc::clone(&is_enough);
    let load = tokio::spawn(async move {
        while !is_over.load(Ordering::Relaxed) {
            assert_eq!(request.try_clone().unwrap().send().await.unwrap().status(), 200);
        }
    });
    let mut copies = Vec::new();
    for n in 0..3 {
        sleep(Duration::from_millis(200)).await;
        let name = format!("copy{n}.db");
        let output = run(home.command(&["backup", &name])).await;
        assert!(output.status.success(), "{output:?}");
        copies.push(home.path().join(name));
    }
    let line = assert_refused(&run(home.command(&["backup", "copy0.db"])).await, 5);
    assert!(line.contains("exists already"), "{line}");
    is_enough.store(true, Ordering::Relaxed);
    load.await.unwrap();

    let mut original = Database::open(&home.db());
    for copy in &copies {
        let mut then = Database::open(copy);
        // The copy is the original as it was at one moment.
        let (facts, since) = (then.texts(FACTS), original.texts(FACTS));
        assert!(!facts.is_empty() && since.starts_with(&facts), "the facts differ");
        let (over, since) = (then.texts(OVER), original.texts(OVER));
        assert!(over.iter().all(|job| since.contains(job)), "a job differs");
    }
    drop(daemon);

    let last = copies.last().unwrap();
    let facts = Database::open(last).texts(FACTS);
    let over = Database::open(last).texts(OVER);
    let restored = Home::new();
    std::fs::copy(last, restored.db()).unwrap();
    let mut daemon = restored.start().await;
    assert_eq!(daemon.ask("status", json!({ "jobId": first })).await["status"], "COMPLETED");
    let next = daemon.run_eval("quick").await;
    daemon.until(&next, &["COMPLETED"]).await;
    assert_eq!(daemon.terminate().await.code(), Some(0));
    let output = run(restored.command(&["check", "--port", "0"])).await;
    assert!(output.status.success(), "{output:?}");
    let mut database = Database::open(&restored.db());
    assert!(database.texts(FACTS).starts_with(&facts));
    let now = database.texts(OVER);
    assert!(over.iter().all(|job| now.contains(job)));
}
