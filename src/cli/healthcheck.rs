//! `healthcheck`: for containers and process managers that have no curl.

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::client::Daemon;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Ask whether requests are welcome, and not only whether the daemon lives.
    #[arg(long)]
    ready: bool,
    /// The daemon's address [default: from the settings]
    #[arg(long, env = "LUKHAS_MCP_URL", value_name = "URL")]
    url: Option<String>,
}

pub(super) fn run(flags: SettingsFlags, arguments: &Arguments) -> Result<(), Failure> {
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => format!("http://{}", flags.load()?.settings.server.local_address()),
    };
    let path = if arguments.ready { "/readyz" } else { "/healthz" };
    let daemon = Daemon::at(&url, None)?;
    match actix::System::new().block_on(daemon.is_fine(path)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::new("the daemon is not ready")),
        // Containers know two answers: 0 and 1.
        Err(error) => Err(Failure::new(error.to_string())),
    }
}
