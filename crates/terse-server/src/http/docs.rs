//! The API's description for people and programs, from the binary alone: `/docs`, `/openapi.json`, and `/` which leads
//! there.

mod reference;

use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::Json;
use axum::Router;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::problem::{PAGE_POLICY, prefers_html};
use super::request::Origin;
use crate::app::App;
use reference::{EXAMPLE_BASE, Reference};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// A new version of the program may describe itself differently.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

static OPENAPI_JSON: LazyLock<String> = LazyLock::new(|| {
    super::openapi()
        .to_pretty_json()
        .expect("the description is made of strings")
});

static REFERENCE_PAGE: LazyLock<String> = LazyLock::new(|| {
    // Descriptions mark code as Markdown does, which a page without Markdown would show.
    let description = serde_json::from_str(&OPENAPI_JSON.replace('`', "")).expect("just serialised");
    Reference::of(&description)
        .render()
        .expect("texts into memory cannot fail")
});

/// The routes that describe the others.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(index))
        .route("/docs", get(reference))
        .route("/openapi.json", get(openapi))
}

async fn index(headers: HeaderMap) -> Response {
    if prefers_html(headers.get(ACCEPT)) {
        return Redirect::to("/docs").into_response();
    }
    let index = json!({
        "service": "terse", "version": env!("CARGO_PKG_VERSION"), "docs": "/docs", "openapi": "/openapi.json",
    });
    Json(index).into_response()
}

async fn reference(origin: Origin) -> Response {
    let page = REFERENCE_PAGE.replace(EXAMPLE_BASE, &origin.base().to_string());
    let headers = [(CONTENT_SECURITY_POLICY, PAGE_POLICY), (CACHE_CONTROL, NO_CACHE)];
    (headers, Html(page)).into_response()
}

async fn openapi() -> Response {
    (
        [(CONTENT_TYPE, JSON), (CACHE_CONTROL, NO_CACHE)],
        OPENAPI_JSON.as_str(),
    )
        .into_response()
}
