//! `watch`: every event once, over restarts and kills of the daemon; and the live view on a terminal.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

use super::{Operator, ended, run};
use crate::harness::{Home, PATIENCE, read_until, skip};

/// A `watch` whose lines are collected.
struct Watch {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Watch {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = Arc::<Mutex<Vec<Value>>>::default();
        let (sink, stdout) = (Arc::clone(&lines), child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                sink.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, lines }
    }

    async fn until(&self, enough: impl Fn(&Value) -> bool) {
        let began = Instant::now();
        while !self.lines.lock().unwrap().iter().any(&enough) {
            assert!(began.elapsed() < PATIENCE, "it never came: {:?}", self.lines.lock().unwrap());
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_over_restarts_and_kills_has_every_event_once() {
    let home = Home::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut daemon = home.start_at(port).await;
    let watch = Watch::start(home.command(&["watch", "--after", "0", "--url", &daemon.url]));
    for round in 0..4 {
        for _ in 0..3 {
            let job = daemon.run_eval("quick").await;
            daemon.until(&job, &["COMPLETED"]).await;
        }
        if round % 2 == 0 {
            assert!(daemon.terminate().await.success());
        } else {
            daemon.kill();
        }
        daemon = home.start_at(port).await;
    }
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    watch.until(|line| line["jobId"] == *job && line["type"] == "completed").await;
    let mut all = daemon.sse("topic=*&lastEventId=0").await;
    let text = read_until(&mut all, |text| {
        text.lines().any(|line| line.contains("\"type\":\"completed\"") && line.contains(&job))
    })
    .await;
    let told: Vec<i64> =
        text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect();
    let lines = watch.lines.lock().unwrap();
    let watched: Vec<i64> = lines.iter().map(|line| line["id"].as_i64().unwrap()).collect();
    assert_eq!(watched, told);
    assert_eq!(watched.iter().collect::<BTreeSet<_>>().len(), watched.len());
    assert!(3 * 13 <= watched.len(), "{watched:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_of_one_thing_ends_with_it() {
    let home = Home::new();
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let job = daemon.run_eval("sleep").await;
    daemon.until(&job, &["RUNNING"]).await;
    let watching = run(operator.command(&["watch", "--until", &job]));
    let cancelling = async {
        daemon.until_logged(|line| line.contains("status") && line.contains("/mcp")).await;
        sleep(Duration::from_millis(500)).await;
        operator.print(&["cancel", &job]).await;
    };
    let (output, ()) = tokio::join!(watching, cancelling);
    ended(&output, 9);
    let lines = String::from_utf8(output.stdout).unwrap();
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((last["type"].as_str(), last["jobId"].as_str()), (Some("cancelled"), Some(&*job)));
}

/// Whether there is the program that gives others a terminal.
pub(super) fn script_is_there() -> bool {
    let is_there = Command::new("script").arg("--version").output().is_ok();
    if !is_there {
        skip("the live view", "there is no script(1)");
    }
    is_there
}

/// The same command on a terminal of its own; what it writes there is kept in a file.
pub(super) fn on_a_terminal(command: &Command, typescript: &Path) -> Command {
    let words = command.get_args().map(|word| word.to_str().unwrap());
    // Whoever wants to send it a signal finds its process.
    let pid = typescript.with_extension("pid");
    let begin = format!("echo $$ >{}; exec {}", pid.display(), env!("CARGO_BIN_EXE_lukhas-mcp"));
    let line = std::iter::once(&*begin).chain(words);
    let environment = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut script = Command::new("script");
    script
        .args(["-qefc", &line.collect::<Vec<_>>().join(" ")])
        .arg(typescript)
        .env_clear()
        .envs(environment)
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null());
    script
}

/// `script` gives a program a terminal and keeps what it wrote there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_a_view_is_drawn_and_the_terminal_given_back() {
    if !script_is_there() {
        return;
    }
    let home = Home::new();
    home.task("noisy", r"printf 'LUKHAS_PROGRESS 0.5 half\n'; exec sleep 600");
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let job = daemon.run_eval("noisy").await;
    daemon.until(&job, &["RUNNING"]).await;
    let typescript = home.path().join("typescript");
    let showing = run(on_a_terminal(&operator.command(&["watch", "--until", &job]), &typescript));
    let ending = async {
        let began = Instant::now();
        let drawn = || std::fs::read_to_string(&typescript).unwrap_or_default();
        while !drawn().contains("50 %") {
            assert!(began.elapsed() < PATIENCE, "{}", drawn());
            sleep(Duration::from_millis(50)).await;
        }
        operator.print(&["cancel", &job]).await;
    };
    let (output, ()) = tokio::join!(showing, ending);
    let drawn = std::fs::read_to_string(&typescript).unwrap();
    assert_eq!(output.status.code(), Some(9), "{drawn}");
    let (enter, leave) = ("\u{1b}[?1049h\u{1b}[?25l", "\u{1b}[?25h\u{1b}[?1049l");
    assert_eq!(drawn.matches(enter).count(), 1, "{drawn:?}");
    let after = drawn.split(leave).nth(1).unwrap_or_else(|| panic!("{drawn:?}"));
    assert!(drawn.contains("██████████░░░░░░░░░░") && drawn.contains(&job), "{drawn:?}");
    // The last picture stays behind, on the screen that was there before.
    assert!(after.contains("■ cancelled") && after.contains(&job), "{after:?}");
}
