//! Postings: which clicks a link or an owner has. A run lists (subject, event id) of consecutive blocks, sorted, in chunks.
//!
//! A chunk is `version: u8 = 1`, then two columns: subjects, event ids.

use super::column::{self, Column};
use crate::db::{Param, Row, Tx};
use crate::error::{Error, Result, Trouble};
use crate::sql::statements;

/// The most entries of a chunk.
pub(crate) const CHUNK_ENTRIES_MAX: usize = 4_096;

const FORMAT: u8 = 1;

/// What clicks are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Link,
    Owner,
}

/// A subject and the id of one of its clicks.
pub(crate) type Posting = (i64, i64);

/// A chunk as it is stored: its first posting, how many it has, and its body.
pub(crate) type Chunk = (Posting, usize, Vec<u8>);

/// A run, as its row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// The first and the last event id of its blocks. The first names the run.
    pub(crate) first_id: i64,
    pub(crate) last_id: i64,
    pub(crate) clicks: i64,
}

statements! {
    // Runs follow one another: all but the first of these are behind $1 whole.
    LIST_RUNS = "SELECT first_id, last_id, clicks FROM click_runs WHERE first_id >= \
                 COALESCE((SELECT max(first_id) FROM click_runs WHERE first_id <= $1), 0) ORDER BY first_id";
    INSERT_RUN = "INSERT INTO click_runs (first_id, last_id, clicks) VALUES ($1, $2, $3)";
    DELETE_RUN = "DELETE FROM click_runs WHERE first_id = $1";
    INSERT = "INSERT INTO click_postings (run_id, kind, first_subject, first_id, entries, body) \
              VALUES ($1, $2, $3, $4, $5, $6)";
    DELETE = "DELETE FROM click_postings WHERE run_id = $1";
    // The chunk in which a posting is, if it is in any.
    FIND_CHUNK = "SELECT first_subject, first_id, entries, body FROM click_postings \
                  WHERE run_id = $1 AND kind = $2 AND (first_subject, first_id) <= ($3, $4) \
                  ORDER BY first_subject DESC, first_id DESC LIMIT 1";
    FIND_NEXT_CHUNK = "SELECT first_subject, first_id, entries, body FROM click_postings \
                  WHERE run_id = $1 AND kind = $2 AND (first_subject, first_id) > ($3, $4) \
                  ORDER BY first_subject, first_id LIMIT 1";
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Link, Self::Owner];

    /// What its subjects are.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Owner => "owner",
        }
    }

    fn number(self) -> i64 {
        match self {
            Self::Link => 0,
            Self::Owner => 1,
        }
    }
}

/// The runs that may have ids behind `after`, oldest first.
pub(crate) async fn list_runs(tx: &mut Tx, after: i64) -> Result<Vec<Run>> {
    tx.query(&LIST_RUNS, &[after.into()], decode_run).await
}

/// All runs, for whoever looks for damage: first ids, and the rows that can be read.
pub(crate) async fn list_runs_readable(tx: &mut Tx) -> Result<Vec<(i64, Option<Run>)>> {
    tx.query(&LIST_RUNS, &[0.into()], |row| {
        Ok((row.int(0)?, decode_run(row).ok()))
    })
    .await
}

/// The ids behind `after` of the clicks that `subject` has in `run`, in their order; of many, the first `limit` at least.
pub(crate) async fn find(
    tx: &mut Tx,
    run: Run,
    (kind, subject): (Kind, i64),
    after: i64,
    limit: usize,
) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    let mut chunk = find_chunk(tx, &FIND_CHUNK, run, kind, (subject, after)).await?;
    if chunk.is_none() {
        chunk = find_chunk(tx, &FIND_NEXT_CHUNK, run, kind, (subject, after)).await?;
    }
    while let Some(postings) = chunk {
        let start = postings.partition_point(|posting| *posting <= (subject, after));
        let of_subject = postings[start..]
            .iter()
            .take_while(|posting| posting.0 == subject);
        ids.extend(of_subject.map(|posting| posting.1));
        let (Some(first), Some(last)) = (postings.first(), postings.last()) else {
            break;
        };
        if last.0 > subject || ids.len() >= limit {
            break;
        }
        chunk = find_chunk(tx, &FIND_NEXT_CHUNK, run, kind, *first).await?;
    }
    Ok(ids)
}

/// All postings of a run, in their order.
pub(crate) async fn load(tx: &mut Tx, run: Run, kind: Kind) -> Result<Vec<Posting>> {
    let mut postings: Vec<Posting> = Vec::new();
    let mut from = (i64::MIN, i64::MIN);
    while let Some(chunk) = find_chunk(tx, &FIND_NEXT_CHUNK, run, kind, from).await? {
        let Some(first) = chunk.first() else { break };
        if postings.last() >= Some(first) {
            return Err(Error::internal(Trouble::Damaged("the order of click_postings")));
        }
        from = *first;
        postings.extend(chunk);
    }
    Ok(postings)
}

/// Whether they are sorted, and each is there once.
pub(crate) fn are_ascending(postings: &[Posting]) -> bool {
    postings.is_sorted_by(|one, other| one < other)
}

