//! The one table of routes, and the description that is made from it.

mod bulk;
mod described;
mod events;
mod health;
mod links;
mod shorten;
mod urls;
mod users;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{docs, log, problem};
use crate::app::App;

/// Where the API is mounted besides the root.
pub(super) const MOUNT: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "terse",
        description = "A URL shortener that never loses a click.\n\nEvery error is an `application/problem+json` object \
                       whose `error` says what to do. Lists are arrays; a `Link` header with `rel=\"next\"` says that \
                       one goes on. The same routes are served below `/api/v1`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "short links", description = "Shorten, follow, take out of service."),
        (name = "urls", description = "Links as a resource, by id."),
        (name = "users", description = "Who links may belong to."),
        (name = "events", description = "The append-only log of what happened to links, clicks among them."),
        (name = "health", description = "For load balancers and people who watch.")
    ),
    components(schemas(problem::Problem))
)]
struct Description;

fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(shorten::shorten))
        .routes(routes!(links::follow))
        .routes(routes!(links::list))
        .routes(routes!(links::deactivate))
        .routes(routes!(urls::list, urls::create))
        .routes(routes!(urls::load, urls::update, urls::delete))
        .routes(routes!(urls::follow))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::load, users::update, users::delete))
        .routes(routes!(users::list_links))
        .routes(routes!(bulk::import))
        .routes(routes!(events::list, events::append))
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// Everything that is not answered as a short link.
pub(super) fn router(app: Arc<App>) -> Router {
    let (api, _) = routes().split_for_parts();
    let api = api.method_not_allowed_fallback(problem::method_not_allowed);
    Router::new()
        .merge(api.clone())
        .merge(docs::router().method_not_allowed_fallback(problem::method_not_allowed))
        .nest(MOUNT, api)
        .fallback(problem::not_found)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&app), log::request))
        .with_state(app)
}

/// The description of the API: OpenAPI 3.1.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut description = routes().into_openapi();
    description.servers = Some(["/", MOUNT].map(utoipa::openapi::Server::new).into());
    description
}

/// 201, the thing that was made, and where it is.
struct Created<View> {
    location: String,
    view: View,
}

impl<View: Serialize> IntoResponse for Created<View> {
    fn into_response(self) -> Response {
        let location = HeaderValue::from_str(&self.location).ok();
        let mut response = (StatusCode::CREATED, Json(self.view)).into_response();
        response
            .headers_mut()
            .extend(location.map(|location| (LOCATION, location)));
        response
    }
}

/// What is said when a thing was taken away.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Done {
    /// What was done.
    message: &'static str,
}
