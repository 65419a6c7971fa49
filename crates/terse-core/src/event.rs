//! Events: the append-only log of what happened to links, clicks among them.

use std::str::FromStr;

use crate::text::parse_text;
use crate::{EventId, InvalidText, LinkId, Timestamp, UserId};

/// The most characters an event type may have.
pub const EVENT_TYPE_CHARS_MAX: usize = 100;
/// The most bytes an event's details may have as JSON.
pub const DETAILS_BYTES_MAX: usize = 16 * 1024;
/// The most bytes of a `Referer` header that are kept.
pub const REFERRER_BYTES_MAX: usize = 1024;
/// The most bytes of a `User-Agent` header that are kept.
pub const USER_AGENT_BYTES_MAX: usize = 512;

/// What kind of thing happened: one of the constants, or any word that a client gives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventType(Box<str>);

/// Why a text is no event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("event_type {0}")]
pub struct InvalidEventType(InvalidText);

impl EventType {
    /// A redirect that was answered.
    pub const CLICK: &'static str = "click";
    /// A link was created.
    pub const CREATED: &'static str = "created";
    /// A field of a link was changed.
    pub const UPDATED: &'static str = "updated";
    /// A link was deactivated for good, or removed.
    pub const DELETED: &'static str = "deleted";

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventType {
    type Err = InvalidEventType;

    fn from_str(given: &str) -> Result<Self, InvalidEventType> {
        parse_text(given, EVENT_TYPE_CHARS_MAX)
            .map(Self)
            .map_err(InvalidEventType)
    }
}

/// What is known of an event beyond its type: a JSON object, kept as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details(Box<str>);

/// Why a value cannot be an event's details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDetails {
    /// A scalar, a list, or no JSON at all.
    #[error("details must be a JSON object")]
    NotAnObject,
    /// More than [`DETAILS_BYTES_MAX`].
    #[error("details must be at most 16384 bytes of JSON")]
    TooLong,
    /// U+0000, which PostgreSQL cannot store.
    #[error("details must not contain U+0000")]
    Nul,
}

impl Details {
    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&serde_json::Value> for Details {
    type Error = InvalidDetails;

    fn try_from(value: &serde_json::Value) -> Result<Self, InvalidDetails> {
        if !value.is_object() {
            return Err(InvalidDetails::NotAnObject);
        }
        let text = value.to_string();
        if text.len() > DETAILS_BYTES_MAX {
            return Err(InvalidDetails::TooLong);
        }
        if holds_nul(value) {
            return Err(InvalidDetails::Nul);
        }
        Ok(Self(text.into()))
    }
}

fn holds_nul(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(values) => values.iter().any(holds_nul),
        serde_json::Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

/// An event as stored. Links and users are named by plain numbers: they may be gone, or never have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Names the event.
    pub id: EventId,
    /// The link it happened to.
    pub link_id: i64,
    /// The link's owner at that time, or whoever a client says.
    pub user_id: Option<i64>,
    /// What happened.
    pub event_type: String,
    /// When.
    pub at: Timestamp,
    /// A JSON object as text.
    pub details: Option<String>,
}

/// An event to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The id that an import brings along; without one the store gives the next.
    pub id: Option<EventId>,
    /// The link it happened to; not checked.
    pub link_id: i64,
    /// The user concerned; not checked.
    pub user_id: Option<i64>,
    /// What happened.
    pub event_type: EventType,
    /// When.
    pub at: Timestamp,
    /// What else is known.
    pub details: Option<Details>,
}

/// Which events to list; `None` means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of the link with this number.
    pub link_id: Option<i64>,
    /// Only those of the user with this number.
    pub user_id: Option<i64>,
    /// Only those of this type.
    pub event_type: Option<EventType>,
}

/// A click as the journal's shipper hands it to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Click {
    /// When it was answered.
    pub at: Timestamp,
    /// The link.
    pub link_id: LinkId,
    /// Which state of the link was visited.
    pub version: i64,
    /// The link's owner at that time.
    pub owner: Option<UserId>,
    /// The `Referer` header, at most [`REFERRER_BYTES_MAX`].
    pub referrer: Option<TextIndex>,
    /// The `User-Agent` header, at most [`USER_AGENT_BYTES_MAX`].
    pub user_agent: Option<TextIndex>,
    /// Why it is not counted, if it is not.
    pub bot: Option<BotReason>,
}

/// Which of the texts of the click's batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextIndex(pub u32);

/// Why a visit is not counted as a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BotReason {
    /// A HEAD request: it asks where the link leads, and goes nowhere.
    Head,
    /// The browser fetched ahead, in case the person goes there.
    Prefetch,
    /// A program fetched the link to show a preview of it.
    Preview,
    /// A search engine, a monitor, a scanner or the like.
    Crawler,
}

impl BotReason {
    /// The reason as events name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Prefetch => "prefetch",
            Self::Preview => "preview",
            Self::Crawler => "crawler",
        }
    }
}
