//! HTTP: bytes to use-cases and back. No use-case knows of it; `cache` keeps header values ready, `auth` reads headers.
//!
//! A request for a short link is answered before the router sees it (`redirect`); everything else goes through the one
//! table of routes (`api`), mounted at the root and under `/api/v1`.

pub mod door;

mod api;
mod docs;
mod express;
mod log;
mod page;
mod problem;
mod redirect;
mod request;
mod request_id;
mod view;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONNECTION, HOST};
use http::{HeaderValue, Method, Request, StatusCode, Version};
use tower::ServiceExt;
use tracing::{Instrument, Span};

use crate::app::App;
use crate::error::Error;
use crate::lifecycle::Tasks;
use crate::telemetry::traces::{self, Traced};
use crate::telemetry::{UNMATCHED, names};
use redirect::Failure;
use request_id::{RequestIds, X_REQUEST_ID};

pub use api::openapi;
#[cfg(feature = "bench-internals")]
pub(crate) use express::bench;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use express::head::fuzzing;

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const NO_HOST: &str = "An HTTP/1.1 request needs exactly one Host header";

/// Answers requests. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Parts>);

struct Parts {
    app: Arc<App>,
    router: Router,
    tasks: Tasks,
    request_ids: RequestIds,
}

impl Service {
    /// A service on `app`; requests that were begun end among `tasks`.
    pub fn new(app: Arc<App>, tasks: Tasks) -> Self {
        let router = api::router(Arc::clone(&app));
        let request_ids = RequestIds::new(&*app.random);
        Self(Arc::new(Parts {
            app,
            router,
            tasks,
            request_ids,
        }))
    }

    /// What it works on.
    fn app(&self) -> &Arc<App> {
        &self.0.app
    }

    /// Answers one request: always an answer, never an error.
    pub async fn answer<B>(&self, request: Request<B>) -> Response
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        self.answer_after(request, None).await
    }

    /// As [`Self::answer`]. If the request is the visit of a code that was looked up in vain, `failure` says why.
    async fn answer_after<B>(&self, request: Request<B>, failure: Option<Failure>) -> Response
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let id = self.0.request_ids.of(request.headers());
        let trace = traces::request(request.method(), request.headers(), &id);
        let response = self.respond(request, &id, failure, &trace);
        let response = response.instrument(trace.clone()).await;
        traces::answered(&trace, response.status());
        response
    }

    async fn respond<B>(
        &self,
        request: Request<B>,
        id: &HeaderValue,
        failure: Option<Failure>,
        trace: &Span,
    ) -> Response
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let has_unread_body = !request.body().is_end_stream() && !reads_bodies(request.method());
        let mut response = match redirect::code_of(&request) {
            _ if !names_one_host(&request) => {
                let requests = &self.0.app.telemetry.requests;
                requests.note(UNMATCHED, StatusCode::BAD_REQUEST, Duration::ZERO);
                problem::render(Error::invalid(NO_HOST).into_response(), None, id)
            }
            Some(code) => {
                let (method, headers) = (request.method(), request.headers());
                traces::routed(trace, method, redirect::ROUTE);
                redirect::answer(&self.0.app, code, method, headers, id, failure).await
            }
            None => self.route(request.map(Body::new), id, trace).await,
        };
        if has_unread_body {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        response.headers_mut().insert(X_REQUEST_ID, id.clone());
        response
    }

    /// In a task of its own: a client that goes away does not cut a change off between the store and the cache, and a
    /// panic is one failed request.
    async fn route(&self, mut request: Request<Body>, id: &HeaderValue, trace: &Span) -> Response {
        if !trace.is_disabled() {
            request.extensions_mut().insert(Traced(trace.clone()));
        }
        let trace_id = traces::trace_id(trace);
        let span = names::request_span(id.to_str().unwrap_or_default(), trace_id.as_deref());
        let accept = request.headers().get(ACCEPT).cloned();
        let answering = self.0.router.clone().oneshot(request).instrument(span.clone());
        // Both: a task has no span but those it is given.
        let answering = answering.instrument(trace.clone());
        let answered = self.0.tasks.spawn(answering).await;
        let _logging = span.enter();
        let response = match answered {
            Ok(Ok(response)) => response,
            Err(panic) => {
                let requests = &self.0.app.telemetry.requests;
                requests.note(UNMATCHED, StatusCode::INTERNAL_SERVER_ERROR, Duration::ZERO);
                Error::Internal(Box::new(panic)).into_response()
            }
        };
        problem::render(response, accept.as_ref(), id)
    }
}

/// Whether a route takes bodies with this method. A body that nobody reads is the end of its connection: what is behind it
/// would otherwise be answered or not, as the moment has it.
fn reads_bodies(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// RFC 9112, 3.2: without a host, or with two, programs on the way may disagree about what was asked.
fn names_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => true,
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests;
