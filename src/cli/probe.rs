//! `probe`: does a running daemon keep its promise? Subscribe first, then launch, then check that
//! queued, running and completed come in this order. An empty stream is a failure.

use std::time::Duration;

use clap::Args;
use secrecy::SecretString;
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::client::{Daemon, EventStream, ServerEvent};

/// What must come, in this order; progress may come in between.
const EXPECTED: [&str; 3] = ["queued", "running", "completed"];

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The daemon's address [default: from the settings]
    #[arg(long, env = "LUKHAS_MCP_URL", value_name = "URL")]
    url: Option<String>,
    /// The task to run.
    #[arg(long, default_value = "smollm2.quick")]
    task: String,
    /// The configuration to run it with.
    #[arg(long, default_value = "default")]
    configuration: String,
    /// How long it may take, in seconds.
    #[arg(long, default_value_t = 30)]
    within: u64,
}

pub(super) fn run(flags: SettingsFlags, arguments: &Arguments) -> Result<(), Failure> {
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => format!("http://{}", flags.load()?.settings.server.local_address()),
    };
    let key = std::env::var("LUKHAS_MCP_API_KEY").ok().filter(|key| !key.is_empty());
    let daemon = Daemon::at(&url, key.map(SecretString::from))?;
    actix::System::new().block_on(probe(&daemon, arguments))
}

async fn probe(daemon: &Daemon, arguments: &Arguments) -> Result<(), Failure> {
    let mut heard = Vec::new();
    let promise =
        timeout(Duration::from_secs(arguments.within), keep(daemon, arguments, &mut heard));
    if let Ok(outcome) = promise.await {
        return outcome;
    }
    let heard = heard.join(", ");
    let after = arguments.within;
    Err(Failure::new(format!("after {after} s only these events had come: [{heard}]")))
}

/// Launches the eval and listens until its end.
async fn keep(
    daemon: &Daemon,
    arguments: &Arguments,
    heard: &mut Vec<String>,
) -> Result<(), Failure> {
    let began = Instant::now();
    let mut stream = daemon.events("job/*").await?;
    let call = json!({ "taskId": arguments.task, "configId": arguments.configuration });
    let launched = daemon.call("run_eval", &call).await?;
    let job = launched["structuredContent"]["jobId"].as_str().unwrap_or_default().to_owned();
    println!("{:>6} ms  launched {job}", began.elapsed().as_millis());
    while heard.last().is_none_or(|last| last != EXPECTED[2]) {
        let event = next_about(&mut stream, &job).await?;
        println!("{:>6} ms  {}", began.elapsed().as_millis(), event.name);
        if matches!(event.name.as_str(), "failed" | "cancelled") {
            return Err(Failure::new(format!("the job {}: {}", event.name, event.data["error"])));
        }
        heard.push(event.name);
    }
    let told: Vec<&str> =
        heard.iter().map(String::as_str).filter(|name| *name != "update").collect();
    if told == EXPECTED {
        return Ok(());
    }
    Err(Failure::new(format!("the events came as [{}]", told.join(", "))))
}

async fn next_about(stream: &mut EventStream, job: &str) -> Result<ServerEvent, Failure> {
    loop {
        match stream.next().await? {
            Some(event) if event.data["jobId"] == job => return Ok(event),
            Some(_) => {}
            None => return Err(Failure::new("the stream ended before the job did")),
        }
    }
}
