//! What is recorded of the daemon itself: the one place where that is worded.

use serde_json::{Value, json};

use crate::store::audits::Removed;
use crate::store::{StoreError, Transaction};

/// Who did what nobody asked for in particular.
const SYSTEM: &str = "system";

/// A fact: its action, its details and its sentence.
#[derive(Debug)]
pub(super) struct Fact {
    action: &'static str,
    details: Value,
    message: String,
}

impl Fact {
    /// Adds it to the chain, as done by the daemon itself.
    pub(super) fn record(self, transaction: &mut Transaction<'_>) -> Result<i64, StoreError> {
        self.record_as(transaction, SYSTEM)
    }

    /// Adds it to the chain, as done by somebody.
    pub(super) fn record_as(
        self,
        transaction: &mut Transaction<'_>,
        actor: &str,
    ) -> Result<i64, StoreError> {
        transaction.audit_daemon(actor, self.action, &self.details, self.message)
    }
}

pub(super) fn started(version: &str, settings_sha256: &str) -> Fact {
    Fact {
        action: "daemon_start",
        details: json!({ "version": version, "settingsSha256": settings_sha256 }),
        message: format!(
            "The daemon started in version {version}, with the settings whose SHA-256 begins {}.",
            settings_sha256.get(..12).unwrap_or(settings_sha256)
        ),
    }
}

pub(super) fn stopped(version: &str) -> Fact {
    Fact {
        action: "daemon_stop",
        details: json!({ "version": version }),
        message: "The daemon was asked to stop, and finished what was in flight.".to_owned(),
    }
}

/// Requests that were refused for one reason since the last such fact. Never a key.
pub(super) fn refused(why: &str, requests: u64) -> Fact {
    Fact {
        action: "auth_refused",
        details: json!({ "reason": why, "requests": requests }),
        message: match requests {
            1 => format!("A request was refused: {why}."),
            n => format!("{n} requests were refused: {why}."),
        },
    }
}

pub(super) fn removed(removed: &Removed) -> Fact {
    let Removed { rows, checkpoint } = removed;
    let (size, head) = (checkpoint.size, &checkpoint.head);
    Fact {
        action: "audit_remove",
        details: json!({ "rows": rows, "upTo": size, "head": head }),
        message: format!(
            "{rows} facts up to row {size} had been kept long enough and were removed; the \
             checkpoint made of that row stands for them."
        ),
    }
}

pub(super) fn exported(from: &str, to: &str) -> Fact {
    Fact {
        action: "evidence_export",
        details: json!({ "from": from, "to": to }),
        message: format!("The evidence from {from} to {to} was asked for."),
    }
}
