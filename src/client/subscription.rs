//! A subscription outlives its connections: after each it goes on behind the last event that it
//! gave, so that every event is given once.

use std::time::Duration;

use tokio::time::sleep;

use crate::client::{ClientError, Daemon, EventStream, ServerEvent};

/// The pause before the first try to connect again; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// What a subscription tells.
#[derive(Debug)]
pub enum Told {
    /// The stream stands, for the first time or again.
    Open,
    /// Something happened.
    Event(ServerEvent),
    /// Some of what happened is no longer kept; the oldest event that is has this id. What is
    /// watched should be read anew.
    Gap(i64),
    /// The connection is gone. The next call connects again, after this pause.
    Lost(ClientError, Duration),
    /// The daemon said that it stops. The next call connects again, after this pause.
    Stopped(Duration),
}

/// Topics that are followed; [`Daemon::follow`] makes one.
#[derive(Debug)]
pub struct Subscription {
    daemon: Daemon,
    topics: Vec<String>,
    last: Option<i64>,
    stream: Option<EventStream>,
    stood_once: bool,
    failures: u32,
}

impl Subscription {
    pub(super) fn of(daemon: Daemon, topics: Vec<String>, last: Option<i64>) -> Self {
        Self { daemon, topics, last, stream: None, stood_once: false, failures: 0 }
    }

    /// Waits for what comes next. To be awaited to its end: a call that is dropped while it
    /// connects makes the next one connect anew.
    ///
    /// # Errors
    /// The daemon refuses the topics or the key, cannot be reached the first time, or what it sends
    /// are no events.
    pub async fn next(&mut self) -> Result<Told, ClientError> {
        loop {
            let Some(stream) = &mut self.stream else {
                if let Some(lost) = self.connect().await? {
                    return Ok(lost);
                }
                continue;
            };
            match stream.next().await {
                Ok(Some(event)) => {
                    if let Some(told) = self.take(event) {
                        return Ok(told);
                    }
                }
                Ok(None) => {
                    self.stream = None;
                    return Ok(Told::Stopped(self.pause_after_a_failure()));
                }
                Err(error) if error.may_pass() => {
                    self.stream = None;
                    return Ok(Told::Lost(error, self.pause_after_a_failure()));
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn connect(&mut self) -> Result<Option<Told>, ClientError> {
        if 0 < self.failures {
            sleep(pause_after(self.failures)).await;
        }
        match self.daemon.events_after(&self.topics, self.last).await {
            Ok(stream) => {
                self.stream = Some(stream);
                Ok(None)
            }
            Err(error) if self.stood_once && error.may_pass() => {
                Ok(Some(Told::Lost(error, self.pause_after_a_failure())))
            }
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, event: ServerEvent) -> Option<Told> {
        match event.name.as_str() {
            "open" => {
                self.stood_once = true;
                self.failures = 0;
                // Where a new stream begins: a connection lost before the first event loses none.
                self.last = event.id.or(self.last);
                Some(Told::Open)
            }
            "gap" => Some(Told::Gap(event.data["oldest"].as_i64().unwrap_or_default())),
            // Nothing is lost by the one, and the end of the stream follows the other.
            "lagged" | "shutdown" => None,
            // What has no place is told as it comes, such as the words of an answer.
            _ if event.id.is_some() && event.id <= self.last => None,
            _ => {
                self.last = event.id.or(self.last);
                Some(Told::Event(event))
            }
        }
    }

    fn pause_after_a_failure(&mut self) -> Duration {
        self.failures += 1;
        pause_after(self.failures)
    }
}

/// The pause after so many failures in a row, before another try: 250 ms, doubled up to 8 s.
#[must_use]
pub fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(id: Option<i64>, name: &str) -> ServerEvent {
        ServerEvent { id, name: name.to_owned(), data: json!({ "oldest": 9 }) }
    }

    fn subscription(after: Option<i64>) -> Subscription {
        let daemon = Daemon::at("http://127.0.0.1:1", None).unwrap();
        Subscription::of(daemon, vec!["*".to_owned()], after)
    }

    #[test]
    fn no_event_is_told_twice_and_the_opening_says_where_it_begins() {
        let mut new = subscription(None);
        assert!(matches!(new.take(event(Some(7), "open")), Some(Told::Open)));
        assert_eq!(new.last, Some(7));
        assert!(new.take(event(Some(7), "queued")).is_none());
        assert!(matches!(new.take(event(Some(8), "queued")), Some(Told::Event(_))));
        assert!(new.take(event(Some(8), "queued")).is_none());
        assert!(matches!(new.take(event(None, "chunk")), Some(Told::Event(_))));
        assert_eq!(new.last, Some(8));
        let mut resumed = subscription(Some(3));
        assert!(matches!(resumed.take(event(None, "open")), Some(Told::Open)));
        assert!(matches!(resumed.take(event(None, "gap")), Some(Told::Gap(9))));
        assert!(resumed.take(event(None, "lagged")).is_none());
        assert_eq!(resumed.last, Some(3));
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses: Vec<u128> = (1..=8).map(|failures| pause_after(failures).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }
}
