//! The layers: what each source says about a setting, and from where.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::keys::{Setting, all_settings, nearest};
use super::value::{Kind, Raw};

/// The most that is read of a file with a secret.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Variables begin with this to be checked for misspelling.
const PREFIX: &str = "LUKHAS_MCP_";

/// Variables with our prefix that are not the daemon's: clients of it read them.
const OF_CLIENTS: &[&str] = &["LUKHAS_MCP_URL", "LUKHAS_MCP_API_KEY", "LUKHAS_MCP_API_KEY_FILE"];

/// What the command line sets. Secrets are not among it: every user of a machine can see the
/// arguments of every process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The file to read instead of `lukhas-mcp.toml` in the current directory.
    pub config: Option<PathBuf>,
    /// `--port`
    pub port: Option<u16>,
    /// `--listen`
    pub listen: Option<IpAddr>,
    /// `--db`
    pub db: Option<PathBuf>,
    /// `--repo-root`
    pub repo_root: Option<PathBuf>,
    /// `--evals-dir`
    pub evals_dir: Option<PathBuf>,
    /// `--chat-config`
    pub chat_config: Option<PathBuf>,
    /// `--log-level`
    pub log_level: Option<String>,
    /// `--log-format`
    pub log_format: Option<String>,
}

impl Overrides {
    /// What the option says; `None` also for an option there is not, which a test rules out.
    pub(super) fn get(&self, flag: &str) -> Option<Raw> {
        match flag {
            "--port" => self.port.map(|port| Raw::Integer(port.into())),
            "--listen" => self.listen.map(|address| Raw::Text(address.to_string())),
            "--db" => self.db.clone().map(Raw::Path),
            "--repo-root" => self.repo_root.clone().map(Raw::Path),
            "--evals-dir" => self.evals_dir.clone().map(Raw::Path),
            "--chat-config" => self.chat_config.clone().map(Raw::Path),
            "--log-level" => self.log_level.clone().map(Raw::Text),
            "--log-format" => self.log_format.clone().map(Raw::Text),
            _ => None,
        }
    }
}

