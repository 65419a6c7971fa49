//! The ids of events: one sequence for rows and for packed clicks. An id that was given and not used is lost, never given again.

use crate::db::Tx;
use crate::error::{Error, Result, Trouble};
use crate::sql::statements;

/// The highest id that may come from elsewhere: as many are left for what is still to happen.
const GIVEN_ID_MAX: i64 = i64::MAX / 2;

statements! {
    TAKE = "UPDATE event_sequence SET last_id = last_id + $1 RETURNING last_id";
    SKIP_TO = "UPDATE event_sequence SET last_id = $1 WHERE last_id < $1";
}

/// Takes `count` consecutive ids; the first of them.
pub(crate) async fn take(tx: &mut Tx, count: i64) -> Result<i64> {
    let last = tx.query_one(&TAKE, &[count.into()], |row| row.int(0)).await?;
    // Ids are positive, and who has taken some may reckon with the one behind them.
    if !(count..i64::MAX).contains(&last) {
        return Err(Error::internal(Trouble::Damaged("event_sequence.last_id")));
    }
    Ok(last - count + 1)
}

/// An import has brought this id along: later ones are above it.
pub(crate) async fn skip_to(tx: &mut Tx, id: i64) -> Result<()> {
    if id > GIVEN_ID_MAX {
        return Err(Error::internal(Trouble::OutOfRange("an event's id")));
    }
    tx.execute(&SKIP_TO, &[id.into()]).await.map(drop)
}
