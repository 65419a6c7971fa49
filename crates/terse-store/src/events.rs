//! Events: the append-only log.

use serde_json::json;
use terse_core::{
    Details, Event, EventFilter, EventId, EventType, Link, NewEvent, NewLink, Page, PageRequest, Timestamp,
    UserId,
};

use crate::db::{Param, Read, Row, Tx, page_params};
use crate::error::Result;
use crate::sql::statements;
use crate::store::Store;
use crate::totals::{self, Clicks};

/// A page of those events to which `$condition` applies too.
macro_rules! list {
    ($condition:literal) => {
        concat!(
            "SELECT e.id, e.link_id, e.user_id, e.event_type, e.at, e.details, \
                 code.content, target.content, referrer.content, agent.content \
             FROM events e \
             LEFT JOIN texts code ON code.id = e.code_text \
             LEFT JOIN texts target ON target.id = e.target_text \
             LEFT JOIN texts referrer ON referrer.id = e.referrer_text \
             LEFT JOIN texts agent ON agent.id = e.agent_text \
             WHERE e.id > $1 AND ",
            $condition,
            " ORDER BY e.id LIMIT $2 OFFSET $3"
        )
    };
}

statements! {
    // A statement for each index. `<> 'click'` says that the index without clicks will do.
    LIST = list!("(e.event_type = $4 OR $4 IS NULL)");
    LIST_OF_TYPE = list!("e.event_type = $4 AND e.event_type <> 'click'");
    LIST_OF_USER = list!("e.user_id = $4 AND (e.event_type = $5 OR $5 IS NULL)");
    LIST_OF_LINK = list!(
        "e.link_id = $4 AND (e.event_type = $5 OR $5 IS NULL) AND (e.user_id = $6 OR $6 IS NULL)"
    );
    LIST_OF_LINK_AND_TYPE = list!(
        "e.link_id = $4 AND e.event_type = $5 AND e.event_type <> 'click' AND (e.user_id = $6 OR $6 IS NULL)"
    );
    INSERT = "INSERT INTO events (link_id, user_id, event_type, is_counted, at, details) \
              VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    INSERT_WITH_ID = "INSERT INTO events (link_id, user_id, event_type, is_counted, at, details, id) \
              VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
}

impl Store {
    /// Records an event. A click that is not marked as a bot's adds to its link's total, if there is such a link.
    ///
    /// # Errors
    /// [`crate::Conflict::EventId`] if the event brings its id along.
    pub async fn append_event(&self, event: NewEvent) -> Result<Event> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let id = insert(tx, &event).await?;
                    if totals::is_counted(&event) {
                        totals::add(tx, &Clicks::from([(event.link_id, 1)])).await?;
                    }
                    Ok(stored(id, event))
                })
            })
            .await
    }

    /// Events by id.
    pub async fn list_events(&self, filter: EventFilter, page: PageRequest) -> Result<Page<Event>> {
        self.db
            .read(Read::Scan, move |tx| {
                Box::pin(async move {
                    let rows = list(tx, &filter, &page).await?;
                    Ok(Page::from_rows(rows, &page))
                })
            })
            .await
    }
}

pub(crate) async fn insert(tx: &mut Tx, event: &NewEvent) -> Result<EventId> {
    let params: [Param<'_>; 7] = [
        event.link_id.into(),
        event.user_id.into(),
        event.event_type.as_str().into(),
        totals::is_counted(event).into(),
        event.at.as_millis().into(),
        event.details.as_ref().map(Details::as_str).into(),
        event.id.map(EventId::get).into(),
    ];
    match event.id {
        Some(_) => tx.query_one(&INSERT_WITH_ID, &params, decode_id).await,
        None => tx.query_one(&INSERT, &params[..6], decode_id).await,
    }
}

/// Records what was done to `link`.
pub(crate) async fn append(
    tx: &mut Tx,
    link: &Link,
    event_type: &'static str,
    at: Timestamp,
    details: &serde_json::Value,
) -> Result<()> {
    append_own(tx, (link.id.get(), link.owner), event_type, at, details).await
}

/// Records that `link` was created and has this id.
pub(crate) async fn append_created(tx: &mut Tx, id: i64, link: &NewLink) -> Result<()> {
    let details = json!({
        "short_code": link.short_code.as_str(),
        "original_url": link.target.original(),
    });
    append_own(
        tx,
        (id, link.owner),
        EventType::CREATED,
        link.created_at,
        &details,
    )
    .await
}

async fn append_own(
    tx: &mut Tx,
    (link_id, owner): (i64, Option<UserId>),
    event_type: &'static str,
    at: Timestamp,
    details: &serde_json::Value,
) -> Result<()> {
    let details = details.to_string();
    let params: [Param<'_>; 6] = [
        link_id.into(),
        owner.map(UserId::get).into(),
        event_type.into(),
        false.into(),
        at.as_millis().into(),
        (&details).into(),
    ];
    tx.query_one(&INSERT, &params, decode_id).await.map(drop)
}

async fn list(tx: &mut Tx, filter: &EventFilter, page: &PageRequest) -> Result<Vec<Event>> {
    let event_type = filter.event_type.as_ref().map(EventType::as_str);
    let is_rare = event_type.is_some_and(|event_type| event_type != EventType::CLICK);
    let by_type = Param::from(event_type);
    let (sql, condition) = match (filter.link_id, filter.user_id) {
        (Some(link), user) if is_rare => (&LIST_OF_LINK_AND_TYPE, vec![link.into(), by_type, user.into()]),
        (Some(link), user) => (&LIST_OF_LINK, vec![link.into(), by_type, user.into()]),
        (None, Some(user)) => (&LIST_OF_USER, vec![user.into(), by_type]),
        (None, None) if is_rare => (&LIST_OF_TYPE, vec![by_type]),
        (None, None) => (&LIST, vec![by_type]),
    };
    let params = [page_params(page).as_slice(), &condition].concat();
    tx.query(sql, &params, decode).await
}

fn stored(id: EventId, event: NewEvent) -> Event {
    Event {
        id,
        link_id: event.link_id,
        user_id: event.user_id,
        event_type: event.event_type.as_str().to_owned(),
        at: event.at,
        details: event.details.map(|details| details.as_str().to_owned()),
    }
}

fn decode_id(row: &Row<'_>) -> Result<EventId> {
    EventId::new(row.int(0)?).map_err(|error| row.unreadable(0, error.to_string()))
}

fn decode(row: &Row<'_>) -> Result<Event> {
    let details = match row.opt_text(6)? {
        Some(short_code) => Some(click_details(row, &short_code)?),
        None => row.opt_text(5)?,
    };
    Ok(Event {
        id: decode_id(row)?,
        link_id: row.int(1)?,
        user_id: row.opt_int(2)?,
        event_type: row.text(3)?,
        at: Timestamp::from_millis(row.int(4)?),
        details,
    })
}

/// The details of a shipped click, put together from its texts.
fn click_details(row: &Row<'_>, short_code: &str) -> Result<String> {
    let mut details = json!({ "short_code": short_code, "original_url": row.opt_text(7)? });
    if let Some(referrer) = row.opt_text(8)? {
        details["referrer"] = referrer.into();
    }
    if let Some(user_agent) = row.opt_text(9)? {
        details["user_agent"] = user_agent.into();
    }
    Ok(details.to_string())
}
