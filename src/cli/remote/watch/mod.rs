//! `watch`: follows events; a live view on a terminal, one line of JSON an event elsewhere.

mod board;
mod live;
mod view;

use clap::Args;
use serde_json::Value;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::answers::is_over;
use crate::cli::remote::session::{Session, print, say};
use crate::cli::remote::thing::Thing;
use crate::cli::remote::wait;
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
        if draws {
            live::show(session, topics, self.until.as_ref()).await?;
        } else {
            self.print_lines(session, topics).await?;
        }
        let Some(thing) = &self.until else { return Ok(()) };
        let (tool, arguments) = thing.question();
        wait::judge(thing, &session.answer(tool, &arguments).await?)
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

    /// Prints an event a line until the end that is waited for, or without end.
    async fn print_lines(&self, session: &Session, topics: Vec<String>) -> Result<(), Failure> {
        let mut events = session.daemon.follow(topics, self.after);
        loop {
            match events.next().await? {
                Told::Open => {
                    // It may be over already, and then no event tells of its end any more.
                    if self.after.is_none() && self.is_over(session).await? {
                        return Ok(());
                    }
                }
                Told::Event(event) => {
                    print(&format!("{}\n", line_of(&event)))?;
                    if self.until.as_ref().is_some_and(|thing| ends(thing, &event)) {
                        return Ok(());
                    }
                }
                Told::Gap(oldest) => {
                    say("some events are no longer kept, and are missing here");
                    print(&format!("{{\"oldest\":{oldest},\"type\":\"gap\"}}\n"))?;
                }
                Told::Lost(error, _) => say(&format!("{error}; trying again")),
                Told::Stopped(_) => say("the stream ended; connecting again"),
            }
        }
    }

    async fn is_over(&self, session: &Session) -> Result<bool, Failure> {
        match &self.until {
            Some(thing) => is_over_now(session, thing).await,
            None => Ok(false),
        }
    }
}

/// Asks whether a thing is over.
async fn is_over_now(session: &Session, thing: &Thing) -> Result<bool, Failure> {
    let (tool, arguments) = thing.question();
    Ok(says_over(&session.answer(tool, &arguments).await?))
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
