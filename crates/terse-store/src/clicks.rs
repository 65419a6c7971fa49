//! Clicks: what the journal's shipper brings, exactly once.
//!
//! A batch is packed into blocks ([`block`]) behind those that are there: the tail. From time to time the tail is brought
//! into sorted runs, by which a link's clicks are found ([`postings`]), and into the totals ([`fold`]). `docs/click-storage.md`
//! has the picture and the bytes.

#[cfg(feature = "bench-internals")]
pub(crate) mod bench;
pub(crate) mod block;
pub(crate) mod blocks;
pub(crate) mod browse;
pub(crate) mod check;
pub(crate) mod column;
pub(crate) mod fold;
pub(crate) mod postings;
mod radix;
pub(crate) mod tail;
pub(crate) mod texts;

use std::sync::Arc;

use terse_core::{Click, LinkId, UserId};

use crate::db::{Param, Read, Row, Tx};
use crate::error::{Error, Result, Trouble};
use crate::events::sequence;
use crate::links::{highest_link_id, versions};
use crate::pace::Pace;
use crate::sql::statements;
use crate::store::Store;

use block::{BLOCK_CLICKS_MAX, StoredClick};
use blocks::RawBlock;

/// How far a lane of a journal has been shipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The segment file.
    pub segment: u64,
    /// The byte in it at which what was not shipped begins.
    pub offset: u64,
}

/// Clicks of one lane, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickBatch {
    /// Names the journal.
    pub journal_id: String,
    /// The lane of it.
    pub lane: u32,
    /// Where the first of them begins.
    pub from: Position,
    /// Where the last of them ends.
    pub to: Position,
    /// What is between.
    pub clicks: Vec<Click>,
    /// What the clicks' [`terse_core::TextIndex`]es stand for.
    pub texts: Vec<Arc<str>>,
    /// What the clicks' links were, where this store may never have had them: it was restored from a backup that was made
    /// before. Otherwise nothing.
    pub visited: Vec<VisitedLink>,
}

/// What a link was when it was visited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitedLink {
    /// The link.
    pub link_id: LinkId,
    /// Its version.
    pub version: i64,
    /// Its code.
    pub short_code: Box<str>,
    /// Its target, as it was given.
    pub original_url: Box<str>,
}

/// What came of shipping a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipped {
    /// The clicks are stored, and the lane stands at the batch's end.
    Done,
    /// Nothing was written: the lane stands there, not at the batch's start.
    Moved(Position),
}

statements! {
    LIST_POSITIONS = "SELECT lane, segment, byte_offset FROM journal_positions WHERE journal_id = $1 ORDER BY lane";
    START_LANE = "INSERT INTO journal_positions (journal_id, lane, segment, byte_offset) VALUES ($1, $2, 0, 0) \
                  ON CONFLICT (journal_id, lane) DO NOTHING";
    // The condition makes it a compare-and-set, also where several transactions write at once.
    MOVE = "UPDATE journal_positions SET segment = $5, byte_offset = $6 \
            WHERE journal_id = $1 AND lane = $2 AND segment = $3 AND byte_offset = $4";
    FIND_POSITION = "SELECT lane, segment, byte_offset FROM journal_positions WHERE journal_id = $1 AND lane = $2";
    // No code is empty, so the row meets no other; it is there to move the sequence on, and goes at once.
    RESERVE_LINK_ID = "INSERT INTO links (id, short_code, original_url, search_text, is_active, version, created_at, \
                       updated_at) VALUES ($1, '', '', '', FALSE, 0, 0, 0)";
    RELEASE_LINK_ID = "DELETE FROM links WHERE id = $1 AND short_code = ''";
}

impl Position {
    /// Where a lane stands of which nothing was ever shipped.
    pub const START: Self = Self {
        segment: 0,
        offset: 0,
    };
}

impl Store {
    /// Where the lanes of a journal stand; those that are missing stand at [`Position::START`].
    pub async fn load_positions(&self, journal_id: &str) -> Result<Vec<(u32, Position)>> {
        let journal_id = journal_id.to_owned();
        self.db
            .read(Read::Point, move |tx| {
                Box::pin(async move { tx.query(&LIST_POSITIONS, &[(&journal_id).into()], decode).await })
            })
            .await
    }

