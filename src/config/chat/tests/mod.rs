//! The files of the chat, from what people write to what the chat goes by.

mod defaults;
mod earlier;
mod hostile;
mod page;
mod refusals;
mod secrets;
mod servers;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::{ConfigError, Environment, Loaded, Overrides, Settings};
use super::{ChatSettings, McpServerSettings};

/// The least that a `config.yaml` can be.
const LEAST: &str = "llm: {providers: {groq: {model: m}}}\n";

/// Files of a chat in a directory of their own, and the variables of a process.
struct Case {
    directory: TempDir,
    variables: Vec<(String, String)>,
}

impl Case {
    fn new(config: &str) -> Self {
        let case = Self { directory: tempfile::tempdir().unwrap(), variables: Vec::new() };
        std::fs::create_dir(case.path().join("chat")).unwrap();
        case.file("chat/config.yaml", config).variable("GROQ_API_KEY", "hush-groq")
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without_variables(self) -> Self {
        Self { variables: Vec::new(), ..self }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    fn servers(self, text: &str) -> Self {
        self.file("chat/servers_config.json", text)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        let environment: Environment = self.variables.iter().cloned().collect();
        let chat_config = Some(PathBuf::from("chat/config.yaml"));
        let overrides = Overrides { chat_config, ..Overrides::default() };
        Settings::load(&overrides, &environment, self.path())?.with_chat(&environment, self.path())
    }

    #[track_caller]
    fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn chat(&self) -> ChatSettings {
        self.loaded().chat.unwrap()
    }

    #[track_caller]
    fn server(&self, name: &str) -> McpServerSettings {
        let servers = self.chat().mcp.servers;
        servers.into_iter().find(|server| server.name == name).unwrap()
    }

    /// Why the files are refused, which is one sentence without paths and secrets.
    #[track_caller]
    fn refusal(&self) -> String {
        match self.load() {
            Ok(loaded) => panic!("accepted: {:?}", loaded.chat),
            Err(error) => {
                let said = error.to_string();
                assert!(!said.contains(self.path().to_str().unwrap()), "names a path: {said}");
                assert!(!said.contains('\n'), "is not one sentence: {said}");
                assert!(!said.contains("hush"), "tells a secret: {said}");
                said
            }
        }
    }
}
