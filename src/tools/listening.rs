//! A client for tests that writes down what it hears.

use std::sync::Mutex;

use serde_json::Value;

use crate::tools::{Client, LogLevel, Progress};

type Logged = (LogLevel, &'static str, Value);

/// It hears everything, or nothing, and can be asked nothing.
#[derive(Default)]
pub(super) struct Listening {
    is_deaf: bool,
    progress: Mutex<Vec<Progress>>,
    logged: Mutex<Vec<Logged>>,
}

impl Listening {
    pub(super) fn deaf() -> Self {
        Self { is_deaf: true, ..Self::default() }
    }

    pub(super) fn progress(&self) -> Vec<Progress> {
        self.progress.lock().unwrap().clone()
    }

    pub(super) fn logged(&self) -> Vec<Logged> {
        self.logged.lock().unwrap().clone()
    }
}

impl Client for Listening {
    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }

    fn log(&self, level: LogLevel, logger: &'static str, data: Value) {
        self.logged.lock().unwrap().push((level, logger, data));
    }

    fn listens(&self) -> bool {
        !self.is_deaf
    }
}
