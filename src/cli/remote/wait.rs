//! Waiting until a job or a canary is over, and the exit code that its end is worth.

use std::io::Write as _;

use serde_json::{Map, Value};

use crate::cli::exit::{BadEnd, Failure};
use crate::cli::remote::answers::{Canary, Job, is_over};
use crate::cli::remote::canaries::watched;
use crate::cli::remote::session::{Session, read, say};
use crate::cli::remote::thing::Thing;
use crate::cli::terminal::bar::{bar, percent};
use crate::cli::terminal::screen;
use crate::cli::terminal::style::Line;
use crate::client::{ClientError, Told};
use crate::clock::Timestamp;

/// The columns of a bar on the line that is rewritten.
const BAR: u16 = 20;

/// Waits until it is over, tells on standard error how it goes on, and returns how it ended, as the
/// tool answers it.
pub(super) async fn until_over(session: &Session, thing: &Thing) -> Result<Value, Failure> {
    let mut progress = Progress::default();
    let outcome = tokio::select! {
        outcome = follow(session, thing, &mut progress) => outcome,
        pressed = tokio::signal::ctrl_c() => match pressed {
            Ok(()) => Err(Failure::interrupted(format!(
                "{} goes on; `lukhas-mcp watch --until {0}` waits for it again",
                thing.id()
            ))),
            Err(error) => Err(Failure::other("listen for Ctrl-C", &error)),
        },
    };
    progress.finish();
    outcome
}

async fn follow(
    session: &Session,
    thing: &Thing,
    progress: &mut Progress,
) -> Result<Value, Failure> {
    let mut events = session.daemon.follow(vec![thing.topic()], None);
    let mut known = Value::Null;
    loop {
        match events.next().await? {
            Told::Lost(error, _) => progress.say(&format!("{error}; trying again")),
            Told::Stopped(_) => progress.say("the daemon stopped; waiting for it to come back"),
            // An event says itself what is new: a question for each would use up what the key may
            // ask.
            Told::Event(event) if !ends(&event.data) => {
                take(&mut known, &event.data);
                progress.show(&standing(thing, &known)?);
            }
            // Whoever opens the stream reads how it stands: whatever happened before, while nobody
            // listened or long ago, is in that answer.
            Told::Open | Told::Gap(_) | Told::Event(_) => {
                known = thing.ask_until_answered(session, |words| progress.say(words)).await?;
                if ends(&known) {
                    return Ok(known);
                }
                progress.show(&standing(thing, &known)?);
            }
        }
    }
}

/// Takes what an event tells into what is known, unless that is newer.
fn take(known: &mut Value, told: &Value) {
    let (Some(known), Some(told)) = (known.as_object_mut(), told.as_object()) else { return };
    let time = |members: &Map<String, Value>, name: &str| {
        let text = members.get(name).and_then(Value::as_str)?;
        Timestamp::parse(text).ok()
    };
    if time(told, "ts") < time(known, "updatedAt") {
        return;
    }
    known.extend(told.iter().map(|(name, value)| (name.clone(), value.clone())));
    if let Some(at) = told.get("ts") {
        known.insert("updatedAt".to_owned(), at.clone());
    }
}

/// Whether an event or an answer tells of the end.
fn ends(said: &Value) -> bool {
    said["phase"] == "over" || said["status"].as_str().is_some_and(is_over)
}

/// How it stands, on one line.
fn standing(thing: &Thing, answer: &Value) -> Result<Line, Failure> {
    let (mark, share, words) = match thing {
        Thing::Job(_) => {
            let job: Job = read(answer.clone())?;
            let progress = job.progress.clone().unwrap_or_default();
            (job.mark(), progress.fraction.unwrap_or(0.0), progress.note.unwrap_or_default())
        }
        Thing::Canary(_) => {
            let canary: Canary = read(answer.clone())?;
            let window = canary.policy.window_seconds.unwrap_or(f64::INFINITY);
            let said = format!("{}  {}", watched(&canary), canary.said());
            (canary.mark(), canary.elapsed_seconds / window, said)
        }
    };
    let full = format!("{}  {:>5}  ", bar(share, BAR), percent(share));
    Ok(mark.begin("").plain(&full).plain(&words))
}

/// What goes on: on a terminal one line that is rewritten, elsewhere a line for each change of state.
#[derive(Debug, Default)]
struct Progress {
    shown: Option<String>,
    last_mark: String,
}

impl Progress {
    fn show(&mut self, line: &Line) {
        let style = screen::style_of_words();
        let rendered = line.render(style);
        if screen::can_draw_words() {
            eprint!("\r\u{1b}[K{rendered}");
            // It is only words: what cannot be shown is not missed.
            drop(std::io::stderr().flush());
            self.shown = Some(rendered);
            return;
        }
        let mark: String = rendered.split_whitespace().take(2).collect();
        if mark != self.last_mark {
            eprintln!("{rendered}");
            self.last_mark = mark;
        }
    }

