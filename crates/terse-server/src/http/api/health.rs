//! Health and metrics: for load balancers and people who watch. What is looked at is in [`crate::health`] and
//! [`crate::telemetry`].

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{Error, Result};
use crate::health::{self, Component};
use crate::telemetry;

/// How a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    /// It does all that it should.
    Ok,
    /// It does not, and other replicas may be no better off.
    Degraded,
    /// It does not, and another replica may.
    Unavailable,
    /// It is left alone and not needed.
    Missing,
}

/// A component and how it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Component)]
struct ComponentView {
    status: Status,
    /// Why it is not `ok`, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// That the process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Liveness {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` as long as the process answers.
    #[schema(example = "ok")]
    status: &'static str,
    /// The program's version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// `ok`, or `unavailable`: it does not answer in time, or refused the last clicks, which wait in the journal.
    #[schema(example = "ok")]
    database: &'static str,
    /// Links in memory.
    cached_links: usize,
    /// Clicks that are safe in the journal and not in the database yet.
    unshipped_clicks: u64,
    /// Journal segments of earlier runs that are still to be shipped, with clicks that are not counted above.
    leftover_segments: usize,
    /// Journal segments that cannot be read; the log says what to do.
    blocked_segments: usize,
    /// Journal segments of earlier runs that somebody removed before they were shipped; their clicks are lost.
    missing_segments: u64,
    /// Clicks that were not recorded because the journal was full or its folder could not be written, since the start.
    shed_clicks: u64,
    /// Whether requests should be sent here, as `/readyz` says it.
    readiness: Readiness,
}

/// Whether requests should be sent here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`; `degraded` when known links redirect but not everything is as it should be; `not_ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// `server`, `database`, `journal` and `cache`; with a PostgreSQL database also `bus`, where Redis is set also `redis`.
    components: BTreeMap<&'static str, ComponentView>,
}

/// How the service is; 200 as long as it answers at all.
#[utoipa::path(
    get, path = "/health", tag = "health",
    responses((status = 200, description = "The process answers.", body = Health))
)]
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let clicks = app.shipper.stats();
    let report = app.health.report(&app).await;
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        database: if report.database.is_up() {
            "ok"
        } else {
            "unavailable"
        },
        cached_links: app.cache.len(),
        unshipped_clicks: clicks.unshipped_clicks,
        leftover_segments: clicks.leftover_segments,
        blocked_segments: clicks.blocked_segments,
        missing_segments: clicks.missing_segments,
        shed_clicks: app.journal.stats().shed,
        readiness: Readiness::from(report),
    };
    uncached(StatusCode::OK, &health)
}

/// Whether the process answers: to be restarted when not.
#[utoipa::path(
    get, path = "/livez", tag = "health",
    responses((status = 200, description = "The process answers.", body = Liveness))
)]
pub(super) async fn live() -> Response {
    uncached(StatusCode::OK, &Liveness { status: "ok" })
}

/// Whether requests should be sent here.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "Send requests: known links redirect at least.", body = Readiness),
        (status = 503, description = "Send them elsewhere: the server is stopping, or cannot record clicks.", body = Readiness),
    )
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let report = app.health.report(&app).await;
    let status = if report.takes_requests() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    uncached(status, &Readiness::from(report))
}

/// Metrics in Prometheus' text format.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((status = 200, description = "All metrics.", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response> {
    let report = app.health.report(&app).await;
    let page = telemetry::scrape(app, report).map_err(|error| Error::Internal(Box::new(error)))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(telemetry::CONTENT_TYPE)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, page).into_response())
}

impl From<health::Report> for Readiness {
    fn from(report: health::Report) -> Self {
        Self {
            status: match report.readiness() {
                health::Readiness::Ready => "ready",
                health::Readiness::Degraded => "degraded",
                health::Readiness::NotReady => "not_ready",
            },
            components: report
                .components()
                .map(|(name, component)| (name, component.into()))
                .collect(),
        }
    }
}

impl From<Component> for ComponentView {
    fn from(component: Component) -> Self {
        Self {
            status: match component {
                Component::Ok => Status::Ok,
                Component::Degraded(_) => Status::Degraded,
                Component::Unavailable(_) => Status::Unavailable,
                Component::Missing(_) => Status::Missing,
            },
            reason: component.reason(),
        }
    }
}

fn uncached(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
