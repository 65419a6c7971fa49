//! The rows of blocks: how they are stored and found.

use super::block::Block;
use crate::db::{Param, Row, Tx};
use crate::error::Result;
use crate::sql::statements;

/// Blocks that are read at once.
const READ_MAX: i64 = 32;

/// A block as its row has it; [`RawBlock::read`] looks into it.
#[derive(Debug, Clone)]
pub(crate) struct RawBlock {
    pub(crate) first_id: i64,
    pub(crate) clicks: i64,
    pub(crate) body: Vec<u8>,
}

statements! {
    INSERT = "INSERT INTO click_blocks (first_id, clicks, body) VALUES ($1, $2, $3)";
    DELETE = "DELETE FROM click_blocks WHERE first_id = $1";
    FIND_CONTAINING = "SELECT first_id, clicks, body FROM click_blocks WHERE first_id <= $1 \
                       ORDER BY first_id DESC LIMIT 1";
    LIST = "SELECT first_id, clicks, body FROM click_blocks WHERE first_id > $1 ORDER BY first_id LIMIT $2";
    COUNT = "SELECT count(*), CAST(COALESCE(sum(clicks), 0) AS BIGINT) FROM click_blocks WHERE first_id > $1";
    FIND_INDEXED_THROUGH = "SELECT indexed_through FROM click_index";
}

impl RawBlock {
    /// What is in it.
    pub(crate) fn read(&self) -> Block<'_> {
        Block::read(self.first_id, self.clicks, &self.body).expect("it was checked when its row was read")
    }

    fn last_id(&self) -> i64 {
        self.first_id + self.clicks - 1
    }
}

/// Stores blocks.
pub(crate) async fn insert(tx: &mut Tx, blocks: &[RawBlock]) -> Result<()> {
    let rows = blocks.iter().map(|block| {
        [
            block.first_id.into(),
            block.clicks.into(),
            Param::from(block.body.as_slice()),
        ]
    });
    tx.execute_many(&INSERT, rows).await.map(drop)
}

/// Removes the blocks that begin with these ids.
pub(crate) async fn delete(tx: &mut Tx, first_ids: &[i64]) -> Result<()> {
    let rows = first_ids.iter().map(|id| [Param::from(*id)]);
    tx.execute_many(&DELETE, rows).await.map(drop)
}

/// The block that has the click with this id.
pub(crate) async fn find_containing(tx: &mut Tx, id: i64) -> Result<Option<RawBlock>> {
    let block = tx.query_opt(&FIND_CONTAINING, &[id.into()], decode).await?;
    Ok(block.filter(|block| id <= block.last_id()))
}

/// The next few blocks that begin behind `after`; none when there are no more.
pub(crate) async fn list(tx: &mut Tx, after: i64) -> Result<Vec<RawBlock>> {
    tx.query(&LIST, &[after.into(), READ_MAX.into()], decode).await
}

/// As [`list`], for whoever looks for damage: first ids, and the blocks that can be read.
pub(crate) async fn list_readable(tx: &mut Tx, after: i64) -> Result<Vec<(i64, Option<RawBlock>)>> {
    let params = [after.into(), READ_MAX.into()];
    tx.query(&LIST, &params, |row| Ok((row.int(0)?, decode(row).ok())))
        .await
}

/// How many blocks begin behind `after`, and how many clicks they have.
pub(crate) async fn count(tx: &mut Tx, after: i64) -> Result<(i64, i64)> {
    tx.query_one(&COUNT, &[after.into()], |row| Ok((row.int(0)?, row.int(1)?)))
        .await
}

/// The last click that is in a run and in the totals.
pub(crate) async fn indexed_through(tx: &mut Tx) -> Result<i64> {
    tx.query_one(&FIND_INDEXED_THROUGH, &[], |row| row.int(0)).await
}

fn decode(row: &Row<'_>) -> Result<RawBlock> {
    let (first_id, clicks) = (row.int(0)?, row.int(1)?);
    let body = row.blob(2, |body| {
        Block::read(first_id, clicks, body)?;
        Some(body.to_vec())
    })?;
    Ok(RawBlock {
        first_id,
        clicks,
        body,
    })
}
