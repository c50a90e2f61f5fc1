//! `serve`: the daemon.

use std::path::PathBuf;
use std::time::Duration;

use crate::adapters::collector::Collector;
use crate::app::{AppError, Application, Signals};
use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::config::chat::ChatSettings;
use crate::config::{Loaded, Settings, TraceSettings};
use crate::telemetry::{self, Deliver, Traces, Undelivered};

/// How long the end waits at most for the last spans to be sent.
const LAST_SPANS: Duration = Duration::from_secs(2);

pub(super) fn run(flags: SettingsFlags) -> Result<(), Failure> {
    // Only builds for tests have points at which they can be told to fail.
    let _points = fail::has_failpoints().then(fail::FailScenario::setup);
    let Loaded { settings, files, traces, chat, .. } = flags.load_with_chat()?;
    let traces = traces.map(collected).transpose()?;
    telemetry::start(&settings.log.level, settings.log.format, traces.as_ref());
    telemetry::log_panics();
    for warning in chat.iter().flat_map(|chat| &chat.warnings) {
        tracing::warn!("{warning}");
    }
    let outcome = actix::System::new().block_on(serve(&settings, chat.as_ref(), &files));
    if let Some(traces) = traces {
        // Who stops the daemon allows little more than its deadline.
        traces.finish(LAST_SPANS.min(settings.server.shutdown_deadline / 4));
    }
    Ok(outcome?)
}

/// Has traces sent where the settings say.
fn collected(settings: TraceSettings) -> Result<Traces, AppError> {
    let sampler = settings.sampler;
    let collector = Collector::new(settings).map_err(AppError::Collector)?;
    let deliver: Deliver = Box::new(move |spans| {
        let collector = collector.clone();
        Box::pin(async move {
            collector.deliver(spans).await.map_err(|error| Undelivered {
                why: error.to_string(),
                is_transient: error.is_transient(),
            })
        })
    });
    let system = |why| AppError::System { what: "start sending traces", why };
    Traces::start(sampler, deliver).map_err(system)
}

async fn serve(
    settings: &Settings,
    chat: Option<&ChatSettings>,
    files: &[PathBuf],
) -> Result<(), AppError> {
    let signals =
        Signals::listen().map_err(|why| AppError::System { what: "listen for signals", why })?;
    Application::start(settings, chat, files).await?.run(signals).await
}
