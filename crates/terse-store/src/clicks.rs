//! Clicks: what the journal's shipper brings, exactly once.

pub(crate) mod texts;

use std::sync::PoisonError;

use terse_core::{Click, UserId};

use crate::db::{Param, Read, Row, Tx};
use crate::error::{Error, Result, Trouble};
use crate::links::highest_link_id;
use crate::sql::statements;
use crate::store::Store;
use crate::totals::{self, Clicks};

use texts::{ClickTexts, Texts};

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
    INSERT = "INSERT INTO events (link_id, user_id, event_type, is_counted, at, code_text, target_text, \
              referrer_text, agent_text) VALUES ($1, $2, 'click', TRUE, $3, $4, $5, $6, $7)";
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

    /// Stores clicks as events, adds them to the totals of those links that exist, and moves the lane's position,
    /// all or nothing.
    ///
    /// After an error the shipper does not know whether the batch was stored, and need not: shipping it again either
    /// stores it or says where the lane stands.
    pub async fn ship_clicks(&self, batch: ClickBatch) -> Result<Shipped> {
        // Hashing the texts is most of the work; done here, it does not hold up other writes.
        let (texts, click_texts) = {
            let cache = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
            Texts::of(&batch.clicks, &cache)
        };
        let (shipped, texts) = self
            .db
            .write(move |tx| Box::pin(async move { ship(tx, &batch, texts, &click_texts).await }))
            .await?;
        // Not before the commit: the ids of a transaction that was undone would name other texts later.
        let mut cache = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        cache.learn(texts);
        Ok(shipped)
    }
}

async fn ship(
    tx: &mut Tx,
    batch: &ClickBatch,
    mut texts: Texts,
    click_texts: &[ClickTexts],
) -> Result<(Shipped, Texts)> {
    if let Some(actual) = move_lane(tx, batch).await? {
        return Ok((Shipped::Moved(actual), Texts::default()));
    }
    texts.intern(tx).await?;
    let rows = batch.clicks.iter().zip(click_texts);
    let rows = rows.map(|(click, of)| row(click, of, &texts));
    tx.execute_many(&INSERT, rows).await?;
    let clicks = count(&batch.clicks);
    reserve_link_ids(tx, &clicks).await?;
    totals::add(tx, &clicks).await?;
    Ok((Shipped::Done, texts))
}

/// Clicks may name links that this store has never had: those made after the backup that it was restored from. Their ids
/// must not be given to other links, which would inherit the clicks.
async fn reserve_link_ids(tx: &mut Tx, clicks: &Clicks) -> Result<()> {
    let Some((newest, _)) = clicks.last_key_value() else {
        return Ok(());
    };
    if *newest > highest_link_id(tx).await? {
        tx.execute(&RESERVE_LINK_ID, &[(*newest).into()]).await?;
        tx.execute(&RELEASE_LINK_ID, &[(*newest).into()]).await?;
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

fn row<'a>(click: &Click, of: &ClickTexts, texts: &Texts) -> [Param<'a>; 7] {
    [
        click.link_id.get().into(),
        click.owner.map(UserId::get).into(),
        click.at.as_millis().into(),
        texts.id(of.short_code).into(),
        texts.id(of.original_url).into(),
        of.referrer.map(|text| texts.id(text)).into(),
        of.user_agent.map(|text| texts.id(text)).into(),
    ]
}

fn count(clicks: &[Click]) -> Clicks {
    let mut count = Clicks::new();
    for click in clicks {
        *count.entry(click.link_id.get()).or_default() += 1;
    }
    count
}

fn column(number: u64) -> Result<Param<'static>> {
    i64::try_from(number)
        .map(Param::from)
        .map_err(|_| Error::internal(Trouble::OutOfRange("a journal position")))
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
