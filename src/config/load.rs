//! Resolving every setting from the layers, the first that knows it winning.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::chat::{ChatSettings, LoadedChat};
use super::error::ConfigError;
use super::fields::FromValue;
use super::file::FileLayer;
use super::keys::{Fallback, Setting};
use super::settings::Settings;
use super::sources::{Environment, Origin, Overrides};
use super::traces::TraceSettings;
use super::value::{Raw, Value};

/// The settings, and where each came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the daemon goes by.
    pub settings: Settings,
    /// One entry a setting, in the order of declaration.
    pub origins: Vec<Resolved>,
    /// The files they were read from, which may hold secrets.
    pub files: Vec<PathBuf>,
    /// Where traces go, if they go anywhere.
    pub traces: Option<TraceSettings>,
    /// What the chat goes by, if there is one and [`Self::with_chat`] has read its files.
    pub chat: Option<ChatSettings>,
}

/// One setting's value and where it came from.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The setting's name in the file.
    pub name: &'static str,
    /// Which source set it.
    pub origin: Origin,
    pub(super) value: Option<Value>,
}

impl Settings {
    /// Resolves every setting: the command line goes before the environment, that before the
    /// file, that before the default. `cwd` must be absolute; the default file is looked for in
    /// it, and relative paths are below it, except those in a file, which are below the file's
    /// directory.
    ///
    /// # Errors
    /// The first thing that is wrong, in a sentence for whoever wrote it.
    pub fn load(
        overrides: &Overrides,
        environment: &Environment,
        cwd: &Path,
    ) -> Result<Loaded, ConfigError> {
        environment.refuse_unknown()?;
        let file = FileLayer::load(overrides.config.as_deref(), cwd)?;
        let mut reader = Reader::new(overrides, environment, file, cwd);
        let settings = Self::read(&mut reader)?;
        settings.refuse_an_open_door()?;
        settings.refuse_a_key_of_two_roles()?;
        settings.refuse_unsigned_webhooks()?;
        settings.oauth.refuse_half_measures(&settings.server, &settings.auth)?;
        let file = reader.file.as_ref().map(|file| file.path.clone());
        let files = environment.secret_files().map(|path| cwd.join(path)).chain(file).collect();
        let traces = TraceSettings::of(environment)?;
        Ok(Loaded { settings, origins: reader.resolved, files, traces, chat: None })
    }

    /// The defaults, for a daemon in `directory` that nobody configured; no file is read.
    pub fn defaults_in(directory: &Path) -> Self {
        let (overrides, environment) = (Overrides::default(), Environment::default());
        Self::read(&mut Reader::new(&overrides, &environment, None, directory))
            .expect("every default is valid, which a test shows")
    }

    /// Whether somebody has to show who they are, or nobody is meant to.
    fn is_guarded(&self) -> bool {
        let keys = self.auth.api_keys.len() + self.auth.read_keys.len();
        0 < keys || self.oauth.is_on() || self.auth.allow_anonymous
    }

    /// Refuses a second port that everybody could reach, and does without one that is the first.
    fn refuse_an_open_chat(&self, chat: &mut ChatSettings) -> Result<(), ConfigError> {
        let Some(listener) = &chat.websocket.listen else { return Ok(()) };
        let listen = listener.address.ip();
        if !self.is_guarded() && !listen.to_canonical().is_loopback() {
            return Err(ConfigError::OpenChat { listen });
        }
        if listener.address == self.server.address() && self.server.port != 0 {
            chat.websocket.listen = None;
        }
        Ok(())
    }

    fn refuse_an_open_door(&self) -> Result<(), ConfigError> {
        let listen = self.server.listen;
        if self.is_guarded() || listen.to_canonical().is_loopback() {
            Ok(())
        } else {
            Err(ConfigError::Open { listen })
        }
    }

    fn refuse_a_key_of_two_roles(&self) -> Result<(), ConfigError> {
        let operates = |key: &SecretString| {
            self.auth.api_keys.iter().any(|other| other.expose_secret() == key.expose_secret())
        };
        if self.auth.read_keys.iter().any(operates) { Err(ConfigError::TwoRoles) } else { Ok(()) }
    }

    fn refuse_unsigned_webhooks(&self) -> Result<(), ConfigError> {
        let notifications = &self.notifications;
        if notifications.webhooks.is_empty() || !notifications.signing_keys.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Unsigned)
        }
    }
}

/// Takes a value over that nobody set otherwise.
fn unless_set(origins: &mut [Resolved], name: &str, value: Value, origin: Origin) -> bool {
    let resolved = origins.iter_mut().find(|resolved| resolved.name == name);
    match resolved.filter(|resolved| resolved.origin == Origin::Default) {
        Some(resolved) => {
            resolved.value = Some(value);
            resolved.origin = origin;
            true
        }
        None => false,
    }
}

