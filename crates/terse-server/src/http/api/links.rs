//! Short links by code: follow, list, take out of service.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method};
use terse_core::LinkFilter;

use super::Done;
use super::described::{BadRequest, Forbidden, Gone, NotFound, PageParameters};
use crate::app::App;
use crate::auth::{Caller, Read, Write};
use crate::error::Result;
use crate::http::page::Listed;
use crate::http::redirect;
use crate::http::request::{Code, Origin, Query};
use crate::http::view::LinkView;
use crate::links;

/// Follow a short link; a GET counts as a click, a HEAD does not.
///
/// Browsers get a page where programs get a problem object.
#[utoipa::path(
    method(get, head), path = "/{code}", tag = "short links", params(("code" = String, Path, description = "The short code.")),
    responses(
        (status = 302, description = "To the link's target.", headers(("Location" = String, description = "The target."))),
        NotFound,
        Gone,
    )
)]
pub(super) async fn follow(
    State(app): State<Arc<App>>,
    Code(code): Code,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    redirect::visit_segment(&app, &code, &method, &headers).await
}

/// List active links.
#[utoipa::path(
    get, path = "/links", tag = "short links",
    params(
        PageParameters,
    ),
    responses(
        (status = 200, description = "Links by id.", body = [LinkView]),
        BadRequest,
    )
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    origin: Origin,
    query: Query,
) -> Result<Listed<LinkView>> {
    let filter = LinkFilter {
        is_active: Some(true),
        ..LinkFilter::default()
    };
    let page = links::list(&app, filter, query.page()?).await?;
    Listed::new(
        page,
        &origin,
        &query,
        |link| link.id.get(),
        |link| Ok(LinkView::of(link, origin.base())),
    )
}

/// Take a link out of service; doing it again changes nothing.
#[utoipa::path(
    delete, path = "/links/{code}", tag = "short links", params(("code" = String, Path, description = "The short code.")),
    responses(
        (status = 200, description = "The link answers 410 from now on.", body = Done),
        NotFound,
        Forbidden,
    )
)]
pub(super) async fn deactivate(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    Code(code): Code,
) -> Result<Json<Done>> {
    links::deactivate(&app, &code).await?;
    Ok(Json(Done {
        message: "Link deactivated",
    }))
}
