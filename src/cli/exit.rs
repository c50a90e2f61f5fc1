//! How the program ends: one code for each kind of failure, so that scripts can tell them apart.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use crate::app::AppError;
use crate::cli::terminal::text;
use crate::client::ClientError;
use crate::config::ConfigError;
use crate::store::{BackupError, OpenError};

/// The command line was wrong.
pub(super) const USAGE: u8 = 2;

/// The codes, for `--help`.
pub(super) const HELP: &str = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 wrong \
    settings, 4 cannot listen, 5 database not usable, 6 key refused, 7 daemon not reached, 8 \
    refused by the daemon, 9 what was waited for failed, was cancelled or would have asked, 10 \
    what was waited for was rolled back or would have been, 70 a part of the daemon kept failing, \
    130 interrupted while waiting, 143 ended by a second signal.";

/// How something that was waited for ended, where that is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadEnd {
    Failed,
    RolledBack,
}

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

    /// Settings that only client commands have are wrong.
    pub(super) fn settings(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into() }
    }

    /// What is on the command line does not go together.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into() }
    }

    /// There is no database where the settings have it, and the command reads one.
    pub(super) fn no_database(path: &Path) -> Self {
        let message = format!(
            "there is no database at {}; name the daemon's with --db or LUKHAS_MCP_DB",
            path.display()
        );
        Self { code: 5, message }
    }

    /// What was waited for ended, and not well.
    pub(super) fn ended(how: BadEnd, message: impl Into<String>) -> Self {
        let code = match how {
            BadEnd::Failed => 9,
            BadEnd::RolledBack => 10,
        };
        Self { code, message: message.into() }
    }

    /// Somebody pressed Ctrl-C before what was waited for had ended.
    pub(super) fn interrupted(message: impl Into<String>) -> Self {
        Self { code: 130, message: message.into() }
    }

    /// Whoever read the output has read enough: an end, and nothing to complain about.
    pub(super) fn nobody_reads() -> Self {
        Self { code: 0, message: String::new() }
    }

    /// Whether a daemon said no, or cannot say anything just now: the next question may go well.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self.code, 7 | 8)
    }

    /// Whether there is nothing to say about it.
    pub(super) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    pub(super) fn code(&self) -> ExitCode {
        self.code.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some of the words may come from a daemon.
        f.write_str(&text::line(&self.message))
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
            | AppError::Provider(_)
            | AppError::Issuer(_)
            | AppError::Collector(_)
            | AppError::Root(_) => 3,
            AppError::Bind { .. } | AppError::BindChat { .. } => 4,
            AppError::GaveUp(_) => 70,
            AppError::Import(_) | AppError::TakeOver(_) | AppError::System { .. } => 1,
        };
        coded(code, &error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let code = match error {
            ClientError::Unauthorized => 6,
            ClientError::Unreachable(_) | ClientError::Silent(_) | ClientError::Busy(_) => 7,
            ClientError::Refused(_) => 8,
            ClientError::Status(_) | ClientError::Strange(_) | ClientError::Setup(_) => 1,
        };
        coded(code, &error)
    }
}
