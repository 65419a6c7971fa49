//! Links as a resource: `/urls`.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method};
use terse_core::{Link, LinkChange, LinkFilter, LinkId, Owner, Page, ShortCode, TargetUrl, Title, UserId};
use utoipa::ToSchema;

use super::described::{BadRequest, Conflict, Forbidden, Gone, LinkParameters, NotFound, PageParameters};
use super::{Created, Done};
use crate::app::App;
use crate::auth::{Caller, Read, Write};
use crate::error::{Error, Result};
use crate::http::page::Listed;
use crate::http::redirect;
use crate::http::request::{Code, Fields, FromFields, Id, Json, Origin, Query, Taken};
use crate::http::view::LinkView;
use crate::links::{self, LinkDraft, LinkEdit};

/// A link to be created.
#[derive(ToSchema)]
pub(super) struct NewLinkRequest {
    /// Where it is to lead.
    #[schema(value_type = String, format = "uri", max_length = 8192, example = "https://example.com/a/long/path")]
    original_url: TargetUrl,
    /// What a person calls it.
    #[schema(value_type = Option<String>, max_length = 500)]
    title: Option<Title>,
    /// The user it is to belong to.
    user_id: Option<i64>,
    /// The code to use; without one, or with a blank one, a code is generated.
    #[schema(value_type = Option<String>, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    short_code: Option<ShortCode>,
    /// Whether it redirects from the start; it does if not given.
    #[schema(value_type = Option<bool>)]
    is_active: bool,
}

impl FromFields for NewLinkRequest {
    const MISSING: &'static str = "Missing required field: original_url";

    fn from_fields(fields: &mut Fields) -> Taken<Self> {
        let original_url = fields.required_text("original_url", Self::MISSING);
        let original_url = original_url.and_then(|text| fields.parsed("original_url", &text));
        let title = title(fields);
        let user_id = fields.nullable_integer("user_id");
        let short_code = short_code(fields);
        let is_active = fields.boolean("is_active");
        Ok(Self {
            original_url: original_url?,
            title: title?.flatten(),
            user_id: user_id?.flatten(),
            short_code: short_code?,
            is_active: is_active?.unwrap_or(true),
        })
    }
}

/// Changes of a link; what is left out stays as it is.
#[derive(ToSchema)]
pub(super) struct LinkEditRequest {
    /// Where it is to lead.
    #[schema(value_type = Option<String>, format = "uri", max_length = 8192)]
    original_url: Option<TargetUrl>,
    /// What a person calls it; null removes the title.
    #[schema(value_type = Option<String>, max_length = 500)]
    title: Option<Option<Title>>,
    /// Whether it redirects.
    is_active: Option<bool>,
    /// The code that leads to it.
    #[schema(value_type = Option<String>, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    short_code: Option<ShortCode>,
    /// The owner as it was read; it cannot be changed.
    user_id: Option<Option<i64>>,
}

impl FromFields for LinkEditRequest {
    const MISSING: &'static str = "Missing request body";

    fn from_fields(fields: &mut Fields) -> Taken<Self> {
        let original_url = fields.text("original_url");
        let short_code = fields.text("short_code");
        let original_url = fields.parsed_if_given("original_url", original_url);
        let title = title(fields);
        let is_active = fields.boolean("is_active");
        let short_code = fields.parsed_if_given("short_code", short_code);
        let user_id = fields.nullable_integer("user_id");
        Ok(Self {
            original_url: original_url?,
            title: title?,
            is_active: is_active?,
            short_code: short_code?,
            user_id: user_id?,
        })
    }
}

impl From<LinkEditRequest> for LinkEdit {
    fn from(request: LinkEditRequest) -> Self {
        let change = LinkChange {
            short_code: request.short_code,
            target: request.original_url,
            title: request.title,
            is_active: request.is_active,
        };
        Self {
            change,
            owner: request.user_id,
        }
    }
}

/// A code that may be left out, null or blank: then one is generated.
pub(super) fn short_code(fields: &mut Fields) -> Taken<Option<ShortCode>> {
    let text = fields.nullable_text("short_code")?.flatten();
    text.map(|text| fields.parsed("short_code", text.trim()))
        .transpose()
}

fn title(fields: &mut Fields) -> Taken<Option<Option<Title>>> {
    let Some(text) = fields.nullable_text("title")? else {
        return Ok(None);
    };
    let mut problem = |problem| fields.note("title", format_args!("title {problem}"));
    text.map(|text| text.parse().map_err(&mut problem))
        .transpose()
        .map(Some)
}

