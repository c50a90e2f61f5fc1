//! `mcp` of `config.yaml` and all of `servers_config.json`: which other servers there are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::sections;
use super::server_entry::{Defaults, Entries};
use super::servers::{ConnectionSettings, McpServerSettings, McpServersSettings, Transport};
use super::table::{Field, Table};
use super::tree::{Fault, Node};
use super::variables::Variables;

/// What the daemon's own tools are called among the servers.
const OWN_TOOLS: &str = "ops";
/// The most servers.
const MOST: usize = 64;
/// How long a call may take without progress when nobody says.
const CALL_TIMEOUT: Duration = Duration::from_mins(1);

/// Where the other file is, and what `config.yaml` says about servers.
pub(super) struct McpSection<'a> {
    /// Where the servers stand.
    pub(super) file: PathBuf,
    /// Whether `config.yaml` names it, so that it has to be there.
    pub(super) is_named: bool,
    default_args: Vec<String>,
    default_env: BTreeMap<String, &'a str>,
    requires_enabled: bool,
    connection: Connection,
}

/// What is written of connections.
#[derive(Default)]
struct Connection {
    attempts: Option<u32>,
    initial_delay: Option<Duration>,
    max_delay: Option<Duration>,
    timeout: Option<Duration>,
    ping_timeout: Option<Duration>,
    line: usize,
}

impl<'a> McpSection<'a> {
    pub(super) fn read(root: &Table<'a>, directory: &Path) -> Result<Self, Fault> {
        let table = root.table("mcp", &sections::MCP)?;
        let named = table.get("config_file");
        let name = named.as_ref().map(Field::text).transpose()?;
        if let (Some(field), Some(name)) = (&named, name)
            && (name.trim().is_empty() || name.contains('\0'))
        {
            return Err(field.fault("must be a path"));
        }
        let execution = table.table("server_execution", &sections::SERVER_EXECUTION)?;
        let mut default_env = BTreeMap::new();
        for (name, field) in execution.named("default_env")? {
            default_env.insert(name.to_owned(), field.text()?);
        }
        let connection = table.table("connection", &sections::CONNECTION)?;
        let args = execution.texts("default_args")?.unwrap_or_default();
        Ok(Self {
            file: directory.join(name.unwrap_or("servers_config.json")),
            is_named: name.is_some(),
            default_args: args.into_iter().map(str::to_owned).collect(),
            default_env,
            requires_enabled: execution.truth("require_enabled_flag")?.unwrap_or(false),
            connection: Connection {
                attempts: connection.integer("max_reconnect_attempts", 1..=1000)?,
                initial_delay: connection.seconds("initial_reconnect_delay", 0.01..=3600.0)?,
                max_delay: connection.seconds("max_reconnect_delay", 0.01..=86_400.0)?,
                timeout: connection.seconds("connection_timeout", 0.1..=3600.0)?,
                ping_timeout: connection.seconds("ping_timeout", 0.1..=3600.0)?,
                line: connection.line,
            },
        })
    }

    /// The servers when there is no other file.
    pub(super) fn alone(&self) -> Result<McpServersSettings, Fault> {
        let connection = self.connection.settled(&Settings::default())?;
        Ok(McpServersSettings { servers: vec![own_tools()], connection })
    }
}

impl Connection {
    /// What holds: what `config.yaml` says, else the other file, else what is usual.
    fn settled(&self, settings: &Settings) -> Result<ConnectionSettings, Fault> {
        let initial = self.initial_delay.or(settings.retry_delay).unwrap_or(Duration::from_secs(1));
        let max_delay = self.max_delay.unwrap_or(Duration::from_secs(30).max(initial));
        if max_delay < initial {
            let problem = "mcp.connection.max_reconnect_delay must not be less than \
                           initial_reconnect_delay";
            return Err(Fault::new(self.line, problem));
        }
        Ok(ConnectionSettings {
            max_reconnect_attempts: self.attempts.or(settings.retries).unwrap_or(5),
            initial_reconnect_delay: initial,
            max_reconnect_delay: max_delay,
            connection_timeout: self.timeout.unwrap_or(Duration::from_secs(30)),
            ping_timeout: self.ping_timeout.unwrap_or(Duration::from_secs(10)),
            auto_reconnect: settings.reconnects.unwrap_or(true),
        })
    }
}

/// `settings` of the other file.
#[derive(Default)]
struct Settings {
    timeout: Option<Duration>,
    retries: Option<u32>,
    retry_delay: Option<Duration>,
    reconnects: Option<bool>,
}

/// What `servers_config.json` says.
pub(super) struct Servers {
    pub(super) settings: McpServersSettings,
    /// The level from which the log has lines about servers, and the line that says so.
    pub(super) log_level: Option<(&'static str, usize)>,
}

/// Reads the other file.
pub(super) fn read_servers(
    node: &Node,
    section: &McpSection<'_>,
    name: &str,
    variables: &Variables<'_>,
    warnings: &mut Vec<String>,
) -> Result<Servers, Fault> {
    let root = Table::root(node, &sections::SERVERS)?;
    let table = root.table("settings", &sections::SETTINGS)?;
    let settings = Settings {
        timeout: table.seconds("defaultTimeout", 0.1..=86_400.0)?,
        retries: table.integer("maxRetries", 1..=1000)?,
        retry_delay: table.seconds("retryDelay", 0.01..=3600.0)?,
        reconnects: table.truth("autoReconnect")?,
    };
    let log_level = match table.get("logLevel") {
        Some(field) => Some((super::log::level(&field)?, field.line)),
        None => None,
    };
    let directory = section.file.parent().unwrap_or(Path::new("/"));
    let defaults = Defaults {
        args: &section.default_args,
        env: &section.default_env,
        requires_enabled: section.requires_enabled,
        timeout: settings.timeout.unwrap_or(CALL_TIMEOUT),
        directory,
    };
    let mut entries = Entries { defaults, variables, warnings, file: name };
    let mut servers: Vec<McpServerSettings> = Vec::new();
    let mut builtins = 0;
    let named = root.named("mcpServers")?;
    if MOST < named.len() {
        return Err(Fault::new(root.line, format!("mcpServers has more than {MOST} servers")));
    }
    for (key, field) in &named {
        let Some(entry) = entries.read(key, field)? else { continue };
        if entry.is_builtin {
            builtins += 1;
            if 1 < builtins {
                return Err(field.fault("is a second entry of type builtin; keep one of them"));
            }
        }
        if let Some(server) = entry.server {
            servers.push(server);
        }
    }
    if builtins == 0 {
        if let Some((_, field)) = named.iter().find(|(key, _)| *key == OWN_TOOLS) {
            return Err(field.fault(
                "has the name of the daemon's own tools; name it differently, or add an entry of \
                 type builtin that has another name",
            ));
        }
        servers.insert(0, own_tools());
    }
    let connection = section.connection.settled(&settings)?;
    Ok(Servers { settings: McpServersSettings { servers, connection }, log_level })
}

/// The entry that is meant when nothing is said of the daemon's own tools.
fn own_tools() -> McpServerSettings {
    McpServerSettings {
        name: OWN_TOOLS.to_owned(),
        transport: Transport::Builtin,
        policy: None,
        tools: BTreeMap::new(),
        timeout: CALL_TIMEOUT,
        max_timeout: CALL_TIMEOUT * 10,
        elicitation: false,
    }
}
