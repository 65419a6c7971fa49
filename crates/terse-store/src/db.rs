//! The only place that knows which engines there are: what is written once above it runs on any of them.
//!
//! A job is what one transaction does. It is a future so that the same text can wait for a server; on SQLite it is
//! driven to its end on SQLite's own thread, so that a transaction of five statements costs one change of threads.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use terse_core::{Clock, PageRequest, Start};
use tracing::Instrument;

use crate::bus::{AsOf, News};
use crate::error::{Error, Result, Trouble};
use crate::pool::PoolUse;
use crate::postgres::{self, Patience, Postgres};
use crate::sql::Sql;
use crate::sqlite::{self, Sqlite};
use crate::store::{Place, StoreOptions};
use crate::trace;

/// The database that a store works on.
#[derive(Debug)]
pub(crate) enum Db {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// What a job does its work with: one open transaction.
#[derive(Debug)]
pub(crate) enum Tx {
    Sqlite(sqlite::Tx),
    Postgres(postgres::Tx),
}

/// A row of a result, as long as it is looked at.
#[derive(Debug)]
pub(crate) enum Row<'a> {
    Sqlite(sqlite::Row<'a>),
    Postgres(postgres::Row<'a>),
}

/// A value handed to a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Param<'a> {
    Null,
    Int(i64),
    Bool(bool),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// The work of a job, under way.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What one transaction does.
pub(crate) type Job<T> = Box<dyn for<'a> FnOnce(&'a mut Tx) -> Work<'a, T> + Send>;

/// How long a read may be expected to take, so that the long ones cannot hold up the short ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// A few rows, found by a key.
    Point,
    /// A list, a search, a check: may walk over whole tables.
    Scan,
}

impl Db {
    pub(crate) async fn open(options: StoreOptions) -> Result<Self> {
        match options.place.clone() {
            Place::File(path) => Sqlite::open(path, options).await.map(Self::Sqlite),
            Place::Server(url) => {
                let postgres = Postgres::open(&url, &options).await?;
                Ok(Self::Postgres(postgres))
            }
        }
    }

