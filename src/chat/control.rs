//! What others may want of a request that is worked on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::mcp_servers::{Elicitation, ElicitationAnswer};

/// What others may want of a request that is worked on.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// Ends what is under way.
    pub(super) cancel: CancellationToken,
    /// Rings when a question may have been answered.
    pub(super) decided: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cancelled_by: Option<String>,
    questions: BTreeMap<String, (Elicitation, oneshot::Sender<ElicitationAnswer>)>,
}

impl Control {
    /// For a request that somebody may have wanted ended before.
    pub(super) fn new(cancelled_by: Option<String>) -> Self {
        let control = Self::default();
        if let Some(by) = cancelled_by {
            control.cancel(by);
        }
        control
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the request. Whoever wanted it first is remembered.
    pub(super) fn cancel(&self, by: String) {
        self.lock().cancelled_by.get_or_insert(by);
        self.cancel.cancel();
    }

    /// Who wants it ended.
    pub(super) fn cancelled_by(&self) -> Option<String> {
        self.lock().cancelled_by.clone()
    }

    /// Keeps a question of a server until it is answered.
    pub(super) fn ask(
        &self,
        id: String,
        question: Elicitation,
    ) -> oneshot::Receiver<ElicitationAnswer> {
        let (sender, receiver) = oneshot::channel();
        self.lock().questions.insert(id, (question, sender));
        receiver
    }

    /// Answers a question of a server. Answers whether there was one.
    pub(super) fn answer(&self, id: &str, answer: ElicitationAnswer) -> bool {
        let Some((_, sender)) = self.lock().questions.remove(id) else { return false };
        sender.send(answer).is_ok()
    }

    /// Takes a question back.
    pub(super) fn withdraw(&self, id: &str) {
        self.lock().questions.remove(id);
    }

    /// The questions that wait for an answer.
    pub(super) fn questions(&self) -> Vec<(String, Elicitation)> {
        let state = self.lock();
        state.questions.iter().map(|(id, (question, _))| (id.clone(), question.clone())).collect()
    }
}
