//! The live view: from what is known to the lines of a screen. Pure.

use crate::cli::remote::answers::Job;
use crate::cli::remote::canaries::watched as window_of;
use crate::cli::remote::watch::board::{Board, Connection, Logged, Watched};
use crate::cli::terminal::bar::{bar, percent};
use crate::cli::terminal::mark::Mark;
use crate::cli::terminal::screen::Size;
use crate::cli::terminal::style::{Line, Tone};
use crate::cli::terminal::time::{seconds_between, span, time_of_day};
use crate::clock::Timestamp;

/// The columns of a bar.
const BAR: u16 = 20;

/// The lines that events get at least, where there are so many.
const EVENTS_AT_LEAST: usize = 6;

/// A terminal with fewer columns gets the bars of jobs on lines of their own.
const NARROW: usize = 120;

/// The columns of an id.
const ID: usize = 29;

/// The lines of a screen of this size, and never more.
pub(super) fn draw(board: &Board, address: &str, size: Size, now: Timestamp) -> Vec<Line> {
    let canaries: Vec<Vec<Line>> = board.canaries().into_iter().map(canary).collect();
    let is_narrow = size.columns < NARROW;
    let jobs: Vec<Vec<Line>> =
        board.jobs().into_iter().map(|one| job(one, is_narrow, now)).collect();
    let events: Vec<Line> = board.log().map(logged).collect();
    // The head, the foot, and the titles of the parts.
    let room = size.rows.saturating_sub(6);
    let for_events = EVENTS_AT_LEAST.min(events.len()).min(room / 2);
    let wanted_by_canaries: usize = canaries.iter().map(Vec::len).sum();
    let wanted_by_jobs: usize = jobs.iter().map(Vec::len).sum();
    let room = room - for_events;
    // Each of the two may take what the other does not need, and half of it in any case.
    let for_canaries = wanted_by_canaries.min((room / 2).max(room.saturating_sub(wanted_by_jobs)));
    let for_jobs = wanted_by_jobs.min(room - for_canaries);
    let mut lines = vec![head(board, address, now)];
    part(&mut lines, "Canaries", canaries, for_canaries);
    part(&mut lines, "Jobs", jobs, for_jobs);
    let left = size.rows.saturating_sub(lines.len() + 2);
    lines.push(Line::new().add(Tone::Strong, "Events"));
    if events.is_empty() {
        lines.push(Line::new().add(Tone::Quiet, "  nothing happened yet"));
    }
    lines.extend(events.into_iter().take(left));
    lines.truncate(size.rows.saturating_sub(1));
    lines.push(Line::new().add(Tone::Quiet, "Ctrl-C ends this view; the daemon goes on."));
    lines.truncate(size.rows);
    lines
}

fn head(board: &Board, address: &str, now: Timestamp) -> Line {
    let (tone, words) = match &board.connection {
        Connection::Opening => (Tone::Busy, "◌ connecting".to_owned()),
        Connection::Live => (Tone::Good, "● live".to_owned()),
        Connection::Lost(why) => (Tone::Bad, format!("✕ {why}")),
    };
    let running = board.jobs().iter().filter(|job| job.status == "RUNNING").count();
    let waiting = board.jobs().iter().filter(|job| job.status == "QUEUED").count();
    let canaries = board.canaries().iter().filter(|one| !one.canary.is_over()).count();
    let noun = if canaries == 1 { "canary" } else { "canaries" };
    Line::new()
        .add(Tone::Strong, address)
        .plain("  ")
        .add(tone, &words)
        .add(Tone::Quiet, &format!("  {}  ", time_of_day(&now.to_string())))
        .plain(&format!("{running} running, {waiting} queued, {canaries} {noun}"))
}

/// Adds a part, whole blocks of it, and says how much is not shown.
fn part(lines: &mut Vec<Line>, title: &str, blocks: Vec<Vec<Line>>, room: usize) {
    if blocks.is_empty() {
        return;
    }
    let all = blocks.len();
    let (mut shown, mut taken) = (0, Vec::new());
    for block in blocks {
        if room < taken.len() + block.len() {
            break;
        }
        taken.extend(block);
        shown += 1;
    }
    let mut line = Line::new().add(Tone::Strong, title);
    if shown < all {
        line = line.add(Tone::Quiet, &format!("  {shown} of {all} shown"));
    }
    lines.push(line);
    lines.extend(taken);
}

fn job(job: &Job, is_narrow: bool, now: Timestamp) -> Vec<Line> {
    let line = job.mark().begin("  ").column(Tone::Plain, &job.id, ID);
    let line = line.column(Tone::Plain, &format!("{} {}", job.task_id, job.config_id), 28);
    if job.is_over() {
        return vec![line.plain(&job.said())];
    }
    let progress = job.progress.clone().unwrap_or_default();
    let since = job.running_at.as_ref().unwrap_or(&job.started_at);
    let lasts = seconds_between(since, &now.to_string()).map(span).unwrap_or_default();
    let Some(share) = progress.fraction else {
        return vec![line.add(Tone::Quiet, &lasts)];
    };
    let note = progress.note.unwrap_or_default();
    let full = format!("{} {:>5}  ", bar(share, BAR), percent(share));
    let done = Line::new().plain(&full).add(Tone::Quiet, &format!("{lasts}  ")).plain(&note);
    if is_narrow { vec![line, indented("done").append(done)] } else { vec![line.append(done)] }
}

fn canary(watched: &Watched) -> Vec<Line> {
    let canary = &watched.canary;
    let first = canary.mark().begin("  ").column(Tone::Plain, &canary.id, ID);
    let first = first.plain(&format!("{}  {}  ", canary.model_id, canary.gates()));
    let mut lines = vec![first.plain(&canary.said())];
    if canary.is_over() {
        return lines;
    }
    let share = canary.elapsed_seconds / canary.policy.window_seconds.unwrap_or(f64::INFINITY);
    let window = format!("{}  {}", bar(share, BAR), window_of(canary));
    lines.push(indented("window").plain(&window));
    let errors = watched.error_rate.map(|rate| format!("{:.3} %", rate * 100.0));
    let latency = watched.latency_p95_ms.map(|ms| format!("{ms:.1} ms"));
    for (title, metric, observed) in
        [("errors", "error_rate", errors), ("p95", "latency_p95", latency)]
    {
        let evidence = watched.evidence.line(metric);
        if observed.is_none() && evidence.is_none() {
            continue;
        }
        let observed = observed.unwrap_or_else(|| "no data".to_owned());
        let line = indented(title).column(Tone::Plain, &observed, 12);
        lines.push(line.append(evidence.unwrap_or_default()));
    }
    lines
}

fn indented(title: &str) -> Line {
    Line::new().plain("      ").column(Tone::Quiet, title, 8)
}

fn logged(logged: &Logged) -> Line {
    let mark = Mark::of_event(&logged.name, &logged.topic);
    let id = logged.topic.split_once('/').map_or(logged.topic.as_str(), |(_, id)| id);
    Line::new()
        .add(Tone::Quiet, &format!("  {}  ", time_of_day(&logged.at)))
        .column(mark.tone, &mark.text(), 15)
        .column(Tone::Plain, id, ID)
        .plain(&logged.words)
}

#[cfg(test)]
mod tests;
