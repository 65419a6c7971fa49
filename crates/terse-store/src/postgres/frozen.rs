//! One state of the database for many transactions: a connection stays in the transaction that sees it, and the others are
//! told to see what that one does.

use deadpool_postgres::Object;

use super::connection;
use super::failure::error_of;
use super::limits::Limits;
use super::url::PostgresUrl;
use crate::error::Result;

/// A state, there as long as this is.
#[derive(Debug)]
pub(super) struct Frozen {
    /// Closed when it is dropped: its pool has gone.
    _connection: Object,
    /// What makes a transaction that has just begun see that state.
    pub(super) opening: String,
}

impl Frozen {
    /// The state of this moment.
    pub(super) async fn now(url: &PostgresUrl, limits: Limits) -> Result<Self> {
        let connection = connection::get(&connection::pool(url, 1, limits)?).await?;
        connection
            .batch_execute(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
                 SET LOCAL idle_in_transaction_session_timeout = 0",
            )
            .await
            .map_err(error_of)?;
        let row = connection
            .query_typed_one("SELECT pg_export_snapshot()", &[])
            .await;
        let name: String = row.and_then(|row| row.try_get(0)).map_err(error_of)?;
        Ok(Self {
            _connection: connection,
            opening: format!("SET TRANSACTION SNAPSHOT '{name}'; "),
        })
    }
}
