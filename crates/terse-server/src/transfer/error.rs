//! Why a file as a whole cannot be read or written. Bad rows are no errors: reports name them.

use std::io;

use crate::error::Error;

/// What stopped a transfer; names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There is not even a header.
    #[error("{file} is empty: its first row must name the columns {expected}")]
    Empty {
        /// The file.
        file: String,
        /// The columns that it needs.
        expected: String,
    },
    /// A column that is needed is not named by the header.
    #[error("{file} has no column `{column}`: its first row must name the columns {expected}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The missing column.
        column: &'static str,
        /// The columns that it needs.
        expected: String,
    },
    /// The header names a column twice, so that nobody can say which one is meant.
    #[error("{file} has two columns `{column}`")]
    RepeatedColumn {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
    },
    /// Not UTF-8 where it has to be.
    #[error("{file} is not UTF-8 text: save it as CSV in UTF-8")]
    NotUtf8 {
        /// The file.
        file: String,
    },
    /// A row without end.
    #[error("{file}: row {row} is longer than {bytes_max} bytes: a quote may be opened and never closed")]
    RowTooLong {
        /// The file.
        file: String,
        /// The row; the header is row 1.
        row: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The disk's.
    #[error("{file} cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// The disk's.
    #[error("{file} cannot be written: {source}")]
    Write {
        /// The file or folder.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// The store's. What was stored before stays; the same transfer can be run again.
    #[error(transparent)]
    Store(#[from] terse_store::Error),
}

/// A file that cannot be read is wrong input; the rest is as bad as the store says.
impl From<TransferError> for Error {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Store(error) => error.into(),
            TransferError::Write { .. } => Self::Internal(Box::new(error)),
            other => Self::invalid_field("file", other),
        }
    }
}
