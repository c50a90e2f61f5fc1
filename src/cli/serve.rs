//! `serve`: the daemon.

use std::path::PathBuf;

use crate::app::{AppError, Application, Signals};
use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::config::{Loaded, Settings};
use crate::telemetry;

pub(super) fn run(flags: SettingsFlags) -> Result<(), Failure> {
    // Only builds for tests have points at which they can be told to fail.
    let _points = fail::has_failpoints().then(fail::FailScenario::setup);
    let Loaded { settings, files, .. } = flags.load()?;
    telemetry::start(&settings.log.level, settings.log.format);
    telemetry::log_panics();
    Ok(actix::System::new().block_on(serve(&settings, &files))?)
}

async fn serve(settings: &Settings, files: &[PathBuf]) -> Result<(), AppError> {
    let signals =
        Signals::listen().map_err(|why| AppError::System { what: "listen for signals", why })?;
    Application::start(settings, files).await?.run(signals).await
}
