//! A canary with a long history, and many who want to see all of it at once.

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Duration, Instant};

use crate::canaries::home;
use crate::cockpit::canary::{rolled_back, site};
use crate::database::Database;
use crate::harness::Daemon;

/// How many measurements; what takes a daemon of the tests half a second to go through.
const LOOKS: u32 = 12_000;

/// Gives a canary, which is over, as many measurements as if it had run for days.
fn lengthen(database: &mut Database, id: &str) {
    database.execute(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {LOOKS})
         INSERT INTO canary_metrics
             (canary_id, created_at, latency_p95_ms, error_rate, gate, source, raw_data)
         SELECT canary_id, created_at, latency_p95_ms, error_rate, gate, source, raw_data
         FROM n, (SELECT * FROM canary_metrics WHERE canary_id = '{id}' ORDER BY id LIMIT 1);
         UPDATE canaries SET polls = (SELECT count(*) FROM canary_metrics WHERE canary_id = '{id}')
         WHERE canary_id = '{id}'"
    ));
}

/// How long another read takes.
async fn another_read(daemon: &Daemon) -> Duration {
    let began = Instant::now();
    daemon.ask("list_jobs", json!({})).await;
    began.elapsed()
}

#[tokio::test]
async fn who_wants_whole_histories_holds_up_nobody_who_wants_something_else() {
    let site = site().await;
    let home = home(&site);
    let mut daemon = home.start().await;
    let (id, _) = rolled_back(&daemon).await;
    daemon.terminate().await;
    lengthen(&mut Database::open(&home.db()), &id);
    let daemon = home.start().await;
    let path = format!("/api/report/{id}?format=csv");
    let whole = daemon.get(&path).send().await.unwrap().text().await.unwrap();
    assert!(4_000 < whole.lines().count(), "it is the long history");

    // Readers that leave, and readers that stay.
    let hasty = (0..40).map(|_| daemon.get(&path).timeout(Duration::from_millis(300)).send());
    join_all(hasty).await;
    let patient = join_all((0..50).map(|_| daemon.get(&path).send()));
    let others = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            slowest = slowest.max(another_read(&daemon).await);
        }
        slowest
    };
    let (answers, slowest) = tokio::join!(patient, others);
    assert!(slowest < Duration::from_secs(2), "another read took {slowest:?}");
    let mut refused = 0;
    for answer in answers {
        let answer = answer.unwrap();
        if answer.status() == 503 {
            assert_eq!(answer.headers()["retry-after"], "1");
            assert!(answer.text().await.unwrap().contains("try again in a second"));
            refused += 1;
        } else {
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.text().await.unwrap(), whole);
        }
    }
    assert!(0 < refused, "more may wait than there is room for");

    let arguments = json!({ "canaryId": id, "series": true });
    let params = json!({ "name": "canary_status", "arguments": arguments });
    let asked = (0..50).map(|_| daemon.rpc("tools/call", params.clone()));
    let answers = join_all(asked).await;
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.get("error")).collect();
    assert!(!refused.is_empty(), "more may wait than there is room for");
    for error in refused {
        let words = error["message"].as_str().unwrap();
        assert!(words.contains("try again in a second"), "{words}");
    }
    let short = daemon.ask("canary_status", json!({ "canaryId": id })).await;
    assert_eq!(short["polls"].as_u64().unwrap() / 1_000, u64::from(LOOKS / 1_000));
    let points = daemon.ask("canary_status", json!({ "canaryId": id, "series": true })).await;
    assert!(250 <= points["series"].as_array().unwrap().len(), "the turn comes round again");
}
