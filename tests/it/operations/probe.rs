//! `probe`, against daemons that do not do what they say.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, Instant, sleep};

use super::{assert_refused, run};
use crate::harness::{Home, PATIENCE};

/// What a server does when it is asked for events.
#[derive(Debug, Clone, Copy)]
enum Lie {
    /// It opens the stream and says nothing more.
    Silence,
    /// It does not even answer.
    Deafness,
    /// It ends the stream at once.
    Ending,
    /// It forgets to say that the job ran.
    Omission,
}

async fn liar(lie: Lie) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(lie_to(stream, lie));
        }
    });
    address
}

async fn lie_to(mut stream: TcpStream, lie: Lie) {
    let mut request = String::new();
    let mut buffer = [0; 4096];
    while !request.contains("\r\n\r\n") {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        request.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    if request.starts_with("POST") {
        let job = json!({ "jobId": "job_x", "status": "QUEUED" });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "result": { "structuredContent": job } });
        let body = body.to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
        let answer = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        drop(stream.write_all(answer.as_bytes()).await);
        return;
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let event =
        |id: u8, name: &str| format!("id: {id}\nevent: {name}\ndata: {{\"jobId\":\"job_x\"}}\n\n");
    let told = match lie {
        Lie::Silence => format!("{head}event: open\ndata: {{\"ok\":true}}\n\n"),
        Lie::Deafness => String::new(),
        Lie::Ending => head.to_owned(),
        Lie::Omission => format!("{head}{}{}", event(1, "queued"), event(2, "completed")),
    };
    drop(stream.write_all(told.as_bytes()).await);
    if !matches!(lie, Lie::Ending) {
        sleep(PATIENCE).await;
    }
}

#[tokio::test]
async fn a_probe_believes_nobody_who_does_not_tell() {
    let home = Home::new();
    for (lie, expected) in [
        (Lie::Silence, "only these events had come: []"),
        (Lie::Deafness, "after 1 s"),
        (Lie::Ending, "ended before the job did"),
        (Lie::Omission, "queued, completed"),
    ] {
        let url = format!("http://{}", liar(lie).await);
        let began = Instant::now();
        let output = run(home.command(&["probe", "--url", &url, "--within", "1"])).await;
        let line = assert_refused(&output, 1);
        assert!(line.contains(expected), "{lie:?}: {line}");
        assert!(began.elapsed() < Duration::from_secs(3), "{lie:?}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_probe_with_the_wrong_key_ends_with_6_and_with_the_right_one_with_0() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "right");
    let daemon = home.start().await;
    let probe = |key: &str| {
        let mut command = home.command(&["probe", "--url", &daemon.url]);
        command.env_remove("LUKHAS_MCP_API_KEYS").env("LUKHAS_MCP_API_KEY", key);
        run(command)
    };
    let line = assert_refused(&probe("wrong").await, 6);
    assert!(line.contains("LUKHAS_MCP_API_KEY") && !line.contains("wrong"), "{line}");
    let output = probe("right").await;
    assert!(output.status.success(), "{output:?}");
}
