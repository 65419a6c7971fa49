//! Every name that leaves the server for people who watch it: metrics with their help texts, and spans.

use tracing::Span;
use tracing::field::Empty;

pub use terse_store::{STORE_READ, STORE_WRITE, TRACE_TARGET};

/// A family of samples.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, as a query has it.
    pub name: &'static str,
    /// What it measures.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it means, in a sentence.
    pub help: &'static str,
}

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that only grows, from zero at the start.
    Counter,
    /// Something that goes up and down.
    Gauge,
    /// Durations, by upper bounds.
    Histogram,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Counter,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        labels,
        help,
    }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Histogram,
        labels,
        help,
    }
}

macro_rules! metrics {
    ($($constant:ident = $kind:ident($name:literal, [$($label:literal),*], $help:literal);)*) => {
        $(
            #[doc = $help]
            pub const $constant: Metric = $kind($name, &[$($label),*], $help);
        )*

        /// All of them, in the order of the page.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    BUILD_INFO = gauge("terse_build_info", ["version"], "Always 1; the label is the program's version");
    READY = gauge("terse_ready", [], "Whether /readyz answers 200");
    COMPONENT_UP = gauge("terse_component_up", ["component"], "Whether a component does all that it should");

    REDIRECTS = counter("terse_redirects_total", ["outcome"], "Visits of short links that were answered");
    REDIRECT_DURATION = histogram("terse_redirect_duration_seconds", [], "From the arrival of a visit to its answer");

    HTTP_REQUESTS = counter("terse_http_requests_total", ["route", "status"], "Requests that were no plain visits");
    HTTP_REQUEST_DURATION = histogram("terse_http_request_duration_seconds", ["route"], "How long they took");

    CONNECTIONS_OPEN = gauge("terse_connections_open", [], "Open connections");
    CONNECTIONS_ACCEPTED = counter("terse_connections_accepted_total", [], "Connections that were let in");
    CONNECTIONS_REFUSED = counter("terse_connections_refused_total", ["reason"], "Connections that were not let in");

    JOURNAL_WAITING_BYTES = gauge("terse_journal_waiting_bytes", [], "Bytes of the clicks of this run that the database does not have yet");
    JOURNAL_WAITING_CLICKS = gauge("terse_journal_waiting_clicks", [], "Clicks of this run that the database does not have yet");
    JOURNAL_OLDEST = gauge("terse_journal_oldest_click_age_seconds", [], "Age of the oldest click of this run that the database does not have yet; 0 without one");
    JOURNAL_APPENDED = counter("terse_journal_clicks_appended_total", [], "Clicks that were put into the journal");
    JOURNAL_SHIPPED = counter("terse_journal_clicks_shipped_total", [], "Clicks that were moved into the database, those of earlier runs included");
    JOURNAL_SHED = counter("terse_journal_clicks_shed_total", ["reason"], "Clicks that were not recorded");
    JOURNAL_SEGMENTS = gauge("terse_journal_segments", ["state"], "Segment files");
    JOURNAL_MISSING = counter("terse_journal_missing_segments_total", [], "Segment files of earlier runs that were gone before they were shipped");
    JOURNAL_DISK = gauge("terse_journal_disk_bytes", [], "Bytes that segment files take, prepared ones included");
    JOURNAL_DISK_MAX = gauge("terse_journal_disk_max_bytes", [], "Bytes that segment files may take");
    JOURNAL_SYNC_FAILURES = counter("terse_journal_sync_failures_total", [], "Segments that the disk refused to sync");
    JOURNAL_SHIP_FAILURES = counter("terse_journal_ship_failures_total", [], "Passes of the shipper that the database refused or that panicked");

    CACHE_LINKS = gauge("terse_cache_links", [], "Links in memory");
    CACHE_BYTES = gauge("terse_cache_bytes", [], "Bytes that links in memory are reckoned to take");
    CACHE_HITS = counter("terse_cache_hits_total", ["tier"], "Codes that were found in a cache");
    CACHE_MISSES = counter("terse_cache_misses_total", [], "Codes that were not in memory, or too old to be believed");
    CACHE_NEGATIVE_HITS = counter("terse_cache_negative_hits_total", [], "Codes that were remembered not to exist");
    CACHE_EVICTIONS = counter("terse_cache_evictions_total", [], "Links that gave way to others");

    BUS_LISTENING = gauge("terse_bus_listening", [], "Whether changes of other replicas are heard; only where there can be some");
    STALE_ANSWERS = counter("terse_stale_answers_total", [], "Answers from copies that may be out of date, because the database could not be asked");

    REDIS_BREAKER_OPEN = gauge("terse_redis_breaker_open", [], "Whether Redis is left alone because it could not be asked; only where it is set");
    REDIS_LOOKUPS = counter("terse_redis_lookups_total", ["outcome"], "Codes that Redis was asked for");
    REDIS_WRITE_FAILURES = counter("terse_redis_write_failures_total", [], "Links that could not be written to Redis");

    STORE_POOL = gauge("terse_store_pool", ["pool", "state"], "What the database's connections are doing, and who waits for one");

    PROCESS_MEMORY = gauge("terse_process_resident_memory_bytes", [], "Memory that the process has at hand");
    PROCESS_CPU = counter("terse_process_cpu_seconds_total", [], "Processor time that the process has used");
    PROCESS_FDS = gauge("terse_process_open_fds", [], "File descriptors that are open");
    PROCESS_FDS_MAX = gauge("terse_process_max_fds", [], "File descriptors that may be open");
    PROCESS_START = gauge("terse_process_start_time_seconds", [], "When the server started, in seconds since the Unix epoch");
}

/// The span of a request that is no plain visit. At the highest level, so that no filter which lets a line through takes the
/// request's id from it.
pub(crate) fn request_span(request_id: &str, trace_id: Option<&str>) -> Span {
    tracing::error_span!("request", request_id, trace_id)
}

/// The span of a request in a trace, until its name is its method, and its route once that is known.
pub const SERVER: &str = "request";
/// The name of the span of a code that is looked up because it is not in memory, or too old there.
pub const LOOK_UP: &str = "look up";
/// The name of the span of a question to Redis.
pub const REDIS_GET: &str = "redis get";

/// The spans of traces, and what each is; `docs/operations.md` has the same.
pub const SPANS: &[(&str, &str)] = &[
    (
        LOOK_UP,
        "a code that is not in memory, or too old there, is looked up",
    ),
    (REDIS_GET, "Redis is asked for a code"),
    (
        STORE_READ,
        "the database is read, waiting for a connection included",
    ),
    (
        STORE_WRITE,
        "the database is written, waiting for a turn included",
    ),
];

/// The span of a request of `method`, for traces; names as OpenTelemetry's conventions for HTTP servers have them.
pub(crate) fn server_span(method: &str, request_id: &str) -> Span {
    tracing::info_span!(
        target: TRACE_TARGET,
        parent: None,
        SERVER,
        "otel.kind" = "server",
        "otel.status_code" = Empty,
        "error.type" = Empty,
        "http.request.method" = method,
        "http.route" = Empty,
        "http.response.status_code" = Empty,
        "terse.request_id" = request_id,
    )
}

/// The span of a look-up, for traces: below a request's, or of a visit that waits in the express lane.
pub(crate) fn look_up_span() -> Span {
    tracing::info_span!(target: TRACE_TARGET, LOOK_UP)
}

/// The span of a question to Redis, for traces.
pub(crate) fn redis_span() -> Span {
    tracing::info_span!(target: TRACE_TARGET, REDIS_GET, "otel.kind" = "client", "db.system.name" = "redis")
}
