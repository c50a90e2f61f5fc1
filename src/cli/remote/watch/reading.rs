//! How do the things stand that the live view shows? Read beside the view, which goes on meanwhile,
//! and read again after failures that pass.

use std::future::pending;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::sleep;

use crate::cli::remote::answers::{Canaries, Canary, Job, Jobs};
use crate::cli::remote::session::{Session, read};
use crate::cli::remote::thing::Thing;
use crate::cli::remote::watch::says_over;
use crate::client::{ClientError, pause_after};

/// Of how many canaries the evidence is read.
const WITH_EVIDENCE: usize = 20;

/// What the topics are about: all that is open of a kind, and what is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    jobs: bool,
    canaries: bool,
    named: Vec<Thing>,
}

impl Wanted {
    pub(super) fn of(topics: &[String]) -> Self {
        let mut wanted = Self::default();
        for topic in topics {
            match topic.split_once('/') {
                _ if topic == "*" => (wanted.jobs, wanted.canaries) = (true, true),
                None if topic == "jobs" => wanted.jobs = true,
                None if topic == "canaries" => wanted.canaries = true,
                Some(("job", "*")) => wanted.jobs = true,
                Some(("canary", "*")) => wanted.canaries = true,
                Some(("job", id)) => wanted.named.push(Thing::Job(id.to_owned())),
                Some(("canary", id)) => wanted.named.push(Thing::Canary(id.to_owned())),
                _ => {}
            }
        }
        wanted
    }

    pub(super) fn only(thing: &Thing) -> Self {
        Self { named: vec![thing.clone()], ..Self::default() }
    }
}

/// How things stand.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub(super) jobs: Vec<Job>,
    pub(super) canaries: Vec<Canary>,
    /// How what is waited for ended, as the tool answers it, if it has.
    pub(super) ended: Option<serde_json::Value>,
}

/// What became of a reading.
#[derive(Debug)]
pub(super) enum Outcome {
    Read(Standing),
    /// It will be tried again; this is why.
    Later(String),
}

/// At most one reading at work.
pub(super) struct Reading<'a> {
    session: &'a Session,
    until: Option<&'a Thing>,
    wanted: Wanted,
    at_work: Option<BoxFuture<'a, Result<Standing, ClientError>>>,
    failures: u32,
}

impl<'a> Reading<'a> {
    pub(super) fn of(session: &'a Session, until: Option<&'a Thing>) -> Self {
        Self { session, until, wanted: Wanted::default(), at_work: None, failures: 0 }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.at_work.is_none()
    }

    pub(super) fn begin(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        self.failures = 0;
        self.begin_after(Duration::ZERO);
    }

    fn begin_after(&mut self, pause: Duration) {
        let (session, until, wanted) = (self.session, self.until, self.wanted.clone());
        self.at_work = Some(Box::pin(async move {
            sleep(pause).await;
            stand(session, &wanted, until).await
        }));
    }

    /// Waits for what becomes of the reading at work; without end if there is none. Nothing is lost
    /// when it is not awaited to its end.
    ///
    /// # Errors
    /// A failure that does not pass.
    pub(super) async fn outcome(&mut self) -> Result<Outcome, ClientError> {
        let Some(at_work) = &mut self.at_work else { return pending().await };
        match at_work.await {
            Ok(standing) => {
                self.at_work = None;
                Ok(Outcome::Read(standing))
            }
            Err(error) if error.may_pass() => {
                self.failures += 1;
                let pause = pause_after(self.failures);
                self.begin_after(pause);
                let pause = pause.as_secs_f64();
                Ok(Outcome::Later(format!("{error}; trying again in {pause:.1} s")))
            }
            Err(error) => Err(error),
        }
    }
}

async fn stand(
    session: &Session,
    wanted: &Wanted,
    until: Option<&Thing>,
) -> Result<Standing, ClientError> {
    let mut standing = Standing::default();
    if wanted.jobs {
        let open = json!({ "status": ["QUEUED", "RUNNING"], "limit": 200 });
        let jobs: Jobs = read(session.try_answer("list_jobs", &open).await?)?;
        standing.jobs = jobs.jobs;
    }
    if wanted.canaries {
        standing.canaries = open_canaries(session).await?;
    }
    for thing in &wanted.named {
        let (tool, arguments) = thing.question();
        let answer = match session.try_answer(tool, &arguments).await {
            // It need not be there yet, unless its end is waited for.
            Err(ClientError::Refused(_)) if until != Some(thing) => continue,
            answer => answer?,
        };
        if until == Some(thing) && says_over(&answer) {
            standing.ended = Some(answer.clone());
        }
        match thing {
            Thing::Job(_) => standing.jobs.push(read(answer)?),
            Thing::Canary(_) => standing.canaries.push(read(answer)?),
        }
    }
    Ok(standing)
}

/// The canaries that are not over, the first of them with their evidence.
async fn open_canaries(session: &Session) -> Result<Vec<Canary>, ClientError> {
    let mut open = Vec::new();
    // Dry runs keep their status when they are over, and must not take the place of others.
    for statuses in [&["RUNNING", "PAUSED"][..], &["PENDING"]] {
        let asked = json!({ "status": statuses, "limit": 200 });
        let listed: Canaries = read(session.try_answer("list_canaries", &asked).await?)?;
        open.extend(listed.canaries.into_iter().filter(|canary| !canary.is_over()));
    }
    for canary in open.iter_mut().take(WITH_EVIDENCE) {
        let (tool, arguments) = Thing::Canary(canary.id.clone()).question();
        *canary = read(session.try_answer(tool, &arguments).await?)?;
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_topics_are_about_is_read() {
        let wanted = |topics: &[&str]| {
            let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
            let Wanted { jobs, canaries, named } = Wanted::of(&topics);
            (jobs, canaries, named)
        };
        let job = Thing::Job("job_x".to_owned());
        assert_eq!(wanted(&["*", "job/job_x"]), (true, true, vec![job]));
        assert_eq!(wanted(&["jobs"]), (true, false, vec![]));
        assert_eq!(wanted(&["canary/*"]), (false, true, vec![]));
        assert_eq!(wanted(&["model/*", "models"]), (false, false, vec![]));
        let canary = Thing::Canary("canary_x".to_owned());
        assert_eq!(wanted(&["canary/canary_x"]), (false, false, vec![canary]));
    }
}
