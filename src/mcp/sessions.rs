//! The sessions of earlier revisions: who talks, in which revision, and what it is still owed.
//!
//! A session is a convenience and never a key: it is found only by who began it, and a request
//! without one is served all the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::mcp::capabilities::Capabilities;
use crate::mcp::server::Server;
use crate::mcp::session::Session;
use crate::mcp::version::Version;
use crate::tools::Caller;

/// The most sessions.
const MOST: usize = 1_000;

/// The most sessions of one principal.
const MOST_EACH: usize = 200;

/// How long a session that nobody uses is kept.
const IDLE: Duration = Duration::from_hours(1);

/// Every session.
#[derive(Default)]
pub(super) struct Sessions {
    by_id: Mutex<HashMap<String, Arc<Session>>>,
}

impl Server {
    /// How many sessions there are, those among them that nobody uses any more.
    pub fn sessions(&self) -> usize {
        self.sessions.by_id().len()
    }
}

impl Sessions {
    fn by_id(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        // Each change is whole before anything in it can panic.
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session and names it. Where there are too many, the one that was idle longest ends.
    pub(super) fn begin(
        &self,
        caller: &Caller,
        version: Version,
        capabilities: Capabilities,
        now: Instant,
    ) -> String {
        let id = nanoid::nanoid!(32);
        let session = Arc::new(Session::new(&caller.principal, version, capabilities, now));
        let mut by_id = self.by_id();
        by_id.retain(|_, session| session.is_open() || now < session.last_used() + IDLE);
        let mine = by_id.values().filter(|session| session.is_of(&caller.principal)).count();
        let only_mine = MOST_EACH <= mine;
        if only_mine || MOST <= by_id.len() {
            let idlest = by_id
                .iter()
                .filter(|(_, session)| !only_mine || session.is_of(&caller.principal))
                .min_by_key(|(_, session)| (session.is_open(), session.last_used()))
                .map(|(id, _)| id.clone());
            if let Some(idlest) = idlest.and_then(|id| by_id.remove(&id)) {
                idlest.end();
            }
        }
        by_id.insert(id.clone(), session);
        id
    }

    /// The session with this id, if this caller began it.
    pub(super) fn find(&self, id: &str, caller: &Caller, now: Instant) -> Option<Arc<Session>> {
        let session = self.by_id().get(id).filter(|one| one.is_of(&caller.principal)).cloned()?;
        session.touch(now);
        Some(session)
    }

    /// Ends a session; whether there was one.
    pub(super) fn end(&self, id: &str, caller: &Caller) -> bool {
        let mut by_id = self.by_id();
        if !by_id.get(id).is_some_and(|session| session.is_of(&caller.principal)) {
            return false;
        }
        let ended = by_id.remove(id);
        drop(by_id);
        ended.inspect(|session| session.end()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::Role;

    fn caller(principal: &str) -> Caller {
        Caller { principal: principal.to_owned(), role: Role::Read }
    }

    #[test]
    fn a_session_is_its_owners_alone() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let id = sessions.begin(&caller("a"), Version::V20251125, Capabilities::default(), now);
        assert!(id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) && 20 < id.len());
        assert!(sessions.find(&id, &caller("a"), now).is_some());
        assert!(sessions.find(&id, &caller("b"), now).is_none());
        assert!(!sessions.end(&id, &caller("b")));
        assert!(sessions.end(&id, &caller("a")));
        assert!(!sessions.end(&id, &caller("a")));
        assert!(sessions.find(&id, &caller("a"), now).is_none());
    }

    #[test]
    fn one_principal_cannot_crowd_out_the_others() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let begin = |who: &str, at| {
            sessions.begin(&caller(who), Version::V20251125, Capabilities::default(), at)
        };
        let other = begin("b", now);
        let first = begin("a", now);
        for n in 0..MOST_EACH as u64 {
            begin("a", now + Duration::from_millis(n + 1));
        }
        assert!(sessions.find(&other, &caller("b"), now).is_some());
        assert!(sessions.find(&first, &caller("a"), now).is_none());
        assert_eq!(sessions.by_id().len(), MOST_EACH + 1);
        begin("c", now + IDLE * 2);
        assert_eq!(sessions.by_id().len(), 1);
    }
}
