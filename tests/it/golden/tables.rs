//! CONTRACT §7 and §8: what operators query, and what is kept and taken over.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use lukhas_mcp::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::harness::{Home, PATIENCE};

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName, Debug, PartialEq)]
struct Told {
    #[diesel(sql_type = Text)]
    event_type: String,
    #[diesel(sql_type = Text)]
    entity_id: String,
    #[diesel(sql_type = Text)]
    entity_type: String,
    #[diesel(sql_type = Text)]
    message: String,
    #[diesel(sql_type = Text)]
    operator: String,
    #[diesel(sql_type = Text)]
    context: String,
    #[diesel(sql_type = Text)]
    created_at: String,
}

fn connect(home: &Home) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(home.db().to_str().unwrap()).unwrap();
    diesel::sql_query("PRAGMA busy_timeout = 5000").execute(&mut connection).unwrap();
    connection
}

fn count(connection: &mut SqliteConnection, what: &str) -> i64 {
    let query = diesel::sql_query(format!("SELECT count(*) AS n FROM {what}"));
    query.get_result::<Count>(connection).unwrap().n
}

#[tokio::test]
async fn operators_find_their_columns() {
    let home = Home::new();
    let daemon = home.start().await;
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let mut connection = connect(&home);
    for (table, columns) in [
        ("jobs", "job_id task_id config_id status started_at updated_at result_json"),
        ("models", "model_id promoted promoted_at"),
        ("model_gates", "model_id gate"),
        ("audits", "id ts actor action payload_json"),
        (
            "canaries",
            "canary_id model_id from_gate to_gate status created_at updated_at policy_json",
        ),
        (
            "canary_metrics",
            "id canary_id created_at latency_p95_ms error_rate gate source raw_data",
        ),
        (
            "audits_narrative",
            "id created_at event_type entity_id entity_type message operator context",
        ),
    ] {
        let there = diesel::sql_query(format!("SELECT name FROM pragma_table_info('{table}')"));
        let there: Vec<Column> = there.load(&mut connection).unwrap();
        for column in columns.split(' ') {
            assert!(there.iter().any(|known| known.name == column), "{table}.{column}");
        }
    }
    for (table, key) in [("jobs", "job_id"), ("models", "model_id"), ("canaries", "canary_id")] {
        let keys = format!("SELECT name FROM pragma_table_info('{table}') WHERE pk = 1");
        let keys: Vec<Column> = diesel::sql_query(keys).load(&mut connection).unwrap();
        assert_eq!(keys.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), [key]);
    }
    let mode = diesel::sql_query("SELECT journal_mode AS name FROM pragma_journal_mode");
    assert_eq!(mode.get_result::<Column>(&mut connection).unwrap().name, "wal");
    assert_eq!(
        count(&mut connection, &format!("jobs WHERE job_id = '{job}' AND status = 'COMPLETED'")),
        1
    );

    let told = "SELECT event_type, entity_id, entity_type, message, operator, context, created_at \
         FROM audits_narrative WHERE entity_type = 'job' ORDER BY id";
    let told: Vec<Told> = diesel::sql_query(told).load(&mut connection).unwrap();
    let types: Vec<&str> = told.iter().map(|row| row.event_type.as_str()).collect();
    assert_eq!(types, ["run_eval", "job_running", "job_complete"]);
    for row in &told {
        assert_eq!((row.entity_id.as_str(), row.entity_type.as_str()), (job.as_str(), "job"));
        assert!(!row.message.is_empty() && !row.operator.is_empty(), "{row:?}");
        assert_eq!(serde_json::from_str::<Value>(&row.context).unwrap()["jobId"], job);
        assert!(row.created_at.len() == 24 && row.created_at.ends_with('Z'), "{row:?}");
    }
    // Why and the narrative are one story.
    let why = daemon.call("why", json!({ "id": job })).await;
    let prose = why["content"][1]["text"].as_str().unwrap();
    assert!(told.iter().all(|row| prose.contains(&row.message)), "{prose}");
}

