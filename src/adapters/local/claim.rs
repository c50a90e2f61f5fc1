//! Who runs an attempt: the one file that makes a run start exactly once.
//!
//! ```text
//! spec written --the shim claims--> started, for good
//!              --a daemon claims--> void, for good
//! ```
//!
//! An attempt without a claim may still be claimed by a shim that is slow; one with a claim can
//! not. So nobody starts anew before the latest attempt is void.

use std::io;

use serde::{Deserialize, Serialize};

use super::run_directory::{Attempt, RunDirectory};
use crate::adapters::process::ProcessIdentity;

const FILE: &str = "claim";

/// What an attempt has come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Claim {
    /// The process has started the command, or has tried to.
    Started(ProcessIdentity),
    /// Nobody has and nobody will.
    Void,
}

impl Claim {
    /// Claims an attempt, unless it is claimed; says whether it did.
    pub(super) fn take(&self, attempt: &Attempt) -> io::Result<bool> {
        attempt.write_json_once(FILE, self)
    }

    /// Reads an attempt's claim.
    pub(super) fn read(attempt: &Attempt) -> io::Result<Option<Self>> {
        attempt.read_json(FILE)
    }
}

/// How far the run of a job has come to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing was ever attempted.
    Absent,
    /// The latest attempt waits for its claim.
    Unclaimed(Attempt),
    /// Every attempt is void; this is the latest.
    Void(Attempt),
    /// The attempt was started, by this process.
    Started(Attempt, ProcessIdentity),
    /// The attempt was claimed, and the claim cannot be read any more.
    Unreadable(Attempt),
}

impl Standing {
    /// Looks at the attempts.
    pub(super) fn of(directory: &RunDirectory) -> io::Result<Self> {
        let mut latest = None;
        for attempt in directory.attempts()? {
            match Claim::read(&attempt) {
                Ok(Some(Claim::Started(process))) => return Ok(Self::Started(attempt, process)),
                Ok(Some(Claim::Void)) => latest = latest.or(Some(Self::Void(attempt))),
                Ok(None) => latest = latest.or(Some(Self::Unclaimed(attempt))),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Ok(Self::Unreadable(attempt));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(latest.unwrap_or(Self::Absent))
    }

    /// Looks at the attempts, and settles for good what was left open: afterwards a run is started
    /// or it is not, whatever a slow shim may still try.
    pub(super) fn settle(directory: &RunDirectory) -> io::Result<Self> {
        loop {
            match Self::of(directory)? {
                // Whether this call or a shim is the faster, the attempt is claimed then.
                Self::Unclaimed(attempt) => Claim::Void.take(&attempt).map(drop)?,
                settled => return Ok(settled),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::JobId;

    #[test]
    fn of_two_claims_the_first_stands() {
        let runs = tempfile::tempdir().unwrap();
        let directory = RunDirectory::of(runs.path(), &JobId::parse("job_1").unwrap());
        assert_eq!(Standing::of(&directory).unwrap(), Standing::Absent);
        let attempt = directory.create_attempt(None).unwrap();
        assert_eq!(Standing::of(&directory).unwrap(), Standing::Unclaimed(attempt.clone()));
        assert_eq!(Standing::settle(&directory).unwrap(), Standing::Void(attempt.clone()));
        let started = Claim::Started(ProcessIdentity::own().unwrap());
        assert!(!started.take(&attempt).unwrap());
        let second = directory.create_attempt(Some(&attempt)).unwrap();
        assert!(started.take(&second).unwrap());
        assert!(!Claim::Void.take(&second).unwrap());
        let standing = Standing::settle(&directory).unwrap();
        assert!(matches!(standing, Standing::Started(attempt, _) if attempt == second));
    }

    #[test]
    fn races_for_a_claim_have_one_winner_each() {
        let runs = tempfile::tempdir().unwrap();
        let directory = RunDirectory::of(runs.path(), &JobId::parse("job_1").unwrap());
        let started = Claim::Started(ProcessIdentity::own().unwrap());
        let mut latest = None;
        for _ in 0..100 {
            let attempt = directory.create_attempt(latest.as_ref()).unwrap();
            let won = std::thread::scope(|scope| {
                let racers = [&started, &Claim::Void, &started, &Claim::Void]
                    .map(|claim| scope.spawn(|| claim.take(&attempt).unwrap()));
                racers.map(|racer| racer.join().unwrap())
            });
            assert_eq!(won.iter().filter(|won| **won).count(), 1);
            latest = Some(attempt);
        }
    }

    #[test]
    fn a_claim_that_cannot_be_read_is_never_taken_for_none() {
        let runs = tempfile::tempdir().unwrap();
        let directory = RunDirectory::of(runs.path(), &JobId::parse("job_1").unwrap());
        let attempt = directory.create_attempt(None).unwrap();
        std::fs::write(attempt.path().join(FILE), "").unwrap();
        assert_eq!(Standing::settle(&directory).unwrap(), Standing::Unreadable(attempt));
    }
}
