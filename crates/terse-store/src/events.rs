//! Events: the append-only log.

pub(crate) mod sequence;

use serde_json::json;
use terse_core::{
    Details, Event, EventFilter, EventId, EventType, Link, NewEvent, NewLink, Page, PageRequest, Start,
    Timestamp, UserId,
};

use crate::clicks::browse;
use crate::db::{Param, Read, Row, Tx};
use crate::error::{Conflict, Error, Result, Trouble};
use crate::sql::statements;
use crate::store::Store;
use crate::totals::{self, Clicks};

/// Events that are counted off at once to find where a page begins.
const SKIP_MAX: usize = 10_000;

/// The rows to which `$condition` applies too.
macro_rules! list {
    ($condition:literal) => {
        concat!(
            "SELECT id, link_id, user_id, event_type, at, details FROM events WHERE id > $1 AND ",
            $condition,
            " ORDER BY id LIMIT $2"
        )
    };
}

statements! {
    // A statement for each index.
    LIST = list!("(event_type = $3 OR $3 IS NULL)");
    LIST_OF_TYPE = list!("event_type = $3");
    LIST_OF_USER = list!("user_id = $3 AND (event_type = $4 OR $4 IS NULL)");
    LIST_OF_LINK = list!("link_id = $3 AND (event_type = $4 OR $4 IS NULL) AND (user_id = $5 OR $5 IS NULL)");
    INSERT = "INSERT INTO events (id, link_id, user_id, event_type, is_counted, at, details) \
              VALUES ($1, $2, $3, $4, $5, $6, $7)";
}

impl Store {
    /// Records an event. A click that is not marked as a bot's adds to its link's total.
    ///
    /// # Errors
    /// [`crate::Conflict::EventId`] if the event brings its id along.
    pub async fn append_event(&self, event: NewEvent) -> Result<Event> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(id) = event.id
                        && browse::find(tx, id.get()).await?.is_some()
                    {
                        return Err(Error::Conflict(Conflict::EventId));
                    }
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

/// Inserts the row; the caller has made sure that no click has the id that it brings along.
pub(crate) async fn insert(tx: &mut Tx, event: &NewEvent) -> Result<EventId> {
    let id = match event.id {
        Some(id) => {
            sequence::skip_to(tx, id.get()).await?;
            id.get()
        }
        None => sequence::take(tx, 1).await?,
    };
    let params: [Param<'_>; 7] = [
        id.into(),
        event.link_id.into(),
        event.user_id.into(),
        event.event_type.as_str().into(),
        totals::is_counted(event).into(),
        event.at.as_millis().into(),
        event.details.as_ref().map(Details::as_str).into(),
    ];
    tx.execute(&INSERT, &params).await?;
    event_id(id)
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
    let params: [Param<'_>; 7] = [
        sequence::take(tx, 1).await?.into(),
        link_id.into(),
        owner.map(UserId::get).into(),
        event_type.into(),
        false.into(),
        at.as_millis().into(),
        (&details).into(),
    ];
    tx.execute(&INSERT, &params).await.map(drop)
}

/// One row more than the page has, if there is one.
async fn list(tx: &mut Tx, filter: &EventFilter, page: &PageRequest) -> Result<Vec<Event>> {
    let after = match page.start() {
        Start::After(id) => id,
        Start::Offset(events) => skip(tx, filter, events).await?,
    };
    let wanted = page.per_page() as usize + 1;
    let mut events = list_rows(tx, filter, after, wanted).await?;
    let mut clicks = browse::list(tx, filter, after, wanted).await?;
    // Of the clicks, only those that are on the page are worth describing.
    if let Some(last) = events.get(wanted - 1) {
        clicks.retain(|(id, _)| *id < last.id.get());
    }
    events.extend(browse::describe(tx, clicks).await?);
    events.sort_unstable_by_key(|event| event.id);
    events.truncate(wanted);
    Ok(events)
}

/// The id of the last of the first `count` events, or of the last one.
async fn skip(tx: &mut Tx, filter: &EventFilter, count: i64) -> Result<i64> {
    let mut after = 0;
    let mut left = usize::try_from(count).unwrap_or(usize::MAX);
    while left > 0 {
        let step = left.min(SKIP_MAX);
        let rows = list_rows(tx, filter, after, step).await?;
        let clicks = browse::list(tx, filter, after, step).await?;
        let mut ids: Vec<_> = rows.iter().map(|event| event.id.get()).collect();
        ids.extend(clicks.iter().map(|(id, _)| *id));
        ids.sort_unstable();
        ids.truncate(step);
        let Some(last) = ids.last() else { break };
        after = *last;
        left -= ids.len();
    }
    Ok(after)
}

/// The rows behind `after` that `filter` lets through; `limit` at most.
async fn list_rows(tx: &mut Tx, filter: &EventFilter, after: i64, limit: usize) -> Result<Vec<Event>> {
    let event_type = Param::from(filter.event_type.as_ref().map(EventType::as_str));
    let (sql, condition) = match (filter.link_id, filter.user_id) {
        (Some(link), user) => (&LIST_OF_LINK, vec![link.into(), event_type, user.into()]),
        (None, Some(user)) => (&LIST_OF_USER, vec![user.into(), event_type]),
        (None, None) if filter.event_type.is_some() => (&LIST_OF_TYPE, vec![event_type]),
        (None, None) => (&LIST, vec![event_type]),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let params = [&[after.into(), limit.into()], condition.as_slice()].concat();
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

fn event_id(id: i64) -> Result<EventId> {
    EventId::new(id).map_err(|_| Error::internal(Trouble::OutOfRange("an event's id")))
}

fn decode(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        id: EventId::new(row.int(0)?).map_err(|error| row.unreadable(0, error.to_string()))?,
        link_id: row.int(1)?,
        user_id: row.opt_int(2)?,
        event_type: row.text(3)?,
        at: Timestamp::from_millis(row.int(4)?),
        details: row.opt_text(5)?,
    })
}
