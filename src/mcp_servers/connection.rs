//! How does a connection to a server come to stand, and when is it over?

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    ClientRequest, DiscoverRequest, DiscoverRequestParams, PingRequest, ProtocolVersion,
    ServerCapabilities, SubscriptionFilter,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, Peer, PeerRequestOptions, RoleClient,
    RunningService, ServiceError, serve_client_with_lifecycle,
};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, Transport as Wire};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::adapters::mcp_http::{self, UnusableServer};
use crate::config::chat::{ConnectionSettings, Transport};
use crate::mcp_servers::call::Session;
use crate::mcp_servers::flow::Metered;
use crate::mcp_servers::handler::Handler;
use crate::mcp_servers::in_flight::InFlight;
use crate::mcp_servers::lines::{LONGEST_LINE, LineTransport};
use crate::mcp_servers::process::{self, NoProcess, Process};
use crate::mcp_servers::server::Server;
use crate::store::Store;

/// How many calls there may be at once.
const AT_ONCE: usize = 16;

/// How often it is looked whether the server still answers.
const PING: Duration = Duration::from_secs(30);

/// How long a call takes to be over.
const A_MOMENT: Duration = Duration::from_millis(50);

/// How long the end of a connection may take before its program is ended anyway.
const TO_CLOSE: Duration = Duration::from_secs(3);

/// Why no connection stands.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoConnection {
    #[error(transparent)]
    Process(#[from] NoProcess),
    #[error(transparent)]
    Unusable(#[from] UnusableServer),
    #[error("it did not answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("the daemon stops")]
    Stopped,
    /// What there was of it ended while it was agreed how to talk.
    #[error("{0}")]
    Handshake(String),
}

/// A connection that stands.
pub(super) struct Connection {
    pub(super) session: Session,
    pub(super) capabilities: ServerCapabilities,
    pub(super) version: ProtocolVersion,
    /// Rung when a list changed.
    pub(super) changed: Arc<Notify>,
    service: RunningService<RoleClient, Handler>,
    process: Option<Process>,
}

/// What a connection is made with.
pub(super) struct Maker<'a> {
    pub(super) server: &'a Server,
    pub(super) store: &'a Store,
    pub(super) daemon: &'a Path,
    pub(super) settings: ConnectionSettings,
    /// Whether to begin as earlier revisions do, because the other way came to an abrupt end.
    pub(super) earlier: bool,
    /// Cancelled when there is to be none.
    pub(super) stop: &'a CancellationToken,
}

impl Maker<'_> {
    /// Makes it. Whatever goes wrong, nothing of it is left.
    pub(super) async fn make(&self) -> Result<Connection, NoConnection> {
        let Server { name, settings, redactor, .. } = self.server;
        let changed = Arc::<Notify>::default();
        match &settings.transport {
            Transport::Http { url, headers } => {
                let client = mcp_http::client(url, headers)?;
                let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str());
                config.max_sse_event_size = LONGEST_LINE;
                let wire = StreamableHttpClientTransport::with_client(client, config);
                self.agree(wire, changed, None).await
            }
            Transport::Stdio { .. } | Transport::Builtin => {
                let started =
                    process::start(self.store, self.daemon, (name, redactor), &settings.transport);
                let (process, stdout, stdin) = started.await?;
                let wire = LineTransport::new((stdout, stdin), Arc::clone(name), redactor.clone());
                self.agree(wire, changed, Some(process)).await
            }
        }
    }

    async fn agree<W>(
        &self,
        wire: W,
        changed: Arc<Notify>,
        mut process: Option<Process>,
    ) -> Result<Connection, NoConnection>
    where
        W: Wire<RoleClient> + 'static,
    {
        let Server { name, settings, .. } = self.server;
        let in_flight = InFlight::default();
        let handler = Handler {
            server: Arc::clone(name),
            elicitation: settings.elicitation,
            in_flight: in_flight.clone(),
            changed: Arc::clone(&changed),
        };
        let over = CancellationToken::new();
        let wire = Metered::new(wire, Arc::clone(name), Arc::clone(&changed), over.clone());
        let patience = self.settings.connection_timeout;
        let served = serve_client_with_lifecycle(handler, wire, self.lifecycle());
        let served = tokio::time::timeout(patience, Box::pin(served));
        let served = tokio::select! {
            served = served => Some(served),
            () = self.stop.cancelled() => None,
        };
        let why = match served {
            Some(Ok(Ok(service))) => {
                return Ok(self.stands(service, (in_flight, over), changed, process));
            }
            Some(Ok(Err(error))) => self.why(error, process.as_mut()).await,
            Some(Err(_late)) => NoConnection::TimedOut(patience),
            None => NoConnection::Stopped,
        };
        if let Some(process) = process {
            process.end().await;
        }
        Err(why)
    }

    fn stands(
        &self,
        service: RunningService<RoleClient, Handler>,
        (in_flight, over): (InFlight, CancellationToken),
        changed: Arc<Notify>,
        process: Option<Process>,
    ) -> Connection {
        let Server { name, settings, redactor, .. } = self.server;
        let info = service.peer().peer_info();
        let capabilities = info.as_ref().map(|info| info.capabilities.clone());
        let version = info.map(|info| info.protocol_version.clone()).unwrap_or_default();
        // Over a pipe, an earlier revision does not say which call a question belongs to. One call
        // at a time leaves no doubt.
        let in_doubt = settings.elicitation && process.is_some() && version.has_initialize();
        let session = Session {
            server: Arc::clone(name),
            peer: service.peer().clone(),
            in_flight,
            elicitation: settings.elicitation,
            places: Arc::new(Semaphore::new(if in_doubt { 1 } else { AT_ONCE })),
            suspect: Arc::default(),
            over,
            changed: Arc::clone(&changed),
            redactor: redactor.clone(),
        };
        let capabilities = capabilities.unwrap_or_default();
        Connection { session, capabilities, version, changed, service, process }
    }

    fn lifecycle(&self) -> ClientLifecycleMode {
        if self.earlier {
            return ClientLifecycleMode::Initialize;
        }
        ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        }
    }

    async fn why(
        &self,
        error: ClientInitializeError,
        process: Option<&mut Process>,
    ) -> NoConnection {
        let said = match &error {
            ClientInitializeError::JsonRpcError(error) => {
                let message = self.server.redactor.line(&error.message, 200);
                format!("it refused the connection: {message}")
            }
            ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
                "it speaks no revision of the protocol that the daemon does".to_owned()
            }
            error if error.is_authorization_required() => {
                "it wants an authorization that its headers do not have".to_owned()
            }
            ClientInitializeError::TransportError { .. } => "it cannot be reached".to_owned(),
            ClientInitializeError::LegacyFallbackFailed { .. } => {
                "it answered no way to begin a connection".to_owned()
            }
            _ => "the connection ended before it stood".to_owned(),
        };
        let Some(process) = process else { return NoConnection::Handshake(said) };
        let ended = tokio::time::timeout(Duration::from_millis(500), process.ended()).await;
        NoConnection::Handshake(match ended {
            Ok(status) => format!("its program ended before the connection stood ({status})"),
            Err(_runs) => said,
        })
    }
}

