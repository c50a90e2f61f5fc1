//! Runs wrk, the public load generator, and reads what its scripts report.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

/// One run.
#[derive(Debug)]
pub struct Load<'a> {
    /// wrk itself.
    pub program: &'a Path,
    /// The script with the request.
    pub script: &'a Path,
    /// What the script reads from its environment.
    pub settings: Vec<(&'static str, String)>,
    /// The loopback port.
    pub port: u16,
    /// Connections, each with one request in flight.
    pub connections: u64,
    /// Whole seconds.
    pub seconds: u64,
}

/// What a run counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Outcome {
    /// Answers received.
    pub requests: u64,
    /// Length of the run.
    pub duration_us: u64,
    /// Half of the answers came within this time.
    pub p50_us: u64,
    /// 99 % of the answers came within this time.
    pub p99_us: u64,
    /// Answers with a status of 400 or more.
    pub bad_status: u64,
    /// Connections refused or broken, and time-outs.
    pub socket_errors: u64,
    /// Bodies the script looked into.
    pub checked: u64,
    /// Bodies that were wrong.
    pub wrong: u64,
}

impl Load<'_> {
    /// Runs wrk to its end.
    pub fn run(&self) -> Result<Outcome> {
        let child = Command::new(self.program)
            .args(["--threads", "1", "--latency", "--timeout", "10s"])
            .args(["--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.seconds)])
            .arg("--script")
            .arg(self.script)
            .arg(format!("http://127.0.0.1:{}/mcp", self.port))
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting wrk")?;
        let text = output(child, Duration::from_secs(self.seconds + 15))?;
        parse(&text).with_context(|| format!("wrk reported: {text}"))
    }
}

/// Waits for a program whose whole output fits a pipe.
fn output(mut child: Child, patience: Duration) -> Result<String> {
    let deadline = Instant::now() + patience;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            bail!("wrk did not end within {patience:?}");
        }
        sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn parse(text: &str) -> Result<Outcome> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("bench "))
        .context("the script's own line is missing")?;
    let number = |name: &str| -> Result<u64> {
        line.split_ascii_whitespace()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            .with_context(|| format!("{name} is missing"))?
            .parse()
            .with_context(|| format!("{name} is a number"))
    };
    Ok(Outcome {
        requests: number("requests")?,
        duration_us: number("duration_us")?,
        p50_us: number("p50_us")?,
        p99_us: number("p99_us")?,
        bad_status: number("status")?,
        socket_errors: number("socket")?,
        checked: number("checked")?,
        wrong: number("wrong")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_script_is_found_among_the_words_of_wrk() {
        let text = "Running 2s test\nbench requests=10 duration_us=2000 p50_us=5 p99_us=9 \
                    status=1 socket=2 checked=10 wrong=3\n";
        let expected = Outcome {
            requests: 10,
            duration_us: 2000,
            p50_us: 5,
            p99_us: 9,
            bad_status: 1,
            socket_errors: 2,
            checked: 10,
            wrong: 3,
        };
        assert_eq!(parse(text).unwrap(), expected);
        assert!(parse("Running 2s test\n").is_err());
    }
}
