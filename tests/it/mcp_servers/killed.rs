//! What a host that was killed leaves behind: nothing, once the next one is there.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use lukhas_mcp::mcp_servers::CallOptions;
use serde_json::json;

use super::bench::{Bench, alive, arguments};

/// Where the host works, in the process that is one.
const DIRECTORY: &str = "HOST_OF_TEST";

/// The words of its server.
const WORDS: &str = "WORDS_OF_TEST";

/// Not a test: the host that is killed.
#[actix::test]
#[ignore = "another test starts it"]
async fn host() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let words = std::env::var(WORDS).unwrap();
    let words: Vec<&str> = words.split_whitespace().collect();
    let bench = Bench::at(&directory, &words, |_| ()).await;
    bench.until("ready").await;
    let mut pids = Vec::new();
    for apart in [false, true] {
        let with = arguments(json!({ "apart": apart }));
        let answer = bench.servers.call(&bench.tool("fork"), with, CallOptions::default()).await;
        pids.push(answer.unwrap().text);
    }
    println!("\npids {}", pids.join(" "));
    std::future::pending::<()>().await;
}

async fn killed(words: &str) {
    let directory = tempfile::tempdir().unwrap();
    let mut host = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "mcp_servers::killed::host", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .env(WORDS, words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let said =
        lines.map_while(Result::ok).find_map(|line| line.strip_prefix("pids ").map(str::to_owned));
    let pids: Vec<String> = said.expect("it says who runs").split(' ').map(str::to_owned).collect();
    host.kill().unwrap();
    host.wait().unwrap();
    assert!(!alive(&pids).is_empty(), "nothing is left that could be ended");
    let next = Bench::at(directory.path(), &[], |_| ()).await;
    assert!(alive(&pids).is_empty(), "{words}: {:?} of {pids:?}", alive(&pids));
    next.until("ready").await;
    next.stop().await;
}

#[actix::test]
async fn the_next_host_ends_what_one_that_was_killed_left() {
    killed("").await;
}

#[actix::test]
async fn the_next_host_ends_what_will_not_end() {
    killed("stubborn").await;
}
