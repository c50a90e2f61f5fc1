//! Disks that are full, locked or read-only.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tokio::time::{Duration, Instant, sleep};

use super::{assert_refused, run};
use crate::database::Database;
use crate::harness::{Daemon, Home, PATIENCE, skip};

/// A small file system of its own, gone with the test.
struct Disk {
    directory: PathBuf,
}

impl Disk {
    /// `None` if this user may not mount.
    fn mount(directory: PathBuf) -> Option<Self> {
        fs::create_dir(&directory).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&directory);
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self { directory })
    }

    fn is_read_only(&self, read_only: bool) {
        let options = if read_only { "remount,ro" } else { "remount,rw" };
        let status = Command::new("mount").args(["-o", options]).arg(&self.directory).status();
        assert!(status.unwrap().success());
    }

    fn ballast(&self) -> PathBuf {
        self.directory.join("ballast")
    }

    /// Takes all the room there is, what SQLite gave back since the last time included.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.ballast()).unwrap();
        for size in [64 * 1024, 4096, 512] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.directory).status());
    }
}

fn on_disk(home: Home, disk: &Path) -> Home {
    let (db, runs) = (disk.join("state.db"), home.path().join("runs"));
    home.with("LUKHAS_MCP_DB", db.to_str().unwrap())
        .with("LUKHAS_MCP_RUNS_DIR", runs.to_str().unwrap())
}

/// Asks for an eval: its id, or the words of the refusal.
async fn ask(daemon: &Daemon) -> Result<String, String> {
    let arguments = json!({ "taskId": "quick", "configId": "default" });
    let params = json!({ "name": "run_eval", "arguments": arguments });
    let result = daemon.rpc("tools/call", params).await["result"].clone();
    if result["isError"] == true {
        return Err(result["content"][0]["text"].as_str().unwrap().to_owned());
    }
    Ok(result["structuredContent"]["jobId"].as_str().unwrap().to_owned())
}

