//! What the rows of each file mean: fields to the types of the domain, or why they are none.

use std::fmt::Display;
use std::str::FromStr;

use terse_core::{Details, NewEvent, NewLink, NewUser, Timestamp, Title, UserId};

use super::table::{Column, Row, optional, required};

/// The highest id that is taken over: what programs that read JSON numbers as doubles still read exactly. An id near the
/// end of the 64-bit integers would leave none for the next row.
pub(super) const ID_MAX: i64 = (1 << 53) - 1;

/// The columns of a file of users that is uploaded.
pub(super) const UPLOAD_COLUMNS: &[Column] = &[
    required("username"),
    required("email"),
    optional("id"),
    optional("created_at"),
];
/// The columns of `users.csv`, as it is exported and imported.
pub(super) const USER_COLUMNS: &[Column] = &[
    required("username"),
    required("email"),
    required("id"),
    required("created_at"),
];
/// The columns of `urls.csv`.
pub(super) const LINK_COLUMNS: &[Column] = &[
    required("id"),
    required("user_id"),
    required("short_code"),
    required("original_url"),
    required("title"),
    required("is_active"),
    required("created_at"),
    required("updated_at"),
];
/// The columns of `events.csv`.
pub(super) const EVENT_COLUMNS: &[Column] = &[
    required("id"),
    required("url_id"),
    required("user_id"),
    required("event_type"),
    required("timestamp"),
    required("details"),
];

/// A user, whose id is only a wish: the number that the row has for it is apart, for it may be too large for an id.
pub(super) struct UploadedUser {
    /// The user; without an id where the row has none that could be given.
    pub(super) user: NewUser,
    /// The id as the row has it.
    pub(super) wished_id: Option<i64>,
}

/// A user; without an id the next one is meant, without a time `now`.
pub(super) fn uploaded_user(row: &Row<'_>, now: Timestamp) -> Result<UploadedUser, String> {
    let wished_id: Option<UserId> = optional_value("id", row.text(2))?;
    let user = NewUser {
        username: text("username", row.text(0))?,
        email: row
            .text(1)
            .parse()
            .map_err(|error: terse_core::InvalidEmail| error.to_string())?,
        id: wished_id.filter(|id| id.get() <= ID_MAX),
        created_at: optional_value("created_at", row.text(3))?.unwrap_or(now),
    };
    Ok(UploadedUser {
        user,
        wished_id: wished_id.map(UserId::get),
    })
}

/// A user with id and time.
pub(super) fn user(row: &Row<'_>) -> Result<NewUser, String> {
    Ok(NewUser {
        username: text("username", row.text(0))?,
        email: row
            .text(1)
            .parse()
            .map_err(|error: terse_core::InvalidEmail| error.to_string())?,
        id: Some(id(row.text(2))?),
        created_at: value("created_at", row.text(3))?,
    })
}

/// A link; the owner is the number that the file says.
pub(super) fn link(row: &Row<'_>) -> Result<NewLink, String> {
    let title = Some(row.text(4)).filter(|title| !title.is_empty());
    Ok(NewLink {
        id: Some(id(row.text(0))?),
        owner: optional_value("user_id", row.text(1))?,
        short_code: row
            .text(2)
            .parse()
            .map_err(|error: terse_core::InvalidShortCode| error.to_string())?,
        target: row
            .text(3)
            .parse()
            .map_err(|error: terse_core::InvalidTarget| error.to_string())?,
        title: title.map(|title| text::<Title>("title", title)).transpose()?,
        is_active: truth("is_active", row.text(5))?,
        created_at: value("created_at", row.text(6))?,
        updated_at: value("updated_at", row.text(7))?,
    })
}

/// An event. Links and users are plain numbers: the log names what may be gone.
pub(super) fn event(row: &Row<'_>) -> Result<NewEvent, String> {
    Ok(NewEvent {
        id: Some(id(row.text(0))?),
        link_id: integer("url_id", row.text(1))?,
        user_id: match row.text(2) {
            "" => None,
            number => Some(integer("user_id", number)?),
        },
        event_type: row
            .text(3)
            .parse()
            .map_err(|error: terse_core::InvalidEventType| error.to_string())?,
        at: value("timestamp", row.text(4))?,
        details: details(row.text(5))?,
    })
}

fn details(text: &str) -> Result<Option<Details>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("details are not valid JSON: {error}"))?;
    if json.is_null() {
        return Ok(None);
    }
    Details::try_from(&json)
        .map(Some)
        .map_err(|error| error.to_string())
}

/// An id that leaves room for those that come after it.
fn id<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    if text.parse().is_ok_and(|id: i64| id > ID_MAX) {
        return Err(format!("id must be at most {ID_MAX}, not {}", quoted(text)));
    }
    value("id", text)
}

fn optional_value<T: FromStr<Err: Display>>(column: &str, text: &str) -> Result<Option<T>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    value(column, text).map(Some)
}

fn value<T: FromStr<Err: Display>>(column: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|error| format!("{column} {error}, not {}", quoted(text)))
}

/// Texts may be anything and long: the message does not repeat them.
fn text<T: FromStr<Err: Display>>(column: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{column} {error}"))
}

fn integer(column: &str, text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_| format!("{column} must be an integer, not {}", quoted(text)))
}

fn truth(column: &str, text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("{column} must be True or False, not {}", quoted(text))),
    }
}

/// The beginning of a text that a person is to find again in the file, on one line.
fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut start: String = text.chars().take(CHARS_MAX).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}
