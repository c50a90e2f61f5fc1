//! Which other MCP servers there are, and how they are reached.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

/// Whether a tool may be called for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolPolicy {
    /// Without asking.
    Allow,
    /// When somebody says yes.
    Ask,
    /// Never.
    Deny,
}

/// How a server is reached.
#[derive(Debug, Clone)]
pub enum Transport {
    /// A program that is started, and talked to over its standard input and output.
    Stdio {
        /// The program's absolute path, where it was found when the settings were read; the name as
        /// it was written if it was not found, which may come.
        command: PathBuf,
        /// Its arguments, passed as they are; no shell sees them.
        args: Vec<String>,
        /// Its whole environment: what the entry names, and nothing of the daemon's but `PATH`,
        /// `HOME`, `LANG`, `TMPDIR` and `USER`.
        env: BTreeMap<String, SecretString>,
        /// The directory it starts in.
        cwd: Option<PathBuf>,
    },
    /// A server that is there already, over streamable HTTP.
    Http {
        /// Its address.
        url: Url,
        /// Headers of every request.
        headers: BTreeMap<String, SecretString>,
    },
    /// The daemon's own tools.
    Builtin,
}

/// One server.
#[derive(Debug, Clone)]
pub struct McpServerSettings {
    /// Its name: 1 to 32 of `A-Z a-z 0-9 _ -`, without `__`.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// What holds for its tools; absent, their annotations decide.
    pub policy: Option<ToolPolicy>,
    /// What holds for single tools, by the server's names for them.
    pub tools: BTreeMap<String, ToolPolicy>,
    /// How long a call may take without any progress.
    pub timeout: Duration,
    /// How long a call may take in all.
    pub max_timeout: Duration,
    /// Whether the server may ask the user things.
    pub elicitation: bool,
}

/// How connections to servers are made and kept.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionSettings {
    /// How often a connection is tried in a row before the server counts as failed; it is then
    /// tried at the longest wait.
    pub max_reconnect_attempts: u32,
    /// The wait before the first try; it doubles.
    pub initial_reconnect_delay: Duration,
    /// The longest wait.
    pub max_reconnect_delay: Duration,
    /// How long a connection may take to stand, its first messages included.
    pub connection_timeout: Duration,
    /// How long the answer to a ping may take.
    pub ping_timeout: Duration,
    /// Whether a connection that is lost is made again.
    pub auto_reconnect: bool,
}

/// All servers that are enabled.
#[derive(Debug, Clone)]
pub struct McpServersSettings {
    /// The servers, in the order of the file.
    pub servers: Vec<McpServerSettings>,
    /// How connections are made and kept.
    pub connection: ConnectionSettings,
}
