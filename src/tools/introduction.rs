//! Who answers, and who asks: what a page shows in its corner and decides by what to offer.

use serde::Serialize;

use crate::tools::{Caller, Doors, Role};

/// The daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerFacts {
    name: &'static str,
    version: &'static str,
    started_at: String,
    now: String,
    /// Who keeps the gates.
    registry: &'static str,
    /// Whether the repository is served for reading only.
    read_only: bool,
    /// Whether there are conversations.
    chat: bool,
}

impl ServerFacts {
    /// As they are now.
    pub fn of(doors: &Doors) -> Self {
        let daemon = &doors.infrastructure;
        Self {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            started_at: daemon.started.to_string(),
            now: daemon.clock.now().to_string(),
            registry: doors.models.registry(),
            read_only: daemon.read_only,
            chat: doors.chat.is_some(),
        }
    }
}

/// The caller, as it is told who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct You {
    principal: String,
    role: &'static str,
    /// Whether nobody needs a key here.
    open: bool,
}

impl You {
    /// Tells a caller who it is; `open` where it needed no key.
    pub fn are(caller: &Caller, open: bool) -> Self {
        let role = match caller.role {
            Role::Read => "read",
            Role::Operate => "operate",
        };
        Self { principal: caller.principal.clone(), role, open }
    }
}