impl Connection {
    /// Waits until the connection is gone, and says why.
    pub(super) async fn gone(&self) -> String {
        self.session.over.cancelled().await;
        "the connection ended".to_owned()
    }

    /// Looks from time to time whether the server still answers; ends when it does not. While it
    /// works on calls it need not, for those have deadlines of their own.
    pub(super) async fn keep_asking(
        &self,
        patience: Duration,
        tell: impl Fn(Option<String>),
    ) -> String {
        let mut missed = 0;
        loop {
            let rest = if missed == 0 { PING } else { Duration::from_secs(1) };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                // Who rang has a moment to go.
                () = self.session.suspect.notified() => tokio::time::sleep(A_MOMENT).await,
            }
            if self.session.in_flight.count() != 0 {
                continue;
            }
            if self.answers(patience).await {
                if missed != 0 {
                    tell(None);
                }
                missed = 0;
                continue;
            }
            missed += 1;
            if missed == 2 {
                return "it does not answer any more".to_owned();
            }
            tell(Some("it did not answer in time".to_owned()));
        }
    }

    async fn answers(&self, patience: Duration) -> bool {
        // The revision without a handshake has no ping; what it is like can be asked at any time.
        let request = if self.version.has_initialize() {
            ClientRequest::PingRequest(PingRequest::default())
        } else {
            ClientRequest::DiscoverRequest(DiscoverRequest::new(DiscoverRequestParams {}))
        };
        let options = PeerRequestOptions::with_timeout(patience);
        match self.session.peer.send_cancellable_request(request, options).await {
            // That it cannot do this is an answer as well.
            Ok(sent) => {
                matches!(sent.await_response().await, Ok(_) | Err(ServiceError::McpError(_)))
            }
            Err(_closed) => false,
        }
    }

    /// Hears of changed lists, where the protocol has that asked for. It never ends.
    pub(super) async fn listen(&self) {
        let wanted = self.wanted();
        if self.version.has_initialize() || wanted == SubscriptionFilter::default() {
            return std::future::pending().await;
        }
        let mut rest = Duration::from_secs(1);
        loop {
            if let Ok(mut heard) = self.session.peer.listen(wanted.clone()).await {
                // Something may have changed before anybody listened.
                self.changed.notify_one();
                rest = Duration::from_secs(1);
                while let Ok(Some(_)) = heard.next().await {
                    self.changed.notify_one();
                }
            }
            tokio::time::sleep(rest).await;
            rest = (rest * 2).min(Duration::from_mins(5));
        }
    }

    fn wanted(&self) -> SubscriptionFilter {
        let has = |list_changed: Option<bool>| list_changed.unwrap_or(false);
        let ServerCapabilities { tools, prompts, resources, .. } = &self.capabilities;
        let mut wanted = SubscriptionFilter::builder();
        if tools.as_ref().is_some_and(|tools| has(tools.list_changed)) {
            wanted = wanted.tools_list_changed();
        }
        if prompts.as_ref().is_some_and(|prompts| has(prompts.list_changed)) {
            wanted = wanted.prompts_list_changed();
        }
        if resources.as_ref().is_some_and(|resources| has(resources.list_changed)) {
            wanted = wanted.resources_list_changed();
        }
        wanted.build()
    }

    /// The other side of it.
    pub(super) fn peer(&self) -> &Peer<RoleClient> {
        &self.session.peer
    }

    /// Ends it and whatever was started for it, and says how its program ended if it did so by
    /// itself.
    pub(super) async fn end(mut self) -> Option<String> {
        let closed = tokio::time::timeout(TO_CLOSE, self.service.close());
        drop(closed.await);
        // Whatever still holds the pipes goes with it.
        drop(self.service);
        let mut process = self.process?;
        let ended = tokio::time::timeout(Duration::from_millis(200), process.ended()).await.ok();
        process.end().await;
        ended
    }
}