/// Waits for a status of `/readyz`, and returns its body.
async fn until_ready_says(daemon: &Daemon, status: u16, mut meanwhile: impl FnMut()) -> String {
    let began = Instant::now();
    loop {
        meanwhile();
        let answer = daemon.get("/readyz").send().await.unwrap();
        if answer.status() == status {
            return answer.text().await.unwrap();
        }
        assert!(began.elapsed() < PATIENCE, "/readyz says {}", answer.status());
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_refused_clearly_and_got_over_without_a_restart() {
    let home = Home::new();
    let Some(disk) = Disk::mount(home.path().join("disk")) else {
        return skip("the full disk", "this user may not mount a file system");
    };
    let home = on_disk(home, &disk.directory);
    let mut daemon = home.start().await;
    let mut acknowledged = Vec::new();
    for _ in 0..5 {
        acknowledged.push(ask(&daemon).await.unwrap());
    }
    let first = acknowledged[0].clone();
    daemon.until(&first, &["COMPLETED"]).await;

    let began = Instant::now();
    let refusal = loop {
        disk.fill();
        assert!(began.elapsed() < PATIENCE, "the disk does not get full");
        match ask(&daemon).await {
            Ok(job) => acknowledged.push(job),
            Err(refusal) => break refusal,
        }
    };
    assert!(refusal.contains("the disk is full"), "{refusal}");
    let reason = until_ready_says(&daemon, 503, || disk.fill()).await;
    assert!(reason.contains("the disk is full"), "{reason}");
    assert_eq!(daemon.get("/healthz").send().await.unwrap().status(), 200);
    assert_eq!(daemon.ask("status", json!({ "jobId": first })).await["status"], "COMPLETED");
    let listed = daemon.ask("list_jobs", json!({ "limit": 100 })).await;
    assert_eq!(listed["jobs"].as_array().unwrap().len(), acknowledged.len());
    assert!(ask(&daemon).await.is_err());

    fs::remove_file(disk.ballast()).unwrap();
    until_ready_says(&daemon, 200, || ()).await;
    acknowledged.push(ask(&daemon).await.unwrap());
    for job in &acknowledged {
        daemon.until(job, &["COMPLETED"]).await;
    }
    assert_eq!(daemon.terminate().await.code(), Some(0));
    let output = run(home.command(&["check", "--port", "0"])).await;
    assert!(output.status.success(), "{output:?}");
    let mut there: Vec<String> = Database::open(&disk.directory.join("state.db"))
        .jobs()
        .into_iter()
        .map(|job| job.id)
        .collect();
    there.sort();
    acknowledged.sort();
    assert_eq!(there, acknowledged);
}

#[tokio::test]
async fn a_disk_that_becomes_read_only_is_refused_at_the_start_with_5() {
    let home = Home::new();
    let Some(disk) = Disk::mount(home.path().join("disk")) else {
        return skip("the read-only disk", "this user may not mount a file system");
    };
    let home = on_disk(home, &disk.directory);
    let mut daemon = home.start().await;
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    assert_eq!(daemon.terminate().await.code(), Some(0));
    disk.is_read_only(true);
    let line = assert_refused(&run(home.command(&["serve", "--port", "0"])).await, 5);
    assert!(line.contains("writ") && !line.contains("state.db"), "{line}");
    disk.is_read_only(false);
    let daemon = home.start().await;
    assert_eq!(daemon.ask("status", json!({ "jobId": job })).await["status"], "COMPLETED");
}

#[tokio::test]
async fn a_lock_of_another_program_is_waited_for_and_holds_no_reader_up() {
    const HELD: Duration = Duration::from_secs(1);
    let home = Home::new();
    let daemon = home.start().await;
    let first = daemon.run_eval("quick").await;
    daemon.until(&first, &["COMPLETED"]).await;
    let mut other = Database::open(&home.db());
    other.execute("BEGIN EXCLUSIVE");
    let began = Instant::now();
    let release = async {
        for path in ["/healthz", "/health"] {
            assert_eq!(daemon.get(path).send().await.unwrap().status(), 200);
        }
        let listed = daemon.ask("list_jobs", json!({})).await;
        assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
        assert!(began.elapsed() < HELD, "reads took {:?}", began.elapsed());
        sleep(HELD.saturating_sub(began.elapsed())).await;
        other.execute("COMMIT");
    };
    let calls = futures_util::future::join_all((0..4).map(|_| ask(&daemon)));
    let ((), answers) = tokio::join!(release, calls);
    assert!(HELD <= began.elapsed());
    for answer in answers {
        daemon.until(&answer.unwrap(), &["COMPLETED"]).await;
    }
}

#[tokio::test]
async fn readyz_and_the_metric_say_the_same_when_the_repository_is_gone() {
    let home = Home::new();
    let (repository, elsewhere) = (home.path().join("repository"), home.path().join("elsewhere"));
    fs::create_dir(&repository).unwrap();
    let beside = home.path().to_owned();
    let home = on_disk(home, &beside).with("LUKHAS_REPO_ROOT", repository.to_str().unwrap());
    let daemon = home.start().await;
    let is_one = async || {
        let page = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
        let line = page.lines().find(|line| line.starts_with("lukhas_mcp_ready")).unwrap();
        0.5 < line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    until_ready_says(&daemon, 200, || ()).await;
    assert!(is_one().await);
    fs::rename(&repository, &elsewhere).unwrap();
    let reason = until_ready_says(&daemon, 503, || ()).await;
    assert!(reason.contains("the directory of the repository is gone"), "{reason}");
    assert!(!is_one().await);
    fs::rename(&elsewhere, &repository).unwrap();
    // Now the metric is asked first: it does not live on what /readyz found.
    let began = Instant::now();
    while !is_one().await {
        assert!(began.elapsed() < PATIENCE, "the metric stays at 0");
        sleep(Duration::from_millis(50)).await;
    }
    until_ready_says(&daemon, 200, || ()).await;
}
