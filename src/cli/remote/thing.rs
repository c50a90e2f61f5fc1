//! Which kind of thing does an id name, and how is it asked for?

use std::str::FromStr;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cli::exit::Failure;
use crate::cli::remote::session::Session;
use crate::client::pause_after;

/// What is waited for: a job or a canary. Models have no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    Job(String),
    Canary(String),
}

impl FromStr for Thing {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, String> {
        if id.starts_with("job_") {
            Ok(Self::Job(id.to_owned()))
        } else if id.starts_with("canary_") {
            Ok(Self::Canary(id.to_owned()))
        } else {
            Err("the id of a job begins with job_, that of a canary with canary_".to_owned())
        }
    }
}

impl Thing {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Job(id) | Self::Canary(id) => id,
        }
    }

    /// The topic of its events.
    pub(super) fn topic(&self) -> String {
        match self {
            Self::Job(id) => format!("job/{id}"),
            Self::Canary(id) => format!("canary/{id}"),
        }
    }

    /// The tool that says how it stands, and its arguments.
    pub(super) fn question(&self) -> (&'static str, Value) {
        match self {
            Self::Job(id) => ("status", json!({ "jobId": id })),
            Self::Canary(id) => ("canary_status", json!({ "canaryId": id, "observations": 0 })),
        }
    }

    /// Asks how it stands, and again, with longer and longer pauses, as long as the failures are
    /// such as pass. Each of them is told.
    pub(super) async fn ask_until_answered(
        &self,
        session: &Session,
        mut tell: impl FnMut(&str),
    ) -> Result<Value, Failure> {
        let (tool, arguments) = self.question();
        let mut failures = 0;
        loop {
            match session.try_answer(tool, &arguments).await {
                Err(error) if error.may_pass() => {
                    tell(&format!("{error}; trying again"));
                    failures += 1;
                    sleep(pause_after(failures)).await;
                }
                answer => return Ok(answer?),
            }
        }
    }
}

/// Refuses the id of a job where a canary is meant.
pub(super) fn must_be_canary(id: &str, instead: &str) -> Result<(), Failure> {
    match id.parse() {
        Ok(Thing::Job(_)) => Err(Failure::usage(format!("{id} is a job: {instead}"))),
        _ => Ok(()),
    }
}
