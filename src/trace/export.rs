//! Sends spans: OTLP 1.x over HTTP, as protobuf.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use opentelemetry_proto::{
    tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    transform::{common::tonic::ResourceAttributesWithSchema, trace::tonic::group_spans_by_resource_and_scope},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use prost::Message as _;
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use ureq::Agent;

use super::TraceSettings;
use crate::outbound::agent;

const PROTOBUF: &str = "application/x-protobuf";

/// How long the receiver may take to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most that is read of its answer.
const LARGEST_ANSWER: u64 = 64 * 1024;

/// Why spans are lost.
#[derive(Debug, Error)]
enum SendError {
    #[error("{0}")]
    Network(#[from] ureq::Error),
    #[error("the receiver answers with {0}")]
    Status(u16),
    #[error("the receiver refuses {0} of the spans")]
    Refused(i64),
}

/// Sends spans to the receiver.
#[derive(Debug)]
pub(super) struct Exporter {
    agent: Agent,
    endpoint: String,
    headers: Vec<(String, SecretString)>,
    resource: ResourceAttributesWithSchema,
    is_failing: AtomicBool,
}

impl Exporter {
    pub(super) fn new(settings: &TraceSettings) -> Self {
        let TraceSettings { endpoint, headers, .. } = settings.clone();
        let resource = ResourceAttributesWithSchema::default();
        Self { agent: agent(PATIENCE), endpoint, headers, resource, is_failing: AtomicBool::new(false) }
    }

    fn send(&self, spans: Vec<SpanData>) -> Result<(), SendError> {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let mut request = self.agent.post(&self.endpoint).content_type(PROTOBUF);
        for (name, value) in &self.headers {
            request = request.header(name, value.expose_secret());
        }
        let mut answer = request.send(&body)?;
        // Read to the end, so that the connection can be used again; one with a longer answer is closed.
        let body = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        if !answer.status().is_success() {
            return Err(SendError::Status(answer.status().as_u16()));
        }
        // What is not understood refuses nothing.
        let told = ExportTraceServiceResponse::decode(body.unwrap_or_default().as_slice()).unwrap_or_default();
        match told.partial_success {
            Some(partial) if partial.rejected_spans > 0 => Err(SendError::Refused(partial.rejected_spans)),
            _ => Ok(()),
        }
    }
}

impl SpanExporter for Exporter {
    /// On the thread of the batches, where nobody else waits.
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        match self.send(spans) {
            Ok(()) if self.is_failing.swap(false, Relaxed) => tracing::info!("traces are received again"),
            Err(error) if !self.is_failing.swap(true, Relaxed) => {
                // Not where to: some receivers have a secret in their address.
                tracing::warn!(%error, "cannot send traces; they are lost until it works again");
            }
            Ok(()) | Err(_) => {}
        }
        // Told, once; the library would tell it of each batch.
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}
