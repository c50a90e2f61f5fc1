//! The settings that can be given on the command line, and those that follow from all sources.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::current_directory;
use crate::cli::exit::Failure;
use crate::config::{Environment, Loaded, Overrides, Settings};

/// Their part of the help of each command.
const HEADING: &str = "Settings of the daemon";

/// Settings on the command line; they go before the environment, the file and the defaults.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SettingsFlags {
    /// The file with settings [default: lukhas-mcp.toml, if there is one]
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The port to listen on; 0 takes any that is free [default: 8766]
    #[arg(long, global = true, help_heading = HEADING)]
    pub(super) port: Option<u16>,
    /// The address to listen on [default: 127.0.0.1]
    #[arg(long, global = true, help_heading = HEADING, value_name = "ADDRESS")]
    pub(super) listen: Option<IpAddr>,
    /// The database [default: .mcp-state.db in the repository]
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// The repository that is served [default: the current directory]
    #[arg(long, global = true, help_heading = HEADING, value_name = "DIRECTORY")]
    pub(super) repo_root: Option<PathBuf>,
    /// The directory with tasks and configs [default: evals in the repository]
    #[arg(long, global = true, help_heading = HEADING, value_name = "DIRECTORY")]
    pub(super) evals_dir: Option<PathBuf>,
    /// The config.yaml of the chat [default: none, and no chat]
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub(super) chat_config: Option<PathBuf>,
    /// What is logged, such as `info` or `warn,lukhas_mcp=debug`
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILTER")]
    pub(super) log_level: Option<String>,
    /// How it is logged: auto, json or text
    #[arg(long, global = true, help_heading = HEADING, value_name = "FORMAT")]
    pub(super) log_format: Option<String>,
}

impl SettingsFlags {
    fn overrides(self) -> Overrides {
        Overrides {
            config: self.config,
            port: self.port,
            listen: self.listen,
            db: self.db,
            repo_root: self.repo_root,
            evals_dir: self.evals_dir,
            chat_config: self.chat_config,
            log_level: self.log_level,
            log_format: self.log_format,
        }
    }

    /// All settings, with where each came from.
    pub(super) fn load(self) -> Result<Loaded, Failure> {
        let environment: Environment = std::env::vars_os().collect();
        Ok(Settings::load(&self.overrides(), &environment, &current_directory()?)?)
    }

    /// The same with the files of the chat, for what runs the daemon or says how it would run.
    pub(super) fn load_with_chat(self) -> Result<Loaded, Failure> {
        let environment: Environment = std::env::vars_os().collect();
        let directory = current_directory()?;
        let loaded = Settings::load(&self.overrides(), &environment, &directory)?;
        Ok(loaded.with_chat(&environment, &directory)?)
    }
}
