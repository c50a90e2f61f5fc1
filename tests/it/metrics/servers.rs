//! Real metrics servers, each on a port of its own, watching targets each second.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::harness::{PATIENCE, skip};

/// A running server; ended when dropped.
pub struct Server {
    child: Child,
    pub url: String,
    _directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// A Prometheus; `None`, said aloud, where there is none.
    pub async fn prometheus(targets: &[&str], test: &str) -> Option<Self> {
        let arguments = |directory: &str, port: u16| {
            vec![
                format!("--config.file={directory}/scrape.yml"),
                format!("--storage.tsdb.path={directory}/data"),
                format!("--web.listen-address=127.0.0.1:{port}"),
                "--log.level=error".to_owned(),
            ]
        };
        Self::start("prometheus", arguments, "/-/ready", targets, test).await
    }

    /// A `VictoriaMetrics`; `None`, said aloud, where there is none.
    pub async fn victoria_metrics(targets: &[&str], test: &str) -> Option<Self> {
        let arguments = |directory: &str, port: u16| {
            vec![
                format!("-promscrape.config={directory}/scrape.yml"),
                format!("-storageDataPath={directory}/data"),
                format!("-httpListenAddr=127.0.0.1:{port}"),
                "-loggerLevel=ERROR".to_owned(),
            ]
        };
        Self::start("victoria-metrics", arguments, "/health", targets, test).await
    }

    async fn start(
        program: &str,
        arguments: impl Fn(&str, u16) -> Vec<String>,
        ready: &str,
        targets: &[&str],
        test: &str,
    ) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap().to_owned();
        let config = format!(
            "global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: target\n  \
             static_configs:\n  - targets: ['{}']\n",
            targets.join("', '")
        );
        std::fs::write(directory.path().join("scrape.yml"), config).unwrap();
        // The port is free now, and hardly anybody takes it before the server does.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let spawned = Command::new(program)
            .args(arguments(&path, port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = spawned else {
            skip(test, &format!("there is no {program}"));
            return None;
        };
        let url = format!("http://127.0.0.1:{port}");
        let mut server = Self { child, url, _directory: directory };
        server.wait_until(ready).await;
        Some(server)
    }

    async fn wait_until(&mut self, ready: &str) {
        lukhas_mcp::client::install_tls();
        let (client, began) = (reqwest::Client::new(), Instant::now());
        loop {
            let answer = client.get(format!("{}{ready}", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "the server ended");
            assert!(began.elapsed() < PATIENCE, "the server did not become ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
