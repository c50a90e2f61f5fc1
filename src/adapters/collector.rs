//! Sending spans to a collector, as OTLP over HTTP.

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;

use crate::adapters::outbound::{Answer, Call, Outbound, OutboundError, OutboundOptions};
use crate::config::{TraceEncoding, TraceSettings};

/// How many bytes of an answer are read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Spans that were not taken.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// No answer came.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// It did not want them.
    #[error("it answered {0}")]
    Status(u16),
    /// They could not be written.
    #[error("the spans could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl CollectorError {
    /// Whether the same spans may be taken later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Outbound(_) => true,
            Self::Status(status) => matches!(status, 429 | 502..=504),
            Self::Json(_) => false,
        }
    }
}

/// A collector of traces; cheap to clone.
#[derive(Debug, Clone)]
pub struct Collector {
    outbound: Outbound,
    settings: TraceSettings,
}

impl Collector {
    /// The collector that the settings name.
    ///
    /// # Errors
    /// The address or a header cannot be used.
    pub fn new(settings: TraceSettings) -> Result<Self, OutboundError> {
        let options =
            OutboundOptions { headers: settings.headers.clone(), ..OutboundOptions::default() };
        let base = settings.endpoint.clone();
        let outbound = Outbound::new("the collector of traces", base, &options)?;
        Ok(Self { outbound, settings })
    }

    /// Sends spans, and says how many of them were taken.
    ///
    /// # Errors
    /// None was.
    pub async fn deliver(&self, spans: Vec<SpanData>) -> Result<usize, CollectorError> {
        let sent = spans.len();
        let resource = ResourceAttributesWithSchema::from(&self.resource());
        let resource_spans = group_spans_by_resource_and_scope(spans, &resource);
        let request = ExportTraceServiceRequest { resource_spans };
        let call = Call::post(&[]).within(self.settings.timeout).at_most(LONGEST_ANSWER);
        let call = match self.settings.encoding {
            TraceEncoding::Protobuf => call.body("application/x-protobuf", request.encode_to_vec()),
            TraceEncoding::Json => call.json(&request)?,
        };
        let answer = self.outbound.call(&call).await?;
        if !answer.is_success() {
            return Err(CollectorError::Status(answer.status));
        }
        Ok(sent.saturating_sub(self.refused(&answer)))
    }

    /// What is said of the daemon with all spans.
    fn resource(&self) -> Resource {
        let said = self.settings.attributes.iter();
        let said = said.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        let resource = Resource::builder_empty()
            .with_attribute(KeyValue::new("service.name", "lukhas-mcp"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attributes(said);
        match &self.settings.service {
            Some(name) => resource.with_service_name(name.clone()).build(),
            None => resource.build(),
        }
    }

    /// How many spans were refused of those that were taken.
    fn refused(&self, answer: &Answer) -> usize {
        let said: Option<ExportTraceServiceResponse> = match self.settings.encoding {
            TraceEncoding::Protobuf => ExportTraceServiceResponse::decode(answer.body.clone()).ok(),
            TraceEncoding::Json => answer.json().ok(),
        };
        let refused = said.and_then(|said| said.partial_success).map(|part| part.rejected_spans);
        refused.and_then(|refused| usize::try_from(refused).ok()).unwrap_or(0)
    }
}
