//! One transaction at a time on one connection.
//!
//! Statements go with the types of their parameters in one round trip, and are not prepared under names: poolers that hand a
//! connection to another client after each transaction would not know the names.

use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::FutureExt;
use futures_util::future::{join, try_join_all};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_postgres::Error as PostgresError;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::types::{ToSql, Type};

use super::bus::CHANNEL;
use super::failure::error_of;
use super::value::{Row, type_of};
use crate::bus::AsOf;
use crate::db::{self, Param};
use crate::error::{Error, Result, Trouble};
use crate::sql::Sql;

/// Statements of [`Tx::execute_many`] that are under way at once.
const PIPELINE_MAX: usize = 256;
/// How much longer than the server's own limit we wait for it to say so.
const GRACE: Duration = Duration::from_millis(200);

/// A message with its moment before it. Only this engine has it.
static ANNOUNCE: Sql = Sql::both(
    "postgres::ANNOUNCE",
    "SELECT last_id, pg_notify($1, last_id || ' ' || $2)::text FROM event_sequence",
);

/// A connection in a transaction. Dropped before [`Tx::end`], it is closed: nobody knows what state it is in.
#[derive(Debug)]
pub(crate) struct Tx {
    /// `None` once it has been given back.
    connection: Option<Object>,
    /// What begins the transaction, to be sent with its first statement.
    opening: Option<String>,
    /// How long each statement may take; the server is told the same.
    limit: Duration,
    /// Why it can be used no more: the first error says it, those that follow only that there was one.
    broken_by: Option<Box<Error>>,
    /// What failed since a savepoint was last known to stand.
    failed_by: Option<Box<Error>>,
}

impl Tx {
    /// A transaction that `opening` begins, together with the first statement.
    pub(super) fn opened_by(connection: Object, opening: String, limit: Duration) -> Self {
        Self {
            connection: Some(connection),
            opening: Some(opening),
            limit,
            broken_by: None,
            failed_by: None,
        }
    }

    /// A connection without a transaction: whoever has it begins and ends those.
    pub(super) fn between(connection: Object, limit: Duration) -> Self {
        Self {
            connection: Some(connection),
            opening: None,
            limit,
            broken_by: None,
            failed_by: None,
        }
    }

    /// Begins, ends or undoes a transaction, or sets something in it: text without parameters.
    pub(super) async fn control(&mut self, text: &str) -> Result<()> {
        let connection = self.connection()?;
        let sent = connection.batch_execute(text);
        let outcome = within(self.limit, sent).await;
        self.note(outcome)
    }

    /// How long the statements that follow may take.
    pub(super) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Has `opening` sent with the next statement, and gives that and those that follow so long.
    pub(super) fn open_with(&mut self, opening: String, limit: Duration) {
        self.opening = Some(opening);
        self.limit = limit;
    }

    /// Whether the opening was sent, which is forgotten otherwise.
    ///
    /// # Errors
    /// What made the connection of no use any more.
    pub(super) fn opened(&mut self) -> Result<bool> {
        self.connection()?;
        Ok(self.opening.take().is_none())
    }

    /// Gives the connection back: its transaction was ended.
    pub(super) fn release(mut self) {
        drop(self.connection.take());
    }

    /// Ends a transaction that has only read, without waiting: whatever uses the connection next goes behind it.
    pub(super) fn end(mut self) {
        if self.broken_by.is_some() {
            return; // and is closed: what is under way on it would meet whoever had it next
        }
        let Some(connection) = self.connection.take() else {
            return;
        };
        let is_open = self.opening.is_none();
        if is_open
            && connection
                .batch_execute("ROLLBACK")
                .now_or_never()
                .is_some_and(|ended| ended.is_err())
        {
            drop(Object::take(connection));
        }
    }

