//! What PostgreSQL's errors mean to a caller (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).

use deadpool_postgres::PoolError;
use tokio_postgres::Error as PostgresError;
use tokio_postgres::error::SqlState;

use crate::error::{Error, Trouble, conflict_of_constraint};

/// Classes of errors that pass, or that an operator makes pass: connection, resources, the
/// operator's intervention, the system's errors, conflicts between transactions, a standby that must not be written.
const PASSING_CLASSES: [&str; 6] = ["08", "40", "53", "57", "58", "XX"];

pub(super) fn error_of(error: PostgresError) -> Error {
    let Some(state) = error.code() else {
        // Not from the server: the connection broke, or could not be made.
        return Error::unavailable(error);
    };
    if *state == SqlState::UNIQUE_VIOLATION {
        return constraint(error);
    }
    if passes(state) {
        return Error::unavailable(error);
    }
    match *state {
        SqlState::INVALID_CATALOG_NAME
        | SqlState::INVALID_PASSWORD
        | SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        | SqlState::INSUFFICIENT_PRIVILEGE => Error::Unusable(
            error
                .as_db_error()
                .map_or_else(|| error.to_string(), |error| error.message().to_owned()),
        ),
        _ => Error::internal(error),
    }
}

pub(super) fn error_of_pool(error: PoolError) -> Error {
    match error {
        PoolError::Backend(error) => error_of(error),
        PoolError::Closed => Error::unavailable(Trouble::Closed),
        error => Error::unavailable(error),
    }
}

fn passes(state: &SqlState) -> bool {
    let class = state.code().get(..2).unwrap_or_default();
    PASSING_CLASSES.contains(&class)
        || [
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::IN_FAILED_SQL_TRANSACTION,
        ]
        .contains(state)
}

fn constraint(error: PostgresError) -> Error {
    let conflict = error
        .as_db_error()
        .and_then(|error| error.constraint())
        .and_then(conflict_of_constraint);
    conflict.map_or_else(|| Error::internal(error), Error::Conflict)
}
