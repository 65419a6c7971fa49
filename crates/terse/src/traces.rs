//! Spans on their way to a collector: OTLP over HTTP, as protobuf.
//!
//! Whoever ends a span puts it into a bounded queue and goes on; one thread sends what is queued. What finds no room, or is sent in
//! vain, is lost: a request is worth more than what is known of it.

mod client;
mod exporter;

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector, SdkProvidedResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;
use terse_server::telemetry::names::{LOOK_UP, SERVER, TRACE_TARGET};
use tracing::Subscriber;
use tracing::metadata::LevelFilter;
use tracing::subscriber::Interest;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::failure::Failure;
use client::Client;
use exporter::Exporter;

/// How long a collector may take for a batch.
const EXPORT_WITHIN: Duration = Duration::from_secs(5);
/// How long a server that stops waits for its last spans to be taken.
const FINISH_WITHIN: Duration = Duration::from_secs(2);
/// What the service is called where `OTEL_SERVICE_NAME` says nothing.
const SERVICE: &str = "terse";

/// The sending of spans.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send spans to `url`. Nothing is asked of it before the first batch.
    ///
    /// # Errors
    /// When a variable of OpenTelemetry (`OTEL_…`) asks for what is not built in.
    pub(crate) fn start(url: &Url) -> Result<Self, Failure> {
        let spans = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Client::to(url))
            .with_endpoint(url.as_str())
            .with_timeout(EXPORT_WITHIN)
            .build()
            .map_err(|error| Failure::usage(format!("--otlp-endpoint: {error}")))?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Exporter::new(spans, url.to_string()))
            .with_resource(resource())
            .build();
        Ok(Self(provider))
    }

    /// What takes the spans of traces out of all that there are.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let is_ours = |target: &str| target == TRACE_TARGET;
        let filter = dynamic_filter_fn(move |metadata, context| {
            is_ours(metadata.target())
                && (begins_a_trace(metadata.name()) || context.lookup_current().is_some())
        });
        // Of everything else, log lines too, nothing is asked anew each time.
        let filter = filter
            .with_max_level_hint(LevelFilter::INFO)
            .with_callsite_filter(move |metadata| {
                if is_ours(metadata.target()) {
                    Interest::sometimes()
                } else {
                    Interest::never()
                }
            });
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(SERVICE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter)
    }

    /// Sends what is left, as far as that is done within [`FINISH_WITHIN`].
    pub(crate) fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(FINISH_WITHIN) {
            tracing::warn!("the last spans may not have reached the collector: {error}");
        }
    }
}

/// What the server does beside requests, shipping clicks above all, is no trace.
fn begins_a_trace(name: &str) -> bool {
    [SERVER, LOOK_UP].contains(&name)
}

/// Who sends, as `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` have it; of two names the latter's.
fn resource() -> Resource {
    let service = SdkProvidedResourceDetector.detect().get(&"service.name".into());
    // One that it made up is no name.
    let service = service.filter(|name| !name.as_str().starts_with("unknown_service"));
    Resource::builder()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_service_name(service.unwrap_or_else(|| SERVICE.into()))
        .build()
}
