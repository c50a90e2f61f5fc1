//! How does a call wait for the end of a thing, and what does its client hear meanwhile?
//!
//! A wait is somebody who looks: that it ends, or that nobody reads its answer any more, changes
//! nothing for the thing.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::events::Follow;
use crate::ids::Entity;
use crate::tools::{Call, Client, Progress, ToolError};

/// The longest a call waits, in seconds: what lies between a client and the daemon often hangs up
/// after a minute.
pub(super) const LONGEST: u16 = 55;

/// The most calls that wait at once.
const MOST: usize = 512;

static PLACES: Semaphore = Semaphore::const_new(MOST);

/// How many calls wait now.
pub fn calls_waiting() -> usize {
    MOST - PLACES.available_permits()
}

/// A call that waits for something to change.
pub(super) struct Wait {
    follow: Follow,
    until: Instant,
    stopping: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    _place: SemaphorePermit<'static>,
}

impl Wait {
    /// Begins to wait, if that was asked for; what changes from now on is not missed.
    ///
    /// # Errors
    /// That is too long, or too many wait already.
    pub(super) fn begin(
        call: Call<'_>,
        tool: &str,
        thing: Entity,
        seconds: Option<u16>,
    ) -> Result<Option<Self>, ToolError> {
        let seconds = match seconds {
            None | Some(0) => return Ok(None),
            Some(seconds @ 1..=LONGEST) => seconds,
            Some(_) => {
                return Err(ToolError::InvalidArguments(format!(
                    "{tool}: waitSeconds must be between 0 and {LONGEST}"
                )));
            }
        };
        let place = PLACES.try_acquire().map_err(|_| {
            ToolError::Overloaded(format!(
                "{MOST} calls wait already; leave waitSeconds out, or try again in a second"
            ))
        })?;
        let follow = call.doors.changes().follow();
        follow.add(thing.into()).map_err(|error| ToolError::Overloaded(error.to_string()))?;
        Ok(Some(Self {
            follow,
            until: Instant::now() + Duration::from_secs(seconds.into()),
            stopping: Box::pin(call.doors.infrastructure.events.ended()),
            _place: place,
        }))
    }

    /// Waits until something happened to the thing. No, if the time is over or the daemon stops.
    pub(super) async fn goes_on(&mut self) -> bool {
        tokio::select! {
            biased;
            () = &mut self.stopping => false,
            () = tokio::time::sleep_until(self.until) => false,
            _ = self.follow.changed() => true,
        }
    }
}

/// Progress as the protocol wants it: each report is more than the one before.
pub(super) struct Rising<'a> {
    client: &'a dyn Client,
    last: Option<f64>,
}

impl<'a> Rising<'a> {
    pub(super) fn to(client: &'a dyn Client) -> Self {
        Self { client, last: None }
    }

    /// Tells it, unless it is no more than what was told.
    pub(super) fn tell(&mut self, progress: f64, total: f64, message: String) {
        if progress.is_finite() && self.last.is_none_or(|last| last < progress) {
            self.last = Some(progress);
            self.client.progress(Progress { progress, total: Some(total), message: Some(message) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::listening::Listening;

    #[test]
    fn progress_rises_and_never_stands_still() {
        let client = Listening::default();
        let mut rising = Rising::to(&client);
        for progress in [0.0, 0.0, 0.5, f64::NAN, 0.4, 0.5, 0.75, f64::INFINITY, 1.0] {
            rising.tell(progress, 1.0, format!("at {progress}"));
        }
        let told = client.progress();
        let values: Vec<f64> = told.iter().map(|told| told.progress).collect();
        assert_eq!(values, [0.0, 0.5, 0.75, 1.0]);
        assert!(told.iter().all(|told| told.total == Some(1.0)));
        assert_eq!(told[1].message.as_deref(), Some("at 0.5"));
    }
}
