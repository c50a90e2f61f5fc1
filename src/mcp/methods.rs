//! Which method does what, in which revision?

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::mcp::answer::Done;
use crate::mcp::era::DISCOVER;
use crate::mcp::fault::Fault;
use crate::mcp::headers::Headers;
use crate::mcp::introduction::discovered;
use crate::mcp::line::Line;
use crate::mcp::meta::Meta;
use crate::mcp::server::Server;
use crate::mcp::session::Session;
use crate::mcp::spans;
use crate::mcp::version::Version;
use crate::tools::{Caller, LogLevel};

/// A request that is to be carried out.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) caller: &'a Caller,
    pub(super) version: Version,
    pub(super) meta: &'a Meta,
    pub(super) headers: &'a Headers,
    pub(super) session: Option<&'a Arc<Session>>,
    pub(super) method: &'a str,
    pub(super) params: Option<&'a RawValue>,
}

impl Asked<'_> {
    /// Whether the client may be told which page belongs to a tool. Who never introduced itself is
    /// not.
    pub(super) fn may_show_pages(&self) -> bool {
        let stateless = self.meta.capabilities.filter(|_| self.version.is_stateless());
        let said = stateless.or(self.session.map(|session| session.capabilities));
        said.is_some_and(|client| self.version.has_answer_schemas() && client.may_show_pages())
    }
}

#[derive(Deserialize)]
struct LevelParams {
    level: String,
}

#[derive(Deserialize)]
pub(super) struct UriParams {
    pub(super) uri: String,
}

impl Server {
    /// Carries a request out.
    pub(super) async fn perform(&self, asked: Asked<'_>, line: &Line) -> Result<Done, Fault> {
        let outcome = self.dispatch(asked, line).await;
        if let Err(fault) = &outcome {
            spans::failed(asked, fault);
        }
        outcome
    }

    async fn dispatch(&self, asked: Asked<'_>, line: &Line) -> Result<Done, Fault> {
        let stateless = asked.version.is_stateless();
        match asked.method {
            "tools/call" => self.call(asked, line).await,
            "tools/list" => self.list_tools(asked),
            "tasks/get" | "tasks/update" | "tasks/cancel" if stateless => {
                self.about_task(asked).await
            }
            "resources/list" => self.list_resources(asked).await,
            "resources/templates/list" => self.list_templates(asked),
            "resources/read" => self.read_resource(asked, line).await,
            "prompts/list" => self.list_prompts(asked),
            "prompts/get" => self.get_prompt(asked, line).await,
            "completion/complete" => self.complete(asked).await,
            DISCOVER if stateless => Ok(discovered(self.offered())),
            "events/list" | "events/poll" | "events/subscribe" | "events/unsubscribe" => {
                self.follow(asked).await
            }
            "ping" if !stateless => Ok(Done::complete("{}".into())),
            "logging/setLevel" if !stateless => set_level(asked),
            "resources/subscribe" if !stateless => self.subscribe(asked, true),
            "resources/unsubscribe" if !stateless => self.subscribe(asked, false),
            other => Err(Fault::unknown_method(other)),
        }
    }
}

fn set_level(asked: Asked<'_>) -> Result<Done, Fault> {
    let level =
        read::<LevelParams>(asked.params)?.and_then(|params| LogLevel::parse(&params.level));
    let Some(level) = level else {
        let all = LogLevel::ALL.map(LogLevel::as_str).join(", ");
        return Err(Fault::Params(format!("level must be one of {all}")));
    };
    if let Some(session) = asked.session {
        session.set_level(level);
    }
    Ok(Done::complete("{}".into()))
}

/// Reads params that must be an object; a struct would also take an array, by position.
pub(super) fn read<'a, T: Deserialize<'a>>(
    params: Option<&'a RawValue>,
) -> Result<Option<T>, Fault> {
    let Some(params) = params else { return Ok(None) };
    if !params.get().starts_with('{') {
        return Err(Fault::Params("params must be an object".to_owned()));
    }
    match serde_json::from_str(params.get()) {
        Ok(read) => Ok(Some(read)),
        Err(error) => {
            let error = error.to_string();
            let why = error.rsplit_once(" at line ").map_or(error.as_str(), |(why, _)| why);
            Err(Fault::Params(format!("params: {why}")))
        }
    }
}

/// Reads params that there must be.
pub(super) fn need<'a, T: Deserialize<'a>>(
    params: Option<&'a RawValue>,
    what: &str,
) -> Result<T, Fault> {
    read(params)?.ok_or_else(|| Fault::Params(format!("params must have {what}")))
}
