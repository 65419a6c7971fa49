//! Users: `/users`.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use terse_core::{Email, InvalidText, NewUser, UserChange, UserId, Username};
use utoipa::ToSchema;

use super::described::{BadRequest, Conflict, Forbidden, LinkParameters, NotFound, PageParameters};
use super::urls::state_and_text;
use super::{Created, Done};
use crate::app::App;
use crate::auth::{Caller, Read, Write};
use crate::error::Result;
use crate::http::page::Listed;
use crate::http::request::{Fields, FromFields, Id, Json, Origin, Query, Taken};
use crate::http::view::{LinkView, UserView};
use crate::users;

/// A user to be created.
#[derive(ToSchema)]
pub(super) struct NewUserRequest {
    /// Unique.
    #[schema(value_type = String, max_length = 255, example = "ada")]
    username: Username,
    /// Unique without regard to case.
    #[schema(value_type = String, format = Email, max_length = 254, example = "ada@example.com")]
    email: Email,
}

impl FromFields for NewUserRequest {
    const MISSING: &'static str = "Missing required fields: username, email";

    fn from_fields(fields: &mut Fields) -> Taken<Self> {
        fields.require(&["username", "email"], Self::MISSING);
        let username = fields.required_text("username", Self::MISSING);
        let email = fields.required_text("email", Self::MISSING);
        let username = username.and_then(|text| self::username(fields, &text));
        let email = email.and_then(|text| fields.parsed("email", &text));
        Ok(Self {
            username: username?,
            email: email?,
        })
    }
}

/// Changes of a user; what is left out stays as it is.
#[derive(ToSchema)]
pub(super) struct UserEditRequest {
    /// Unique.
    #[schema(value_type = Option<String>, max_length = 255)]
    username: Option<Username>,
    /// Unique without regard to case.
    #[schema(value_type = Option<String>, format = Email, max_length = 254)]
    email: Option<Email>,
}

impl FromFields for UserEditRequest {
    const MISSING: &'static str = "Missing request body";

    fn from_fields(fields: &mut Fields) -> Taken<Self> {
        let username = fields.text("username");
        let email = fields.text("email");
        let username = username.and_then(|text| text.map(|text| self::username(fields, &text)).transpose());
        let email = fields.parsed_if_given("email", email);
        Ok(Self {
            username: username?,
            email: email?,
        })
    }
}

fn username(fields: &mut Fields, text: &str) -> Taken<Username> {
    text.parse()
        .map_err(|problem: InvalidText| fields.note("username", format_args!("Username {problem}")))
}

/// List users.
#[utoipa::path(
    get, path = "/users", tag = "users",
    params(
        PageParameters,
    ),
    responses(
        (status = 200, description = "Users by id.", body = [UserView]),
        BadRequest,
    )
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    origin: Origin,
    query: Query,
) -> Result<Listed<UserView>> {
    let page = users::list(&app, query.page()?).await?;
    Listed::new(
        page,
        &origin,
        &query,
        |user| user.id.get(),
        |user| Ok(UserView::from(user)),
    )
}

/// Create a user.
#[utoipa::path(
    post, path = "/users", tag = "users", request_body = NewUserRequest,
    responses(
        (status = 201, description = "The user.", body = UserView),
        BadRequest,
        Forbidden,
        Conflict,
    )
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    origin: Origin,
    Json(request): Json<NewUserRequest>,
) -> Result<Created<UserView>> {
    let user = NewUser {
        id: None,
        username: request.username,
        email: request.email,
        created_at: app.clock.now(),
    };
    let user = users::create(&app, user).await?;
    Ok(Created {
        location: origin.sibling(&format!("/users/{}", user.id)),
        view: user.into(),
    })
}

/// Get a user.
#[utoipa::path(
    get, path = "/users/{id}", tag = "users", params(("id" = i64, Path, description = "The user's id.")),
    responses(
        (status = 200, description = "The user.", body = UserView),
        NotFound,
    )
)]
pub(super) async fn load(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    Id(id): Id<UserId>,
) -> Result<Answer<UserView>> {
    Ok(Answer(users::load(&app, id).await?.into()))
}

/// Change a user.
#[utoipa::path(
    method(put, patch), path = "/users/{id}", tag = "users", request_body = UserEditRequest,
    params(("id" = i64, Path, description = "The user's id.")),
    responses(
        (status = 200, description = "The user after the change.", body = UserView),
        BadRequest,
        Forbidden,
        NotFound,
        Conflict,
    )
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    Id(id): Id<UserId>,
    Json(request): Json<UserEditRequest>,
) -> Result<Answer<UserView>> {
    let change = UserChange {
        username: request.username,
        email: request.email,
    };
    Ok(Answer(users::update(&app, id, change).await?.into()))
}

/// Remove a user; the user's links stay, without owner.
#[utoipa::path(
    delete, path = "/users/{id}", tag = "users", params(("id" = i64, Path, description = "The user's id.")),
    responses(
        (status = 200, description = "The user is gone.", body = Done),
        NotFound,
        Forbidden,
    )
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    Id(id): Id<UserId>,
) -> Result<Answer<Done>> {
    users::delete(&app, id).await?;
    Ok(Answer(Done {
        message: "User deleted",
    }))
}

/// List the links of a user.
#[utoipa::path(
    get, path = "/users/{id}/urls", tag = "users",
    params(
        ("id" = i64, Path, description = "The user's id."),
        LinkParameters,
        PageParameters,
    ),
    responses(
        (status = 200, description = "Links by id.", body = [LinkView]),
        BadRequest,
        NotFound,
    )
)]
pub(super) async fn list_links(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    origin: Origin,
    Id(id): Id<UserId>,
    query: Query,
) -> Result<Listed<LinkView>> {
    let page = users::list_links(&app, id, state_and_text(&query)?, query.page()?).await?;
    Listed::new(
        page,
        &origin,
        &query,
        |link| link.id.get(),
        |link| Ok(LinkView::of(link, origin.base())),
    )
}
