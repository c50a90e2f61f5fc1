//! Clients that ask for evals without minding that the daemon keeps dying.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::dice::Dice;
use crate::harness::{Home, PATIENCE};

/// The tasks and the share of calls that each gets.
const TASKS: [&str; 8] =
    ["instant", "instant", "instant", "short", "short", "chatty", "failing", "instant"];

/// The first of the timeouts, in seconds, that mark the jobs of the calls with a key.
const MARK: u32 = 10_000;

/// A home with tasks that write their job's id into `starts` when they begin, and room for few jobs,
/// so that the load is bounded by the daemon's own refusals.
pub fn home() -> Home {
    let home = Home::new()
        .with("LUKHAS_MCP_LOG_REQUESTS", "false")
        .with("LUKHAS_MCP_MAX_RUNNING_JOBS", "6")
        .with("LUKHAS_MCP_MAX_QUEUED_JOBS", "48");
    let result = r#"printf '{"metrics":{"m":{"value":1}}}' > "$1""#;
    task(&home, "instant", result);
    task(&home, "short", &format!("sleep $(printf '0.%03d' $((50 + $$ % 250))); {result}"));
    task(&home, "chatty", &format!("echo LUKHAS_PROGRESS 0.5 half; sleep 0.1; {result}"));
    task(&home, "failing", "sleep 0.05; exit 3");
    home
}

fn task(home: &Home, name: &str, line: &str) {
    let line = format!(r#"echo "$2" >> starts; {line}"#).replace('{', "{{").replace('}', "}}");
    let text = format!(
        "command = [\"/bin/sh\", \"-c\", {}, \"task\", \"{{result}}\", \"{{job_id}}\"]\n\
         timeout_seconds = 600\n[environment]\npass = [\"PATH\"]\n",
        serde_json::to_string(&line).unwrap()
    );
    std::fs::write(home.path().join(format!("evals/tasks/{name}.toml")), text).unwrap();
}

/// What the daemon acknowledged, as its clients heard it.
#[derive(Default)]
pub struct Tally {
    pub is_enough: AtomicBool,
    last_mark: AtomicU32,
    figures: Mutex<Figures>,
}

/// What was acknowledged.
#[derive(Debug, Default, Clone)]
pub struct Figures {
    /// Jobs whose id came back.
    pub acked: Vec<String>,
    /// Of those, the ones with a key, by the timeout that marks the key's jobs.
    pub keyed: HashMap<i64, String>,
    /// Jobs of which it was answered that they are cancelled.
    pub cancelled: Vec<String>,
}

impl Tally {
    pub fn figures(&self) -> Figures {
        self.figures.lock().unwrap().clone()
    }
}

/// One client.
pub struct Load {
    url: String,
    client: Client,
    dice: Dice,
    tally: Arc<Tally>,
}

/// What an answer came to.
enum Heard {
    /// The tool's structured content.
    Answer(Value),
    /// The tool said no, in these words.
    Refusal(String),
    /// Nothing that could be relied on.
    Nothing,
}

impl Load {
    pub fn new(port: u16, dice: Dice, tally: Arc<Tally>) -> Self {
        lukhas_mcp::client::install_tls();
        let url = format!("http://127.0.0.1:{port}/mcp");
        Self { url, client: Client::new(), dice, tally }
    }

    /// Asks until it is enough; what has a key is asked for until it is answered.
    pub async fn run(mut self) {
        while !self.tally.is_enough.load(Ordering::Relaxed) {
            let job = if self.dice.one_in(3) { self.keyed().await } else { self.unkeyed().await };
            if let Some(job) = job
                && self.dice.one_in(6)
            {
                sleep(self.dice.milliseconds(0..80)).await;
                self.cancel(&job).await;
            }
            sleep(self.dice.milliseconds(2..30)).await;
        }
    }

    async fn unkeyed(&mut self) -> Option<String> {
        let task = *self.dice.pick(&TASKS);
        let call = json!({ "taskId": task, "configId": "default" });
        let job = self.submit(&call).await?;
        self.tally.figures.lock().unwrap().acked.push(job.clone());
        Some(job)
    }

    async fn keyed(&mut self) -> Option<String> {
        let mark = MARK + self.tally.last_mark.fetch_add(1, Ordering::Relaxed);
        let call = json!({
            "taskId": *self.dice.pick(&TASKS), "configId": "default",
            "idempotencyKey": format!("key {mark}"), "timeoutSeconds": mark,
        });
        let job = loop {
            if let Some(job) = self.submit(&call).await {
                break job;
            }
            sleep(self.dice.milliseconds(5..40)).await;
        };
        {
            let mut figures = self.tally.figures.lock().unwrap();
            figures.acked.push(job.clone());
            figures.keyed.insert(mark.into(), job.clone());
        }
        // As a client does whose own memory of the answer was lost.
        if self.dice.one_in(2)
            && let Some(again) = self.submit(&call).await
        {
            assert_eq!(again, job, "a key was answered with another job");
        }
        Some(job)
    }

    async fn submit(&self, call: &Value) -> Option<String> {
        match self.call("run_eval", call).await {
            Heard::Answer(answer) => Some(answer["jobId"].as_str().unwrap().to_owned()),
            Heard::Refusal(why) => panic!("run_eval was refused: {why}"),
            Heard::Nothing => None,
        }
    }

    async fn cancel(&self, job: &str) {
        match self.call("cancel_job", &json!({ "jobId": job })).await {
            Heard::Answer(answer) if answer["status"] == "CANCELLED" => {
                self.tally.figures.lock().unwrap().cancelled.push(job.to_owned());
            }
            Heard::Refusal(why) => assert!(why.contains("is over already"), "{why}"),
            Heard::Answer(_) | Heard::Nothing => {}
        }
    }

    async fn call(&self, tool: &str, arguments: &Value) -> Heard {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments },
        });
        let sent = self.client.post(&self.url).json(&body).timeout(PATIENCE).send().await;
        // Killed, going down, starting, or full: nothing was promised.
        let Ok(response) = sent else { return Heard::Nothing };
        if response.status() != 200 {
            assert_eq!(response.status(), 503);
            return Heard::Nothing;
        }
        let Ok(answer) = response.json::<Value>().await else { return Heard::Nothing };
        let result = &answer["result"];
        if result["isError"] == true {
            return Heard::Refusal(result["content"][0]["text"].as_str().unwrap().to_owned());
        }
        assert!(result["structuredContent"].is_object(), "{answer}");
        Heard::Answer(result["structuredContent"].clone())
    }
}
