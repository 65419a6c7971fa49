//! What the API shows of links, users and events.

use serde::Serialize;
use serde_json::value::RawValue;
use terse_core::{Event, Link, User, UserId};
use utoipa::ToSchema;

use crate::config::BaseUrl;
use crate::error::{Error, Result};

/// A short code and where it leads.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
pub(super) struct LinkView {
    /// Names the link.
    #[schema(minimum = 1)]
    id: i64,
    /// The user it belongs to.
    user_id: Option<i64>,
    /// The path segment that leads to it.
    #[schema(example = "LsFb0m")]
    short_code: String,
    /// The whole address that leads to it.
    #[schema(example = "http://127.0.0.1:8000/LsFb0m")]
    short_url: String,
    /// Where it leads, as it was given.
    #[schema(example = "https://example.com/a/long/path")]
    original_url: String,
    /// What a person calls it.
    title: Option<String>,
    /// Whether it redirects; otherwise it answers 410.
    is_active: bool,
    /// Redirects that were counted.
    click_count: i64,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl LinkView {
    /// `link` as it is reached below `base`.
    pub(super) fn of(link: Link, base: &BaseUrl) -> Self {
        Self {
            id: link.id.get(),
            user_id: link.owner.map(UserId::get),
            short_url: format!("{base}/{}", link.short_code),
            short_code: link.short_code.to_string(),
            original_url: link.original_url,
            title: link.title,
            is_active: link.is_active,
            click_count: link.click_count,
            created_at: link.created_at.to_string(),
            updated_at: link.updated_at.to_string(),
        }
    }
}

/// Who links may belong to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    /// Names the user.
    #[schema(minimum = 1)]
    id: i64,
    /// Unique.
    #[schema(example = "ada")]
    username: String,
    /// Unique without regard to case.
    #[schema(example = "ada@example.com")]
    email: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.get(),
            username: user.username,
            email: user.email,
            created_at: user.created_at.to_string(),
        }
    }
}

/// Something that happened to a link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventView {
    /// Names the event.
    #[schema(minimum = 1)]
    id: i64,
    /// The link it happened to, which may be gone.
    url_id: i64,
    /// The user concerned, who may be gone.
    user_id: Option<i64>,
    /// `click`, `created`, `updated`, `deleted`, or what a client recorded.
    #[schema(example = "click")]
    event_type: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    timestamp: String,
    /// What else is known.
    #[schema(value_type = Option<Object>)]
    details: Option<Box<RawValue>>,
}

impl TryFrom<Event> for EventView {
    type Error = Error;

    fn try_from(event: Event) -> Result<Self> {
        let details = event.details.map(RawValue::from_string).transpose();
        Ok(Self {
            id: event.id.get(),
            url_id: event.link_id,
            user_id: event.user_id,
            event_type: event.event_type,
            timestamp: event.at.to_string(),
            details: details.map_err(|error| Error::Internal(Box::new(error)))?,
        })
    }
}
