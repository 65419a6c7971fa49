//! Events: `/events`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::Value;
use terse_core::{Details, EventFilter, EventType, InvalidId, NewEvent};
use utoipa::ToSchema;

use super::Created;
use super::described::{BadRequest, Forbidden, PageParameters};
use crate::app::App;
use crate::auth::{Caller, Read, Write};
use crate::error::Result;
use crate::events;
use crate::http::page::Listed;
use crate::http::request::{Fields, FromFields, Json, Origin, Query, Taken};
use crate::http::view::EventView;

/// An event to be recorded.
#[derive(ToSchema)]
pub(super) struct NewEventRequest {
    /// The link it happened to; it may be gone.
    #[schema(minimum = 1)]
    url_id: i64,
    /// What happened.
    #[schema(value_type = String, max_length = 100, example = "scanned")]
    event_type: EventType,
    /// The user concerned; the user may be gone.
    #[schema(minimum = 1)]
    user_id: Option<i64>,
    /// What else is known.
    #[schema(value_type = Option<Object>)]
    details: Option<Details>,
}

impl FromFields for NewEventRequest {
    const MISSING: &'static str = "Missing required fields: url_id, event_type";

    fn from_fields(fields: &mut Fields) -> Taken<Self> {
        fields.require(&["url_id", "event_type"], Self::MISSING);
        let url_id = fields.required_integer("url_id", Self::MISSING);
        let event_type = fields.required_text("event_type", Self::MISSING);
        // The time of an event is that of its recording, whatever an object that was read says.
        fields.take("timestamp");
        let url_id = url_id.and_then(|number| an_id(fields, "url_id", number));
        let event_type = event_type.and_then(|text| fields.parsed("event_type", &text));
        let user_id = fields.nullable_integer("user_id");
        let user_id = user_id.and_then(|number| {
            let number = number.flatten();
            number.map(|number| an_id(fields, "user_id", number)).transpose()
        });
        let details = details(fields);
        Ok(Self {
            url_id: url_id?,
            event_type: event_type?,
            user_id: user_id?,
            details: details?,
        })
    }
}

/// A number that can be an id, whether or not it is one.
fn an_id(fields: &mut Fields, name: &str, number: i64) -> Taken<i64> {
    if number > 0 {
        Ok(number)
    } else {
        Err(fields.note(name, format_args!("{name} {InvalidId}")))
    }
}

fn details(fields: &mut Fields) -> Taken<Option<Details>> {
    match fields.take("details") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Details::try_from(&value)
            .map(Some)
            .map_err(|problem| fields.note("details", problem)),
    }
}

/// List events, every click among them that was answered before.
#[utoipa::path(
    get, path = "/events", tag = "events",
    params(
        ("url_id" = Option<i64>, Query, description = "Only events of this link."),
        ("user_id" = Option<i64>, Query, description = "Only events of this user."),
        ("event_type" = Option<String>, Query, description = "Only events of this type."),
        PageParameters,
    ),
    responses(
        (status = 200, description = "Events by id.", body = [EventView]),
        BadRequest,
    )
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: Caller<Read>,
    origin: Origin,
    query: Query,
) -> Result<Listed<EventView>> {
    let filter = EventFilter {
        link_id: query.integer("url_id")?,
        user_id: query.integer("user_id")?,
        event_type: query.parsed("event_type")?,
    };
    let page = events::list(&app, filter, query.page()?).await?;
    Listed::new(page, &origin, &query, |event| event.id.get(), EventView::try_from)
}

/// Record an event.
#[utoipa::path(
    post, path = "/events", tag = "events", request_body = NewEventRequest,
    responses(
        (status = 201, description = "The event.", body = EventView),
        BadRequest,
        Forbidden,
    )
)]
pub(super) async fn append(
    State(app): State<Arc<App>>,
    _: Caller<Write>,
    origin: Origin,
    Json(request): Json<NewEventRequest>,
) -> Result<Created<EventView>> {
    let event = NewEvent {
        id: None,
        link_id: request.url_id,
        user_id: request.user_id,
        event_type: request.event_type,
        at: app.clock.now(),
        details: request.details,
    };
    let event = events::append(&app, event).await?;
    // Events have no address of their own: this is the page that holds just this one.
    let page = format!("/events?after={}&per_page=1", event.id.get() - 1);
    Ok(Created {
        location: origin.sibling(&page),
        view: event.try_into()?,
    })
}
