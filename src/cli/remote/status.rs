//! `status`: one screen that says what runs and what needs attention.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::answers::{Canaries, Canary, Job, Jobs};
use crate::cli::remote::canaries::watched;
use crate::cli::remote::session::{Session, read};
use crate::cli::terminal::bar::{bar, percent};
use crate::cli::terminal::mark::Mark;
use crate::cli::terminal::style::{Line, Style, Tone};
use crate::cli::terminal::time::{ago, seconds_between, span};
use crate::client::ClientError;
use crate::clock::{Clock as _, SystemClock, Timestamp};

/// For how long an end that was not a good one needs attention, in seconds.
const RECENT: f64 = 86_400.0;

/// How many lines a part of the screen has at most.
const SHOWN: usize = 8;

/// How many of the newest ends are looked at.
const LOOKED_AT: u16 = 50;

/// How many pages of open canaries are looked at: more than a daemon runs.
const PAGES: usize = 25;

/// The columns of a bar.
const BAR: u16 = 20;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {}

/// What the daemon says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Daemon {
    name: String,
    version: String,
    uptime_seconds: f64,
    registry: String,
    jobs: Value,
    canaries: Value,
    database: Value,
    actors: Vec<Value>,
    adapters: Vec<Value>,
}

/// Who asks, as the daemon sees it.
#[derive(Debug, Deserialize)]
struct You {
    principal: String,
    role: String,
}

/// All that the screen shows.
#[derive(Debug)]
struct Screen {
    address: String,
    you: You,
    daemon: Daemon,
    open_jobs: Vec<Job>,
    ended_jobs: Vec<Job>,
    canaries: Vec<Canary>,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let daemon = session.answer("get_infrastructure_status", &json!({})).await?;
        if session.json {
            return session.print_json(&daemon);
        }
        let running = json!({ "status": ["RUNNING", "QUEUED"], "limit": LOOKED_AT });
        let ended = json!({ "status": ["FAILED"], "limit": LOOKED_AT });
        let open: Jobs = read(session.answer("list_jobs", &running).await?)?;
        let over: Jobs = read(session.answer("list_jobs", &ended).await?)?;
        let mut canaries = canaries(session, &["RUNNING", "PAUSED"], PAGES).await?;
        // Dry runs keep their status when they are over, and must not take the place of others.
        canaries.extend(self::canaries(session, &["PENDING"], 1).await?);
        canaries.extend(self::canaries(session, &["ROLLED_BACK", "FAILED"], 1).await?);
        let you = session.daemon.download("/api/whoami", &[]).await?;
        let you = serde_json::from_slice(&you)
            .map_err(|error| ClientError::Strange(error.to_string()))?;
        let screen = Screen {
            address: session.address.clone(),
            you,
            daemon: read(daemon)?,
            open_jobs: open.jobs,
            ended_jobs: over.jobs,
            canaries,
        };
        session.print_lines(&screen.render(session.style, SystemClock.now()))
    }
}