    fn say(&mut self, words: &str) {
        self.finish();
        say(words);
    }

    /// Takes the rewritten line away.
    fn finish(&mut self) {
        if self.shown.take().is_some() {
            eprint!("\r\u{1b}[K");
        }
    }
}

/// Makes an end that is not a good one the failure of the command.
pub(super) fn judge(thing: &Thing, answer: &Value) -> Result<(), Failure> {
    let why = [&answer["error"], &answer["reason"]].into_iter().find_map(Value::as_str);
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let ended = |how, words: &str| Err(Failure::ended(how, format!("{} {words}{why}", thing.id())));
    match answer["status"].as_str().unwrap_or_default() {
        "COMPLETED" | "DRY_RUN" | "PROMOTED" => Ok(()),
        "FAILED" => ended(BadEnd::Failed, "failed"),
        "CANCELLED" => {
            let who = answer["cancelRequestedBy"].as_str();
            let who = who.map(|who| format!(" for {who}")).unwrap_or_default();
            ended(BadEnd::Failed, &format!("was cancelled{who}"))
        }
        "ROLLED_BACK" => ended(BadEnd::RolledBack, "was rolled back"),
        "PENDING" => {
            let canary: Canary = read(answer.clone())?;
            match canary.decision_of_a_dry_run() {
                Some("WOULD_BE_PROMOTED") => Ok(()),
                Some("WOULD_BE_ROLLED_BACK") => {
                    ended(BadEnd::RolledBack, "would have been rolled back")
                }
                Some("WOULD_BE_ASKED") => {
                    ended(BadEnd::Failed, "would have waited for somebody's approval")
                }
                _ => Err(not_an_end(thing)),
            }
        }
        _ => Err(not_an_end(thing)),
    }
}

/// Nothing is taken for a good end that is not known to be one.
fn not_an_end(thing: &Thing) -> Failure {
    let what = format!("{} is over, and how it ended is not known here", thing.id());
    ClientError::Strange(what).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::style::Style;
    use serde_json::json;

    #[test]
    fn ends_are_known_and_judged() {
        let job = Thing::Job("job_x".to_owned());
        let failed = json!({ "status": "FAILED", "error": "timeout" });
        assert!(ends(&failed));
        assert_eq!(judge(&job, &failed).unwrap_err().to_string(), "job_x failed: timeout");
        assert!(judge(&job, &json!({ "status": "COMPLETED" })).is_ok());
        let canary = Thing::Canary("canary_x".to_owned());
        let dry = |decision: &str| {
            json!({
                "canaryId": "canary_x", "modelId": "m:1", "fromGate": "stage", "toGate": "live",
                "status": "PENDING", "phase": "over", "reason": "latency_breach",
                "decisions": [{ "decision": "WOULD_BE_ASKED" }, { "decision": decision }],
            })
        };
        assert!(ends(&dry("WOULD_BE_PROMOTED")));
        assert!(judge(&canary, &dry("WOULD_BE_PROMOTED")).is_ok());
        let said = |decision: &str| judge(&canary, &dry(decision)).unwrap_err().to_string();
        let rolled_back = said("WOULD_BE_ROLLED_BACK");
        assert_eq!(rolled_back, "canary_x would have been rolled back: latency_breach");
        assert!(said("WOULD_BE_ASKED").contains("would have waited"));
        assert!(said("WOULD_BE_SOMETHING_NEW").contains("not known"));
        assert!(judge(&canary, &json!({ "status": "RETIRED" })).is_err());
        assert!(!ends(&json!({ "status": "PENDING", "phase": "observing" })));
    }

    #[test]
    fn an_event_that_is_older_than_what_is_known_changes_nothing() {
        let known = json!({ "updatedAt": "2026-11-21T19:00:01Z", "progress": 1, "taskId": "t" });
        let mut later = known.clone();
        take(&mut later, &json!({ "ts": "2026-11-21T19:00:02Z", "progress": 2 }));
        assert_eq!((&later["progress"], &later["taskId"]), (&json!(2), &json!("t")));
        let mut earlier = known.clone();
        take(&mut earlier, &json!({ "ts": "2026-11-21T19:00:00Z", "progress": 0 }));
        assert_eq!(earlier, known);
    }

    #[test]
    fn a_standing_is_one_line() {
        let job = json!({
            "jobId": "job_x", "taskId": "t", "configId": "c", "status": "RUNNING",
            "startedAt": "2026-11-21T19:00:00Z", "updatedAt": "2026-11-21T19:00:00Z",
            "progress": { "fraction": 0.5, "text": "30 of 60" },
        });
        let line = standing(&Thing::Job("job_x".to_owned()), &job).unwrap();
        let expected = "● running          ██████████░░░░░░░░░░   50 %  30 of 60";
        assert_eq!(line.render(Style::PLAIN), expected);
    }
}