/// The chunks of `postings`, which [`are_ascending`].
pub(crate) fn chunks(postings: &[Posting]) -> Vec<Chunk> {
    let chunks = postings.chunks(CHUNK_ENTRIES_MAX);
    chunks
        .map(|chunk| {
            let mut body = Vec::with_capacity(chunk.len() * 8 + 64);
            body.push(FORMAT);
            column::write(&mut body, chunk.iter().map(|posting| posting.0));
            column::write(&mut body, chunk.iter().map(|posting| posting.1));
            (chunk[0], chunk.len(), body)
        })
        .collect()
}

/// Stores a run's row.
pub(crate) async fn insert_run(tx: &mut Tx, run: Run) -> Result<()> {
    let params = [run.first_id, run.last_id, run.clicks].map(Param::from);
    tx.execute(&INSERT_RUN, &params).await.map(drop)
}

/// Stores what [`chunks`] gave.
pub(crate) async fn insert(tx: &mut Tx, run: Run, kind: Kind, chunks: &[Chunk]) -> Result<()> {
    let rows = chunks.iter().map(|((subject, id), entries, body)| {
        [
            run.first_id.into(),
            kind.number().into(),
            (*subject).into(),
            (*id).into(),
            i64::try_from(*entries).unwrap_or(i64::MAX).into(),
            body.as_slice().into(),
        ]
    });
    tx.execute_many(&INSERT, rows).await.map(drop)
}

/// Removes a run that another has taken in.
pub(crate) async fn delete_run(tx: &mut Tx, run: Run) -> Result<()> {
    tx.execute(&DELETE, &[run.first_id.into()]).await?;
    tx.execute(&DELETE_RUN, &[run.first_id.into()]).await.map(drop)
}

async fn find_chunk(
    tx: &mut Tx,
    sql: &'static crate::sql::Sql,
    run: Run,
    kind: Kind,
    (subject, id): Posting,
) -> Result<Option<Vec<Posting>>> {
    let params = [run.first_id, kind.number(), subject, id].map(Param::from);
    tx.query_opt(sql, &params, decode).await
}

fn decode_run(row: &Row<'_>) -> Result<Run> {
    let run = Run {
        first_id: row.int(0)?,
        last_id: row.int(1)?,
        clicks: row.int(2)?,
    };
    // Each click has an id of its own. Nothing here overflows: what is subtracted is positive and at most what it is taken from.
    if run.first_id > 0
        && (1..=run.last_id).contains(&run.clicks)
        && run.first_id <= run.last_id - (run.clicks - 1)
    {
        Ok(run)
    } else {
        Err(row.unreadable(2, "more or fewer clicks than a run of these ids can have"))
    }
}

fn decode(row: &Row<'_>) -> Result<Vec<Posting>> {
    let (first, entries) = ((row.int(0)?, row.int(1)?), row.int(2)?);
    row.blob(3, |body| unpacked(first, entries, body))
}

/// The postings of a chunk, of which `first` finds it. Whoever reads chunk by chunk relies on their order: one that began
/// before where it is found would be read for ever.
fn unpacked(first: Posting, entries: i64, body: &[u8]) -> Option<Vec<Posting>> {
    let count = usize::try_from(entries).ok()?;
    // Columns of equal numbers would take any count, and nobody can unpack that many.
    if !(1..=CHUNK_ENTRIES_MAX).contains(&count) {
        return None;
    }
    let (format, mut rest) = body.split_first()?;
    let subjects = Column::take(&mut rest, count)?;
    let ids = Column::take(&mut rest, count)?;
    if *format != FORMAT || !rest.is_empty() {
        return None;
    }
    let postings: Vec<_> = subjects.iter().zip(ids.iter()).collect();
    (are_ascending(&postings) && postings.first() == Some(&first)).then_some(postings)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body of a chunk of these, whether or not they are sorted.
    fn body(postings: &[Posting]) -> Vec<u8> {
        chunks(postings).remove(0).2
    }

    #[test]
    fn a_chunk_that_is_not_where_its_first_posting_belongs_or_not_in_order_is_refused() {
        let sorted = [(1, 7), (2, 3), (2, 4)];
        assert_eq!(unpacked((1, 7), 3, &body(&sorted)), Some(sorted.to_vec()));
        for first in [(1, 6), (0, 7), (2, 3), (i64::MAX, 7)] {
            assert_eq!(unpacked(first, 3, &body(&sorted)), None, "{first:?}");
        }
        for disordered in [
            [(1, 7), (2, 4), (2, 3)],
            [(1, 7), (2, 3), (2, 3)],
            [(1, 7), (0, 8), (2, 3)],
        ] {
            assert_eq!(unpacked((1, 7), 3, &body(&disordered)), None, "{disordered:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, entries in -1..20_i64, first: Posting) {
            let bytes = [&[FORMAT], bytes.as_slice()].concat();
            if let Some(postings) = unpacked(first, entries, &bytes) {
                prop_assert_eq!(postings[0], first);
            }
        }
    }
}
