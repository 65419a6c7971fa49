//! One transaction at a time on one connection.

use rusqlite::{CachedStatement, Connection};

use super::failure::error_of;
use super::row::Row;
use crate::db::{self, Param};
use crate::error::Result;
use crate::sql::Sql;

/// A connection within, or between, transactions.
#[derive(Debug)]
pub(crate) struct Tx {
    connection: Connection,
}

impl Tx {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    pub(crate) fn execute(&mut self, sql: &'static Sql, params: &[Param<'_>]) -> Result<u64> {
        let mut statement = self.prepare(sql)?;
        execute(&mut statement, params)
    }

    pub(crate) fn execute_many<'p, const N: usize>(
        &mut self,
        sql: &'static Sql,
        rows: impl Iterator<Item = [Param<'p>; N]>,
    ) -> Result<u64> {
        let mut statement = self.prepare(sql)?;
        rows.map(|params| execute(&mut statement, &params)).sum()
    }

    pub(crate) fn query<T>(
        &mut self,
        sql: &'static Sql,
        params: &[Param<'_>],
        decode: fn(&db::Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        let mut decoded = Vec::new();
        while let Some(row) = rows.next().map_err(error_of)? {
            decoded.push(decode(&db::Row::Sqlite(Row::new(row, sql.name())))?);
        }
        Ok(decoded)
    }

    pub(crate) fn query_opt<T>(
        &mut self,
        sql: &'static Sql,
        params: &[Param<'_>],
        decode: fn(&db::Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.prepare(sql)?;
        bind(&mut statement, params)?;
        let mut rows = statement.raw_query();
        let row = rows.next().map_err(error_of)?;
        row.map(|row| decode(&db::Row::Sqlite(Row::new(row, sql.name()))))
            .transpose()
    }

    pub(crate) fn file_problems(&mut self) -> Result<Vec<String>> {
        let mut problems = self.pragma_rows("PRAGMA integrity_check", |row| row.get::<_, String>(0))?;
        problems.retain(|problem| problem != "ok");
        let orphans = self.pragma_rows("PRAGMA foreign_key_check", |row| {
            Ok(format!(
                "a row of {} refers to a row of {} that is gone",
                row.get::<_, String>(0)?,
                row.get::<_, String>(2)?
            ))
        })?;
        problems.extend(orphans);
        Ok(problems)
    }

    /// Begins, ends or undoes a transaction.
    pub(super) fn control(&self, statement: &'static str) -> Result<()> {
        let mut statement = self.connection.prepare_cached(statement).map_err(error_of)?;
        statement.raw_execute().map(drop).map_err(error_of)
    }

    /// Whether a transaction is open. Some errors, a full disk among them, make SQLite undo one by itself.
    pub(super) fn is_open(&self) -> bool {
        !self.connection.is_autocommit()
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    #[cfg(test)]
    pub(super) fn check(&self, sql: &'static Sql) -> Result<()> {
        self.prepare(sql).map(drop)
    }

    fn prepare(&self, sql: &'static Sql) -> Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql.for_sqlite()).map_err(error_of)
    }

    fn pragma_rows(
        &self,
        pragma: &str,
        decode: fn(&rusqlite::Row<'_>) -> rusqlite::Result<String>,
    ) -> Result<Vec<String>> {
        let mut statement = self.connection.prepare(pragma).map_err(error_of)?;
        let rows = statement.query_map([], decode).map_err(error_of)?;
        rows.collect::<rusqlite::Result<_>>().map_err(error_of)
    }
}

fn execute(statement: &mut CachedStatement<'_>, params: &[Param<'_>]) -> Result<u64> {
    bind(statement, params)?;
    let changed = statement.raw_execute().map_err(error_of)?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

fn bind(statement: &mut CachedStatement<'_>, params: &[Param<'_>]) -> Result<()> {
    for (index, param) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, param).map_err(error_of)?;
    }
    Ok(())
}
