//! Nothing that comes from a daemon can move a terminal, whatever it is called or says.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, sleep};

use super::watching::{on_a_terminal, script_is_there};
use super::{Operator, run};
use crate::harness::Home;

/// Sets a title, fills the clipboard, clears the screen in one byte, turns letters round.
const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}2J\u{202e}x";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_escape_of_a_daemon_reaches_the_terminal() {
    let home = Home::new();
    home.task(
        "evil",
        r"printf 'LUKHAS_PROGRESS 0.5 \033[2J\302\2332J\342\200\256boo\n'; printf '\033]0;owned\007 \342\200\256\n'; exit 3",
    );
    std::fs::write(home.path().join("evil.md"), format!("haystack {EVIL} needle\n")).unwrap();
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let failed = daemon.run_eval("evil").await;
    daemon.until(&failed, &["FAILED"]).await;
    let cancelled = daemon.run_eval("sleep").await;
    daemon.until(&cancelled, &["RUNNING"]).await;
    daemon.ask("cancel_job", json!({ "jobId": cancelled, "reason": EVIL })).await;
    daemon.until(&cancelled, &["CANCELLED"]).await;
    let status = json!({ "jobId": cancelled }).to_string();
    let commands: [&[&str]; 9] = [
        &["jobs"],
        &["status"],
        &["why", &cancelled],
        &["why", &cancelled, "--facts"],
        &["logs", &failed],
        &["call", "status", &status],
        &["search", "haystack"],
        &["watch", "--after", "0", "--until", &cancelled],
        &["watch", "--until", &cancelled],
    ];
    let mut shown = String::new();
    for command in commands {
        for json in [&[][..], &["--json"]] {
            let output = operator.run(&[command, json].concat()).await;
            for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
                let text = std::str::from_utf8(bytes).unwrap();
                let bad = |character: char| {
                    (character.is_control() && character != '\n') || character == '\u{202e}'
                };
                assert!(!text.contains(bad), "{command:?} {json:?} {stream}: {text:?}");
                shown.push_str(text);
            }
        }
    }
    // It was there, and is seen as what it is.
    for part in [r"\u{1b}]52;c;", r"\u001b]52;c;", r"\u{202e}", r"\u202e", r"\u{9b}2J"] {
        assert!(shown.contains(part), "{part} is nowhere in {shown}");
    }
}

/// What an impostor answers: names no daemon would allow.
fn answer(tool: &str) -> Value {
    let at = "2026-11-21T19:25:25.093Z";
    let job = json!({
        "jobId": "job_x", "taskId": EVIL, "configId": EVIL, "status": "RUNNING", "startedAt": at,
        "runningAt": at, "updatedAt": at, "progress": { "fraction": 0.5, "text": EVIL },
        "error": EVIL, "reason": EVIL,
    });
    let canary = json!({
        "canaryId": format!("canary_x{EVIL}"), "modelId": EVIL, "fromGate": EVIL, "toGate": EVIL,
        "status": EVIL, "phase": EVIL, "updatedAt": EVIL, "trouble": EVIL, "elapsedSeconds": 1.0,
    });
    match tool {
        "list_jobs" => json!({ "jobs": [job], "nextCursor": EVIL }),
        "list_canaries" => json!({ "canaries": [canary], "nextCursor": EVIL }),
        "list_models" => json!({
            "registry": EVIL, "models": [{ "modelId": EVIL, "currentGates": [EVIL] }],
        }),
        "status" => {
            let mut failed = job;
            failed["status"] = "FAILED".into();
            failed
        }
        "get_infrastructure_status" => json!({
            "name": EVIL, "version": EVIL, "registry": EVIL, "uptimeSeconds": 1.0,
            "jobs": { "byStatus": { EVIL: 1 } }, "canaries": { EVIL: 1 },
            "actors": [{ "actor": EVIL, "restarts": 1 }],
        }),
        _ => canary,
    }
}

async fn impostor() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(impose(stream));
        }
    });
    address
}

async fn impose(mut stream: TcpStream) {
    let mut request = Vec::new();
    let text = loop {
        if matches!(stream.read_buf(&mut request).await, Ok(0) | Err(_)) {
            return;
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        let (is_post, ends) = (text.starts_with("POST"), text.ends_with("}}"));
        if text.contains("\r\n\r\n") && (!is_post || ends) {
            break text;
        }
    };
    if text.starts_with("POST") {
        let body: Value = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let result =
            json!({ "structuredContent": answer(body["params"]["name"].as_str().unwrap()) });
        let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": result }).to_string();
        let head =
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}", answer.len());
        drop(stream.write_all(format!("{head}\r\n\r\n{answer}").as_bytes()).await);
        return;
    }
    if text.starts_with("GET /api/whoami") {
        let you = json!({ "principal": EVIL, "role": EVIL }).to_string();
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}", you.len());
        drop(stream.write_all(format!("{head}\r\n\r\n{you}").as_bytes()).await);
        return;
    }
    let event = |id: u8, name: &str, more: Value| {
        let data = json!({
            "topic": "job/job_y", "type": name, "ts": EVIL, "jobId": "job_y", "taskId": EVIL,
            "configId": EVIL, "error": EVIL, "status": more,
        });
        format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let open = "id: 1\nevent: open\ndata: {}\n\n";
    let running = event(2, EVIL, json!(EVIL));
    drop(stream.write_all(format!("{head}{open}{running}").as_bytes()).await);
    sleep(Duration::from_millis(1500)).await;
    drop(stream.write_all(event(3, "failed", json!("FAILED")).as_bytes()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_impostor_moves_no_terminal_either() {
    if !script_is_there() {
        return;
    }
    let home = Home::new();
    let url = format!("http://{}", impostor().await);
    for arguments in [
        &["jobs"][..],
        &["canaries"],
        &["models"],
        &["status"],
        &["watch", "*", "--until", "job_y"],
    ] {
        let typescript = home.path().join("typescript");
        let command = home.command(&[arguments, &["--url", &url]].concat());
        run(on_a_terminal(&command, &typescript)).await;
        let drawn = std::fs::read_to_string(&typescript).unwrap();
        assert!(drawn.contains(r"\u{1b}]0;owned\u{7}"), "{arguments:?}: {drawn:?}");
        for evil in ["\u{1b}]", "\u{7}", "\u{9b}", "\u{202e}"] {
            assert!(!drawn.contains(evil), "{arguments:?}: {drawn:?}");
        }
    }
}
