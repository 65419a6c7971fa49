//! Errors as answers: one `match` from [`Error`] to RFC 9457 `application/problem+json`, or to a small page for the
//! browser of a person who followed a short link.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, VARY};
use http::{HeaderValue, StatusCode, Uri};
use serde::Serialize;
use terse_core::is_reserved_segment;

use crate::error::{Error, InvalidField, NOT_FOUND};

mod accept;

pub(super) use accept::prefers_html;

/// Seconds after which a client may try again what the store could not do.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// The pages bring their style with them and load nothing.
pub(super) const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
);

/// A response that is still to be written: it takes the request's id and `Accept` to write it.
#[derive(Debug, Clone)]
enum Unwritten {
    Failed(Arc<Error>),
    MethodNotAllowed,
}

/// RFC 9457, and `error` for clients that know it from elsewhere.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Problem {
    /// `about:blank`: the status says what kind of problem it is.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What went wrong, for a person; of several things the first.
    detail: String,
    /// The request's id: names this occurrence in the server's log.
    instance: String,
    /// The same as `detail`.
    error: String,
    /// The members or parameters that are wrong: all of a body's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

/// What is wrong with one member or parameter.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct FieldProblem {
    /// Its name.
    field: String,
    /// What is wrong with it.
    message: String,
}

#[derive(Template)]
#[template(path = "short_link_problem.html")]
struct ShortLinkProblem<'a> {
    title: &'static str,
    detail: &'a str,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        unwritten(status(&self), Unwritten::Failed(Arc::new(self)))
    }
}

/// The answer to a known path with a method that it does not have; axum adds `Allow`. A reserved word that nothing is at
/// only looks like the path of a short link.
pub(super) async fn method_not_allowed(path: Option<MatchedPath>, uri: Uri) -> Response {
    let segment = uri.path().rsplit('/').next().unwrap_or("");
    if path.is_some_and(|path| path.as_str().ends_with("/{code}")) && is_reserved_segment(segment) {
        return not_found().await;
    }
    unwritten(StatusCode::METHOD_NOT_ALLOWED, Unwritten::MethodNotAllowed)
}

/// The answer to a path that nothing is at.
pub(super) async fn not_found() -> Response {
    Error::NotFound(NOT_FOUND).into_response()
}

fn unwritten(status: StatusCode, what: Unwritten) -> Response {
    let mut response = status.into_response();
    response.extensions_mut().insert(what);
    response
}

/// Writes the body of a response that is a problem; leaves others as they are.
pub(super) fn render(
    mut response: Response,
    accept: Option<&HeaderValue>,
    request_id: &HeaderValue,
) -> Response {
    let Some(unwritten) = response.extensions_mut().remove::<Unwritten>() else {
        return response;
    };
    // A later creation, change or recovery must be seen at once, also behind a proxy that keeps 404 and 410.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Axum has counted the body that is not written yet.
    response.headers_mut().remove(CONTENT_LENGTH);
    let instance = String::from_utf8_lossy(request_id.as_bytes()).into_owned();
    let status = response.status();
    if let Unwritten::Failed(error) = &unwritten {
        log_if_ours(error, &instance);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S);
        }
        if is_about_a_short_link(error) {
            response
                .headers_mut()
                .insert(VARY, HeaderValue::from_static("accept"));
            if prefers_html(accept) {
                return as_page(response, &error.to_string());
            }
        }
    }
    let problem = problem(&unwritten, status, instance);
    let body = serde_json::to_vec(&problem).expect("strings and numbers serialise");
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
    *response.body_mut() = Body::from(body);
    response
}

/// What the caller can do about it decides the status.
fn status(error: &Error) -> StatusCode {
    match error {
        Error::Invalid { .. } => StatusCode::BAD_REQUEST,
        Error::NotFound(_) | Error::NoSuchFile(_) => StatusCode::NOT_FOUND,
        Error::Gone(_) => StatusCode::GONE,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn problem(unwritten: &Unwritten, status: StatusCode, instance: String) -> Problem {
    let detail = match unwritten {
        Unwritten::Failed(error) => error.to_string(),
        Unwritten::MethodNotAllowed => "Method not allowed".to_owned(),
    };
    let errors = match unwritten {
        Unwritten::Failed(error) => field_problems(error),
        Unwritten::MethodNotAllowed => Vec::new(),
    };
    Problem {
        r#type: "about:blank",
        title: title(status),
        status: status.as_u16(),
        error: detail.clone(),
        detail,
        instance,
        errors,
    }
}

fn field_problems(error: &Error) -> Vec<FieldProblem> {
    let Error::Invalid { fields, .. } = error else {
        return Vec::new();
    };
    let problem = |field: &InvalidField| FieldProblem {
        field: field.name.clone(),
        message: field.problem.clone(),
    };
    fields.iter().map(problem).collect()
}

fn is_about_a_short_link(error: &Error) -> bool {
    matches!(error, Error::Gone(_) | Error::NotFound(crate::visits::NOT_FOUND))
}

fn as_page(mut response: Response, detail: &str) -> Response {
    let page = ShortLinkProblem {
        title: title(response.status()),
        detail,
    };
    let body = page.render().expect("two texts into memory cannot fail");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HTML);
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
    *response.body_mut() = Body::from(body);
    response
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

/// The one place where the chain of a failure that is not the client's is logged; the client is told none of it.
fn log_if_ours(error: &Error, request_id: &str) {
    let source = match error {
        Error::Unavailable(source) => source as &dyn std::error::Error,
        Error::Internal(source) => &**source,
        _ => return,
    };
    let mut chain = source.to_string();
    let mut next = source.source();
    while let Some(cause) = next {
        chain.push_str(": ");
        chain.push_str(&cause.to_string());
        next = cause.source();
    }
    tracing::error!(request_id, "{error}: {chain}");
}
