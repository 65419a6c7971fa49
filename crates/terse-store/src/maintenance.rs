//! What operators ask for: whether all is well, and copies.

use std::path::Path;

use crate::Store;
use crate::clicks::check;
use crate::db::{Read, Tx};
use crate::error::Result;
use crate::sql::statements;

/// Problems to report one by one; more would say nothing new.
const PROBLEMS_MAX: usize = 100;

statements! {
    TOUCH = "SELECT 1 FROM schema_migrations LIMIT 1";
}

impl Store {
    /// What is wrong with the database, a sentence each: damaged pages, rows that refer to nothing, clicks that are
    /// not found by their link, totals that are not the number of clicks. Reads everything, which takes minutes for large databases.
    pub async fn integrity_problems(&self) -> Result<Vec<String>> {
        self.db
            .read(Read::Scan, |tx| {
                Box::pin(async move {
                    let mut problems = tx.file_problems()?;
                    problems.extend(check::problems(tx, PROBLEMS_MAX).await?);
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
