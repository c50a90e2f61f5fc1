//! Which requests are under way, and how is one of them ended?

use std::collections::HashMap;

use tokio::task::AbortHandle;

/// A request that is under way.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Whether the daemon has to be told that it is taken back.
    pub(super) is_in_session: bool,
    /// Whether it has no end of its own.
    pub(super) is_long: bool,
    pub(super) task: AbortHandle,
}

/// The requests that are under way, by their ids as they were written.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    by_id: HashMap<String, Asked>,
}

impl UnderWay {
    pub(super) fn add(&mut self, id: String, asked: Asked) {
        self.by_id.retain(|_, asked| !asked.task.is_finished());
        self.by_id.insert(id, asked);
    }

    /// The request with this id, if it is not over.
    pub(super) fn find(&self, id: &str) -> Option<Asked> {
        self.by_id.get(id).filter(|asked| !asked.task.is_finished()).cloned()
    }

    /// Ends those that have no end of their own.
    pub(super) fn end_long(&self) {
        for asked in self.by_id.values().filter(|asked| asked.is_long) {
            asked.task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_over_is_not_under_way() {
        let mut under_way = UnderWay::default();
        let mut tasks = Vec::new();
        for (id, is_long) in [("1", false), ("2", true)] {
            let task = tokio::spawn(std::future::pending::<()>());
            let asked = Asked { is_in_session: true, is_long, task: task.abort_handle() };
            under_way.add(id.to_owned(), asked);
            tasks.push(task);
        }
        under_way.end_long();
        assert!(tasks.pop().unwrap().await.unwrap_err().is_cancelled());
        assert!(under_way.find("2").is_none() && under_way.find("3").is_none());
        let one = under_way.find("1").unwrap();
        assert!(one.is_in_session && !one.is_long);
        one.task.abort();
        assert!(tasks.pop().unwrap().await.unwrap_err().is_cancelled());
        under_way.add("3".to_owned(), Asked { task: one.task.clone(), ..one });
        assert_eq!(under_way.by_id.len(), 1);
    }
}