/// An owner that cannot be anybody's id does not exist.
fn owner(number: Option<i64>) -> Result<Owner> {
    number
        .map(|number| UserId::new(number).map_err(|_| Error::NotFound(links::NO_SUCH_USER)))
        .transpose()
}

/// The answer to a creation.
pub(super) fn created(link: Link, origin: &Origin) -> Created<LinkView> {
    Created {
        location: origin.sibling(&format!("/urls/{}", link.id)),
        view: LinkView::of(link, origin.base()),
    }
}

/// The filter of a list of links of whatever owner.
pub(super) fn state_and_text(query: &Query) -> Result<LinkFilter> {
    Ok(LinkFilter {
        owner: None,
        is_active: query.boolean("is_active")?,
        search: query.search()?,
    })
}

/// The filter of a list of links; `None` when nothing can match.
fn link_filter(query: &Query) -> Result<Option<LinkFilter>> {
    let owner = query.integer("user_id")?.map(UserId::new);
    let filter = state_and_text(query)?;
    Ok(match owner {
        None => Some(filter),
        Some(Ok(owner)) => Some(LinkFilter {
            owner: Some(owner),
            ..filter
        }),
        Some(Err(_)) => None,
    })
}

/// List links.
#[utoipa::path(
    get, path = "/urls", tag = "urls",
    params(
        ("user_id" = Option<i64>, Query, description = "Only links of this user."),
        LinkParameters,
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
    let request = query.page()?;
    let page = match link_filter(&query)? {
        Some(filter) => links::list(&app, filter, request).await?,
        None => Page {
            rows: Vec::new(),
            has_more: false,
        },
    };
    Listed::new(
        page,
        &origin,
        &query,
        |link| link.id.get(),
        |link| Ok(LinkView::of(link, origin.base())),
    )
}

/// Create a link.
#[utoipa::path(
    post, path = "/urls", tag = "urls", request_body = NewLinkRequest,
    responses(
        (status = 201, description = "The link.", body = LinkView),
        BadRequest,
        Forbidden,
        NotFound,
        Conflict,
    )
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    origin: Origin,
    Json(request): Json<NewLinkRequest>,
) -> Result<Created<LinkView>> {
    let draft = LinkDraft {
        short_code: request.short_code,
        target: request.original_url,
        title: request.title,
        owner: owner(request.user_id)?,
        is_active: request.is_active,
    };
    Ok(created(
        links::create(&app, draft, origin.reached_at()).await?,
        &origin,
    ))
}

/// Get a link.
#[utoipa::path(
    get, path = "/urls/{id}", tag = "urls", params(("id" = i64, Path, description = "The link's id.")),
    responses(
        (status = 200, description = "The link.", body = LinkView),
        NotFound,
    )
)]
pub(super) async fn load(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    origin: Origin,
    Id(id): Id<LinkId>,
) -> Result<Answer<LinkView>> {
    Ok(Answer(LinkView::of(links::load(&app, id).await?, origin.base())))
}

/// Change a link; the very next redirect obeys.
#[utoipa::path(
    method(put, patch), path = "/urls/{id}", tag = "urls", request_body = LinkEditRequest,
    params(("id" = i64, Path, description = "The link's id.")),
    responses(
        (status = 200, description = "The link after the change.", body = LinkView),
        BadRequest,
        Forbidden,
        NotFound,
        Conflict,
    )
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    origin: Origin,
    Id(id): Id<LinkId>,
    Json(request): Json<LinkEditRequest>,
) -> Result<Answer<LinkView>> {
    let link = links::update(&app, id, request.into(), origin.reached_at()).await?;
    Ok(Answer(LinkView::of(link, origin.base())))
}

/// Remove a link; its events stay, and its code is free again.
#[utoipa::path(
    delete, path = "/urls/{id}", tag = "urls", params(("id" = i64, Path, description = "The link's id.")),
    responses(
        (status = 200, description = "The link is gone.", body = Done),
        NotFound,
        Forbidden,
    )
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    Id(id): Id<LinkId>,
) -> Result<Answer<Done>> {
    links::delete(&app, id).await?;
    Ok(Answer(Done {
        message: "URL deleted",
    }))
}

/// Follow a short link: the same as `GET /{code}`.
#[utoipa::path(
    method(get, head), path = "/urls/{code}/redirect", tag = "short links",
    params(("code" = String, Path, description = "The short code.")),
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
    redirect::visit(&app, &code, &method, &headers).await
}