/// The newest canaries with one of these statuses, so many pages of them.
async fn canaries(
    session: &Session,
    statuses: &[&str],
    pages: usize,
) -> Result<Vec<Canary>, Failure> {
    let (mut canaries, mut cursor) = (Vec::new(), None);
    for _ in 0..pages {
        let asked = json!({ "status": statuses, "limit": 200, "cursor": cursor });
        let page: Canaries = read(session.answer("list_canaries", &asked).await?)?;
        canaries.extend(page.canaries);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(canaries)
}

impl Screen {
    fn render(&self, style: Style, now: Timestamp) -> Vec<String> {
        let mut lines = vec![self.head()];
        lines.extend(self.counts());
        part(&mut lines, "Needs attention", self.attention(now));
        part(&mut lines, "Running", self.running(now));
        lines.iter().map(|line| line.render(style)).collect()
    }

    fn head(&self) -> Line {
        let daemon = &self.daemon;
        let title = format!("{} {}", daemon.name, daemon.version);
        Line::new().add(Tone::Strong, &title).plain(&format!(
            " at {}, up {}, {} registry; you are {} and may {}",
            self.address,
            span(daemon.uptime_seconds),
            daemon.registry,
            self.you.principal,
            self.you.role
        ))
    }

    fn counts(&self) -> [Line; 3] {
        let daemon = &self.daemon;
        let jobs = numbers(&daemon.jobs["byStatus"], Mark::of_job);
        let canaries = numbers(&daemon.canaries, |status| Mark::of_canary(status, "", None));
        let database = &daemon.database;
        let bytes = database["bytes"].as_f64().unwrap_or_default() / 1e6;
        let (commits, waiting) = (&database["commits"], &database["waiting"]);
        let database = format!("{bytes:.1} MB, {commits} commits, {waiting} waiting");
        [
            Line::new().add(Tone::Quiet, "  jobs      ").plain(&jobs),
            Line::new().add(Tone::Quiet, "  canaries  ").plain(&canaries),
            Line::new().add(Tone::Quiet, "  database  ").plain(&database),
        ]
    }

    /// What somebody should look at, the gravest first.
    fn attention(&self, now: Timestamp) -> Vec<Line> {
        let mut lines = self.troubles_of_the_daemon();
        let moment = now.to_string();
        let is_recent = |at: &str| seconds_between(at, &moment).is_some_and(|age| age < RECENT);
        for canary in &self.canaries {
            let awaits = canary.phase.starts_with("awaiting") && !canary.is_over();
            let held = canary.status == "PAUSED" || canary.trouble.is_some();
            let bad = matches!(canary.status.as_str(), "ROLLED_BACK" | "FAILED")
                && canary.reason.as_deref() != Some("aborted");
            let at = canary.updated_at.as_deref().unwrap_or_default();
            if awaits || (held && !canary.is_over()) || (bad && is_recent(at)) {
                let what = format!("{}  {}  {}", canary.id, canary.model_id, canary.gates());
                lines.push(entry(&canary.mark(), &what, &canary.said(), at, now));
            }
        }
        for job in self.ended_jobs.iter().filter(|job| is_recent(&job.updated_at)) {
            let what = format!("{}  {} {}", job.id, job.task_id, job.config_id);
            lines.push(entry(&job.mark(), &what, &job.said(), &job.updated_at, now));
        }
        lines
    }

    fn troubles_of_the_daemon(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut trouble = |words: &str| {
            lines.push(Line::new().plain("  ").column(Tone::Bad, "✕ daemon", 19).plain(words));
        };
        match self.daemon.database["failedOperations"].as_u64() {
            None | Some(0) => {}
            Some(failed) => trouble(&format!("{failed} operations of the database failed")),
        }
        for actor in &self.daemon.actors {
            let (restarts, given_up) = (count(&actor["restarts"]), count(&actor["givenUp"]));
            let name = actor["actor"].as_str().unwrap_or_default();
            if 0 < restarts || 0 < given_up {
                trouble(&format!("{name}: {restarts} restarts, given up {given_up} times"));
            }
        }
        for adapter in &self.daemon.adapters {
            if matches!(adapter["state"].as_str(), Some("open" | "probing")) {
                let name = adapter["adapter"].as_str().unwrap_or_default();
                let error = adapter["lastError"].as_str().unwrap_or("it does not answer");
                trouble(&format!("{name} is not asked for the moment: {error}"));
            }
        }
        lines
    }

    fn running(&self, now: Timestamp) -> Vec<Line> {
        let mut lines = Vec::new();
        for canary in self.canaries.iter().filter(|canary| !canary.is_over()) {
            let share = canary.elapsed_seconds / canary.policy.window_seconds.unwrap_or(f64::MAX);
            let what = format!(
                "{}  {}  {}  {}  {}",
                canary.id,
                canary.model_id,
                canary.gates(),
                bar(share, BAR),
                watched(canary)
            );
            lines.push(canary.mark().begin("  ").plain(&what));
        }
        // What runs comes before what waits.
        let (running, waiting): (Vec<_>, Vec<_>) =
            self.open_jobs.iter().partition(|job| job.status == "RUNNING");
        for job in running.into_iter().chain(waiting) {
            lines.push(running_job(job, now));
        }
        lines
    }
}

fn running_job(job: &Job, now: Timestamp) -> Line {
    let what = format!("{}  {} {}", job.id, job.task_id, job.config_id);
    let line = job.mark().begin("  ").plain(&what);
    let since = job.running_at.as_deref().unwrap_or(&job.started_at);
    let progress = job.progress.clone().unwrap_or_default();
    let line = match progress.fraction {
        Some(share) if job.running_at.is_some() => {
            line.plain(&format!("  {}  {}", bar(share, BAR), percent(share)))
        }
        _ => line,
    };
    let note = progress.note.map(|note| format!("  {note}")).unwrap_or_default();
    line.plain(&note).add(Tone::Quiet, &format!("  since {}", ago(since, now)))
}

fn entry(mark: &Mark, what: &str, why: &str, at: &str, now: Timestamp) -> Line {
    let line = mark.begin("  ").plain(what);
    let line = if why.is_empty() { line } else { line.plain("  ").plain(why) };
    line.add(Tone::Quiet, &format!("  {}", ago(at, now)))
}

/// Adds a part with its title, and says how much of it is not shown.
fn part(lines: &mut Vec<Line>, title: &str, entries: Vec<Line>) {
    lines.push(Line::new());
    if entries.is_empty() {
        lines.push(Line::new().add(Tone::Quiet, &format!("{title}: nothing")));
        return;
    }
    lines.push(Line::new().add(Tone::Strong, title));
    let more = entries.len().saturating_sub(SHOWN);
    lines.extend(entries.into_iter().take(SHOWN));
    if 0 < more {
        lines.push(Line::new().add(Tone::Quiet, &format!("  and {more} more")));
    }
}

/// Counts by status, such as `● 1 running, ✓ 9 completed`.
fn numbers(by_status: &Value, mark: impl Fn(&str) -> Mark) -> String {
    let counts = by_status.as_object().into_iter().flatten();
    let said: Vec<String> = counts
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(status, count)| {
            let mark = mark(status);
            format!("{} {count} {}", mark.sign, mark.word)
        })
        .collect();
    if said.is_empty() { "none yet".to_owned() } else { said.join("   ") }
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests;