    /// Brings the schema up to date; the names of the steps that took.
    pub(crate) async fn migrate(options: StoreOptions) -> Result<Vec<&'static str>> {
        match options.place.clone() {
            Place::File(path) => Sqlite::migrate(path, options).await,
            Place::Server(url) => Postgres::migrate(&url, &options).await,
        }
    }

    /// Runs `job` on one consistent state of the database, which it cannot change.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: Read,
        job: impl for<'a> FnOnce(&'a mut Tx) -> Work<'a, T> + Send + 'static,
    ) -> Result<T> {
        let span = trace::reading(self.system());
        match self {
            Self::Sqlite(sqlite) => sqlite.read(read, Box::new(job)).instrument(span).await,
            Self::Postgres(postgres) => postgres.read(read, Box::new(job)).instrument(span).await,
        }
    }

    /// Runs `job` alone, and answers after its changes are safe on disk; an error undoes all of them.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl for<'a> FnOnce(&'a mut Tx) -> Work<'a, T> + Send + 'static,
    ) -> Result<T> {
        self.write_with(Patience::Quick, Box::new(job)).await
    }

    /// As [`Db::write`], for what nobody expects to be quick: thousands of rows.
    pub(crate) async fn write_at_length<T: Send + 'static>(
        &self,
        job: impl for<'a> FnOnce(&'a mut Tx) -> Work<'a, T> + Send + 'static,
    ) -> Result<T> {
        self.write_with(Patience::Long, Box::new(job)).await
    }

    async fn write_with<T: Send + 'static>(&self, patience: Patience, job: Job<T>) -> Result<T> {
        let span = trace::writing(self.system());
        match self {
            Self::Sqlite(sqlite) => sqlite.write(job).instrument(span).await,
            Self::Postgres(postgres) => postgres.write(patience, job).instrument(span).await,
        }
    }

    /// The engine, as OpenTelemetry calls it.
    fn system(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgresql",
        }
    }

    /// Whether other processes may have the database open.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_) => true,
        }
    }

    /// Tells of changes for ever. An embedded database has nobody to hear from.
    pub(crate) async fn follow(&self, clock: Arc<dyn Clock>, name: String, tell: impl FnMut(News) + Send) {
        match self {
            Self::Sqlite(_) => std::future::pending().await,
            Self::Postgres(postgres) => postgres.follow(clock, name, tell).await,
        }
    }

    /// What each pool is doing, in the states that the engine knows.
    pub(crate) fn pool_uses(&self) -> Vec<PoolUse> {
        match self {
            Self::Sqlite(sqlite) => sqlite.pool_uses().into(),
            Self::Postgres(postgres) => postgres.pool_uses(),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

impl Tx {
    /// Runs a statement that gives no rows; the number of rows it changed.
    pub(crate) async fn execute(&mut self, sql: &'static Sql, params: &[Param<'_>]) -> Result<u64> {
        match self {
            Self::Sqlite(tx) => tx.execute(sql, params),
            Self::Postgres(tx) => tx.execute(sql, params).await,
        }
    }

    /// Runs a statement that gives no rows once for each of `rows`; the number of rows changed.
    pub(crate) async fn execute_many<'p, const N: usize>(
        &mut self,
        sql: &'static Sql,
        rows: impl Iterator<Item = [Param<'p>; N]> + Send,
    ) -> Result<u64> {
        match self {
            Self::Sqlite(tx) => tx.execute_many(sql, rows),
            Self::Postgres(tx) => tx.execute_many(sql, rows).await,
        }
    }

    /// All rows of a result.
    pub(crate) async fn query<T>(
        &mut self,
        sql: &'static Sql,
        params: &[Param<'_>],
        decode: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Self::Sqlite(tx) => tx.query(sql, params, decode),
            Self::Postgres(tx) => tx.query(sql, params, decode).await,
        }
    }

    /// The first row of a result, if it has any.
    pub(crate) async fn query_opt<T>(
        &mut self,
        sql: &'static Sql,
        params: &[Param<'_>],
        decode: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match self {
            Self::Sqlite(tx) => tx.query_opt(sql, params, decode),
            Self::Postgres(tx) => tx.query_opt(sql, params, decode).await,
        }
    }

    /// The first row of a result that always has one.
    pub(crate) async fn query_one<T>(
        &mut self,
        sql: &'static Sql,
        params: &[Param<'_>],
        decode: fn(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.query_opt(sql, params, decode)
            .await?
            .ok_or_else(|| Error::internal(Trouble::NoRow(sql.name())))
    }

    /// Whether other processes may have the database open.
    pub(crate) fn has_replicas(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Has the other replicas told of a change once it is committed; its moment.
    pub(crate) async fn announce(&mut self, message: &str) -> Result<AsOf> {
        match self {
            Self::Sqlite(_) => Ok(0),
            Self::Postgres(tx) => tx.announce(message).await,
        }
    }

    /// What the engine's own check of its files finds.
    pub(crate) fn file_problems(&mut self) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(tx) => tx.file_problems(),
            // Its operators have tools for that (pg_amcheck), which need rights that we do not.
            Self::Postgres(_) => Ok(Vec::new()),
        }
    }
}

impl Row<'_> {
    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        match self {
            Self::Sqlite(row) => row.int(column),
            Self::Postgres(row) => row.int(column),
        }
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(row) => row.opt_int(column),
            Self::Postgres(row) => row.opt_int(column),
        }
    }

    pub(crate) fn bool(&self, column: usize) -> Result<bool> {
        match self {
            Self::Sqlite(row) => row.bool(column),
            Self::Postgres(row) => row.bool(column),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<String> {
        match self {
            Self::Sqlite(row) => row.text(column),
            Self::Postgres(row) => row.text(column),
        }
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<String>> {
        match self {
            Self::Sqlite(row) => row.opt_text(column),
            Self::Postgres(row) => row.opt_text(column),
        }
    }

    /// What `decode` makes of the bytes in a column; `None` means that this program never writes such bytes there.
    pub(crate) fn blob<T>(&self, column: usize, decode: impl FnOnce(&[u8]) -> Option<T>) -> Result<T> {
        let decoded = match self {
            Self::Sqlite(row) => decode(row.blob(column)?),
            Self::Postgres(row) => decode(row.blob(column)?),
        };
        decoded.ok_or_else(|| self.unreadable(column, "bytes of an unknown format"))
    }

    /// The error for a column that holds what this program never writes there.
    pub(crate) fn unreadable(&self, column: usize, found: impl Into<String>) -> Error {
        let statement = match self {
            Self::Sqlite(row) => row.statement(),
            Self::Postgres(row) => row.statement(),
        };
        Error::internal(Trouble::Column {
            statement,
            column,
            found: found.into(),
        })
    }
}

impl From<i64> for Param<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Param<'_> {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// `$1`, `$2` and `$3` of `WHERE id > $1 … ORDER BY id LIMIT $2 OFFSET $3`: one row more than a page has, to see
/// whether the list goes on.
pub(crate) fn page_params(page: &PageRequest) -> [Param<'static>; 3] {
    let (after, offset) = match page.start() {
        Start::After(id) => (id, 0),
        Start::Offset(rows) => (0, rows),
    };
    [
        after.into(),
        (i64::from(page.per_page()) + 1).into(),
        offset.into(),
    ]
}
