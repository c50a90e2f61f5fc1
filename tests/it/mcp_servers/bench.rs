//! A host of MCP servers without the rest of the daemon.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use lukhas_mcp::clock::SystemClock;
use lukhas_mcp::config::chat::{
    ConnectionSettings, McpServerSettings, McpServersSettings, Transport,
};
use lukhas_mcp::mcp_servers::{
    CatalogueEntry, McpServers, McpServersDeps, ServerView, ToolDefinition, ToolRef, ToolSource,
};
use lukhas_mcp::store::{Database, Store, StoreDeps};
use lukhas_mcp::supervision::{RestartPolicy, Supervision};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long anything may take here.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The daemon's own tools: one.
struct Own;

impl ToolSource for Own {
    fn definitions(&self) -> Vec<ToolDefinition> {
        let tool = json!({ "name": "status", "inputSchema": { "type": "object" } });
        vec![ToolDefinition::read(&tool).unwrap()]
    }
}

/// A host, and where its servers write down what they do.
pub(super) struct Bench {
    pub(super) servers: McpServers,
    pub(super) directory: PathBuf,
    _kept: Option<TempDir>,
}

/// The script that is the server.
fn script() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp_server.py").to_owned()
}

/// The interpreter itself: what is called so may be a script that sets variables of its own.
fn python() -> PathBuf {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let said = String::from_utf8(asked.expect("there is a python3").stdout).unwrap();
    said.trim().into()
}

/// A server that is this script with these words.
pub(super) fn stdio(name: &str, words: &[&str], state: &Path) -> McpServerSettings {
    let args = std::iter::once(script()).chain(words.iter().map(|word| (*word).to_owned()));
    let env = [("STATE", state.to_str().unwrap()), ("SECRET", "hush-hush-hush")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned().into()));
    let transport = Transport::Stdio {
        command: python(),
        args: args.collect(),
        env: BTreeMap::from(env),
        cwd: None,
    };
    McpServerSettings {
        name: name.to_owned(),
        transport,
        policy: None,
        tools: BTreeMap::new(),
        timeout: Duration::from_secs(5),
        max_timeout: Duration::from_secs(20),
        elicitation: false,
    }
}

pub(super) fn connection() -> ConnectionSettings {
    ConnectionSettings {
        max_reconnect_attempts: 3,
        initial_reconnect_delay: Duration::from_millis(100),
        max_reconnect_delay: Duration::from_millis(800),
        connection_timeout: Duration::from_secs(10),
        ping_timeout: Duration::from_secs(2),
        auto_reconnect: true,
    }
}

impl Bench {
    /// A host with one server `faults` that is the script with these words.
    pub(super) async fn new(words: &[&str]) -> Self {
        Self::with(words, |_| ()).await
    }

    pub(super) async fn with(words: &[&str], change: impl FnOnce(&mut McpServersSettings)) -> Self {
        let kept = tempfile::tempdir().unwrap();
        let directory = kept.path().to_owned();
        Self { _kept: Some(kept), ..Self::at(&directory, words, change).await }
    }

    pub(super) async fn at(
        directory: &Path,
        words: &[&str],
        change: impl FnOnce(&mut McpServersSettings),
    ) -> Self {
        let database = Database::at(&directory.join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let supervision = Supervision::new(RestartPolicy::default());
        let store = Store::start(
            database,
            StoreDeps {
                clock: Arc::new(SystemClock),
                publish: Arc::new(|_| ()),
                supervision: supervision.clone(),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let own =
            McpServerSettings { transport: Transport::Builtin, ..stdio("ops", &[], directory) };
        let servers = vec![own, stdio("faults", words, directory)];
        let mut settings = McpServersSettings { servers, connection: connection() };
        change(&mut settings);
        let deps = McpServersDeps {
            store,
            clock: Arc::new(SystemClock),
            supervision,
            arbiter: Arbiter::new().handle(),
            daemon: env!("CARGO_BIN_EXE_lukhas-mcp").into(),
            own: Arc::new(Own),
        };
        let servers = McpServers::start(settings, deps).await;
        Self { servers, directory: directory.to_owned(), _kept: None }
    }

    /// How the server stands, once it stands like that.
    pub(super) async fn until(&self, state: &str) -> ServerView {
        let began = Instant::now();
        loop {
            let view = self.servers.states().remove(0);
            if view.state.word() == state {
                return view;
            }
            assert!(began.elapsed() < PATIENCE, "not {state}: {view:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// A tool of the server's, as the newest catalogue has it.
    pub(super) fn entry(&self, tool: &str) -> Arc<CatalogueEntry> {
        let catalogue = self.servers.catalogue();
        Arc::clone(catalogue.find_origin("faults", tool).expect("there is the tool"))
    }

    pub(super) fn tool(&self, tool: &str) -> ToolRef {
        self.entry(tool).reference.clone()
    }

    /// What the server wrote down under a name.
    pub(super) fn noted(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.directory.join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(super) async fn stop(&self) {
        assert!(self.servers.stop(PATIENCE).await, "the servers do not stop");
    }
}

/// Arguments of a call.
pub(super) fn arguments(arguments: Value) -> Map<String, Value> {
    let Value::Object(arguments) = arguments else { panic!("{arguments}") };
    arguments
}

/// Which of these processes still run.
pub(super) fn alive(pids: &[String]) -> BTreeSet<String> {
    let lives = |pid: &&String| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = status.rsplit(')').next().unwrap_or_default().trim().chars().next();
        state.is_some_and(|state| state != 'Z')
    };
    pids.iter().filter(lives).cloned().collect()
}

/// Waits until none of these processes runs any more.
pub(super) async fn until_gone(pids: &[String]) {
    let began = Instant::now();
    while !alive(pids).is_empty() {
        assert!(began.elapsed() < PATIENCE, "these run on: {:?}", alive(pids));
        sleep(Duration::from_millis(20)).await;
    }
}