/// The process's environment, as it was passed in: `std::env::vars_os().collect()`.
///
/// It holds secrets, and so has no `Debug`.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Environment {
    /// Whether the variable is set, if only to nothing.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(std::ffi::OsStr::new(name))
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        let Some(value) = self.0.get(std::ffi::OsStr::new(name)) else { return Ok(None) };
        value.to_str().map(Some).ok_or_else(|| ConfigError::NotUtf8 { name: name.into() })
    }

    /// Refuses variables that begin like ours and set nothing.
    pub(super) fn refuse_unknown(&self) -> Result<(), ConfigError> {
        for (name, value) in &self.0 {
            let name = name.to_string_lossy();
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            if is_variable(&name) || is_of_kubernetes(rest, &value.to_string_lossy()) {
                continue;
            }
            let known: Vec<String> = all_variables().collect();
            let nearest = nearest(&name, known.iter().map(String::as_str), |name| {
                ["LUKHAS_MCP_", "LUKHAS_", "MCP_"]
                    .iter()
                    .find_map(|prefix| name.strip_prefix(prefix))
                    .unwrap_or(name)
            });
            let nearest = nearest.to_owned();
            return Err(ConfigError::UnknownVariable { name: name.into_owned(), nearest });
        }
        Ok(())
    }

    /// What the environment says about a setting. A variable set to nothing counts as not set,
    /// as many start scripts write it; but one that should hold keys and does not is for the
    /// setting to refuse.
    pub(super) fn find(&self, setting: &Setting) -> Result<Option<(Raw, Origin)>, ConfigError> {
        let mut found: Option<(&'static str, &str)> = None;
        for variable in setting.variables {
            let Some(value) = self.get(variable)? else { continue };
            if value.is_empty() && !matches!(setting.kind, Kind::Keys) {
                continue;
            }
            match found {
                Some((first, other)) if other != value => {
                    let setting = setting.name;
                    return Err(ConfigError::Disagreement { setting, first, second: variable });
                }
                Some(_) => (),
                None => found = Some((variable, value)),
            }
        }
        let by_file = self.find_by_file(setting)?;
        match (found, by_file) {
            (Some((variable, _)), Some((_, file_variable))) => {
                Err(ConfigError::GivenTwice { variable, file_variable })
            }
            (Some((variable, value)), None) => {
                Ok(Some((Raw::Text(value.to_owned()), Origin::Environment(variable.to_owned()))))
            }
            (None, Some((path, variable))) => {
                let what = format!("the file named by {variable}");
                let text = read_text(&path, MAX_SECRET_BYTES, &what)?;
                Ok(Some((secret_text(setting, text), Origin::Environment(variable))))
            }
            (None, None) => Ok(None),
        }
    }

    fn find_by_file(&self, setting: &Setting) -> Result<Option<(PathBuf, String)>, ConfigError> {
        let Some(variable) = setting.file_variable() else { return Ok(None) };
        let path = self.get(&variable)?.filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(path.map(|path| (path, variable)))
    }

    /// The files that variables name as holding a secret.
    pub(super) fn secret_files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        all_settings().filter_map(|setting| {
            // A variable that cannot be read was refused when its setting was looked for.
            self.find_by_file(setting).ok().flatten().map(|(path, _)| path)
        })
    }

    /// What systemd's credentials say about a setting.
    pub(super) fn find_credential(
        &self,
        setting: &Setting,
    ) -> Result<Option<(Raw, Origin)>, ConfigError> {
        let Some(name) = setting.credential else { return Ok(None) };
        let Some(directory) = self.get("CREDENTIALS_DIRECTORY")? else { return Ok(None) };
        let what = format!("the systemd credential {name}");
        match read_text(&Path::new(directory).join(name), MAX_SECRET_BYTES, &what) {
            Ok(text) => Ok(Some((secret_text(setting, text), Origin::Credential(name)))),
            Err(ConfigError::Missing { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

fn all_variables() -> impl Iterator<Item = String> {
    all_settings().flat_map(|setting| {
        let spelled = setting.variables.iter().map(|name| (*name).to_owned());
        spelled.chain(setting.file_variable())
    })
}

fn is_variable(name: &str) -> bool {
    OF_CLIENTS.contains(&name) || all_variables().any(|known| known == name)
}

/// Kubernetes tells every container about a service called `lukhas-mcp` by variables that begin
/// like ours, such as `LUKHAS_MCP_PORT=tcp://10.0.0.1:8766`.
fn is_of_kubernetes(rest: &str, value: &str) -> bool {
    rest.starts_with("SERVICE_")
        || rest.starts_with("PORT_")
        || (rest == "PORT" && value.contains("://"))
}

/// Keys in a file may stand one a line.
fn secret_text(setting: &Setting, text: String) -> Raw {
    match setting.kind {
        Kind::Keys | Kind::Webhooks => Raw::Text(text.replace('\n', ",")),
        _ => Raw::Text(text),
    }
}

/// Reads a text file; `what` names it in errors.
pub(super) fn read_text(path: &Path, limit: u64, what: &str) -> Result<String, ConfigError> {
    let what = || what.to_owned();
    let refuse = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ConfigError::Missing { what: what() },
        _ => ConfigError::Unreadable { what: what(), source },
    };
    let mut text = String::new();
    let read = File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_string(&mut text))
        .map_err(refuse)?;
    if u64::try_from(read).is_ok_and(|read| read <= limit) {
        Ok(text)
    } else {
        Err(ConfigError::TooLong { what: what(), limit })
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An option of the command line.
    CommandLine(&'static str),
    /// A variable, which may also have named a file.
    Environment(String),
    /// A file that systemd passed.
    Credential(&'static str),
    /// The settings file.
    File {
        /// Its name, without the directory.
        name: String,
        /// The line of the value, from 1.
        line: usize,
    },
    /// Nobody set it.
    Default,
}

impl Origin {
    /// The place, as precisely as an error needs it.
    pub(super) fn place(&self) -> String {
        match self {
            Self::CommandLine(flag) => format!("option {flag}"),
            Self::Environment(variable) => format!("environment variable {variable}"),
            Self::File { name, line } => format!("{name} line {line}"),
            Self::Credential(_) | Self::Default => self.to_string(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(_) => f.write_str("command line"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Credential(name) => write!(f, "systemd credential {name}"),
            Self::File { name, .. } => write!(f, "file {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}
