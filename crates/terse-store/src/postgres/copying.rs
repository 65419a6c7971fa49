//! A database of a PostgreSQL server as one side of a copy: COPY in its binary format, both ways.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use deadpool_postgres::{Object, Pool};
use futures_util::{SinkExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio_postgres::error::SqlState;

use super::bus::CHANNEL;
use super::failure::error_of;
use super::limits::Limits;
use super::url::PostgresUrl;
use super::writer::{SERVED_LOCK, WRITE_LOCK};
use super::{connection, schema};
use crate::bus::MANY_CHANGED;
use crate::copying::rows::{Chunk, Chunks, HEADER, Incoming, TRAILER};
use crate::copying::tables::{Dialect, TABLES, Table};
use crate::error::{Error, Result, Trouble};

const DIALECT: Dialect = Dialect {
    bytewise: "\"C\"",
    parameter: '$',
};

/// A person waits, who is not in a hurry; also for writers that are in the middle of something.
const LIMITS: Limits = Limits::new(Duration::from_secs(10));

/// How long servers that were just stopped have until the database has noticed.
const SERVERS_GONE_WITHIN: Duration = Duration::from_secs(2);

/// Statements may take as long as there are rows; the network is watched by the kernel.
const UNHURRIED: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/// Ids that were given move sequences by a trigger, row by row, which takes most of the time; a copy moves them at its end.
const GIVEN_IDS: [(&str, &str); 2] = [("users", "users_given_ids"), ("links", "links_given_ids")];

/// A connection in a transaction, which is undone unless it is committed.
pub(crate) struct End {
    connection: Object,
}

impl End {
    /// The state of this moment, which later writes of others do not change.
    pub(crate) async fn to_read(url: &PostgresUrl) -> Result<Self> {
        let pool = connection::pool(url, 1, LIMITS)?;
        schema::require_all(&pool, LIMITS).await?;
        let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {UNHURRIED}");
        Self::begin(&pool, &begin).await
    }

    /// What nobody else writes meanwhile; `None` while servers use it, who would go on with what they remember of it.
    pub(crate) async fn to_write(url: &PostgresUrl) -> Result<Option<Self>> {
        let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {UNHURRIED}");
        let mut end = Self::begin(&connection::pool(url, 1, LIMITS)?, &begin).await?;
        // First: whoever has this one waits for no server's turn to write, and keeps none waiting.
        if !end.locked(SERVED_LOCK, SERVERS_GONE_WITHIN).await? {
            return Ok(None);
        }
        if !end.locked(WRITE_LOCK, LIMITS.of(super::Patience::Quick)).await? {
            return Err(Error::unavailable(Trouble::NoTurn));
        }
        Ok(Some(end))
    }

    /// The one number that `statement` gives.
    pub(crate) async fn number(&mut self, statement: &str) -> Result<i64> {
        let row = self.connection.query_typed_one(statement, &[]).await;
        row.and_then(|row| row.try_get(0)).map_err(error_of)
    }

    /// The one truth value that `statement` gives.
    pub(crate) async fn truth(&mut self, statement: &str) -> Result<bool> {
        let row = self.connection.query_typed_one(statement, &[]).await;
        row.and_then(|row| row.try_get(0)).map_err(error_of)
    }

    pub(crate) async fn sequence(&mut self, table: &'static Table) -> Result<i64> {
        let statement = format!(
            "SELECT COALESCE(pg_sequence_last_value('{}_id_seq'::regclass), 0)",
            table.name
        );
        self.number(&statement).await
    }

    pub(crate) async fn move_sequence(&mut self, table: &'static Table, last_id: i64) -> Result<()> {
        if last_id <= self.sequence(table).await? {
            return Ok(());
        }
        self.execute(&format!("SELECT setval('{}_id_seq', {last_id})", table.name))
            .await
    }

    pub(crate) async fn read(&mut self, table: &'static Table, to: mpsc::Sender<Chunk>) -> Result<()> {
        let statement = format!("COPY ({}) TO STDOUT (FORMAT binary)", table.select(DIALECT));
        let mut pieces = pin!(self.connection.copy_out(&statement).await.map_err(error_of)?);
        let (mut incoming, mut chunks) = (Incoming::default(), Chunks::default());
        while let Some(piece) = pieces.try_next().await.map_err(error_of)? {
            incoming.take_in(&piece, &mut chunks).map_err(Error::internal)?;
            if let Some(chunk) = chunks.full()
                && to.send(chunk).await.is_err()
            {
                return Ok(());
            }
        }
        incoming.finish().map_err(Error::internal)?;
        if let Some(chunk) = chunks.rest() {
            // Who takes no more has its reasons, and says them itself.
            let _ = to.send(chunk).await;
        }
        Ok(())
    }

    pub(crate) async fn write(
        &mut self,
        table: &'static Table,
        mut from: mpsc::Receiver<Chunk>,
    ) -> Result<()> {
        let statement = format!(
            "COPY {} ({}) FROM STDIN (FORMAT binary)",
            table.name,
            table.column_list()
        );
        let mut sink = pin!(self.connection.copy_in(&statement).await.map_err(error_of)?);
        sink.send(Bytes::from_static(HEADER)).await.map_err(error_of)?;
        while let Some(chunk) = from.recv().await {
            sink.send(chunk.bytes).await.map_err(error_of)?;
        }
        sink.send(Bytes::from_static(TRAILER)).await.map_err(error_of)?;
        sink.finish().await.map(drop).map_err(error_of)
    }

    pub(crate) async fn clear(&mut self) -> Result<()> {
        self.execute(&format!("TRUNCATE {}", names())).await?;
        self.triggers("DISABLE").await
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        self.triggers("ENABLE").await?;
        // So that nobody is served with plans for empty tables until the server looks by itself.
        self.execute(&format!("ANALYZE {}", names())).await?;
        // Whoever has read the database before has read another one.
        self.execute(&format!(
            "SELECT pg_notify('{CHANNEL}', (SELECT last_id FROM event_sequence) || ' {MANY_CHANGED}')"
        ))
        .await?;
        self.execute("COMMIT").await
    }

    /// A connection whose pool goes at once, so that it is closed when it is dropped.
    async fn begin(pool: &Pool, begin: &str) -> Result<Self> {
        let mut end = Self {
            connection: connection::get(pool).await?,
        };
        end.execute(begin).await?;
        Ok(end)
    }

    async fn triggers(&mut self, what: &str) -> Result<()> {
        for (table, trigger) in GIVEN_IDS {
            self.execute(&format!("ALTER TABLE {table} {what} TRIGGER {trigger}"))
                .await?;
        }
        Ok(())
    }

    /// Whether nobody else has this lock; it goes with the transaction, which is lost if somebody has.
    async fn locked(&mut self, lock: i64, within: Duration) -> Result<bool> {
        let limit_ms = within.as_millis();
        let statements = format!("SET LOCAL lock_timeout = {limit_ms}; SELECT pg_advisory_xact_lock({lock})");
        match self.connection.batch_execute(&statements).await {
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
            outcome => outcome.map(|()| true).map_err(error_of),
        }
    }

    async fn execute(&mut self, statements: &str) -> Result<()> {
        self.connection.batch_execute(statements).await.map_err(error_of)
    }
}

/// Of all tables, as a statement lists them.
fn names() -> String {
    let names: Vec<_> = TABLES.iter().map(|table| table.name).collect();
    names.join(", ")
}
