//! `watch`: follows events; a live view on a terminal, one line of JSON an event elsewhere.

mod board;
mod live;
mod reading;
mod view;

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::answers::is_over;
use crate::cli::remote::session::{Session, print, say};
use crate::cli::remote::thing::Thing;
use crate::cli::remote::wait;
use crate::cli::terminal::time::seconds_between;
use crate::cli::terminal::{screen, text};
use crate::client::{ServerEvent, Told};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// What to follow: `*`, `job/*`, `canary/*`, `model/*`, or one thing as in `job/ID`
    /// [default: `*`, or what `--until` names]
    topics: Vec<String>,
    /// End when this job or canary is over; the exit code tells how it ended
    #[arg(long, value_name = "ID")]
    until: Option<Thing>,
    /// Begin after the event with this id; 0 begins with the oldest that is kept. Events are then
    /// printed as lines, also on a terminal
    #[arg(long, value_name = "EVENT")]
    after: Option<i64>,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let topics = self.topics();
        let draws = screen::can_draw_output() && !session.json && self.after.is_none();
        let ended = if draws {
            live::show(session, topics, self.until.as_ref()).await?
        } else {
            Some(self.print_lines(session, topics).await?)
        };
        match (&self.until, ended) {
            (Some(thing), Some(ended)) => wait::judge(thing, &ended),
            _ => Ok(()),
        }
    }
}

impl Arguments {
    /// The topics that are followed, with that of the thing whose end is waited for.
    fn topics(&self) -> Vec<String> {
        let mut topics = self.topics.clone();
        match &self.until {
            Some(thing) if !topics.contains(&thing.topic()) => topics.push(thing.topic()),
            None if topics.is_empty() => topics.push("*".to_owned()),
            _ => {}
        }
        topics
    }

    /// Prints an event a line until the end that is waited for, which it returns as the tool
    /// answers it, or without end.
    async fn print_lines(&self, session: &Session, topics: Vec<String>) -> Result<Value, Failure> {
        let mut events = session.daemon.follow(topics, self.after);
        // Whoever goes on somewhere is told first what happened before: how things stand is newer.
        let mut goes_on = self.after.is_some();
        let mut over: Option<Over> = None;
        loop {
            let next = match over.take() {
                None => events.next().await,
                Some(known) => match timeout_at(known.until, events.next()).await {
                    Ok(next) => {
                        over = Some(known);
                        next
                    }
                    Err(_) => {
                        say("it is over, and its end is not among the events that are kept");
                        return Ok(known.answer);
                    }
                },
            };
            match next? {
                Told::Open => {
                    over = self.over_now(session).await?;
                    if !goes_on && let Some(known) = over {
                        // No event tells of its end any more.
                        return Ok(known.answer);
                    }
                    goes_on = true;
                }
                Told::Event(event) => {
                    if let Some(known) = over.take() {
                        if known.is_before(&event) {
                            return Ok(known.answer);
                        }
                        over = Some(Over::of(known.answer));
                    }
                    print(&format!("{}\n", line_of(&event)))?;
                    if let Some(thing) = self.until.as_ref().filter(|thing| ends(thing, &event)) {
                        return thing.ask_until_answered(session, say).await;
                    }
                }
                Told::Gap(oldest) => {
                    say("some events are no longer kept, and are missing here");
                    print(&format!("{{\"oldest\":{oldest},\"type\":\"gap\"}}\n"))?;
                    over = self.over_now(session).await?;
                }
                Told::Lost(error, _) => {
                    over = None;
                    say(&format!("{error}; trying again"));
                }
                Told::Stopped(_) => {
                    over = None;
                    say("the stream ended; connecting again");
                }
            }
        }
    }

    /// How what is waited for ended, if it has.
    async fn over_now(&self, session: &Session) -> Result<Option<Over>, Failure> {
        let Some(thing) = &self.until else { return Ok(None) };
        let answer = thing.ask_until_answered(session, say).await?;
        Ok(says_over(&answer).then(|| Over::of(answer)))
    }
}

/// How long the events that are kept may keep one waiting, once it is known that the thing is over.
const QUIET: Duration = Duration::from_secs(5);

/// By how many seconds events may be out of their order in time.
const DISORDER: f64 = 1.0;

/// A thing is over, and the event that says so may be still to come: or it is before the place where
/// the stream began, or no longer kept.
#[derive(Debug)]
struct Over {
    answer: Value,
    /// Nothing that is kept comes later than this.
    until: Instant,
}

impl Over {
    fn of(answer: Value) -> Self {
        Self { answer, until: Instant::now() + QUIET }
    }

    /// Whether an event is so much later that that of the end does not come any more.
    fn is_before(&self, event: &ServerEvent) -> bool {
        let times = (self.answer["updatedAt"].as_str(), event.data["ts"].as_str());
        let (Some(ended), Some(at)) = times else { return false };
        seconds_between(ended, at).is_some_and(|seconds| DISORDER < seconds)
    }
}

fn says_over(said: &Value) -> bool {
    said["phase"] == "over" || said["status"].as_str().is_some_and(is_over)
}

/// Whether an event is the end of a thing.
fn ends(thing: &Thing, event: &ServerEvent) -> bool {
    event.data["topic"] == thing.topic() && says_over(&event.data)
}

/// An event as one line of JSON: what it tells, and its id.
fn line_of(event: &ServerEvent) -> String {
    let mut data = event.data.clone();
    if let (Some(members), Some(id)) = (data.as_object_mut(), event.id) {
        members.insert("id".to_owned(), id.into());
    }
    text::json_line(&data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn arguments(topics: &[&str], until: Option<&str>) -> Arguments {
        let topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        Arguments { topics, until: until.map(|id| id.parse().unwrap()), after: None }
    }

    #[test]
    fn what_is_waited_for_is_followed() {
        assert_eq!(arguments(&[], None).topics(), ["*"]);
        assert_eq!(arguments(&["jobs"], None).topics(), ["jobs"]);
        assert_eq!(arguments(&[], Some("job_x")).topics(), ["job/job_x"]);
        assert_eq!(arguments(&["*"], Some("canary_x")).topics(), ["*", "canary/canary_x"]);
    }

    #[test]
    fn an_event_is_one_safe_line_with_its_id() {
        let data = json!({ "topic": "job/job_x", "status": "FAILED", "error": "\u{9b}2J" });
        let event = ServerEvent { id: Some(7), name: "failed".to_owned(), data };
        let expected = r#"{"error":"\u009b2J","id":7,"status":"FAILED","topic":"job/job_x"}"#;
        assert_eq!(line_of(&event), expected);
        assert!(ends(&Thing::Job("job_x".to_owned()), &event));
        assert!(!ends(&Thing::Job("job_y".to_owned()), &event));
    }
}
