//! The spans of jobs, for whoever follows a request through the program.

use tracing::Span;

/// The target of every span that is there for traces, here and in the server: a filter tells them by it from those of log lines.
pub const TRACE_TARGET: &str = "terse_traces";
/// The name of the span of a job that reads.
pub const STORE_READ: &str = "store read";
/// The name of the span of a job that writes.
pub const STORE_WRITE: &str = "store write";

/// The span of a job that reads a database of `system`, as OpenTelemetry calls it.
pub(crate) fn reading(system: &'static str) -> Span {
    tracing::info_span!(target: TRACE_TARGET, STORE_READ, "otel.kind" = "client", "db.system.name" = system)
}

/// As [`reading`], of one that writes.
pub(crate) fn writing(system: &'static str) -> Span {
    tracing::info_span!(target: TRACE_TARGET, STORE_WRITE, "otel.kind" = "client", "db.system.name" = system)
}
