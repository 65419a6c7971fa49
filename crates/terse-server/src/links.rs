//! What can be done with links. Every change is in force for the very next redirect once its function returns, and
//! stands in the log of events after the clicks that came before it.

use terse_core::{
    Link, LinkChange, LinkFilter, LinkId, NewLink, Owner, Page, PageRequest, ShortCode, TargetUrl, Title,
    code_length_for,
};
use terse_store::{Conflict, Created};

use crate::app::App;
use crate::config::BaseUrl;
use crate::error::{Error, NOT_FOUND, Result};
use crate::visits;

mod loops;

/// Another link has the code.
pub const CODE_TAKEN: &str = "Short code already taken";
/// The owner of a new link does not exist.
pub const NO_SUCH_USER: &str = "User not found";

/// Generated codes that were taken are replaced this many times. With a code space a million times the links the
/// first is free 999,999 times in a million.
const GENERATE_TRIES_MAX: usize = 8;

/// A link as a client wants it.
#[derive(Debug)]
pub struct LinkDraft {
    /// The code, or `None` to have one generated.
    pub short_code: Option<ShortCode>,
    /// Where it is to lead.
    pub target: TargetUrl,
    /// What a person calls it.
    pub title: Option<Title>,
    /// The user it is to belong to.
    pub owner: Owner,
    /// Whether it redirects from the start.
    pub is_active: bool,
}

/// What a client wants changed of a link.
#[derive(Debug, Default)]
pub struct LinkEdit {
    /// The changes.
    pub change: LinkChange,
    /// The owner as the client read it; it cannot be changed.
    pub owner: Option<Option<i64>>,
}

/// Creates a link. `reached_at` is where the client reached this service.
///
/// # Errors
/// `Invalid` for a target that leads back to this service, `NotFound` for an owner that does not exist, `Conflict` for a code that is taken.
pub async fn create(app: &App, draft: LinkDraft, reached_at: &BaseUrl) -> Result<Link> {
    loops::refuse(app, &draft.target, reached_at)?;
    let Some(code) = draft.short_code.clone() else {
        return create_generated(app, draft).await;
    };
    insert(app, &draft, code)
        .await?
        .ok_or(Error::Conflict(CODE_TAKEN))
}

async fn create_generated(app: &App, draft: LinkDraft) -> Result<Link> {
    // Ids are never reused, so the highest is at least the number of links, and costs no count.
    let links = u64::try_from(app.store.highest_link_id().await?).unwrap_or(0);
    for _ in 0..GENERATE_TRIES_MAX {
        let code = ShortCode::generate(code_length_for(links), &*app.random);
        if let Some(link) = insert(app, &draft, code).await? {
            return Ok(link);
        }
    }
    Err(Error::Internal(
        format!("{GENERATE_TRIES_MAX} generated codes in a row were taken").into(),
    ))
}

/// `None` when the code is taken.
async fn insert(app: &App, draft: &LinkDraft, short_code: ShortCode) -> Result<Option<Link>> {
    let now = app.clock.now();
    let link = NewLink {
        id: None,
        owner: draft.owner,
        short_code: short_code.clone(),
        target: draft.target.clone(),
        title: draft.title.clone(),
        is_active: draft.is_active,
        created_at: now,
        updated_at: now,
    };
    match app.store.create_link(link).await {
        Ok(Created::Link(link)) => {
            app.cache.forget([&short_code]);
            Ok(Some(link))
        }
        Ok(Created::NoSuchUser) => Err(Error::NotFound(NO_SUCH_USER)),
        Err(terse_store::Error::Conflict(Conflict::ShortCode)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Changes a link.
///
/// # Errors
/// `NotFound`, `Invalid` for a target that leads back to this service or another owner, `Conflict` for a code that is taken.
pub async fn update(app: &App, id: LinkId, edit: LinkEdit, reached_at: &BaseUrl) -> Result<Link> {
    if let Some(target) = &edit.change.target {
        loops::refuse(app, target, reached_at)?;
    }
    if let Some(claimed) = edit.owner {
        let link = app.store.find_link(id).await?.ok_or(Error::NotFound(NOT_FOUND))?;
        if link.owner.map(terse_core::UserId::get) != claimed {
            return Err(Error::invalid_field("user_id", "user_id cannot be changed"));
        }
    }
    app.see_own_clicks().await;
    let updated = app
        .store
        .update_link(id, edit.change, app.clock.now())
        .await
        .map_err(|error| match error {
            terse_store::Error::Conflict(Conflict::ShortCode) => Error::Conflict(CODE_TAKEN),
            other => other.into(),
        })?;
    let updated = updated.ok_or(Error::NotFound(NOT_FOUND))?;
    app.cache.forget([&updated.before, &updated.link.short_code]);
    Ok(updated.link)
}

/// Takes a link out of service; it keeps its code. Doing it again changes nothing.
///
/// # Errors
/// `NotFound`.
pub async fn deactivate(app: &App, code: &str) -> Result<()> {
    let code: ShortCode = code.parse().map_err(|_| Error::NotFound(visits::NOT_FOUND))?;
    app.see_own_clicks().await;
    let link = app.store.deactivate_link(&code, app.clock.now()).await?;
    app.cache.forget([&code]);
    link.map(|_| ()).ok_or(Error::NotFound(visits::NOT_FOUND))
}

/// Removes a link; its events stay, and its code is free again.
///
/// # Errors
/// `NotFound`.
pub async fn delete(app: &App, id: LinkId) -> Result<()> {
    app.see_own_clicks().await;
    let link = app
        .store
        .delete_link(id, app.clock.now())
        .await?
        .ok_or(Error::NotFound(NOT_FOUND))?;
    app.cache.forget([&link.short_code]);
    Ok(())
}

/// One link.
///
/// # Errors
/// `NotFound`.
pub async fn load(app: &App, id: LinkId) -> Result<Link> {
    app.see_own_clicks().await;
    app.store.find_link(id).await?.ok_or(Error::NotFound(NOT_FOUND))
}

/// Links by id.
///
/// # Errors
/// Only the store's.
pub async fn list(app: &App, filter: LinkFilter, page: PageRequest) -> Result<Page<Link>> {
    app.see_own_clicks().await;
    Ok(app.store.list_links(filter, page).await?)
}
