//! Health: for load balancers and people who watch.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// A database that has not answered after this long is called unavailable.
const DATABASE_WITHIN: Duration = Duration::from_millis(500);

/// How the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Database {
    /// It answers, and takes clicks.
    Ok,
    /// It does not answer in time, or refused the last clicks: they wait in the journal.
    Unavailable,
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
    database: Database,
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
}

/// Whether the service is able to take requests.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`, or `not ready`.
    #[schema(example = "ready")]
    status: &'static str,
    database: Database,
}

/// How the service is; 200 as long as it answers at all.
#[utoipa::path(
    get, path = "/health", tag = "health",
    responses((status = 200, description = "The process answers.", body = Health))
)]
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let clicks = app.shipper.stats();
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        database: if clicks.is_store_away {
            Database::Unavailable
        } else {
            ping(&app).await
        },
        cached_links: app.cache.len(),
        unshipped_clicks: clicks.unshipped_clicks,
        leftover_segments: clicks.leftover_segments,
        blocked_segments: clicks.blocked_segments,
        missing_segments: clicks.missing_segments,
        shed_clicks: app.journal.stats().shed,
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
        (status = 200, description = "Send requests.", body = Readiness),
        (status = 503, description = "Send them elsewhere: the store is unavailable.", body = Readiness),
    )
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    // Refused clicks are safe in the journal, and redirects go on: no reason to send visitors elsewhere.
    match ping(&app).await {
        Database::Ok => uncached(
            StatusCode::OK,
            &Readiness {
                status: "ready",
                database: Database::Ok,
            },
        ),
        Database::Unavailable => uncached(
            StatusCode::SERVICE_UNAVAILABLE,
            &Readiness {
                status: "not ready",
                database: Database::Unavailable,
            },
        ),
    }
}

async fn ping(app: &App) -> Database {
    match tokio::time::timeout(DATABASE_WITHIN, app.store.ping()).await {
        Ok(Ok(())) => Database::Ok,
        _ => Database::Unavailable,
    }
}

fn uncached(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
