//! One entry of `mcpServers`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::command;
use super::llm::is_loopback;
use super::sections;
use super::servers::{McpServerSettings, ToolPolicy, Transport};
use super::table::{Field, Table};
use super::tree::{Content, Fault};
use super::variables::{Variables, filled};

/// How much longer a call may take in all than without progress, when nobody says.
const WITH_PROGRESS: u32 = 10;
/// The most that a call may take.
const LONGEST: f64 = 86_400.0;

const POLICIES: [(&str, ToolPolicy); 3] =
    [("allow", ToolPolicy::Allow), ("ask", ToolPolicy::Ask), ("deny", ToolPolicy::Deny)];

/// Which kind of server an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stdio,
    Http,
    Builtin,
}

/// What holds where an entry does not say.
pub(super) struct Defaults<'a> {
    pub(super) args: &'a [String],
    pub(super) env: &'a BTreeMap<String, &'a str>,
    pub(super) requires_enabled: bool,
    pub(super) timeout: Duration,
    /// The directory of the file.
    pub(super) directory: &'a Path,
}

/// What reading entries takes.
pub(super) struct Entries<'a> {
    pub(super) defaults: Defaults<'a>,
    pub(super) variables: &'a Variables<'a>,
    pub(super) warnings: &'a mut Vec<String>,
    pub(super) file: &'a str,
}

/// An entry that was read.
pub(super) struct Read {
    pub(super) is_builtin: bool,
    /// Absent if it is not enabled.
    pub(super) server: Option<McpServerSettings>,
}

impl Entries<'_> {
    /// Reads an entry; nothing if it is a comment.
    pub(super) fn read(&mut self, name: &str, field: &Field<'_>) -> Result<Option<Read>, Fault> {
        let is_table = matches!(field.node.content, Content::Table(_));
        if name.starts_with('_') && !is_table {
            return Ok(None);
        }
        let table = field.section(&sections::SERVER, &sections::SERVERS)?;
        check_name(name, field)?;
        let kind = kind(&table, field)?;
        refuse_what_does_not_go_with(kind, &table)?;
        let timeout = table.seconds("timeout", 0.1..=LONGEST)?.unwrap_or(self.defaults.timeout);
        let max_timeout = table.seconds("max_timeout", 0.1..=LONGEST)?;
        if max_timeout.is_some_and(|max| max < timeout) {
            return Err(field.fault("has a max_timeout that is less than its timeout"));
        }
        let longest = Duration::from_secs_f64(LONGEST);
        let mut server = McpServerSettings {
            name: name.to_owned(),
            transport: Transport::Builtin,
            policy: table.choice("policy", &POLICIES)?,
            tools: tools(&table)?,
            timeout,
            max_timeout: max_timeout.unwrap_or((timeout * WITH_PROGRESS).min(longest)),
            elicitation: table.truth("elicitation")?.unwrap_or(false),
        };
        let (is_builtin, is_enabled) = (kind == Kind::Builtin, self.is_enabled(&table, field)?);
        // What is not enabled need not be there, nor have its variables set; its types are right.
        let transport = match kind {
            Kind::Stdio => self.stdio(&table, is_enabled)?,
            Kind::Http => self.http(&table, field, is_enabled)?,
            Kind::Builtin => Transport::Builtin,
        };
        server.transport = transport;
        Ok(Some(Read { is_builtin, server: is_enabled.then_some(server) }))
    }

    fn is_enabled(&self, table: &Table<'_>, field: &Field<'_>) -> Result<bool, Fault> {
        match (table.truth("enabled")?, table.truth("disabled")?) {
            (Some(enabled), Some(disabled)) if enabled == disabled => {
                Err(field.fault("says both enabled and disabled; keep one of them"))
            }
            (Some(enabled), _) => Ok(enabled),
            (None, _) if self.defaults.requires_enabled => Err(field.fault(
                "must say enabled: true or false, because mcp.server_execution.require_enabled_flag \
                 is true",
            )),
            (None, disabled) => Ok(!disabled.unwrap_or(false)),
        }
    }

    fn stdio(&mut self, table: &Table<'_>, is_enabled: bool) -> Result<Transport, Fault> {
        let Some(field) = table.get("command") else {
            return Err(Fault::new(table.line, format!("{} needs a command", table.path)));
        };
        let written = field.text()?;
        if written.trim().is_empty() || written.contains('\0') {
            return Err(field.fault("must be a program's name or path"));
        }
        let args: Vec<String> = match table.texts("args")? {
            Some(args) => args.into_iter().map(str::to_owned).collect(),
            None => self.defaults.args.to_vec(),
        };
        if args.iter().any(|arg| arg.contains('\0')) {
            return Err(Fault::new(table.line, format!("{}.args has a NUL character", table.path)));
        }
        let env = self.environment(table, is_enabled)?;
        let cwd = table.text("cwd")?.filter(|cwd| !cwd.is_empty());
        let cwd: Option<PathBuf> = cwd.map(|cwd| self.defaults.directory.join(cwd));
        let mut command = PathBuf::from(written.trim());
        if is_enabled {
            let own_path = env.get("PATH").map(|path| path.expose_secret().to_owned());
            let search = own_path.as_deref().unwrap_or(self.variables.search_path());
            let base = cwd.as_deref().unwrap_or(self.defaults.directory);
            let found = command::find(written.trim(), search, base);
            for problem in command::doubts(&found, &args, cwd.as_deref()) {
                self.warn(field.line, &table.path, &problem);
            }
            command = found.path;
        }
        Ok(Transport::Stdio { command, args, env, cwd })
    }

    fn environment(
        &self,
        table: &Table<'_>,
        is_enabled: bool,
    ) -> Result<BTreeMap<String, SecretString>, Fault> {
        let mut env = BTreeMap::new();
        let fields = table.named("env")?;
        for (name, value) in self.defaults.env {
            if !fields.iter().any(|(own, _)| own == name) {
                let path = format!("mcp.server_execution.default_env.{name}");
                let value = self.value(value, is_enabled).map_err(|problem| {
                    Fault::new(table.line, format!("{path}, for {}, {problem}", table.path))
                })?;
                env.insert(name.clone(), value);
            }
        }
        for (name, field) in fields {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(field.fault("is not the name of a variable"));
            }
            let value = self.value(field.text()?, is_enabled);
            env.insert(name.to_owned(), value.map_err(|problem| field.fault(&problem))?);
        }
        if env.values().any(|value| value.expose_secret().contains('\0')) {
            return Err(Fault::new(table.line, format!("{}.env has a NUL character", table.path)));
        }
        Ok(env)
    }

    fn value(&self, template: &str, is_enabled: bool) -> Result<SecretString, String> {
        if is_enabled { filled(template, self.variables) } else { Ok(SecretString::from("")) }
    }

    fn http(
        &self,
        table: &Table<'_>,
        field: &Field<'_>,
        is_enabled: bool,
    ) -> Result<Transport, Fault> {
        let Some(address) = table.get("url") else { return Err(field.fault("needs a url")) };
        let url = Url::parse(address.text()?.trim()).ok().filter(|url| {
            (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)))
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
        });
        let url = url.ok_or_else(|| {
            address.fault(
                "must be an https URL, or an http URL of a loopback address, without user name, \
                 password and fragment",
            )
        })?;
        let mut headers = BTreeMap::new();
        for (name, field) in table.named("headers")? {
            check_header(name, &field)?;
            let value = self.value(field.text()?, is_enabled);
            let value = value.map_err(|problem| field.fault(&problem))?;
            let is_good = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
            if !value.expose_secret().bytes().all(is_good) {
                return Err(field.fault("must be one line of visible ASCII characters"));
            }
            headers.insert(name.to_ascii_lowercase(), value);
        }
        Ok(Transport::Http { url, headers })
    }

    fn warn(&mut self, line: usize, path: &str, problem: &str) {
        self.warnings.push(format!("{} line {line}: {path} {problem}", self.file));
    }
}

