//! Why a server gave no answer, in words that may be shown to anybody.

use std::time::Duration;

/// Why a call gave no answer. The words hold no URL, no header and no path of this machine.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The address that calls are based on cannot be one.
    #[error("the address of {server} must be an http or https URL without user name and password")]
    Base {
        /// Whom the address is of.
        server: &'static str,
    },
    /// The address is not one that may be called for somebody else.
    #[error("the address of {server} must be {allowed}")]
    NotAllowed {
        /// Whom the address is of.
        server: &'static str,
        /// What it must be.
        allowed: &'static str,
    },
    /// A certificate or a header that every call is to use cannot be used.
    #[error("{what} for {server} cannot be used")]
    Setting {
        /// What cannot be used.
        what: &'static str,
        /// Whom it is for.
        server: &'static str,
    },
    /// The parts of a call would lead somewhere else than below the configured address.
    #[error("a call to {server} would leave its address")]
    Astray {
        /// Who was to be called.
        server: &'static str,
    },
    /// Too many calls failed; nobody is asked before the wait is over.
    #[error("{server} failed too often and is left alone for {} ms", .retry_after.as_millis())]
    Open {
        /// Who is left alone.
        server: &'static str,
        /// How long.
        retry_after: Duration,
    },
    /// No connection came about.
    #[error("{server} cannot be reached")]
    Unreachable {
        /// Who was called.
        server: &'static str,
        /// What the transport said, for the log.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke, or carried something that is not HTTP.
    #[error("the connection to {server} broke, or what came over it is not HTTP")]
    Broken {
        /// Who was called.
        server: &'static str,
        /// What the transport said, for the log.
        #[source]
        source: reqwest::Error,
    },
    /// The answer did not come to its end in time.
    #[error("{server} did not answer within {} ms", .limit.as_millis())]
    TimedOut {
        /// Who was called.
        server: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// The answer is longer than is read.
    #[error("the answer of {server} is longer than {limit} bytes")]
    TooLong {
        /// Who was called.
        server: &'static str,
        /// How much is read.
        limit: usize,
    },
    /// The answer leads elsewhere, where nobody follows.
    #[error("{server} redirects to another address (status {status}), which is not followed")]
    Redirect {
        /// Who was called.
        server: &'static str,
        /// The status, between 300 and 399.
        status: u16,
    },
    /// The answer is compressed, which nobody asked for.
    #[error("the answer of {server} is compressed, which was not asked for")]
    Encoded {
        /// Who was called.
        server: &'static str,
    },
}

impl OutboundError {
    /// Whether the same call may succeed later without anything being changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Open { .. }
            | Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::TimedOut { .. } => true,
            Self::Base { .. }
            | Self::NotAllowed { .. }
            | Self::Setting { .. }
            | Self::Astray { .. }
            | Self::TooLong { .. }
            | Self::Redirect { .. }
            | Self::Encoded { .. } => false,
        }
    }

    /// Whether the call may have been carried out although no answer came: it was sent, and
    /// nobody knows what became of it.
    pub fn may_have_been_carried_out(&self) -> bool {
        match self {
            Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::TooLong { .. }
            | Self::Redirect { .. }
            | Self::Encoded { .. } => true,
            Self::Base { .. }
            | Self::NotAllowed { .. }
            | Self::Setting { .. }
            | Self::Astray { .. }
            | Self::Open { .. }
            | Self::Unreachable { .. } => false,
        }
    }

    /// Whether no answer came because time ran out.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Unreachable { source, .. } | Self::Broken { source, .. } => source.is_timeout(),
            _ => false,
        }
    }

    /// Whether no connection came about because TLS said no.
    pub fn is_tls(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } | Self::Broken { source, .. } => comes_of_tls(source),
            _ => false,
        }
    }
}

fn comes_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    // The source of an I/O error is not what it was made of, but what that comes of.
    if let Some(inner) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        return comes_of_tls(inner);
    }
    error.source().is_some_and(comes_of_tls)
}
