//! The settings, from what people write to what the daemon goes by.

mod oauth;
mod precedence;
mod refusals;
mod rendering;
mod secrets;

use std::path::Path;

use tempfile::TempDir;

use super::{ConfigError, Environment, Loaded, Overrides, Settings};

/// Loads with these variables, this file if any, and these options, in a directory of its own.
struct Case {
    directory: TempDir,
    variables: Vec<(String, String)>,
    overrides: Overrides,
}

impl Case {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory, variables: Vec::new(), overrides: Overrides::default() }
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn file(self, text: &str) -> Self {
        std::fs::write(self.path().join("lukhas-mcp.toml"), text).unwrap();
        self
    }

    /// Writes a file and has the variable name it.
    fn variable_naming_a_file(self, name: &str, content: &str) -> Self {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        self.variable(name, path.to_str().unwrap())
    }

    fn overrides(self, overrides: Overrides) -> Self {
        Self { overrides, ..self }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        let environment: Environment = self.variables.iter().cloned().collect();
        Settings::load(&self.overrides, &environment, self.path())
    }

    #[track_caller]
    fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    fn refusal(&self) -> String {
        match self.load() {
            Ok(loaded) => panic!("accepted: {:?}", loaded.settings),
            Err(error) => {
                let said = error.to_string();
                let directory = self.path().to_str().unwrap();
                assert!(!said.contains(directory), "names a path: {said}");
                assert!(!said.contains('\n'), "is not one sentence: {said}");
                said
            }
        }
    }

    /// What `config print` shows for a setting, and its origin.
    #[track_caller]
    fn shown(&self, name: &str) -> (serde_json::Value, String) {
        let loaded = self.loaded();
        let resolved = loaded.origins.iter().find(|resolved| resolved.name == name).unwrap();
        let value = resolved.value.as_ref().map(super::value::Value::show);
        (value.unwrap_or_default(), resolved.origin.to_string())
    }
}