    /// Stores clicks and moves the lane's position, all or nothing. The clicks are then events, and counted.
    ///
    /// After an error the shipper does not know whether the batch was stored, and need not: shipping it again either
    /// stores it or says where the lane stands.
    ///
    /// It returns as soon as the batch is stored. Finding a link's clicks stays quick only if somebody calls
    /// [`Self::fold_if_due`] beside it; where nobody does, or that takes longer than clicks take to come, some batches wait
    /// for it here.
    pub async fn ship_clicks(&self, batch: ClickBatch) -> Result<Shipped> {
        if self.tail.is_overdue() {
            self.fold_if_due().await;
        }
        let text_ids = texts::intern(&self.db, &self.texts, &batch.texts).await?;
        // Packing is most of the work; done here, it does not hold up other writes.
        let mut pace = Pace::default();
        let clicks = batch.clicks.iter().map(|click| {
            pace.step();
            stored(click, &text_ids)
        });
        let clicks: Vec<_> = clicks.collect::<Result<_>>()?;
        let mut packed: Vec<_> = clicks.chunks(BLOCK_CLICKS_MAX).map(packed).collect();
        let (blocks, count) = (packed.len() as u64, clicks.len() as u64);
        let shipped = self
            .db
            .write(move |tx| Box::pin(async move { ship(tx, batch, &mut packed).await }))
            .await?;
        if shipped == Shipped::Done {
            self.tail.grow(blocks, count);
        }
        Ok(shipped)
    }
}

async fn ship(tx: &mut Tx, batch: ClickBatch, packed: &mut [RawBlock]) -> Result<Shipped> {
    if let Some(actual) = move_lane(tx, &batch).await? {
        return Ok(Shipped::Moved(actual));
    }
    if batch.clicks.is_empty() {
        return Ok(Shipped::Done);
    }
    let count = block::count_of(batch.clicks.len());
    let mut next_id = sequence::take(tx, count).await?;
    for block in &mut *packed {
        block.first_id = next_id;
        next_id += block.clicks;
    }
    blocks::insert(tx, packed).await?;
    reserve_link_ids(tx, &batch.clicks).await?;
    restore_versions(tx, batch.visited).await?;
    Ok(Shipped::Done)
}

async fn restore_versions(tx: &mut Tx, mut visited: Vec<VisitedLink>) -> Result<()> {
    visited.sort_unstable_by_key(|link| (link.link_id, link.version));
    for of_link in visited.chunk_by(|one, other| one.link_id == other.link_id) {
        versions::restore(tx, of_link).await?;
    }
    Ok(())
}

fn stored(click: &Click, text_ids: &[i64]) -> Result<StoredClick> {
    let id_of = |text: Option<terse_core::TextIndex>| match text {
        None => Ok(0),
        Some(index) => text_ids
            .get(index.0 as usize)
            .copied()
            .ok_or_else(|| out_of_range("the index of a text")),
    };
    Ok(StoredClick {
        at: click.at.as_millis(),
        link_id: click.link_id.get(),
        version: click.version,
        owner: click.owner.map_or(0, UserId::get),
        referrer: id_of(click.referrer)?,
        user_agent: id_of(click.user_agent)?,
        bot: block::number_of(click.bot),
    })
}

/// A block that has no ids yet.
fn packed(clicks: &[StoredClick]) -> RawBlock {
    RawBlock {
        first_id: 0,
        clicks: block::count_of(clicks.len()),
        body: block::body(clicks),
    }
}

fn out_of_range(what: &'static str) -> Error {
    Error::internal(Trouble::OutOfRange(what))
}

/// Clicks may name links that this store has never had: those made after the backup that it was restored from. Their ids
/// must not be given to other links, which would inherit the clicks.
async fn reserve_link_ids(tx: &mut Tx, clicks: &[Click]) -> Result<()> {
    let Some(newest) = clicks.iter().map(|click| click.link_id.get()).max() else {
        return Ok(());
    };
    if newest > highest_link_id(tx).await? {
        tx.execute(&RESERVE_LINK_ID, &[newest.into()]).await?;
        tx.execute(&RELEASE_LINK_ID, &[newest.into()]).await?;
    }
    Ok(())
}

/// Moves the lane to the end of `batch`; gives where it stands if that is not the start of `batch`.
async fn move_lane(tx: &mut Tx, batch: &ClickBatch) -> Result<Option<Position>> {
    let lane: [Param<'_>; 2] = [(&batch.journal_id).into(), i64::from(batch.lane).into()];
    if batch.from == Position::START {
        tx.execute(&START_LANE, &lane).await?;
    }
    let positions = [
        column(batch.from.segment)?,
        column(batch.from.offset)?,
        column(batch.to.segment)?,
        column(batch.to.offset)?,
    ];
    if tx.execute(&MOVE, &[lane.as_slice(), &positions].concat()).await? > 0 {
        return Ok(None);
    }
    let actual = tx.query_opt(&FIND_POSITION, &lane, decode).await?;
    Ok(Some(actual.map_or(Position::START, |(_, position)| position)))
}

fn column(number: u64) -> Result<Param<'static>> {
    i64::try_from(number)
        .map(Param::from)
        .map_err(|_| out_of_range("a journal position"))
}

fn decode(row: &Row<'_>) -> Result<(u32, Position)> {
    let number = |column: usize| {
        let number = row.int(column)?;
        u64::try_from(number).map_err(|_| row.unreadable(column, "a negative number"))
    };
    let lane = u32::try_from(number(0)?).map_err(|_| row.unreadable(0, "too large a number"))?;
    let (segment, offset) = (number(1)?, number(2)?);
    Ok((lane, Position { segment, offset }))
}
