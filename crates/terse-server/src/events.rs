//! What can be done with events: add and read.

use terse_core::{Event, EventFilter, NewEvent, Page, PageRequest};

use crate::app::App;
use crate::error::Result;

/// Adds an event to the log.
///
/// # Errors
/// Only the store's.
pub async fn append(app: &App, event: NewEvent) -> Result<Event> {
    Ok(app.store.append_event(event).await?)
}

/// Events by id, with every click that was answered before this call.
///
/// # Errors
/// Only the store's.
pub async fn list(app: &App, filter: EventFilter, page: PageRequest) -> Result<Page<Event>> {
    app.see_own_clicks().await;
    Ok(app.store.list_events(filter, page).await?)
}
