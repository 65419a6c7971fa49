//! Values in and out of SQLite.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::failure::error_of;
use crate::db::Param;
use crate::error::{Error, Result, Trouble};

/// A row, and the statement that it answers.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    row: &'a rusqlite::Row<'a>,
    statement: &'static str,
}

impl<'a> Row<'a> {
    pub(super) fn new(row: &'a rusqlite::Row<'a>, statement: &'static str) -> Self {
        Self { row, statement }
    }

    pub(crate) fn statement(&self) -> &'static str {
        self.statement
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        match self.value(column)? {
            ValueRef::Integer(number) => Ok(number),
            value => Err(self.mismatch(column, value)),
        }
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            _ => self.int(column).map(Some),
        }
    }

    pub(crate) fn bool(&self, column: usize) -> Result<bool> {
        match self.value(column)? {
            ValueRef::Integer(0) => Ok(false),
            ValueRef::Integer(1) => Ok(true),
            value => Err(self.mismatch(column, value)),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<String> {
        let value = self.value(column)?;
        match value {
            ValueRef::Text(bytes) => std::str::from_utf8(bytes)
                .map(ToOwned::to_owned)
                .map_err(|_| self.mismatch(column, value)),
            value => Err(self.mismatch(column, value)),
        }
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<String>> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            _ => self.text(column).map(Some),
        }
    }

    pub(crate) fn blob(&self, column: usize) -> Result<&[u8]> {
        match self.value(column)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            value => Err(self.mismatch(column, value)),
        }
    }

    fn value(&self, column: usize) -> Result<ValueRef<'_>> {
        self.row.get_ref(column).map_err(error_of)
    }

    /// Only the type: values may be personal, and errors are logged.
    fn mismatch(&self, column: usize, value: ValueRef<'_>) -> Error {
        Error::internal(Trouble::Column {
            statement: self.statement,
            column,
            found: value.data_type().to_string(),
        })
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(number),
            Self::Bool(truth) => ValueRef::Integer(i64::from(truth)),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
