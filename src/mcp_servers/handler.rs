//! What is answered when a server asks or tells something by itself?
//!
//! It may ask the user, where the settings let it, and say how far it is, and that a list changed.
//! It gets no model to use and sees no files: that is neither offered nor answered.

use std::sync::Arc;
use std::time::Duration;

use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationCapability, ErrorCode, ErrorData, FormElicitationCapability, Implementation,
    ProgressNotificationParam, UrlElicitationCapability,
};
use rmcp::service::{InboundStreamOrigin, NotificationContext, RequestContext, RoleClient};
use tokio::sync::Notify;

use crate::mcp_servers::elicitation::put;
use crate::mcp_servers::in_flight::{InFlight, Progress};
use crate::visible;

/// How long a question may be open.
pub(super) const QUESTION: Duration = Duration::from_mins(10);

/// The longest word on progress, in bytes.
const PROGRESS: usize = 500;

/// Answers one server.
pub(super) struct Handler {
    pub(super) server: Arc<str>,
    /// Whether it may ask the user.
    pub(super) elicitation: bool,
    pub(super) in_flight: InFlight,
    /// Rung when a list changed.
    pub(super) changed: Arc<Notify>,
}

impl Handler {
    async fn answer(
        &self,
        params: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        if !self.elicitation {
            let no = "the user may not be asked by this server";
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, no, None));
        }
        let request = match context.extensions.get::<InboundStreamOrigin>() {
            Some(InboundStreamOrigin::OutboundRequest(id)) => Some(id.clone()),
            _ => None,
        };
        let cancelled = || ElicitResult::new(ElicitationAction::Cancel);
        let Some(asker) = self.in_flight.asker(request.as_ref()) else { return Ok(cancelled()) };
        let _open = asker.open();
        let answer = put(&*asker.elicitor, (&self.server, &asker.about), params);
        tokio::select! {
            answer = tokio::time::timeout(QUESTION, answer) => {
                Ok(answer.unwrap_or_else(|_late| cancelled()))
            }
            () = context.ct.cancelled() => Ok(cancelled()),
        }
    }

    fn list_changed(&self) -> impl Future<Output = ()> + Send + '_ + use<'_> {
        self.changed.notify_one();
        std::future::ready(())
    }
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        if self.elicitation {
            let both = ElicitationCapability::new()
                .with_form(FormElicitationCapability::default())
                .with_url(UrlElicitationCapability::default());
            capabilities.elicitation = Some(both);
        }
        let own = Implementation::new("lukhas-mcp", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(capabilities, own)
            .with_protocol_version(rmcp::model::ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> impl Future<Output = Result<ElicitResult, ErrorData>> + Send + '_ {
        self.answer(params, context)
    }

    #[expect(deprecated, reason = "it is refused because the protocol is giving it up")]
    async fn list_roots(
        &self,
        _: RequestContext<RoleClient>,
    ) -> Result<rmcp::model::ListRootsResult, ErrorData> {
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "there are no roots", None))
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        let message = params.message.map(|text| visible::in_one_line(&text, PROGRESS));
        let progress = Progress { progress: params.progress, total: params.total, message };
        self.in_flight.progressed(&params.progress_token, progress);
    }

    fn on_tool_list_changed(
        &self,
        _: NotificationContext<RoleClient>,
    ) -> impl Future<Output = ()> + Send + '_ {
        self.list_changed()
    }

    fn on_prompt_list_changed(
        &self,
        _: NotificationContext<RoleClient>,
    ) -> impl Future<Output = ()> + Send + '_ {
        self.list_changed()
    }

    fn on_resource_list_changed(
        &self,
        _: NotificationContext<RoleClient>,
    ) -> impl Future<Output = ()> + Send + '_ {
        self.list_changed()
    }
}