#[tokio::test]
async fn the_state_of_the_earlier_server_is_taken_over_once_and_left_as_it_was() {
    // Yesterday: what is over for longer than jobs are kept is swept as soon as it came in.
    let at = &SystemClock.now().plus(-time::Duration::days(1)).to_string();
    let job = |id: &str, status: &str, result: Value| {
        json!({
            "jobId": id, "taskId": "matriz.quick", "configId": "default", "status": status,
            "startedAt": at, "updatedAt": at, "result": result,
        })
    };
    let state = json!({
        "jobs": [
            job("job_80ei4teb", "COMPLETED", json!({ "metrics": { "accuracy": 0.91 }, "artifacts": [] })),
            job("job_ktm75wwu", "RUNNING", Value::Null),
        ],
        "models": [{ "modelId": "m1", "gates": ["stage", "production"], "promoted": true, "promotedAt": at }],
    });
    let home = Home::new();
    let path = home.path().join(".mcp-state.json");
    let text = serde_json::to_string_pretty(&state).unwrap();
    std::fs::write(&path, &text).unwrap();
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    for _ in 0..2 {
        let daemon = home.start().await;
        let over = daemon.ask("status", json!({ "jobId": "job_80ei4teb" })).await;
        assert_eq!((&over["status"], &over["startedAt"]), (&json!("COMPLETED"), &json!(at)));
        assert_eq!(over["result"]["metrics"]["accuracy"], 0.91);
        let lost = daemon.ask("status", json!({ "jobId": "job_ktm75wwu" })).await;
        assert_eq!((&lost["status"], &lost["reason"]), (&json!("FAILED"), &json!("lost")));
        let why = daemon.ask("why", json!({ "id": "job_ktm75wwu" })).await;
        // Another start finds it done.
        assert_eq!(why["facts"].as_array().unwrap().len(), 1, "{why}");
        daemon.kill();
    }
    let mut connection = connect(&home);
    assert_eq!(count(&mut connection, "jobs"), 2);
    assert_eq!(
        count(&mut connection, &format!("models WHERE promoted AND promoted_at = '{at}'")),
        1
    );
    assert_eq!(count(&mut connection, "model_gates WHERE model_id = 'm1'"), 2);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), modified);
}

#[tokio::test]
async fn the_earlier_state_may_be_elsewhere() {
    let home = Home::new();
    let path = home.path().join("old.json");
    std::fs::write(&path, r#"{"jobs":[],"models":[{"modelId":"m2","gates":["a"]}]}"#).unwrap();
    let home = home.with("MCP_STATE_PATH", path.to_str().unwrap());
    drop(home.start().await);
    assert_eq!(count(&mut connect(&home), "model_gates WHERE model_id = 'm2' AND gate = 'a'"), 1);
}

#[tokio::test]
async fn jobs_that_are_over_for_longer_than_their_time_are_swept() {
    let home = Home::new();
    let daemon = home.start().await;
    let over = daemon.run_eval("quick").await;
    daemon.until(&over, &["COMPLETED"]).await;
    let open = daemon.run_eval("sleep").await;
    daemon.until(&open, &["RUNNING"]).await;
    daemon.kill();
    // The first sweep of a start comes at once.
    let home = home.with("MCP_JOB_TTL_MS", "1");
    let daemon = home.start().await;
    let began = std::time::Instant::now();
    let status = json!({ "name": "status", "arguments": { "jobId": over } });
    loop {
        let answer = daemon.rpc("tools/call", status.clone()).await;
        if answer["result"]["isError"] == true {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{answer}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let kept = daemon.ask("status", json!({ "jobId": open })).await;
    assert_eq!(kept["status"], "RUNNING", "what is not over stays");
    // What happened can still be asked.
    assert_eq!(daemon.ask("why", json!({ "id": over })).await["entityType"], "job");
    daemon.ask("cancel_job", json!({ "jobId": open })).await;
}
