//! `demo`: a daemon in a scratch directory, the shipped eval from its acceptance to its story, two
//! canaries of a small model server, one good and one bad, and the next lines to try, while a slow
//! eval and a long canary go on in the cockpit.

mod canaries;
mod model_server;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::app::{AppError, Application, Signals};
use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::client::{Daemon, EventStream};
use crate::config::{LogFormat, Settings};
use crate::telemetry;

/// What the demo runs: the shipped eval, slowly enough to be watched.
const TASK: &str = "smollm2.quick";
const CONFIGURATION: &str = "default";

/// What it leaves running: the same eval at four samples a second.
const SLOW_CONFIGURATION: &str = "slow-motion";

/// The port of the demo, where none is asked for.
const PORT: u16 = 8766;

pub(super) fn run(flags: &SettingsFlags) -> Result<(), Failure> {
    let directory = scratch_directory()?;
    let mut settings = Settings::defaults_in(&directory);
    settings.server.port = flags.port.unwrap_or(PORT);
    settings.log.requests = false;
    settings.metrics.total = Some(model_server::TOTAL.to_owned());
    settings.metrics.errors = Some(model_server::ERRORS.to_owned());
    settings.metrics.bucket = Some(model_server::BUCKETS.to_owned());
    let level = flags.log_level.as_deref().unwrap_or("warn");
    telemetry::start(level, LogFormat::Auto, None);
    telemetry::log_panics();
    let outcome = actix::System::new().block_on(demo(settings, flags.port.is_none(), &directory));
    std::fs::remove_dir_all(&directory)
        .map_err(|error| Failure::other("remove the demo's scratch directory", &error))?;
    outcome
}

fn scratch_directory() -> Result<PathBuf, Failure> {
    let directory = std::env::temp_dir().join(format!("lukhas-mcp-demo-{}", std::process::id()));
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::other("make a scratch directory for the demo", &error))?;
    Ok(directory)
}

async fn demo(mut settings: Settings, any_port: bool, directory: &Path) -> Result<(), Failure> {
    let signals =
        Signals::listen().map_err(|error| Failure::other("listen for signals", &error))?;
    let models = model_server::start()
        .await
        .map_err(|error| Failure::other("start the demo's model server", &error))?;
    settings.scrape.url = Some(format!("http://{models}/metrics"));
    let app = match Application::start(&settings, None, &[]).await {
        // Somebody's daemon may have the usual port; the demo is content with any.
        Err(AppError::Bind { .. }) if any_port => {
            settings.server.port = 0;
            Application::start(&settings, None, &[]).await?
        }
        started => started?,
    };
    let url = format!("http://{}", app.address());
    println!("A daemon serves at {url}, with its state in {}.", directory.display());
    println!("Watch all of this in the cockpit: {url}/cockpit.html\n");
    let daemon = Daemon::at(&url, None)?;
    let told = actix::spawn(async move { tell(&daemon, &url, models).await });
    let watched = actix::spawn(async move {
        if let Ok(Err(failure)) = told.await {
            eprintln!("lukhas-mcp: the demo went wrong: {failure}");
        }
    });
    let served = app.run(signals).await;
    watched.abort();
    Ok(served?)
}

async fn tell(daemon: &Daemon, url: &str, models: SocketAddr) -> Result<(), Failure> {
    let mut stream = daemon.events("job/*").await?;
    let call = json!({ "taskId": TASK, "configId": CONFIGURATION });
    println!("run_eval {call}");
    let launched = daemon.call("run_eval", &call).await?;
    let job = launched["structuredContent"]["jobId"].as_str().unwrap_or_default().to_owned();
    println!("  -> {job} {}\n", launched["structuredContent"]["status"]);
    follow(&mut stream, &job).await?;
    let why = daemon.call("why", &json!({ "id": job })).await?;
    println!("\nWhy? Its story:\n\n{}", indented(&why["content"][1]["text"]));
    let canary = canaries::show(daemon, models).await?;
    let slow = json!({ "taskId": TASK, "configId": SLOW_CONFIGURATION });
    println!("Something to watch and to abort in the cockpit, {url}/cockpit.html:\n");
    println!("run_eval {slow}");
    daemon.call("run_eval", &slow).await?;
    canaries::leave_one_running(daemon, models).await?;
    println!("Try next, while this goes on serving (Ctrl-C ends it):\n");
    for line in next_lines(url, &job, &canary) {
        println!("{line}\n");
    }
    Ok(())
}

async fn follow(stream: &mut EventStream, job: &str) -> Result<(), Failure> {
    while let Some(event) = stream.next().await? {
        if event.data["jobId"] != job {
            continue;
        }
        let detail = match event.name.as_str() {
            "update" => event.data["progress"]["text"].as_str().unwrap_or_default().to_owned(),
            "completed" => event.data["result"]["metrics"].to_string(),
            "failed" => event.data["error"].to_string(),
            _ => String::new(),
        };
        println!("  event {:>3} {:<9} {detail}", event.id.unwrap_or_default(), event.name);
        if matches!(event.name.as_str(), "completed" | "failed" | "cancelled") {
            return Ok(());
        }
    }
    Err(Failure::new("the event stream ended before the job did"))
}

fn indented(text: &Value) -> String {
    let lines = text.as_str().unwrap_or_default().lines();
    lines.map(|line| ["  ", line, "\n"].concat()).collect()
}

fn next_lines(url: &str, job: &str, canary: &str) -> [String; 5] {
    let call = |tool: &str, arguments: Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        format!("curl -s {url}/mcp -H 'Content-Type: application/json' -d '{body}'")
    };
    [
        call("status", json!({ "jobId": job })),
        call("run_eval", json!({ "taskId": TASK, "configId": SLOW_CONFIGURATION })),
        call("why_math", json!({ "id": canary })),
        call("replay_decision", json!({ "id": canary })),
        format!("curl -N '{url}/sse?topic=*&lastEventId=0'"),
    ]
}
