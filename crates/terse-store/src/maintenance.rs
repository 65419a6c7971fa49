//! What operators ask for: whether all is well, and copies.

use std::path::Path;

use crate::Store;
use crate::db::{Read, Row, Tx};
use crate::error::Result;
use crate::sql::statements;

/// Wrong totals to report one by one; more would say nothing new.
const WRONG_TOTALS_MAX: usize = 100;

statements! {
    TOUCH = "SELECT 1 FROM schema_migrations LIMIT 1";
    LIST_WRONG_TOTALS = "SELECT l.id, COALESCE(t.clicks, 0), COALESCE(e.clicks, 0) FROM links l \
        LEFT JOIN link_totals t ON t.link_id = l.id \
        LEFT JOIN (SELECT link_id, count(*) AS clicks FROM events WHERE is_counted GROUP BY link_id) e \
            ON e.link_id = l.id \
        WHERE COALESCE(t.clicks, 0) <> COALESCE(e.clicks, 0) ORDER BY l.id LIMIT $1";
}

impl Store {
    /// What is wrong with the database, a sentence each: damaged pages, rows that refer to nothing, totals that are
    /// not the number of clicks. Reads everything, which takes minutes for large databases.
    pub async fn integrity_problems(&self) -> Result<Vec<String>> {
        self.db
            .read(Read::Scan, |tx| {
                Box::pin(async move {
                    let mut problems = tx.file_problems().await?;
                    let limit = i64::try_from(WRONG_TOTALS_MAX).unwrap_or(i64::MAX);
                    problems.extend(tx.query(&LIST_WRONG_TOTALS, &[limit.into()], wrong_total).await?);
                    Ok(problems)
                })
            })
            .await
    }

    /// Copies the SQLite database `source`, which another process may be writing, to `target`: one consistent state,
    /// the one when it began, which appears whole or not at all. `source` is not migrated, nor changed otherwise;
    /// if no store has it open, SQLite's two side files stay beside it until one has.
    ///
    /// `progress` hears how many pages were copied, and of how many.
    pub fn backup_to(source: &Path, target: &Path, progress: impl FnMut(u64, u64)) -> Result<()> {
        crate::sqlite::backup(source, target, progress)
    }
}

/// Reads as little as there is to read.
pub(crate) async fn touch(tx: &mut Tx) -> Result<()> {
    tx.query_one(&TOUCH, &[], |row| row.int(0).map(drop)).await
}

fn wrong_total(row: &Row<'_>) -> Result<String> {
    let (id, total, events) = (row.int(0)?, row.int(1)?, row.int(2)?);
    Ok(format!(
        "link {id} has a total of {total} clicks, but {events} events"
    ))
}
