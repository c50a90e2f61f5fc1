//! Which calls does a server work on, and to which of them does something belong that it says?

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{ProgressToken, RequestId};
use tokio::sync::{mpsc, watch};

use crate::mcp_servers::elicitation::Elicitor;

/// How much progress of a call may wait to be told.
const PROGRESS: usize = 32;

/// How far a call has come, as its server says.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Grows.
    pub progress: f64,
    /// What it grows to, if that is known.
    pub total: Option<f64>,
    /// What is being done, without anything that hides in it.
    pub message: Option<String>,
}

/// What a server's question belongs to.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) about: Arc<str>,
    pub(super) elicitor: Arc<dyn Elicitor>,
    /// How many questions are open.
    open: Arc<watch::Sender<u32>>,
}

impl Asker {
    /// Counts a question as open until what it answers is dropped.
    pub(super) fn open(&self) -> OpenQuestion {
        self.open.send_modify(|open| *open += 1);
        OpenQuestion(Arc::clone(&self.open))
    }
}

/// A question that is open.
pub(super) struct OpenQuestion(Arc<watch::Sender<u32>>);

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

struct Entry {
    request: Option<RequestId>,
    token: Option<ProgressToken>,
    progress: mpsc::Sender<Progress>,
    asker: Asker,
}

/// The calls that a server works on; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct InFlight {
    entries: Arc<Mutex<HashMap<u64, Entry>>>,
    next: Arc<AtomicU64>,
}

/// A call that is under way, until it is dropped.
pub(super) struct Flight {
    all: InFlight,
    number: u64,
    pub(super) progress: mpsc::Receiver<Progress>,
    pub(super) open_questions: watch::Receiver<u32>,
    pub(super) asker: Asker,
}

impl InFlight {
    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call begins.
    pub(super) fn begin(&self, about: &str, elicitor: Arc<dyn Elicitor>) -> Flight {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, progress) = mpsc::channel(PROGRESS);
        let (open, open_questions) = watch::channel(0);
        let asker = Asker { about: about.into(), elicitor, open: Arc::new(open) };
        let entry = Entry { request: None, token: None, progress: sender, asker: asker.clone() };
        self.entries().insert(number, entry);
        Flight { all: self.clone(), number, progress, open_questions, asker }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.entries().len()
    }

    /// Notes progress. What is not taken in time is left out: more will come.
    pub(super) fn progressed(&self, token: &ProgressToken, progress: Progress) {
        let entries = self.entries();
        if let Some(entry) = entries.values().find(|entry| entry.token.as_ref() == Some(token)) {
            let _ = entry.progress.try_send(progress);
        }
    }

    /// The call that a question belongs to: the one that the server names, or the only one there
    /// is. With several and no name it is not to be told, and nobody is asked what may not be
    /// theirs.
    pub(super) fn asker(&self, request: Option<&RequestId>) -> Option<Asker> {
        let entries = self.entries();
        let named = request
            .and_then(|id| entries.values().find(|entry| entry.request.as_ref() == Some(id)));
        let mut all = entries.values();
        let only = all.next().filter(|_| all.next().is_none());
        named.or(only).map(|entry| entry.asker.clone())
    }
}

impl Flight {
    /// Notes what the call is known by to the server.
    pub(super) fn known_as(&self, request: RequestId, token: ProgressToken) {
        if let Some(entry) = self.all.entries().get_mut(&self.number) {
            entry.request = Some(request);
            entry.token = Some(token);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.all.entries().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::NumberOrString;

    use super::*;
    use crate::mcp_servers::elicitation::NobodyToAsk;

    #[test]
    fn a_question_goes_to_its_call_or_to_nobody() {
        let all = InFlight::default();
        let id = NumberOrString::Number;
        assert!(all.asker(None).is_none());
        let one = all.begin("one", Arc::new(NobodyToAsk));
        one.known_as(id(1), ProgressToken(id(11)));
        assert_eq!(&*all.asker(None).unwrap().about, "one");
        let other = all.begin("other", Arc::new(NobodyToAsk));
        other.known_as(id(2), ProgressToken(id(12)));
        assert!(all.asker(None).is_none(), "it may be somebody else's");
        assert_eq!(&*all.asker(Some(&id(2))).unwrap().about, "other");
        drop(one);
        assert_eq!(&*all.asker(None).unwrap().about, "other");
        assert_eq!(all.count(), 1);
    }

    #[test]
    fn progress_goes_to_its_call() {
        let all = InFlight::default();
        let (mut one, mut other) =
            (all.begin("one", Arc::new(NobodyToAsk)), all.begin("other", Arc::new(NobodyToAsk)));
        one.known_as(NumberOrString::Number(1), ProgressToken(NumberOrString::Number(5)));
        let progress = Progress { progress: 1.0, total: None, message: None };
        for _ in 0..100 {
            all.progressed(&ProgressToken(NumberOrString::Number(5)), progress.clone());
        }
        assert_eq!(one.progress.try_recv(), Ok(progress));
        assert!(other.progress.try_recv().is_err());
    }
}
