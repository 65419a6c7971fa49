//! Totals: how many counted clicks each link has.
//!
//! Invariant: the total of a link that exists is the number of its events with `is_counted`; what is not a link has
//! none. Whoever adds such events, links, or both keeps it with what is here, in the same transaction.

use std::collections::BTreeMap;

use terse_core::{Details, EventType, NewEvent};

use crate::db::{Param, Tx};
use crate::error::Result;
use crate::sql::statements;

statements! {
    // Only for links that exist, so that the total of a link that is gone does not come back.
    ADD = "INSERT INTO link_totals (link_id, clicks) SELECT id, $2 FROM links WHERE id = $1 \
           ON CONFLICT (link_id) DO UPDATE SET clicks = link_totals.clicks + excluded.clicks";
    START = "INSERT INTO link_totals (link_id, clicks) \
             SELECT link_id, count(*) FROM events WHERE link_id = $1 AND is_counted GROUP BY link_id";
}

/// Clicks to be added, by link: in the order of their ids, so that two transactions cannot wait for each other.
pub(crate) type Clicks = BTreeMap<i64, i64>;

/// Adds to the totals of those links that exist.
pub(crate) async fn add(tx: &mut Tx, clicks: &Clicks) -> Result<()> {
    let rows = clicks
        .iter()
        .map(|(link, count)| [Param::from(*link), Param::from(*count)]);
    tx.execute_many(&ADD, rows).await?;
    Ok(())
}

/// Counts what the log already has of a link that has just been made: events may name ids before there is a link.
pub(crate) async fn start(tx: &mut Tx, link_id: i64) -> Result<()> {
    tx.execute(&START, &[link_id.into()]).await?;
    Ok(())
}

/// Whether an event adds to its link's total: a click that was not marked as a bot's.
pub(crate) fn is_counted(event: &NewEvent) -> bool {
    event.event_type.as_str() == EventType::CLICK && !event.details.as_ref().is_some_and(is_of_bot)
}

fn is_of_bot(details: &Details) -> bool {
    // Parsing is the costly part, and most clicks do not even have the word.
    details.as_str().contains("bot")
        && serde_json::from_str::<serde_json::Value>(details.as_str())
            .is_ok_and(|details| details["bot"] == true)
}
