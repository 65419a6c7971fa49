//! A SQLite file as one side of a copy: each step on a thread of its own, for SQLite's calls wait for the disk.

use std::path::PathBuf;
use std::thread;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tokio::sync::{mpsc, oneshot};

use super::drive::drive;
use super::failure::error_of;
use super::{Tx, connection, sqlite};
use crate::copying::rows::{Chunk, Chunks, for_each_row};
use crate::copying::tables::{Dialect, Kind, TABLES, Table};
use crate::db;
use crate::error::{Error, Result, Trouble};
use crate::migrations;
use crate::store::StoreOptions;

const DIALECT: Dialect = Dialect {
    bytewise: "BINARY",
    parameter: '?',
};

/// A connection in a transaction, which is undone unless it is committed.
pub(crate) struct End {
    /// `None` while a thread has it.
    tx: Option<db::Tx>,
}

impl End {
    /// The state of this moment, which later writes of others do not change.
    pub(crate) async fn to_read(path: PathBuf) -> Result<Self> {
        let tx = on_a_thread(move || {
            let mut tx = begin(connection::open_reader(&path)?, "BEGIN")?;
            drive(migrations::require_all(&mut tx))?;
            Ok(tx)
        });
        Ok(Self { tx: Some(tx.await?) })
    }

    /// What nobody else may write meanwhile.
    pub(crate) async fn to_write(path: PathBuf, options: StoreOptions) -> Result<Self> {
        let tx = on_a_thread(move || begin(connection::open_writer(&path, &options)?, "BEGIN IMMEDIATE"));
        Ok(Self { tx: Some(tx.await?) })
    }

    /// The one number that `statement` gives.
    pub(crate) async fn number(&mut self, statement: String) -> Result<i64> {
        self.with(move |connection| {
            let number = connection.query_row(&statement, [], |row| row.get(0));
            number.map_err(error_of)
        })
        .await
    }

    pub(crate) async fn sequence(&mut self, table: &'static Table) -> Result<i64> {
        let statement = format!(
            "SELECT COALESCE(max(seq), 0) FROM sqlite_sequence WHERE name = '{}'",
            table.name
        );
        self.number(statement).await
    }

    pub(crate) async fn move_sequence(&mut self, table: &'static Table, last_id: i64) -> Result<()> {
        let last_id = last_id.max(self.sequence(table).await?);
        let name = table.name;
        self.execute(format!(
            "DELETE FROM sqlite_sequence WHERE name = '{name}'; \
             INSERT INTO sqlite_sequence (name, seq) VALUES ('{name}', {last_id})"
        ))
        .await
    }

    pub(crate) async fn read(&mut self, table: &'static Table, to: mpsc::Sender<Chunk>) -> Result<()> {
        self.with(move |connection| {
            let mut statement = connection.prepare(&table.select(DIALECT)).map_err(error_of)?;
            let mut rows = statement.raw_query();
            let mut chunks = Chunks::default();
            while let Some(row) = rows.next().map_err(error_of)? {
                encode(table, row, &mut chunks)?;
                if let Some(chunk) = chunks.full()
                    && to.blocking_send(chunk).is_err()
                {
                    return Ok(());
                }
            }
            if let Some(chunk) = chunks.rest() {
                // Who takes no more has its reasons, and says them itself.
                let _ = to.blocking_send(chunk);
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn write(
        &mut self,
        table: &'static Table,
        mut from: mpsc::Receiver<Chunk>,
    ) -> Result<()> {
        self.with(move |connection| {
            let mut statement = connection.prepare(&table.insert(DIALECT)).map_err(error_of)?;
            while let Some(chunk) = from.blocking_recv() {
                for_each_row(&chunk, table.columns, |values| {
                    for (index, value) in values.iter().enumerate() {
                        statement.raw_bind_parameter(index + 1, value).map_err(error_of)?;
                    }
                    statement.raw_execute().map(drop).map_err(error_of)
                })?;
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn clear(&mut self) -> Result<()> {
        let statements = TABLES
            .iter()
            .rev()
            .map(|table| format!("DELETE FROM {};", table.name));
        self.execute(statements.collect()).await
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        self.execute("COMMIT".to_owned()).await
    }

    async fn execute(&mut self, statements: String) -> Result<()> {
        self.with(move |connection| connection.execute_batch(&statements).map_err(error_of))
            .await
    }

    async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let tx = self
            .tx
            .take()
            .ok_or_else(|| Error::unavailable(Trouble::Closed))?;
        let (tx, outcome) = on_a_thread(move || {
            let outcome = work(sqlite(&tx).connection());
            Ok((tx, outcome))
        })
        .await?;
        self.tx = Some(tx);
        outcome
    }
}

fn begin(connection: Connection, statement: &str) -> Result<db::Tx> {
    connection.execute_batch(statement).map_err(error_of)?;
    Ok(db::Tx::Sqlite(Tx::new(connection)))
}

fn encode(table: &Table, row: &rusqlite::Row<'_>, chunks: &mut Chunks) -> Result<()> {
    chunks.begin_row(table.columns.len());
    for (column, (_, kind)) in table.columns.iter().enumerate() {
        match (kind, row.get_ref(column).map_err(error_of)?) {
            (_, ValueRef::Null) => chunks.absent(),
            (Kind::Int, ValueRef::Integer(number)) => chunks.int(number),
            (Kind::Bool, ValueRef::Integer(number @ 0..=1)) => chunks.bool(number == 1),
            (Kind::Text, ValueRef::Text(text)) if std::str::from_utf8(text).is_ok() => chunks.field(text),
            (Kind::Bytes, ValueRef::Blob(bytes)) => chunks.field(bytes),
            (_, value) => {
                return Err(Error::internal(Trouble::Column {
                    statement: table.name,
                    column,
                    found: value.data_type().to_string(),
                }));
            }
        }
    }
    Ok(())
}

/// What `work` gives, which may wait for the disk.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (answer, answered) = oneshot::channel();
    thread::Builder::new()
        .name("sqlite-copy".to_owned())
        .spawn(move || {
            // Whoever asked may be gone.
            let _ = answer.send(work());
        })
        .map_err(Error::unavailable)?;
    answered
        .await
        .unwrap_or_else(|_| Err(Error::internal(Trouble::Closed)))
}