    pub(crate) async fn execute(&mut self, sql: &'static Sql, params: &[Param<'_>]) -> Result<u64> {
        let typed = typed(params);
        let connection = self.connection()?;
        let opened = open(connection, self.opening.as_deref());
        let executed = join(opened, connection.execute_typed(sql.for_postgres(), &typed));
        let outcome = within(self.limit, executed).await;
        self.note_opened(outcome)
    }

    pub(crate) async fn execute_many<'p, const N: usize>(
        &mut self,
        sql: &'static Sql,
        rows: impl Iterator<Item = [Param<'p>; N]> + Send,
    ) -> Result<u64> {
        let rows: Vec<_> = rows.collect();
        let mut changed = 0;
        for some in rows.chunks(PIPELINE_MAX) {
            let typed: Vec<_> = some.iter().map(|params| typed(params)).collect();
            let connection = self.connection()?;
            let executed = try_join_all(
                typed
                    .iter()
                    .map(|params| connection.execute_typed(sql.for_postgres(), params)),
            );
            let opened = open(connection, self.opening.as_deref());
            let outcome = within(self.limit, join(opened, executed)).await;
            changed += self.note_opened(outcome)?.iter().sum::<u64>();
        }
        Ok(changed)
    }

    pub(crate) async fn query<T>(
        &mut self,
        sql: &'static Sql,
        params: &[Param<'_>],
        decode: fn(&db::Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let rows = self.rows(sql, params).await?;
        rows.iter()
            .map(|row| decode(&db::Row::Postgres(Row::new(row, sql.name()))))
            .collect()
    }

    pub(crate) async fn query_opt<T>(
        &mut self,
        sql: &'static Sql,
        params: &[Param<'_>],
        decode: fn(&db::Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let rows = self.rows(sql, params).await?;
        rows.first()
            .map(|row| decode(&db::Row::Postgres(Row::new(row, sql.name()))))
            .transpose()
    }

    pub(crate) async fn announce(&mut self, message: &str) -> Result<AsOf> {
        let params = [Param::Text(CHANNEL), Param::Text(message)];
        let rows = self.rows(&ANNOUNCE, &params).await?;
        let row = rows
            .first()
            .ok_or_else(|| Error::internal(Trouble::NoRow(ANNOUNCE.name())))?;
        Row::new(row, ANNOUNCE.name()).int(0)
    }

    /// Has the server parse and plan a statement.
    #[cfg(test)]
    pub(super) async fn check(&mut self, sql: &'static Sql) -> std::result::Result<(), PostgresError> {
        let connection = self.connection.as_ref().expect("an open transaction");
        connection.prepare(sql.for_postgres()).await.map(drop)
    }

    async fn rows(&mut self, sql: &'static Sql, params: &[Param<'_>]) -> Result<Vec<tokio_postgres::Row>> {
        let typed = typed(params);
        let connection = self.connection()?;
        let opened = open(connection, self.opening.as_deref());
        let found = join(opened, connection.query_typed(sql.for_postgres(), &typed));
        let outcome = within(self.limit, found).await;
        self.note_opened(outcome)
    }

    fn connection(&self) -> Result<&Object> {
        match (&self.broken_by, &self.connection) {
            (Some(error), _) => Err(Error::clone(error)),
            (None, Some(connection)) => Ok(connection),
            (None, None) => Err(Error::unavailable(Trouble::Closed)),
        }
    }

    /// As [`Tx::note`], of a statement before which the opening was sent. If that failed, nobody knows what the statement was done
    /// in: an earlier savepoint, perhaps, of a task that believes it has succeeded.
    fn note_opened<T>(&mut self, outcome: Answered<(Outcome<()>, Outcome<T>)>) -> Result<T> {
        match outcome {
            Ok((Ok(()), outcome)) => {
                // Whatever failed before was undone.
                self.failed_by = None;
                self.note(Ok(outcome))
            }
            Ok((Err(error), _)) => {
                let error = self.first(&error).unwrap_or_else(|| error_of(error));
                self.opening = None;
                self.broken_by.get_or_insert_with(|| Box::new(error.clone()));
                Err(error)
            }
            Err(late) => self.note(Err(late)),
        }
    }

    /// Remembers what an outcome says of the connection.
    fn note<T>(&mut self, outcome: Answered<Outcome<T>>) -> Result<T> {
        self.opening = None;
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if let Some(first) = self.first(&error) {
                    return Err(first);
                }
                let breaks = ends_connection(&error);
                let error = error_of(error);
                if breaks {
                    self.broken_by.get_or_insert_with(|| Box::new(error.clone()));
                }
                self.failed_by.get_or_insert_with(|| Box::new(error.clone()));
                Err(error)
            }
            // None is expected any more.
            Err(_) => {
                let error = Error::unavailable(Trouble::NoAnswer);
                self.broken_by.get_or_insert_with(|| Box::new(error.clone()));
                Err(error)
            }
        }
    }

    /// The error of which `error` is only an echo: that its transaction had failed already. It is no answer to whoever
    /// asked now, so what it says of a single statement, such as a name that was taken, is not what it is.
    fn first(&self, error: &PostgresError) -> Option<Error> {
        if error.code() != Some(&SqlState::IN_FAILED_SQL_TRANSACTION) {
            return None;
        }
        Some(match Error::clone(self.failed_by.as_deref()?) {
            Error::Conflict(taken) => Error::internal(Trouble::Failed(Error::Conflict(taken).to_string())),
            first => first,
        })
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}

/// What the server said.
type Outcome<T> = std::result::Result<T, PostgresError>;
/// If it did in time.
type Answered<T> = std::result::Result<T, Elapsed>;

type Typed<'a> = Vec<(&'a (dyn ToSql + Sync), Type)>;

fn typed<'a>(params: &'a [Param<'_>]) -> Typed<'a> {
    let with_type = |param: &'a Param<'_>| (param as &(dyn ToSql + Sync), type_of(param));
    params.iter().map(with_type).collect()
}

/// Whether nothing can be asked after this: the connection has broken, or the server says that it ends it.
fn ends_connection(error: &PostgresError) -> bool {
    error
        .as_db_error()
        .is_none_or(|error| matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic)))
}

async fn open(connection: &Object, opening: Option<&str>) -> Outcome<()> {
    match opening {
        Some(text) => connection.batch_execute(text).await,
        None => Ok(()),
    }
}

async fn within<T>(limit: Duration, answer: impl Future<Output = T>) -> Answered<T> {
    timeout(limit + GRACE, answer).await
}
