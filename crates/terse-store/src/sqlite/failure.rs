//! What SQLite's errors mean to a caller.

use rusqlite::{Error as SqliteError, ErrorCode};

use crate::error::{Error, conflict_of_constraint};

pub(super) fn error_of(error: SqliteError) -> Error {
    match code_of(&error) {
        Some(ErrorCode::ConstraintViolation) => constraint(error),
        Some(ErrorCode::NotADatabase) => Error::Unusable("the file is not a SQLite database".to_owned()),
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport
            | ErrorCode::OperationAborted
            | ErrorCode::OperationInterrupted
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure,
        ) => Error::unavailable(error),
        _ => Error::internal(error),
    }
}

fn code_of(error: &SqliteError) -> Option<ErrorCode> {
    match error {
        SqliteError::SqliteFailure(failure, _) => Some(failure.code),
        SqliteError::SqlInputError { error, .. } => Some(error.code),
        _ => None,
    }
}

/// SQLite tells which constraint only in its message, `UNIQUE constraint failed: users.username`.
fn constraint(error: SqliteError) -> Error {
    let message = match &error {
        SqliteError::SqliteFailure(_, message) => message.as_deref().unwrap_or_default(),
        _ => "",
    };
    match message
        .rsplit_once(": ")
        .and_then(|(_, name)| conflict_of_constraint(name))
    {
        Some(conflict) => Error::Conflict(conflict),
        None => Error::internal(error),
    }
}
