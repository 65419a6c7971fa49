//! Totals: how many counted events each link has.
//!
//! Invariant: the total of a link id is the number of its rows in `events` with `is_counted` and of its clicks that count
//! up to `indexed_through`, whether or not there is such a link: ids are never given twice. The clicks behind that
//! are the tail's (`clicks::tail`).

use std::collections::BTreeMap;

use terse_core::{Details, EventType, NewEvent};

use crate::clicks::column::{self, Column};
use crate::db::{Param, Row, Tx};
use crate::error::Result;
use crate::sql::statements;

/// Consecutive link ids whose totals are stored together.
const CHUNK_LINKS: usize = 256;

/// The same, to reckon with ids.
const LINKS: i64 = 256;
const FORMAT: u8 = 1;

statements! {
    FIND = "SELECT chunk, body FROM click_totals WHERE chunk = $1";
    LIST = "SELECT chunk, body FROM click_totals WHERE chunk > $1 ORDER BY chunk LIMIT 64";
    SET = "INSERT INTO click_totals (chunk, body) VALUES ($1, $2) \
           ON CONFLICT (chunk) DO UPDATE SET body = excluded.body";
}

/// Numbers of clicks, by link id: in the order of the ids, so that two transactions cannot wait for each other.
pub(crate) type Clicks = BTreeMap<i64, i64>;

/// The totals of 256 consecutive link ids.
type Chunk = Vec<i64>;

/// Adds to the totals.
pub(crate) async fn add(tx: &mut Tx, clicks: &Clicks) -> Result<()> {
    let mut changed: Option<(i64, Chunk)> = None;
    for (link, count) in clicks {
        let number = chunk_of(*link);
        if changed.as_ref().is_some_and(|(chunk, _)| *chunk != number) {
            set(tx, changed.take()).await?;
        }
        if changed.is_none() {
            changed = Some((number, find(tx, number).await?));
        }
        if let Some((_, chunk)) = &mut changed {
            // A total that is no number of clicks stays one; the check names it.
            let total = &mut chunk[place_of(*link)];
            *total = total.saturating_add(*count);
        }
    }
    set(tx, changed).await
}

/// The totals of `links`, which are best in order: a chunk is read once for neighbours.
pub(crate) async fn load(tx: &mut Tx, links: impl Iterator<Item = i64> + Send) -> Result<Vec<i64>> {
    let mut totals = Vec::new();
    let mut at_hand: Option<(i64, Chunk)> = None;
    for link in links {
        let number = chunk_of(link);
        let chunk = match at_hand.take() {
            Some((at_hand, chunk)) if at_hand == number => chunk,
            _ => find(tx, number).await?,
        };
        totals.push(chunk[place_of(link)]);
        at_hand = Some((number, chunk));
    }
    Ok(totals)
}

/// The next few chunks behind the chunk `after`, for whoever looks for damage: their numbers, and of those that can be read
/// the totals that are not zero, by link id.
pub(crate) async fn list_readable(tx: &mut Tx, after: i64) -> Result<Vec<(i64, Option<Vec<(i64, i64)>>)>> {
    let read = |row: &Row<'_>| {
        let number = row.int(0)?;
        let totals = decode(row).ok().map(|(_, chunk)| {
            let links = (0..).map(|place| number.wrapping_mul(LINKS).wrapping_add(place));
            links.zip(chunk).filter(|(_, total)| *total != 0).collect()
        });
        Ok((number, totals))
    };
    tx.query(&LIST, &[after.into()], read).await
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

/// Events may name any number, so this must hold for all of them.
pub(crate) fn chunk_of(link: i64) -> i64 {
    link.div_euclid(LINKS)
}

fn place_of(link: i64) -> usize {
    usize::try_from(link.rem_euclid(LINKS)).expect("a remainder is small and not negative")
}

async fn find(tx: &mut Tx, number: i64) -> Result<Chunk> {
    let found = tx.query_opt(&FIND, &[number.into()], decode).await?;
    Ok(found.map_or_else(|| vec![0; CHUNK_LINKS], |(_, chunk)| chunk))
}

async fn set(tx: &mut Tx, changed: Option<(i64, Chunk)>) -> Result<()> {
    let Some((number, chunk)) = changed else {
        return Ok(());
    };
    let mut body = vec![FORMAT];
    column::write(&mut body, chunk.iter().copied());
    let params = [Param::from(number), body.as_slice().into()];
    tx.execute(&SET, &params).await.map(drop)
}

fn decode(row: &Row<'_>) -> Result<(i64, Chunk)> {
    let number = row.int(0)?;
    let chunk = row.blob(1, |body| {
        let (format, mut rest) = body.split_first()?;
        let totals = Column::take(&mut rest, CHUNK_LINKS)?;
        (*format == FORMAT && rest.is_empty()).then(|| totals.iter().collect())
    })?;
    Ok((number, chunk))
}
