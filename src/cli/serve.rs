//! `serve`: the daemon.

use crate::app::{AppError, Application, Signals};
use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::config::Settings;
use crate::telemetry;

pub(super) fn run(flags: SettingsFlags) -> Result<(), Failure> {
    // Only builds for tests have points at which they can be told to fail.
    let _points = fail::has_failpoints().then(fail::FailScenario::setup);
    let settings = flags.load()?.settings;
    telemetry::start(&settings.log.level, settings.log.format);
    telemetry::log_panics();
    Ok(actix::System::new().block_on(serve(&settings))?)
}

async fn serve(settings: &Settings) -> Result<(), AppError> {
    let signals =
        Signals::listen().map_err(|why| AppError::System { what: "listen for signals", why })?;
    Application::start(settings).await?.run(signals).await
}
