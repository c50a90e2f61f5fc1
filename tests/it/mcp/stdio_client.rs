//! A client that speaks over standard input and output only, with its bridge.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use crate::harness::{Home, PATIENCE};

/// A client with its bridge.
pub struct Client {
    pub bridge: Child,
    pub input: Option<ChildStdin>,
    pub output: Lines<BufReader<ChildStdout>>,
    /// What came and was not asked for yet.
    pub heard: VecDeque<Value>,
}

impl Client {
    pub fn start(home: &Home, url: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = home.command(&["mcp-stdio", "--url", url]);
        command.envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        let mut bridge = command.kill_on_drop(true).spawn().unwrap();
        let input = bridge.stdin.take();
        let output = BufReader::new(bridge.stdout.take().unwrap()).lines();
        Self { bridge, input, output, heard: VecDeque::new() }
    }

    /// One with a session, which listens.
    pub async fn in_session(home: &Home, url: &str, capabilities: Value) -> Self {
        let mut client = Self::start(home, url, &[]);
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": { "name": "a test", "version": "1" },
        });
        let answer = client.ask(json!(0), "initialize", params).await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
        client.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        client
    }

    pub async fn write(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        input.flush().await.unwrap();
    }

    pub async fn say(&mut self, message: &Value) {
        self.write(&message.to_string()).await;
    }

    pub async fn request(&mut self, id: Value, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.say(&message).await;
    }

    /// The first message of which this holds; others are kept in their order.
    pub async fn hear(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.heard.iter().position(&is_it) {
            return self.heard.remove(place).unwrap();
        }
        let wait = async {
            loop {
                let line = self.output.next_line().await.unwrap().expect("the bridge ended");
                let message: Value = serde_json::from_str(&line).unwrap();
                if is_it(&message) {
                    return message;
                }
                self.heard.push_back(message);
            }
        };
        let in_time = timeout(PATIENCE, wait).await;
        in_time.unwrap_or_else(|_| panic!("it never came: {:?}", self.heard))
    }

    pub async fn answer(&mut self, id: &Value) -> Value {
        self.hear(|message| message.get("method").is_none() && message["id"] == *id).await
    }

    pub async fn ask(&mut self, id: Value, method: &str, params: Value) -> Value {
        self.request(id.clone(), method, params).await;
        self.answer(&id).await
    }

    /// Calls a tool.
    pub async fn call(&mut self, id: u64, tool: &str, arguments: Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        self.ask(json!(id), "tools/call", params).await
    }

    /// Says nothing more, and waits for the end.
    pub async fn finish(mut self) -> (ExitStatus, Vec<Value>, String) {
        drop(self.input.take());
        let mut rest: Vec<Value> = self.heard.drain(..).collect();
        while let Some(line) = timeout(PATIENCE, self.output.next_line()).await.unwrap().unwrap() {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        let output = timeout(PATIENCE, self.bridge.wait_with_output()).await.unwrap().unwrap();
        (output.status, rest, String::from_utf8(output.stderr).unwrap())
    }
}
