//! How the server introduces itself: to clients that begin with a handshake, and to those that
//! only look.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::mcp::answer::{self, Answer, Cache, Done};
use crate::mcp::capabilities::Capabilities;
use crate::mcp::meta::Meta;
use crate::mcp::methods::{Asked, read};
use crate::mcp::server::{INITIALIZE, Received, Server};
use crate::mcp::version::{LATEST_AGREED, Version};

/// What people call the server.
pub(super) const TITLE: &str = "lukhas-mcp";

/// How long what the server says about itself stays true, in milliseconds.
const INTRODUCTION_TTL: u32 = 3_600_000;

const INSTRUCTIONS: &str = "Find files with search and read them with fetch; change them with \
    apply_patch and commit them with git_commit. Run evals with run_eval, follow them with \
    status, and ask why for the story of a job, a canary, a model, a file or a commit.";

/// Which lists become others while the server runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Varying {
    pub(super) tools: bool,
    pub(super) prompts: bool,
}

/// What is served beside what every client is served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offered {
    pub(super) varying: Varying,
    pub(super) tasks: bool,
}

impl Server {
    pub(super) fn offered(&self) -> Offered {
        Offered { varying: self.varying, tasks: self.tasks.is_some() }
    }

    /// Agrees on a revision, and begins a session for who takes streams.
    pub(super) fn initialize(
        &self,
        received: &Received,
        id: &str,
        params: Option<&RawValue>,
        meta: &Meta,
    ) -> Answer {
        let params = match read::<InitializeParams>(params) {
            Ok(params) => params.unwrap_or_default(),
            Err(fault) => return answer::answer(Version::V20250326, id, Err(fault)),
        };
        let version = params.version();
        let Received { caller, headers, .. } = received;
        let (method, session) = (INITIALIZE, None);
        let asked = Asked { caller, version, meta, headers, session, method, params: None };
        let _span = self.span(asked, id).entered();
        // Who takes no streams has no use for a session, and need not carry one about.
        let session = received.accepts_events.then(|| {
            self.sessions.begin(&received.caller, version, params.capabilities(), Instant::now())
        });
        answer::answer(version, id, Ok(initialized(version, self.offered()))).starting(session)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitializeParams {
    #[serde(default)]
    protocol_version: Option<String>,
    #[serde(default)]
    capabilities: Option<Value>,
}

impl InitializeParams {
    /// The revision that both can speak: the one that was asked for, or the newest with sessions.
    pub(super) fn version(&self) -> Version {
        let asked = self.protocol_version.as_deref().and_then(Version::parse);
        asked.filter(|version| !version.is_stateless()).unwrap_or(LATEST_AGREED)
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        let declared = self.capabilities.as_ref().map(Capabilities::of);
        declared.and_then(Result::ok).unwrap_or_default()
    }
}

fn capabilities(Offered { varying, .. }: Offered) -> Value {
    json!({
        "tools": { "listChanged": varying.tools },
        "resources": { "subscribe": true, "listChanged": true },
        "prompts": { "listChanged": varying.prompts },
        "completions": {},
        "logging": {},
        // What ChatGPT looks for; the extension's own place is beside the others.
        "events": {},
        "extensions": { super::APPS: {} },
    })
}

/// The answer to a client that begins with a handshake.
pub(super) fn initialized(version: Version, offered: Offered) -> Done {
    Done::value(&json!({
        "protocolVersion": version.as_str(),
        "capabilities": capabilities(offered),
        "serverInfo": {
            "name": env!("CARGO_PKG_NAME"),
            "title": TITLE,
            "version": env!("CARGO_PKG_VERSION"),
        },
        "instructions": INSTRUCTIONS,
    }))
}

/// The answer to a client that looks who is there.
pub(super) fn discovered(offered: Offered) -> Done {
    let mut capabilities = capabilities(offered);
    // These two are asked for as no revision with a handshake would.
    capabilities["extensions"][super::EVENTS] = json!({});
    if offered.tasks {
        capabilities["extensions"][super::TASKS] = json!({});
    }
    Done::value(&json!({
        "supportedVersions": Version::ALL.map(Version::as_str),
        "capabilities": capabilities,
        "instructions": INSTRUCTIONS,
    }))
    .cached(Cache { ttl: INTRODUCTION_TTL, public: true })
}
