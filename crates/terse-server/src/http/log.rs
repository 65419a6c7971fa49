//! One line per request: for the API always, for redirects when the operator asks for it.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;

use super::api::MOUNT;
use crate::app::App;
use crate::telemetry::UNMATCHED;
use crate::telemetry::traces::{self, Traced};

/// Logs a request of the API with its route, never with its path or query, which may hold secrets. The request's id is its
/// span's.
pub(super) async fn request(
    State(app): State<std::sync::Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = app.clock.elapsed();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(UNMATCHED, MatchedPath::as_str)
        .to_owned();
    if let Some(Traced(trace)) = request.extensions_mut().remove()
        && template(&route) != UNMATCHED
    {
        traces::routed(&trace, &method, &route);
    }
    let response = next.run(request).await;
    let took = app.clock.elapsed().saturating_sub(started);
    app.telemetry
        .requests
        .note(template(&route), response.status(), took);
    tracing::info!(
        %method,
        route,
        status = response.status().as_u16(),
        duration_us = micros(took),
        "request"
    );
    response
}

/// The route as it is counted: the same under each mount. Where nothing is, below the mount, the router still has a route of
/// its own.
fn template(route: &str) -> &str {
    match route.strip_prefix(MOUNT) {
        Some(below) if below.starts_with("/{*") => UNMATCHED,
        Some(below) => below,
        None => route,
    }
}

/// Logs a redirect. The code is public, the visitor is not.
pub(super) fn redirect(code: &str, status: StatusCode, id: &[u8]) {
    tracing::info!(
        code,
        status = status.as_u16(),
        request_id = std::str::from_utf8(id).ok(),
        "redirect"
    );
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
