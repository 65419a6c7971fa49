//! The hot path: `GET /{code}`, answered before the router and its layers see it.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use terse_core::is_reserved_segment;

use super::problem;
use super::visitor::VisitorHeaders;
use crate::app::App;
use crate::error::{Error, NOT_FOUND, Result};
use crate::telemetry::Outcome;
use crate::visits::{self, Visitor};

/// A change must be seen at once, so nobody on the way may keep the answer; and every visit is to be counted.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// As the table of routes calls what is answered here before it.
pub(super) const ROUTE: &str = "/{code}";

/// What came of looking up a code, in vain.
pub(super) struct Failure {
    pub(super) error: Error,
    /// When the visit arrived, by the clock's elapsed time: its visitor has waited for the look-up.
    pub(super) arrived_at: Duration,
}

/// The code that a request for a short link names. `None` for everything that the router has to look at: other
/// methods, longer paths, reserved words, and segments that are no code as they stand.
pub(super) fn code_of<B>(request: &Request<B>) -> Option<&str> {
    let code = request.uri().path().strip_prefix('/')?;
    let plain = !code.is_empty()
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let visit = matches!(*request.method(), Method::GET | Method::HEAD);
    (visit && plain && !is_reserved_segment(code)).then_some(code)
}

/// The whole answer to a request that [`code_of`] took. `failure` is what came of looking up `code`, if that was in vain.
pub(super) async fn answer(
    app: &App,
    code: &str,
    method: &Method,
    headers: &HeaderMap,
    id: &HeaderValue,
    failure: Option<Failure>,
) -> Response {
    let (arrived_at, visited) = match failure {
        Some(Failure { error, arrived_at }) => (arrived_at, Err(error)),
        None => (app.clock.elapsed(), visit(app, code, method, headers).await),
    };
    let response = match visited {
        Ok(response) => response,
        Err(error) => problem::render(error.into_response(), headers.get(ACCEPT), id),
    };
    let took = app.clock.elapsed().saturating_sub(arrived_at);
    app.telemetry.visits.note(outcome(response.status()), took);
    if app.config.log_redirects {
        super::log::redirect(code, response.status(), id.as_bytes());
    }
    response
}

fn outcome(status: StatusCode) -> Outcome {
    match status {
        StatusCode::FOUND => Outcome::Found,
        StatusCode::NOT_FOUND => Outcome::NotFound,
        StatusCode::GONE => Outcome::Gone,
        _ => Outcome::Error,
    }
}

/// A redirect to the link's target. The click is in the journal when this returns.
///
/// # Errors
/// Those of [`visits::find`].
pub(super) async fn visit(app: &App, code: &str, method: &Method, headers: &HeaderMap) -> Result<Response> {
    let link = visits::find(app, code).await?;
    visits::record_click(app, &link, visitor(method, headers)).await;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let location = HeaderValue::from_bytes(link.location()).expect("the cache takes nothing else");
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    // Said for HEAD too, where hyper would not: the two methods have the same headers.
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(0));
    Ok(response)
}

/// As [`visit`], for a path segment that the router took apart: a reserved word is no short link, and never was.
///
/// # Errors
/// Those of [`visits::find`].
pub(super) async fn visit_segment(
    app: &App,
    segment: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response> {
    if is_reserved_segment(segment) {
        return Err(Error::NotFound(NOT_FOUND));
    }
    visit(app, segment, method, headers).await
}

fn visitor<'a>(method: &Method, headers: &'a HeaderMap) -> Visitor<'a> {
    let mut noted = VisitorHeaders::default();
    for (name, value) in headers {
        noted.note(name.as_str(), value.as_bytes());
    }
    noted.visitor(*method == Method::HEAD)
}
