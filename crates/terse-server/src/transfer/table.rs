//! A CSV file with a header, read row by row.
//!
//! The order of the columns is free; their names are trimmed and compared without case; unknown ones are ignored. A
//! byte order mark is skipped.

use std::cell::Cell;
use std::io::{self, Read};

use csv::{ErrorKind, StringRecord};

use super::error::TransferError;

/// The most bytes of a row. The longest that makes sense, a target and a title or an event's details with every quote
/// doubled, stays far below.
pub(super) const ROW_BYTES_MAX: u64 = 256 * 1024;

/// A column that a file may or must have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its name, in lower case.
    pub(super) name: &'static str,
    /// Whether a file without it is refused.
    pub(super) is_required: bool,
}

/// A file that is being read.
pub(super) struct Table<R> {
    name: String,
    reader: csv::Reader<Metered<R>>,
    width: usize,
    places: Vec<Option<usize>>,
    record: StringRecord,
    row: u64,
}

/// The fields of a row, by the place of their column in the list that the table was opened with.
pub(super) struct Row<'a> {
    record: &'a StringRecord,
    places: &'a [Option<usize>],
}

/// A column that a file must have.
pub(super) const fn required(name: &'static str) -> Column {
    Column {
        name,
        is_required: true,
    }
}

/// A column that a file may have.
pub(super) const fn optional(name: &'static str) -> Column {
    Column {
        name,
        is_required: false,
    }
}

impl<R: Read> Table<R> {
    /// Reads the header of `source`, which errors call `name`.
    pub(super) fn open(name: String, source: R, columns: &[Column]) -> Result<Self, TransferError> {
        let mut table = Self {
            name,
            reader: csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(Metered::new(source)),
            width: 0,
            places: Vec::new(),
            record: StringRecord::new(),
            row: 0,
        };
        match table.advance()? {
            Advance::Row => {}
            Advance::NotUtf8 => return Err(TransferError::NotUtf8 { file: table.name }),
            Advance::End => {
                return Err(TransferError::Empty {
                    file: table.name,
                    expected: names_of_required(columns),
                });
            }
        }
        table.width = table.record.len();
        table.places = columns
            .iter()
            .map(|column| table.place_of(*column, columns))
            .collect::<Result<_, _>>()?;
        Ok(table)
    }

    /// The next row: its number, and its fields or why they cannot be told apart. `None` at the end.
    #[expect(
        clippy::type_complexity,
        reason = "a row, a bad row, the end, a failure: each is itself"
    )]
    pub(super) fn next_row(&mut self) -> Result<Option<(u64, Result<Row<'_>, String>)>, TransferError> {
        let fields = match self.advance()? {
            Advance::End => return Ok(None),
            Advance::NotUtf8 => Err("is not UTF-8 text".to_owned()),
            Advance::Row if self.record.len() != self.width => Err(format!(
                "has {} field{}, the header has {}",
                self.record.len(),
                if self.record.len() == 1 { "" } else { "s" },
                self.width
            )),
            Advance::Row => Ok(Row {
                record: &self.record,
                places: &self.places,
            }),
        };
        Ok(Some((self.row, fields)))
    }

    /// Bytes of the file up to the end of the last row.
    pub(super) fn bytes_done(&self) -> u64 {
        self.reader.position().byte()
    }

    fn advance(&mut self) -> Result<Advance, TransferError> {
        self.reader.get_ref().begin_row();
        self.row += 1;
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Ok(Advance::Row),
            Ok(false) => Ok(Advance::End),
            Err(error) => match error.into_kind() {
                ErrorKind::Utf8 { .. } => Ok(Advance::NotUtf8),
                ErrorKind::Io(source) => Err(self.failure(source)),
                other => Err(self.failure(io::Error::other(format!("{other:?}")))),
            },
        }
    }

    fn failure(&self, source: io::Error) -> TransferError {
        let file = self.name.clone();
        if matches!(source.get_ref(), Some(error) if error.is::<RowTooLong>()) {
            return TransferError::RowTooLong {
                file,
                row: self.row,
                bytes_max: ROW_BYTES_MAX,
            };
        }
        TransferError::Read { file, source }
    }

    fn place_of(&self, column: Column, columns: &[Column]) -> Result<Option<usize>, TransferError> {
        let named = |name: &str| name.trim().to_lowercase() == column.name;
        let mut places = self.record.iter().enumerate().filter(|(_, name)| named(name));
        let first = places.next().map(|(place, _)| place);
        if places.next().is_some() {
            return Err(TransferError::RepeatedColumn {
                file: self.name.clone(),
                column: column.name,
            });
        }
        if first.is_none() && column.is_required {
            return Err(TransferError::MissingColumn {
                file: self.name.clone(),
                column: column.name,
                expected: names_of_required(columns),
            });
        }
        Ok(first)
    }
}

impl Row<'_> {
    /// The field without white space around it; empty also when the file has no such column.
    pub(super) fn text(&self, column: usize) -> &str {
        self.places
            .get(column)
            .copied()
            .flatten()
            .and_then(|place| self.record.get(place))
            .map_or("", str::trim)
    }
}

enum Advance {
    Row,
    NotUtf8,
    End,
}

fn names_of_required(columns: &[Column]) -> String {
    let required = columns.iter().filter(|column| column.is_required);
    required.map(|column| column.name).collect::<Vec<_>>().join(",")
}

/// Ends a row that has no end: without it a quote that is never closed takes the rest of the file into memory.
struct Metered<R> {
    source: R,
    row_bytes: Cell<u64>,
}

#[derive(Debug, thiserror::Error)]
#[error("the row is too long")]
struct RowTooLong;

impl<R> Metered<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            row_bytes: Cell::new(0),
        }
    }

    fn begin_row(&self) {
        self.row_bytes.set(0);
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.row_bytes.get() > ROW_BYTES_MAX {
            return Err(io::Error::other(RowTooLong));
        }
        let count = self.source.read(buffer)?;
        self.row_bytes.set(self.row_bytes.get() + count as u64);
        Ok(count)
    }
}
