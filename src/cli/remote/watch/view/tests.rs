//! The live view, line by line.

use serde_json::{Value, json};

use super::*;
use crate::cli::remote::answers::Canary;
use crate::cli::terminal::style::Style;
use crate::client::ServerEvent;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T19:00:42Z").unwrap()
}

fn rendered(board: &Board, rows: usize) -> Vec<String> {
    let size = Size { columns: 120, rows };
    let lines = draw(board, "http://127.0.0.1:1", size, now());
    lines.iter().map(|line| line.render(Style { colours: false, columns: Some(120) })).collect()
}

fn board(jobs: usize) -> Board {
    let mut board = Board::default();
    board.connection = Connection::Live;
    let canary: Canary = serde_json::from_value(json!({
        "canaryId": "canary_x", "modelId": "adder:3", "fromGate": "staging",
        "toGate": "production", "status": "RUNNING", "phase": "observing",
        "updatedAt": "2026-11-21T19:00:00Z", "elapsedSeconds": 6.25,
        "policy": { "windowSeconds": 15 },
    }))
    .unwrap();
    board.put_canary(canary);
    let look = json!({
        "topic": "canary/canary_x", "type": "metric", "ts": "2026-11-21T19:00:10Z",
        "canaryId": "canary_x", "status": "RUNNING", "phase": "observing",
        "elapsedSeconds": 7.5, "error_rate": 0.0868, "latency_p95_ms": 0.95,
        "evidence": { "error_rate": {
            "breach": 2.649, "breachAt": 5.298, "proof": -2.5, "proofAt": 2.996,
            "requestsNeeded": null,
        } },
    });
    board.take(&ServerEvent { id: Some(1), name: "metric".to_owned(), data: look });
    for number in 0..jobs {
        let told = json!({
            "topic": format!("job/job_{number:03}"), "type": "running", "status": "RUNNING",
            "ts": "2026-11-21T19:00:02Z", "taskId": "quick", "configId": "default",
            "progress": { "fraction": 0.25, "text": "15 of 60" }, "reason": Value::Null,
        });
        board.take(&ServerEvent { id: Some(2), name: "running".to_owned(), data: told });
    }
    board
}

#[test]
fn a_screen_has_windows_evidence_progress_and_events() {
    let lines = rendered(&board(1), 24);
    let head = "http://127.0.0.1:1  ● live  19:00:42Z  1 running, 0 queued, 1 canary";
    let expected = [
        head,
        "Canaries",
        "  ● running          canary_x                     adder:3  staging → production",
        "      window  ██████████░░░░░░░░░░  7 s of 15 s",
        "      errors  8.680 %     broken ██████░░░░░░ 14:1 of 200:1      met ░░░░░░░░░░░░ 0:1 of 20:1",
        "      p95     0.9 ms",
        "Jobs",
        "  ● running          job_000                      quick default               \
         █████░░░░░░░░░░░░░░░  25 %  40 s  15 of 60",
        "Events",
        "  19:00:02Z  ● running      job_000                      quick  default",
        "Ctrl-C ends this view; the daemon goes on.",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_screen_is_never_overfull_and_says_what_it_leaves_out() {
    let many = board(100);
    for rows in 1..40 {
        let lines = rendered(&many, rows);
        assert!(lines.len() <= rows, "{rows}: {lines:#?}");
    }
    let lines = rendered(&many, 30);
    assert!(lines.iter().any(|line| line.starts_with("Jobs  14 of 100 shown")), "{lines:#?}");
    assert!(lines.last().unwrap().starts_with("Ctrl-C"));
}

#[test]
fn a_narrow_screen_has_the_bars_of_jobs_on_lines_of_their_own() {
    let size = Size { columns: 80, rows: 24 };
    let lines = draw(&board(1), "http://127.0.0.1:1", size, now());
    let done = lines[8].render(Style::PLAIN);
    assert_eq!(done, "      done    █████░░░░░░░░░░░░░░░  25 %  40 s  15 of 60");
}

#[test]
fn a_lost_connection_is_seen_at_once() {
    let lost = Connection::Lost("lost, trying again in 1 s".to_owned());
    let mut board = Board::default();
    board.connection = lost;
    let lines = rendered(&board, 10);
    assert!(lines[0].contains("✕ lost, trying again in 1 s"), "{lines:#?}");
    assert!(lines.contains(&"  nothing happened yet".to_owned()), "{lines:#?}");
}