fn check_name(name: &str, field: &Field<'_>) -> Result<(), Fault> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let is_name =
        (1..=32).contains(&name.len()) && name.bytes().all(is_good) && !name.contains("__");
    if is_name {
        Ok(())
    } else {
        Err(field
            .fault("must have a name of 1 to 32 letters, digits, - and _, without two _ in a row"))
    }
}

fn kind(table: &Table<'_>, field: &Field<'_>) -> Result<Kind, Fault> {
    if let Some(kind) = table.get("type") {
        if matches!(kind.text(), Ok("sse")) {
            return Err(kind.fault(
                "is \"sse\", which MCP has given up; use http with the address that the server has \
                 for it",
            ));
        }
        let kinds = [("stdio", Kind::Stdio), ("http", Kind::Http), ("builtin", Kind::Builtin)];
        return kind.choice(&kinds);
    }
    match (table.get("command"), table.get("url")) {
        (Some(_), None) => Ok(Kind::Stdio),
        (None, Some(_)) => Ok(Kind::Http),
        (Some(_), Some(_)) => Err(field.fault("has both a command and a url; keep one of them")),
        (None, None) => Err(field.fault("needs a command, or a url, or the type builtin")),
    }
}

fn refuse_what_does_not_go_with(kind: Kind, table: &Table<'_>) -> Result<(), Fault> {
    let foreign: &[&str] = match kind {
        Kind::Stdio => &["url", "headers"],
        Kind::Http => &["command", "args", "env", "cwd"],
        Kind::Builtin => &[
            "command",
            "args",
            "env",
            "cwd",
            "url",
            "headers",
            "timeout",
            "max_timeout",
            "elicitation",
        ],
    };
    let name = match kind {
        Kind::Stdio => "stdio",
        Kind::Http => "http",
        Kind::Builtin => "builtin",
    };
    match foreign.iter().find_map(|key| table.get(key)) {
        Some(field) => Err(field.fault(&format!("does not go with type {name}; remove it"))),
        None => Ok(()),
    }
}

fn tools(table: &Table<'_>) -> Result<BTreeMap<String, ToolPolicy>, Fault> {
    let mut tools = BTreeMap::new();
    for (name, field) in table.named("tools")? {
        tools.insert(name.to_owned(), field.choice(&POLICIES)?);
    }
    Ok(tools)
}

fn check_header(name: &str, field: &Field<'_>) -> Result<(), Fault> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(field.fault("is not the name of a header"));
    }
    let taken = [
        "accept",
        "connection",
        "content-length",
        "content-type",
        "host",
        "last-event-id",
        "mcp-protocol-version",
        "mcp-session-id",
        "transfer-encoding",
        "upgrade",
    ];
    if taken.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(field.fault("is a header that the protocol itself sets; remove it"));
    }
    Ok(())
}
