//! How the program ends: one code for each kind of failure, so that scripts can tell them apart.

use std::fmt;
use std::process::ExitCode;

use crate::app::AppError;
use crate::client::ClientError;
use crate::config::ConfigError;
use crate::store::{BackupError, OpenError};

/// The command line was wrong.
pub(super) const USAGE: u8 = 2;

/// The codes, for `--help`.
pub(super) const HELP: &str = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 wrong \
    settings, 4 cannot listen, 5 database not usable, 6 key refused, 70 a part of the daemon \
    kept failing, 143 ended by a second signal.";

/// A failure with its exit code and its sentence.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    pub(super) fn other(what: &str, error: &dyn std::error::Error) -> Self {
        Self::new(format!("cannot {what}: {error}"))
    }

    pub(super) fn code(&self) -> ExitCode {
        self.code.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

fn coded(code: u8, error: &dyn std::error::Error) -> Failure {
    Failure { code, message: error.to_string() }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        coded(3, &error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        coded(5, &error)
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        coded(5, &error)
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let code = match &error {
            AppError::Open(_)
            | AppError::Store(_)
            | AppError::Events(_)
            | AppError::Canaries(_)
            | AppError::Repository(_) => 5,
            AppError::Registry(_)
            | AppError::Metrics(_)
            | AppError::Webhook(_)
            | AppError::Root(_) => 3,
            AppError::Bind { .. } => 4,
            AppError::GaveUp(_) => 70,
            AppError::Import(_) | AppError::System { .. } => 1,
        };
        coded(code, &error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let code = if matches!(error, ClientError::Unauthorized) { 6 } else { 1 };
        coded(code, &error)
    }
}
