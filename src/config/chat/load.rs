//! From the files to what the chat goes by.

use std::path::{Path, PathBuf};

use super::super::error::ConfigError;
use super::super::fields::LogFormat;
use super::super::sources::{Environment, Origin};
use super::files::{Readers, in_file, name_of, read};
use super::log::LogWish;
use super::mcp::{McpSection, Servers, read_servers};
use super::sections;
use super::settings::{ChatSettings, VisibilitySettings};
use super::table::Table;
use super::tree::{Fault, Node};
use super::variables::Variables;
use super::{json, llm, log, memory, service, websocket, yaml};

/// The key that may be there twice, as it is in the earlier backend's own example.
const MERGED: &str = "chat";

/// What the log calls what is about servers: the module that reaches them.
const ABOUT_SERVERS: &str = concat!(env!("CARGO_CRATE_NAME"), "::mcp_servers");

/// The chat's settings, and what they say about other things.
#[derive(Debug)]
pub(in super::super) struct LoadedChat {
    pub(in super::super) settings: ChatSettings,
    /// The files that are read where they are there; nobody else is to see or to make them.
    pub(in super::super) files: Vec<PathBuf>,
    /// What the daemon's log has if nobody says otherwise.
    pub(in super::super) log_level: Option<(String, Origin)>,
    /// Its form, likewise.
    pub(in super::super) log_format: Option<(LogFormat, Origin)>,
}

/// What reading takes besides the files.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    /// Where relative paths begin.
    directory: &'a Path,
    cwd: &'a Path,
}

impl LoadedChat {
    /// Reads `config.yaml` and what belongs to it.
    ///
    /// # Errors
    /// The first thing that is wrong, in a sentence with the name of its file and its line.
    pub(in super::super) fn load(
        path: &Path,
        environment: &Environment,
        cwd: &Path,
    ) -> Result<Self, ConfigError> {
        let name = name_of(path);
        let Some(text) = read(path, &name, Readers::Anybody)? else {
            return Err(ConfigError::Missing { what: format!("{name}, named by chat.config,") });
        };
        let variables = Variables::load(environment, path, cwd)?;
        let place = Place { name: &name, directory: path.parent().unwrap_or(cwd), cwd };
        let at = |fault| in_file(&name, fault);
        let tree = yaml::read(&text, MERGED).map_err(at)?;
        let root = Table::root(&tree, &sections::CONFIG).map_err(at)?;
        let mcp = McpSection::read(&root, place.directory).map_err(at)?;
        let mut warnings = Vec::new();
        let servers_name = name_of(&mcp.file);
        let servers = servers(&mcp, &servers_name, &variables, &mut warnings)?;
        let servers = match servers {
            Some(servers) => servers,
            None => Servers { settings: mcp.alone().map_err(at)?, log_level: None },
        };
        let wish = log::read(&root).map_err(at)?;
        let servers_file = mcp.file.clone();
        let log_level = log_level(&wish, servers.log_level, &name, &servers_name);
        let from = |line| Origin::File { name: name.clone(), line };
        let log_format = wish.format.map(|(format, line)| (format, from(line)));
        let settings = settings(place, &root, servers, &variables, warnings).map_err(at)?;
        // Those that are not there as well: what came to be there would be read by the next start.
        let mut files = vec![path.to_owned(), servers_file];
        files.extend(variables.files());
        files.extend(settings.repository.earlier_database.clone());
        Ok(Self { settings, files, log_level, log_format })
    }
}

/// The other file, if it is there.
fn servers(
    mcp: &McpSection<'_>,
    name: &str,
    variables: &Variables<'_>,
    warnings: &mut Vec<String>,
) -> Result<Option<Servers>, ConfigError> {
    let at = |fault| in_file(name, fault);
    match read(&mcp.file, name, Readers::Anybody)? {
        Some(text) => {
            let tree: Node = json::read(&text).map_err(at)?;
            read_servers(&tree, mcp, name, variables, warnings).map(Some).map_err(at)
        }
        None if mcp.is_named => {
            warnings.push(format!(
                "{name}, named by mcp.config_file, is not there; so there are no \
                other servers"
            ));
            Ok(None)
        }
        None => Ok(None),
    }
}

/// The filter of the log: a level for everything, and another for what is about servers.
fn log_level(
    wish: &LogWish,
    servers: Option<(&'static str, usize)>,
    name: &str,
    servers_name: &str,
) -> Option<(String, Origin)> {
    let general = wish.level.map(|(level, line)| (level, name, line));
    let (level, file, line) =
        general.or_else(|| servers.map(|(_, line)| ("info", servers_name, line)))?;
    let filter = match servers {
        Some((own, _)) if own != level => format!("{level},{ABOUT_SERVERS}={own}"),
        _ => level.to_owned(),
    };
    Some((filter, Origin::File { name: file.to_owned(), line }))
}

fn settings(
    place: Place<'_>,
    root: &Table<'_>,
    servers: Servers,
    variables: &Variables<'_>,
    mut warnings: Vec<String>,
) -> Result<ChatSettings, Fault> {
    let chat = root.table("chat", &sections::CHAT)?;
    let section = chat.table("service", &sections::SERVICE)?;
    let llm = llm::read(root, &sections::CONFIG, variables, &mut warnings, place.name)?;
    let has_prices = llm.active().prices.is_some();
    Ok(ChatSettings {
        websocket: websocket::read(&chat, &mut warnings, place.name)?,
        system_prompt: service::system_prompt(&section)?,
        repository: memory::repository(root, &section, place.directory, place.cwd)?,
        context: memory::context(&section)?,
        streaming: service::streaming(&section)?,
        max_tool_hops: section.integer("max_tool_hops", 1..=1000)?.unwrap_or(8),
        tool_notifications: service::tool_notifications(&section)?,
        logging: service::logging(&section)?,
        approvals: service::approvals(&section)?,
        budgets: service::budgets(&section, has_prices)?,
        limits: service::limits(&section)?,
        compaction: service::compaction(&section)?,
        llm,
        mcp: servers.settings,
        visibility: visibility(root)?,
        warnings,
    })
}

fn visibility(root: &Table<'_>) -> Result<VisibilitySettings, Fault> {
    let store = root.table("chat_store", &sections::CHAT_STORE)?;
    let table = store.table("visibility", &sections::VISIBILITY)?;
    Ok(VisibilitySettings {
        system_updates: table.truth("system_updates_visible_to_llm")?.unwrap_or(false),
        by_default: table.truth("default_visible_to_llm")?.unwrap_or(false),
    })
}