impl Loaded {
    /// Reads the files of the chat, if there is one. What they say about the log counts where
    /// nothing else says it. Commands that do not run the daemon need neither these files nor the
    /// keys that belong to them.
    ///
    /// # Errors
    /// The first thing that is wrong, in a sentence for whoever wrote it.
    pub fn with_chat(mut self, environment: &Environment, cwd: &Path) -> Result<Self, ConfigError> {
        let Some(path) = &self.settings.chat.config else { return Ok(self) };
        let LoadedChat { settings: mut chat, files, log_level, log_format } =
            LoadedChat::load(path, environment, cwd)?;
        self.settings.refuse_an_open_chat(&mut chat)?;
        self.files.extend(files);
        if let Some((level, origin)) = log_level
            && unless_set(&mut self.origins, "log.level", Value::Text(level.clone()), origin)
        {
            self.settings.log.level = level;
        }
        if let Some((format, origin)) = log_format
            && unless_set(&mut self.origins, "log.format", format.as_value(), origin)
        {
            self.settings.log.format = format;
        }
        self.chat = Some(chat);
        Ok(self)
    }

    /// Where a setting's value came from; `None` if there is no such setting.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.origins.iter().find(|resolved| resolved.name == name).map(|resolved| &resolved.origin)
    }
}

/// The layers, and what was resolved from them so far.
pub(super) struct Reader<'a> {
    overrides: &'a Overrides,
    environment: &'a Environment,
    file: Option<FileLayer>,
    cwd: &'a Path,
    cores: u64,
    resolved: Vec<Resolved>,
}

impl<'a> Reader<'a> {
    fn new(
        overrides: &'a Overrides,
        environment: &'a Environment,
        file: Option<FileLayer>,
        cwd: &'a Path,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = u64::try_from(cores).unwrap_or(1);
        Self { overrides, environment, file, cwd, cores, resolved: Vec::new() }
    }

    /// Resolves one setting, and remembers it.
    pub(super) fn read<T: FromValue>(&mut self, setting: &Setting) -> Result<T, ConfigError> {
        let (value, origin) = match self.find(setting)? {
            Some((raw, origin)) => {
                let base = match (&origin, &self.file) {
                    (Origin::File { .. }, Some(file)) => &file.directory,
                    _ => self.cwd,
                };
                let value = setting.kind.read(raw, base).map_err(|problem| {
                    let place = origin.place();
                    ConfigError::Invalid { setting: setting.name, place, problem }
                })?;
                (Some(value), origin)
            }
            None => (self.fallback(setting), Origin::Default),
        };
        self.resolved.push(Resolved { name: setting.name, origin, value: value.clone() });
        Ok(T::from_value(value).expect("the declared kind fits the field, which a test shows"))
    }

    fn find(&mut self, setting: &Setting) -> Result<Option<(Raw, Origin)>, ConfigError> {
        if let Some(flag) = setting.flag
            && let Some(raw) = self.overrides.get(flag)
        {
            return Ok(Some((raw, Origin::CommandLine(flag))));
        }
        if let Some(found) = self.environment.find(setting)? {
            return Ok(Some(found));
        }
        if let Some(found) = self.file.as_mut().and_then(|file| file.take(setting.name)) {
            return Ok(Some(found));
        }
        self.environment.find_credential(setting)
    }

    fn fallback(&self, setting: &Setting) -> Option<Value> {
        match setting.fallback {
            Fallback::Fixed(text) => {
                let value = setting.kind.read(Raw::Text(text.to_owned()), self.cwd);
                Some(value.expect("every default is valid, which a test shows"))
            }
            Fallback::Computed { compute, .. } => Some(compute(self)),
            Fallback::Nothing { .. } => None,
        }
    }

    /// The cores of this machine that the process may use.
    pub(super) fn cores(&self) -> u64 {
        self.cores
    }

    pub(super) fn has_variable(&self, name: &str) -> bool {
        self.environment.has(name)
    }

    pub(super) fn directory(&self) -> PathBuf {
        self.cwd.to_owned()
    }

    /// The path that a setting declared earlier was resolved to.
    pub(super) fn path(&self, name: &str) -> &Path {
        let value = self.resolved.iter().find(|resolved| resolved.name == name);
        match value.and_then(|resolved| resolved.value.as_ref()) {
            Some(Value::Path(path)) => path,
            _ => unreachable!("{name} is a path and declared before what depends on it"),
        }
    }
}
