//! Who wants to know that there are other tools or prompts than before.

use tokio::sync::watch;

use crate::tools::List;

/// How often each list became another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) tools: u64,
    pub(super) prompts: u64,
}

/// Tells who waits.
pub(super) struct Lists(watch::Sender<Counts>);

impl Default for Lists {
    fn default() -> Self {
        Self(watch::Sender::new(Counts::default()))
    }
}

impl Lists {
    pub(super) fn changed(&self, list: List) {
        self.0.send_modify(|counts| match list {
            List::Tools => counts.tools += 1,
            List::Prompts => counts.prompts += 1,
        });
    }

    /// Waits from now on.
    pub(super) fn wait(&self) -> watch::Receiver<Counts> {
        self.0.subscribe()
    }
}
