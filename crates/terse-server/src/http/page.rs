//! Lists as answers: a bare array, and a `Link` header (RFC 8288) when it goes on.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::LINK;
use serde::Serialize;
use terse_core::Page;

use super::request::{Origin, Query};

/// A page of a list, and where the next one is.
pub(super) struct Listed<View> {
    rows: Vec<View>,
    next: Option<String>,
}

impl<View> Listed<View> {
    /// The page that answers the request at `origin` with `query`; `id` gives a row's key, `view` what is shown of it.
    ///
    /// # Errors
    /// Those of `view`.
    pub(super) fn new<Row, E>(
        page: Page<Row>,
        origin: &Origin,
        query: &Query,
        id: impl Fn(&Row) -> i64,
        view: impl FnMut(Row) -> Result<View, E>,
    ) -> Result<Self, E> {
        let last = page.rows.last().filter(|_| page.has_more).map(id);
        let next = last.map(|last| format!("{}?{}", origin.this_url(), query.continued_after(last)));
        Ok(Self {
            rows: page.rows.into_iter().map(view).collect::<Result<_, E>>()?,
            next,
        })
    }
}

impl<View: Serialize> IntoResponse for Listed<View> {
    fn into_response(self) -> Response {
        let link = self
            .next
            .and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
        let mut response = Json(self.rows).into_response();
        response.headers_mut().extend(link.map(|link| (LINK, link)));
        response
    }
}
