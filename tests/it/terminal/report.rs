//! `report`: a download that is what its digest says, whole or not at all.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Operator, ended, run};
use crate::harness::Home;

/// A server that answers every question with this report, under the digest of another text.
async fn server(report: &'static str, digest_of: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                if matches!(stream.read_buf(&mut request).await, Ok(0) | Err(_)) {
                    break;
                }
            }
            let digest = BASE64_STANDARD.encode(Sha256::digest(digest_of));
            let answer = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\
                 Repr-Digest: sha-256=:{digest}:\r\n\r\n{report}",
                report.len()
            );
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    address
}

#[tokio::test]
async fn a_daemon_gives_reports_in_every_format() {
    let home = Home::new();
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    for (format, expected) in [("md", "# "), ("csv", ","), ("json", "\"jobId\"")] {
        let report = operator.print(&["report", &job, "--format", format]).await;
        assert!(report.contains(expected) && report.contains(&job), "{format}: {report}");
    }
    assert!(operator.print(&["report", &job]).await.starts_with("# "));
    let json: serde_json::Value =
        serde_json::from_str(&operator.print(&["report", &job, "--json"]).await).unwrap();
    assert!(json.is_object(), "{json}");
    let unknown = "job_aaaaaaaaaaaaaaaaaaaaa";
    let line = ended(&operator.run(&["report", unknown]).await, 8);
    assert!(line.contains("no job, canary or model"), "{line}");
}

#[tokio::test]
async fn a_report_is_what_its_digest_says() {
    let home = Home::new();
    let report = "# job_x\n\u{1b}[2Jdone\n";
    let honest = format!("http://{}", server(report, report).await);
    let output = run(home.command(&["report", "job_x", "--url", &honest])).await;
    assert_eq!(String::from_utf8(output.stdout).unwrap(), report, "a pipe gets the bytes");
    let file = home.path().join("report.md");
    std::fs::write(&file, "an older one").unwrap();
    let to_file = ["report", "job_x", "--output", "report.md", "--url"];
    let output = run(home.command(&[&to_file[..], &[&honest]].concat())).await;
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), report);

    let liar = format!("http://{}", server("# another", report).await);
    let output = run(home.command(&[&to_file[..], &[&liar]].concat())).await;
    let line = ended(&output, 1);
    assert!(line.contains("Repr-Digest"), "{line}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), report, "the file is as it was");
}
