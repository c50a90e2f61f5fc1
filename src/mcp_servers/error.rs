//! Why did a call of a server come to nothing, and may it have done something?

use std::time::Duration;

/// Why there is no result of a call. What it may have done differs, and so what may follow.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ToolCallError {
    /// Nothing reached the server, so nothing was done.
    #[error("the tool was not called: {0}")]
    NotSent(NotSent),
    /// It was sent and not answered: it may have been done or not.
    #[error("it is not known whether the tool did anything: {0}")]
    Unknown(Lost),
    /// The server answered that it cannot.
    #[error("the server refused the call: {message} (code {code})")]
    Failed {
        /// The code of the protocol.
        code: i32,
        /// What the server said, in a line.
        message: String,
    },
    /// It was cancelled.
    #[error("the call was cancelled")]
    Cancelled {
        /// Whether it had been sent, so that it may have been done or not.
        sent: bool,
    },
}

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// No server has this name.
    #[error("there is no server {0}")]
    NoServer(String),
    /// The server has no such tool, prompt or resource, or it is quarantined.
    #[error("the server has no {0}")]
    Nothing(String),
    /// The definition is another one than the caller knows.
    #[error("its definition changed in the meantime; look at it again")]
    Redefined,
    /// Nobody agreed to its definition yet.
    #[error("its definition changed since it was agreed to; somebody has to agree again")]
    NotAgreed,
    /// The arguments are not those that it takes.
    #[error("its arguments are wrong: {}", .0.join("; "))]
    Arguments(Vec<String>),
    /// The server is not connected.
    #[error("its server is not connected just now")]
    NotConnected,
    /// Too many calls are under way.
    #[error("its server is busy with other calls")]
    Busy,
    /// It is the daemon's own, which nothing is sent for.
    #[error("it is called in another way")]
    Own,
    /// Arguments could not be checked in time.
    #[error("its arguments could not be checked in time")]
    CheckTimedOut,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The connection is gone.
    #[error("the connection to the server was lost")]
    Connection,
    /// Nothing was heard for too long.
    #[error("nothing was heard for {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// It took too long in all.
    #[error("it took more than {} s", .0.as_secs_f64())]
    TookTooLong(Duration),
    /// The answer is not one that the protocol has.
    #[error("the server's answer cannot be read")]
    Unreadable,
    /// It wanted to know more and more.
    #[error("the server asked too often")]
    AskedTooOften,
}
