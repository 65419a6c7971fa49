//! What a request did and how long each part took, for a collector of traces.
//!
//! Here is what is said of a request: its method, route, status and id, and nothing of its visitor, nor the code. Who sends spans
//! away is the program's affair. Where nobody does, making a span is a look at a flag.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tracing::Span;

use super::names;

/// A request's span, on its way to whoever knows the request's route. Only requests of a trace have one.
#[derive(Debug, Clone)]
pub(crate) struct Traced(pub(crate) Span);

/// The span of a request, in the trace that its `traceparent` names if it has one.
pub(crate) fn request(method: &Method, headers: &HeaderMap, id: &HeaderValue) -> Span {
    let method = method_name(method);
    let span = names::server_span(method, id.to_str().unwrap_or_default());
    if !span.is_disabled() {
        adopt(&span, headers);
        rename(&span, method.to_owned());
    }
    span
}

/// Says in the span of a request of `method` where it was routed to, as the table of routes has it.
pub(crate) fn routed(span: &Span, method: &Method, route: &str) {
    if !span.is_disabled() {
        span.record("http.route", route);
        rename(span, format!("{} {route}", method_name(method)));
    }
}

/// Says in the span of a request what came of it.
pub(crate) fn answered(span: &Span, status: StatusCode) {
    if span.is_disabled() {
        return;
    }
    // Signed: OpenTelemetry knows no other numbers.
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
}

/// As OpenTelemetry has it: what a client made up is no name for a span.
fn method_name(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(method) {
        method.as_str()
    } else {
        "_OTHER"
    }
}

#[cfg(feature = "otlp")]
mod context {
    use http::HeaderMap;
    use opentelemetry::Context;
    use opentelemetry::propagation::{Extractor, TextMapPropagator};
    use opentelemetry::trace::TraceContextExt;
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    struct Headers<'a>(&'a HeaderMap);

    impl Extractor for Headers<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            self.0.get(key)?.to_str().ok()
        }

        fn keys(&self) -> Vec<&str> {
            self.0.keys().map(http::HeaderName::as_str).collect()
        }
    }

    /// Puts `span` below the one that <https://www.w3.org/TR/trace-context/> has in `headers`.
    pub(crate) fn adopt(span: &Span, headers: &HeaderMap) {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
        if parent.span().span_context().is_valid() {
            // Fails where spans are for no trace, which is as good.
            let _ = span.set_parent(parent);
        }
    }

    /// Gives `span` its name, once that is known: a field could only do so before it begins.
    pub(crate) fn rename(span: &Span, name: String) {
        span.context().span().update_name(name);
    }

    /// The id of the trace that `span` is in, for log lines.
    pub(crate) fn trace_id(span: &Span) -> Option<String> {
        if span.is_disabled() {
            return None;
        }
        let context = span.context();
        let span = context.span();
        let context = span.span_context();
        context.is_valid().then(|| context.trace_id().to_string())
    }
}

#[cfg(not(feature = "otlp"))]
mod context {
    use http::HeaderMap;
    use tracing::Span;

    pub(crate) fn adopt(_: &Span, _: &HeaderMap) {}

    pub(crate) fn rename(_: &Span, _: String) {}

    pub(crate) fn trace_id(_: &Span) -> Option<String> {
        None
    }
}

pub(crate) use context::trace_id;
use context::{adopt, rename};
