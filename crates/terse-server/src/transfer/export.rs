//! Three files in the shape in which they are imported: what is exported here and imported elsewhere is the same.

mod sheet;

use std::path::Path;

use terse_core::{Event, EventFilter, Link, LinkFilter, User, UserId};
use terse_store::Store;

use super::error::TransferError;
use sheet::Sheet;

/// Who is to read the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audience {
    /// Programs: every text is as it is stored.
    #[default]
    Programs,
    /// People with spreadsheets: a `'` stands before what would be taken for a formula. An import takes it for a part
    /// of the text.
    Spreadsheets,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Rows of `users.csv`.
    pub users: u64,
    /// Rows of `urls.csv`.
    pub urls: u64,
    /// Rows of `events.csv`.
    pub events: u64,
}

const USER_HEADER: [&str; 4] = ["id", "username", "email", "created_at"];
const LINK_HEADER: [&str; 8] = [
    "id",
    "user_id",
    "short_code",
    "original_url",
    "title",
    "is_active",
    "created_at",
    "updated_at",
];
const EVENT_HEADER: [&str; 6] = ["id", "url_id", "user_id", "event_type", "timestamp", "details"];

/// Writes all users, links and events into the folder `to`, which is created if it is not there. Each file appears
/// whole, and only after all of them could be written; files of these names are replaced.
///
/// `on_rows` hears after each page how many rows it had.
///
/// # Errors
/// [`TransferError`] for a folder that cannot be written and for the store's failures.
pub async fn export(
    store: &Store,
    to: &Path,
    audience: Audience,
    on_rows: &mut dyn FnMut(u64),
) -> Result<ExportReport, TransferError> {
    let mut users = Sheet::create(to, "users.csv", &USER_HEADER, audience)?;
    users
        .fill(async |page| store.list_users(page).await, user_fields, on_rows)
        .await?;
    let mut urls = Sheet::create(to, "urls.csv", &LINK_HEADER, audience)?;
    let all = LinkFilter::default;
    urls.fill(
        async |page| store.list_links(all(), page).await,
        link_fields,
        on_rows,
    )
    .await?;
    let mut events = Sheet::create(to, "events.csv", &EVENT_HEADER, audience)?;
    let all = EventFilter::default;
    events
        .fill(
            async |page| store.list_events(all(), page).await,
            event_fields,
            on_rows,
        )
        .await?;
    Ok(ExportReport {
        users: users.appear()?,
        urls: urls.appear()?,
        events: events.appear()?,
    })
}

fn user_fields(user: User) -> (i64, Vec<String>) {
    let fields = vec![
        user.id.to_string(),
        user.username,
        user.email,
        user.created_at.to_string(),
    ];
    (user.id.get(), fields)
}

fn link_fields(link: Link) -> (i64, Vec<String>) {
    let fields = vec![
        link.id.to_string(),
        number(link.owner.map(UserId::get)),
        link.short_code.to_string(),
        link.original_url,
        link.title.unwrap_or_default(),
        if link.is_active { "True" } else { "False" }.to_owned(),
        link.created_at.to_string(),
        link.updated_at.to_string(),
    ];
    (link.id.get(), fields)
}

fn event_fields(event: Event) -> (i64, Vec<String>) {
    let fields = vec![
        event.id.to_string(),
        event.link_id.to_string(),
        number(event.user_id),
        event.event_type,
        event.at.to_string(),
        event.details.unwrap_or_default(),
    ];
    (event.id.get(), fields)
}

fn number(number: Option<i64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}
