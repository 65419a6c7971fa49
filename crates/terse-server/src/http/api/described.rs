//! What the descriptions of routes share: the parameters of a list, and the problems. Read by the macros that make the
//! OpenAPI document, never constructed.

use utoipa::{IntoParams, IntoResponses};

use crate::http::problem::Problem;

/// Where a page of a list starts, and how long it is.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description")]
pub(super) struct PageParameters {
    /// Page number, from 1.
    page: Option<i64>,
    /// Rows on a page: 1 to 1000, 1000 if not given.
    per_page: Option<i64>,
    /// Instead of page: rows after the one with this id.
    after: Option<i64>,
}

/// Which links of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description")]
pub(super) struct LinkParameters {
    /// Only active, or only deactivated ones: true, false, 1 or 0.
    is_active: Option<bool>,
    /// Only links with this in their target or title, in any case. `search` is the same.
    q: Option<String>,
}

macro_rules! problems {
    ($($name:ident = $status:literal, $description:literal;)+) => { $(
        #[derive(IntoResponses)]
        #[response(status = $status, description = $description, content_type = "application/problem+json")]
        #[expect(dead_code, reason = "a description")]
        pub(super) struct $name(Problem);
    )+ };
}

problems! {
    BadRequest = 400, "What was sent cannot be used; nothing was stored.";
    Forbidden = 403, "A browser called for a page of another site.";
    NotFound = 404, "Nothing has this id or code.";
    Conflict = 409, "Something else has the name.";
    Gone = 410, "The link has been deactivated.";
    TooLarge = 413, "The body is larger than its limit.";
}
