//! Everything from one database into another, of whichever engine, with all ids: how a service moves to another engine.
//!
//! One state of the source is read. The target is written, read again and compared, all in one transaction: a copy is there
//! whole and verified, or not at all. [`rows`] says what rows look like on their way; the drivers' modules of this name read
//! and write them.

pub(crate) mod rows;
pub(crate) mod tables;
#[cfg(test)]
mod tests;

use tokio::sync::mpsc;

use crate::error::{Error, Result};
use crate::fnv::Fnv1a;
use crate::store::{Place, StoreOptions};
use crate::{Store, postgres, sqlite};
use rows::Chunk;
use tables::{TABLES, Table};

/// Chunks between those who read, sum and write.
const CHUNKS_WAITING_MAX: usize = 4;

/// What to do with a target that has rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// Leave it as it is.
    Refuse,
    /// Take what it has out of it, for good, in the transaction that puts the copy in.
    Empty,
}

/// What a table of the copy has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The table's name.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// A sum of all of them in the order of their keys, alike in every engine.
    pub checksum: u64,
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// What is to be copied cannot be read.
    #[error("the source cannot be copied")]
    Source(#[source] Error),
    /// The copy cannot be written.
    #[error("the target cannot take the copy")]
    Target(#[source] Error),
    /// The target has data.
    #[error("the target is not empty: it has rows in {0}")]
    Occupied(&'static str),
    /// Servers have the target in use, and remember what it has.
    #[error("the target is in use by running servers")]
    InUse,
    /// The target gave back something else than was put in.
    #[error("the target does not have {0} as it was written, so nothing was kept")]
    Differs(&'static str),
}

/// One side of a copy: an open transaction.
enum End {
    Sqlite(sqlite::copying::End),
    Postgres(postgres::copying::End),
}

impl Store {
    /// Copies everything in `source` into `target`, which is made, or brought up to date, if need be. Nobody else may be
    /// working on a target that is a file. One of a server is refused while a store follows its changes; commands that write
    /// to it wait.
    ///
    /// `progress` hears how many rows were written and read again, and how many there are to do so with.
    ///
    /// # Errors
    /// [`CopyError`]; the target has what it had before.
    pub async fn copy(
        source: &Place,
        target: &Place,
        occupied: Occupied,
        mut progress: impl FnMut(u64, u64),
    ) -> std::result::Result<Vec<Copied>, CopyError> {
        let mut from = End::to_read(source).await.map_err(CopyError::Source)?;
        let mut rows = 0;
        for table in TABLES {
            rows += from.count(table).await.map_err(CopyError::Source)?;
        }
        let mut done = 0;
        let mut on_rows = |more| {
            done += more;
            progress(done, 2 * rows);
        };
        let mut to = open_target(target, occupied).await?;
        let mut written = Vec::new();
        for table in TABLES {
            written.push(copy_table(table, &mut from, &mut to, &mut on_rows).await?);
        }
        for expected in TABLES.iter().zip(&written) {
            verify(expected, &mut to, &mut on_rows).await?;
        }
        to.commit().await.map_err(CopyError::Target)?;
        Ok(written)
    }
}

async fn open_target(place: &Place, occupied: Occupied) -> std::result::Result<End, CopyError> {
    let options = StoreOptions::at(place.clone());
    Store::migrate(options.clone()).await.map_err(CopyError::Target)?;
    let end = End::to_write(options).await.map_err(CopyError::Target)?;
    let mut end = end.ok_or(CopyError::InUse)?;
    if occupied == Occupied::Refuse {
        for table in TABLES.iter().filter(|table| !table.has_one_row) {
            if end.has_rows(table).await.map_err(CopyError::Target)? {
                return Err(CopyError::Occupied(table.name));
            }
        }
    }
    end.clear().await.map_err(CopyError::Target)?;
    Ok(end)
}

async fn copy_table(
    table: &'static Table,
    from: &mut End,
    to: &mut End,
    on_rows: &mut impl FnMut(u64),
) -> std::result::Result<Copied, CopyError> {
    let mut sequence = None;
    if table.has_sequence {
        sequence = Some(from.sequence(table).await.map_err(CopyError::Source)?);
    }
    let (read, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
    let (write, summed) = mpsc::channel(CHUNKS_WAITING_MAX);
    let (was_read, copied, was_written) = tokio::join!(
        from.read(table, read),
        sum(table, chunks, Some(write), on_rows),
        to.write(table, summed)
    );
    was_read.map_err(CopyError::Source)?;
    was_written.map_err(CopyError::Target)?;
    if let Some(last_id) = sequence {
        to.move_sequence(table, last_id)
            .await
            .map_err(CopyError::Target)?;
    }
    Ok(copied)
}

async fn verify(
    (table, expected): (&'static Table, &Copied),
    to: &mut End,
    on_rows: &mut impl FnMut(u64),
) -> std::result::Result<(), CopyError> {
    let (read, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
    let (was_read, found) = tokio::join!(to.read(table, read), sum(table, chunks, None, on_rows));
    was_read.map_err(CopyError::Target)?;
    if found == *expected {
        Ok(())
    } else {
        Err(CopyError::Differs(table.name))
    }
}

/// Sums what comes, and hands it on to whoever wants it. Ends early when that one gives up, who then says why.
async fn sum(
    table: &'static Table,
    mut chunks: mpsc::Receiver<Chunk>,
    to: Option<mpsc::Sender<Chunk>>,
    on_rows: &mut impl FnMut(u64),
) -> Copied {
    let (mut rows, mut checksum) = (0, Fnv1a::new());
    while let Some(chunk) = chunks.recv().await {
        rows += chunk.rows;
        checksum.add(&chunk.bytes);
        on_rows(chunk.rows);
        if let Some(to) = &to
            && to.send(chunk).await.is_err()
        {
            break;
        }
    }
    Copied {
        table: table.name,
        rows,
        checksum: checksum.sum(),
    }
}

impl End {
    async fn to_read(place: &Place) -> Result<Self> {
        Ok(match place {
            Place::File(path) => Self::Sqlite(sqlite::copying::End::to_read(path.clone()).await?),
            Place::Server(url) => Self::Postgres(postgres::copying::End::to_read(url).await?),
        })
    }

    /// `None` while servers have the database in use. Who has a file in use is for the caller to know.
    async fn to_write(options: StoreOptions) -> Result<Option<Self>> {
        Ok(match options.place.clone() {
            Place::File(path) => Some(Self::Sqlite(sqlite::copying::End::to_write(path, options).await?)),
            Place::Server(url) => postgres::copying::End::to_write(&url).await?.map(Self::Postgres),
        })
    }

    async fn count(&mut self, table: &'static Table) -> Result<u64> {
        let rows = match self {
            Self::Sqlite(end) => end.number(table.count()).await?,
            Self::Postgres(end) => end.number(&table.count()).await?,
        };
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    async fn has_rows(&mut self, table: &'static Table) -> Result<bool> {
        match self {
            Self::Sqlite(end) => Ok(end.number(table.has_rows()).await? != 0),
            Self::Postgres(end) => end.truth(&table.has_rows()).await,
        }
    }

    /// The highest id that `table` ever gave.
    async fn sequence(&mut self, table: &'static Table) -> Result<i64> {
        match self {
            Self::Sqlite(end) => end.sequence(table).await,
            Self::Postgres(end) => end.sequence(table).await,
        }
    }

    async fn move_sequence(&mut self, table: &'static Table, last_id: i64) -> Result<()> {
        match self {
            Self::Sqlite(end) => end.move_sequence(table, last_id).await,
            Self::Postgres(end) => end.move_sequence(table, last_id).await,
        }
    }

    /// Sends all rows of `table`, until nobody takes them any more.
    async fn read(&mut self, table: &'static Table, to: mpsc::Sender<Chunk>) -> Result<()> {
        match self {
            Self::Sqlite(end) => end.read(table, to).await,
            Self::Postgres(end) => end.read(table, to).await,
        }
    }

    async fn write(&mut self, table: &'static Table, from: mpsc::Receiver<Chunk>) -> Result<()> {
        match self {
            Self::Sqlite(end) => end.write(table, from).await,
            Self::Postgres(end) => end.write(table, from).await,
        }
    }

    /// Takes out every row.
    async fn clear(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(end) => end.clear().await,
            Self::Postgres(end) => end.clear().await,
        }
    }

    async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(end) => end.commit().await,
            Self::Postgres(end) => end.commit().await,
        }
    }
}
