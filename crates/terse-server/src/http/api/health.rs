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

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` as long as the process answers.
    #[schema(example = "ok")]
    status: &'static str,
    /// The program's version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// `ok`, or `unavailable`.
    #[schema(example = "ok")]
    database: &'static str,
    /// Links in memory.
    cached_links: usize,
    /// Clicks that are safe in the journal and not in the database yet.
    unshipped_clicks: u64,
    /// Clicks that were not recorded because the journal was full, since the start.
    shed_clicks: u64,
}

/// Whether the service is able to take requests.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`, or `not ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// `ok`, or `unavailable`.
    #[schema(example = "ok")]
    database: &'static str,
}

/// How the service is; 200 as long as it answers at all.
#[utoipa::path(
    get, path = "/health", tag = "health",
    responses((status = 200, description = "The process answers.", body = Health))
)]
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        database: database(&app).await,
        cached_links: app.cache.len(),
        unshipped_clicks: app.shipper.stats().unshipped_clicks,
        shed_clicks: app.journal.stats().shed,
    };
    uncached(StatusCode::OK, &health)
}

/// Whether the process answers: to be restarted when not.
#[utoipa::path(
    get, path = "/livez", tag = "health",
    responses((status = 200, description = "The process answers.", body = super::Done))
)]
pub(super) async fn live() -> Response {
    uncached(StatusCode::OK, &super::Done { message: "alive" })
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
    match database(&app).await {
        "ok" => uncached(
            StatusCode::OK,
            &Readiness {
                status: "ready",
                database: "ok",
            },
        ),
        database => uncached(
            StatusCode::SERVICE_UNAVAILABLE,
            &Readiness {
                status: "not ready",
                database,
            },
        ),
    }
}

async fn database(app: &App) -> &'static str {
    match tokio::time::timeout(DATABASE_WITHIN, app.store.ping()).await {
        Ok(Ok(())) => "ok",
        _ => "unavailable",
    }
}

fn uncached(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
