//! A daemon of one's own: the real binary on a port of its own, in a directory of its own.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::conforming;

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Where a daemon keeps its things; survives the daemon.
pub struct Home {
    pub directory: TempDir,
    environment: Vec<(String, String)>,
}

impl Home {
    /// A home with a task `quick` that writes a result at once, and one `sleep` that takes for ever.
    pub fn new() -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap(), environment: Vec::new() };
        home.task(
            "quick",
            r#"printf '{"metrics":{"accuracy":{"value":0.75,"stderr":0.1,"n":20}}}' > {result}"#,
        );
        home.task("sleep", "exec sleep 600");
        std::fs::create_dir_all(home.path().join("evals/configs")).unwrap();
        std::fs::write(home.path().join("evals/configs/default.toml"), "").unwrap();
        home
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Sets a variable of the daemons that are started from now on.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a task that runs a line of shell, in which `{result}` stands for the result file.
    pub fn task(&self, name: &str, line: &str) {
        let tasks = self.path().join("evals/tasks");
        std::fs::create_dir_all(&tasks).unwrap();
        let line = line.replace("{result}", "\u{1}").replace('{', "{{").replace('}', "}}");
        let line = line.replace('\u{1}', "\"$1\"");
        let text = format!(
            "command = [\"/bin/sh\", \"-c\", {}, \"task\", \"{{result}}\"]\ntimeout_seconds = 600\n\
             [environment]\npass = [\"PATH\"]\n",
            serde_json::to_string(&line).unwrap()
        );
        std::fs::write(tasks.join(format!("{name}.toml")), text).unwrap();
    }

    /// Turns the chat on, with a model that nobody is behind and a server that ends at once.
    pub fn with_chat(self) -> Self {
        let home = self.with("LUKHAS_MCP_CHAT_CONFIG", "chat/config.yaml");
        home.chat_file("");
        let servers = r#"{"mcpServers": {"ghost": {"command": "/bin/false"}}}"#;
        home.write_private("chat/servers_config.json", servers);
        home
    }

    /// Writes what `with_chat` needs, and more, into `config.yaml`.
    pub fn chat_file(&self, more: &str) {
        let least = "llm: {providers: {own: {model: small, max_retries: 0, \
                     base_url: 'http://127.0.0.1:1/v1'}}}\n";
        self.write_private("chat/config.yaml", &format!("{least}{more}"));
    }

    fn write_private(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    pub fn db(&self) -> PathBuf {
        self.path().join(".mcp-state.db")
    }

    /// A command of the program with this home's settings and nothing else from outside.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lukhas-mcp"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("LUKHAS_REPO_ROOT", self.path())
            .env("MCP_RL_BUCKET", "1000000")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Starts a daemon on any free port and waits until it is ready.
    pub async fn start(&self) -> Daemon {
        self.start_at(0).await
    }

    /// Starts a daemon on a port of one's choice and waits until it is ready.
    pub async fn start_at(&self, port: u16) -> Daemon {
        let mut daemon = self.spawn_at(port);
        daemon.url = daemon.wait_for_address().await;
        daemon
    }

    /// Starts a daemon and waits for nothing; its address is not known yet.
    pub fn spawn_at(&self, port: u16) -> Daemon {
        let mut child = self
            .command(&["serve", "--port", &port.to_string(), "--log-format", "json"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let (sink, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                sink.lock().unwrap().push(line);
            }
        });
        lukhas_mcp::client::install_tls();
        Daemon { child, log, url: String::new(), client: Client::new(), key: None }
    }
}

/// Says, where everybody sees it, that a test did not test what it is there for.
pub fn skip(what: &str, why: &str) {
    // Not by a macro, whose words a passing test swallows.
    std::io::stderr().write_all(format!("SKIPPED {what}: {why}\n").as_bytes()).unwrap();
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    pub child: Child,
    pub url: String,
    log: Arc<Mutex<Vec<String>>>,
    client: Client,
    key: Option<String>,
}

impl Daemon {
    async fn wait_for_address(&mut self) -> String {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            for line in self.log() {
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                if line["message"] == "ready" {
                    return format!("http://{}", line["address"].as_str().unwrap());
                }
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the daemon ended with {status}: {:?}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("the daemon did not become ready: {:?}", self.log());
    }

    /// Sends this key from now on.
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// What it logged so far, line by line.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has logged such a line. What it wrote before it answered may still be in the
    /// pipe when the answer is here.
    pub async fn until_logged(&self, is_it: impl Fn(&str) -> bool) {
        let began = Instant::now();
        while !self.log().iter().any(|line| is_it(line)) {
            assert!(began.elapsed() < PATIENCE, "it was never logged: {:?}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.keyed(self.client.get(format!("{}{path}", self.url)))
    }

    /// A POST of a JSON text to `/mcp`.
    pub fn post(&self, body: impl Into<String>) -> RequestBuilder {
        let request = self.client.post(format!("{}/mcp", self.url));
        self.keyed(request.header("Content-Type", "application/json").body(body.into()))
    }

    fn keyed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.header("X-API-Key", key),
            None => request,
        }
    }

    /// Calls a method and returns the whole answer.
    pub async fn rpc(&self, method: &str, params: Value) -> Value {
        self.try_rpc(method, params).await.unwrap()
    }

    /// Calls a method; an error means that no answer came. What a tool answers is checked against
    /// what the tool says of its answers.
    pub async fn try_rpc(&self, method: &str, params: Value) -> reqwest::Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = self.post(body.to_string()).timeout(PATIENCE).send().await?;
        let answer: Value = sent.json().await?;
        if let ("tools/call", Some(tool), Some(result)) =
            (method, params["name"].as_str(), answer.get("result"))
        {
            conforming::check(tool, result);
        }
        Ok(answer)
    }

    /// Calls a tool and returns its result object.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.rpc("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        let result = answer["result"].clone();
        assert!(result.is_object() && result["isError"] != true, "{tool} failed: {answer}");
        result
    }

    /// Calls a tool and returns its structured content.
    pub async fn ask(&self, tool: &str, arguments: Value) -> Value {
        self.call(tool, arguments).await["structuredContent"].clone()
    }

    /// Starts an eval and returns its job's id.
    pub async fn run_eval(&self, task: &str) -> String {
        let call = json!({ "taskId": task, "configId": "default" });
        self.ask("run_eval", call).await["jobId"].as_str().unwrap().to_owned()
    }

    /// Waits until a job has one of these statuses, and returns it.
    pub async fn until(&self, job: &str, statuses: &[&str]) -> Value {
        let began = Instant::now();
        loop {
            let status = self.ask("status", json!({ "jobId": job })).await;
            if statuses.contains(&status["status"].as_str().unwrap()) {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "{job} never became {statuses:?}: {status}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Opens an event stream; `query` follows the question mark.
    pub async fn sse(&self, query: &str) -> Response {
        self.get(&format!("/sse?{query}")).send().await.unwrap()
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits for that.
    pub async fn terminate(&mut self) -> std::process::ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.ended().await
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "the daemon does not end: {:?}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may be gone already, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads a stream until `enough` holds of the text so far, and returns it.
pub async fn read_until(stream: &mut Response, enough: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    let read = async {
        while !enough(&text) {
            let chunk = stream.chunk().await.unwrap();
            text.push_str(std::str::from_utf8(&chunk.expect("the stream ended")).unwrap());
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, read).await;
    in_time.unwrap_or_else(|_| panic!("too little came"));
    text
}
