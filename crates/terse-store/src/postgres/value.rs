//! Values in and out of PostgreSQL.

use std::error::Error as StdError;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::db::Param;
use crate::error::{Error, Result, Trouble};

/// A row, and the statement that it answers.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    row: &'a tokio_postgres::Row,
    statement: &'static str,
}

/// An integer of any width: a literal in a statement is narrower than a column.
struct Integer(i64);

impl<'a> Row<'a> {
    pub(super) fn new(row: &'a tokio_postgres::Row, statement: &'static str) -> Self {
        Self { row, statement }
    }

    pub(crate) fn statement(&self) -> &'static str {
        self.statement
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        self.get::<Integer>(column).map(|Integer(number)| number)
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        let number = self.get::<Option<Integer>>(column)?;
        Ok(number.map(|Integer(number)| number))
    }

    pub(crate) fn bool(&self, column: usize) -> Result<bool> {
        self.get(column)
    }

    pub(crate) fn text(&self, column: usize) -> Result<String> {
        self.get(column)
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<String>> {
        self.get(column)
    }

    pub(crate) fn blob(&self, column: usize) -> Result<&[u8]> {
        self.get(column)
    }

    fn get<T: FromSql<'a>>(&self, column: usize) -> Result<T> {
        // The driver's text says types, never values.
        self.row.try_get(column).map_err(|error| {
            Error::internal(Trouble::Column {
                statement: self.statement,
                column,
                found: error.to_string(),
            })
        })
    }
}

impl FromSql<'_> for Integer {
    fn from_sql(ty: &Type, raw: &[u8]) -> std::result::Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT2 => i16::from_sql(ty, raw)?.into(),
            Type::INT4 => i32::from_sql(ty, raw)?.into(),
            _ => i64::from_sql(ty, raw)?,
        }))
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT2, Type::INT4, Type::INT8].contains(ty)
    }
}

/// The type that a parameter is declared with, so that no round trip asks the server for it.
pub(super) fn type_of(param: &Param<'_>) -> Type {
    match param {
        Param::Null => Type::UNKNOWN, // as if it had none: the server finds it by the place
        Param::Int(_) => Type::INT8,
        Param::Bool(_) => Type::BOOL,
        Param::Text(_) => Type::TEXT,
        Param::Bytes(_) => Type::BYTEA,
    }
}

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(ty, out),
            Self::Bool(truth) => truth.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
            Self::Bytes(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // declared by `type_of`
    }

    to_sql_checked!();
}
