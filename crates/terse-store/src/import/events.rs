//! Events from elsewhere.

use terse_core::{EventId, EventType, NewEvent, Timestamp};

use super::{Imported, Taken};
use crate::clicks::browse;
use crate::db::{Row, Tx};
use crate::error::Result;
use crate::events;
use crate::sql::statements;
use crate::store::Store;
use crate::totals::{self, Clicks};

statements! {
    FIND_KEY = "SELECT link_id, event_type, at FROM events WHERE id = $1";
}

impl Store {
    /// Stores events; what came of each, in their order. Rows without an id get the next. Clicks that are not marked
    /// as a bot's add to the totals of their links.
    pub async fn import_events(&self, rows: Vec<NewEvent>) -> Result<Vec<Imported>> {
        self.db
            .write_at_length(move |tx| {
                Box::pin(async move {
                    let mut imported = Vec::with_capacity(rows.len());
                    let mut clicks = Clicks::new();
                    for row in &rows {
                        let outcome = import(tx, row).await?;
                        if outcome == Imported::Inserted && totals::is_counted(row) {
                            *clicks.entry(row.link_id).or_default() += 1;
                        }
                        imported.push(outcome);
                    }
                    totals::add(tx, &clicks).await?;
                    Ok(imported)
                })
            })
            .await
    }
}

async fn import(tx: &mut Tx, row: &NewEvent) -> Result<Imported> {
    if let Some(id) = row.id
        && let Some(key) = find_key(tx, id).await?
    {
        // Not the user: that of a skipped user's events may have been given to another one.
        let same = key == (row.link_id, row.event_type.as_str().to_owned(), row.at);
        return Ok(if same {
            Imported::AlreadyThere
        } else {
            Imported::Taken(Taken::EventId)
        });
    }
    events::insert(tx, row).await?;
    Ok(Imported::Inserted)
}

/// What tells an event from others, be it a row or a click.
async fn find_key(tx: &mut Tx, id: EventId) -> Result<Option<(i64, String, Timestamp)>> {
    if let Some(key) = tx.query_opt(&FIND_KEY, &[id.get().into()], decode_key).await? {
        return Ok(Some(key));
    }
    let click = browse::find(tx, id.get()).await?;
    Ok(click.map(|click| {
        let at = Timestamp::from_millis(click.at);
        (click.link_id, EventType::CLICK.to_owned(), at)
    }))
}

fn decode_key(row: &Row<'_>) -> Result<(i64, String, Timestamp)> {
    Ok((row.int(0)?, row.text(1)?, Timestamp::from_millis(row.int(2)?)))
}
