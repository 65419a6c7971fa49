//! What can be done with users.

use terse_core::{Link, LinkFilter, NewUser, Page, PageRequest, User, UserChange, UserId};
use terse_store::Conflict;

use crate::app::App;
use crate::error::{Error, NOT_FOUND, Result};
use crate::links;

/// Another user has the name or the address.
pub const TAKEN: &str = "Username or email already exists";

/// Creates a user.
///
/// # Errors
/// `Conflict` for a name or address that is taken.
pub async fn create(app: &App, user: NewUser) -> Result<User> {
    app.store.create_user(user).await.map_err(taken)
}

/// Changes a user.
///
/// # Errors
/// `NotFound`, `Conflict`.
pub async fn update(app: &App, id: UserId, change: UserChange) -> Result<User> {
    app.store
        .update_user(id, change)
        .await
        .map_err(taken)?
        .ok_or(Error::NotFound(NOT_FOUND))
}

/// Removes a user; the user's links stay, without owner.
///
/// # Errors
/// `NotFound`.
pub async fn delete(app: &App, id: UserId) -> Result<()> {
    let codes = app
        .store
        .delete_user(id)
        .await?
        .ok_or(Error::NotFound(NOT_FOUND))?;
    app.forget(&codes);
    Ok(())
}

/// One user.
///
/// # Errors
/// `NotFound`.
pub async fn load(app: &App, id: UserId) -> Result<User> {
    app.store.find_user(id).await?.ok_or(Error::NotFound(NOT_FOUND))
}

/// Users by id.
///
/// # Errors
/// Only the store's.
pub async fn list(app: &App, page: PageRequest) -> Result<Page<User>> {
    Ok(app.store.list_users(page).await?)
}

/// The links of a user, by id.
///
/// # Errors
/// `NotFound`.
pub async fn list_links(app: &App, id: UserId, filter: LinkFilter, page: PageRequest) -> Result<Page<Link>> {
    load(app, id).await?;
    links::list(
        app,
        LinkFilter {
            owner: Some(id),
            ..filter
        },
        page,
    )
    .await
}

fn taken(error: terse_store::Error) -> Error {
    match error {
        terse_store::Error::Conflict(Conflict::Username | Conflict::Email) => Error::Conflict(TAKEN),
        other => other.into(),
    }
}
