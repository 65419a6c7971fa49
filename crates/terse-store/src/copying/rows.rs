//! Rows on their way from one engine to the other, in the binary format of PostgreSQL's COPY
//! (<https://www.postgresql.org/docs/current/sql-copy.html>): that server gives and takes it without anybody in between, and
//! sums of it are the same whichever engine the rows come from.
//!
//! A row is the number of its fields in two bytes, then each field: its length in four bytes, -1 for none, and the value. All
//! numbers are big-endian.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::tables::Kind;
use crate::db::Param;
use crate::error::Error;

/// What stands before the rows of a table: a signature, no flags, nothing more.
pub(crate) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands after them.
pub(crate) const TRAILER: &[u8] = &[0xff, 0xff];

/// Rows are handed on when there are at least so many bytes of them.
const CHUNK_BYTES: usize = 256 * 1024;
const ABSENT: i32 = -1;

/// Whole rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) bytes: Bytes,
    pub(crate) rows: u64,
}

/// Collects rows into chunks.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    bytes: BytesMut,
    rows: u64,
}

impl Chunks {
    /// Begins a row; its fields follow.
    pub(crate) fn begin_row(&mut self, fields: usize) {
        self.rows += 1;
        self.bytes
            .put_i16(i16::try_from(fields).expect("tables have few columns"));
    }

    pub(crate) fn absent(&mut self) {
        self.bytes.put_i32(ABSENT);
    }

    pub(crate) fn int(&mut self, number: i64) {
        self.field(&number.to_be_bytes());
    }

    pub(crate) fn bool(&mut self, truth: bool) {
        self.field(&[u8::from(truth)]);
    }

    /// A text or bytes.
    pub(crate) fn field(&mut self, value: &[u8]) {
        self.bytes
            .put_i32(i32::try_from(value.len()).expect("no engine stores 2 GiB in a column"));
        self.bytes.put_slice(value);
    }

    /// A row as it came.
    fn row(&mut self, row: &[u8]) {
        self.rows += 1;
        self.bytes.put_slice(row);
    }

    /// What has come together, once it is worth handing on.
    pub(crate) fn full(&mut self) -> Option<Chunk> {
        (self.bytes.len() >= CHUNK_BYTES).then(|| self.take())
    }

    /// What is left in the end, if anything.
    pub(crate) fn rest(&mut self) -> Option<Chunk> {
        (self.rows > 0).then(|| self.take())
    }

    fn take(&mut self) -> Chunk {
        Chunk {
            bytes: self.bytes.split().freeze(),
            rows: std::mem::take(&mut self.rows),
        }
    }
}

/// The whole rows in what a server sends in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    buffer: BytesMut,
    has_begun: bool,
}

/// What came is not what COPY's binary format says.
#[derive(Debug, thiserror::Error)]
#[error("the server's copy is not in the format that was asked for")]
pub(crate) struct Malformed;

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::internal(malformed)
    }
}

impl Incoming {
    /// Moves the rows that are whole with `piece` to `chunks`.
    pub(crate) fn take_in(&mut self, piece: &[u8], chunks: &mut Chunks) -> Result<(), Malformed> {
        self.buffer.put_slice(piece);
        if !self.has_begun {
            if self.buffer.len() < HEADER.len() {
                return Ok(());
            }
            if !self.buffer.starts_with(HEADER) {
                return Err(Malformed);
            }
            self.buffer.advance(HEADER.len());
            self.has_begun = true;
        }
        while let Some(length) = row_length(&self.buffer)? {
            chunks.row(&self.buffer.split_to(length));
        }
        Ok(())
    }

    /// Whether everything that was sent was taken.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.has_begun && *self.buffer == *TRAILER {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

/// How long the row at the start of `bytes` is, if all of it is there.
fn row_length(mut bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let available = bytes.len();
    if bytes == TRAILER {
        return Ok(None);
    }
    let Ok(fields) = bytes.try_get_i16() else {
        return Ok(None);
    };
    for _ in 0..u16::try_from(fields).map_err(|_| Malformed)? {
        let Ok(length) = bytes.try_get_i32() else {
            return Ok(None);
        };
        let length = usize::try_from(length).or(if length == ABSENT { Ok(0) } else { Err(Malformed) })?;
        if bytes.len() < length {
            return Ok(None);
        }
        bytes.advance(length);
    }
    Ok(Some(available - bytes.len()))
}

/// Calls `each` with the values of each row of `chunk`, which are of `columns`.
///
/// # Errors
/// Those of `each`, and [`Malformed`] for values of other kinds.
pub(crate) fn for_each_row<E: From<Malformed>>(
    chunk: &Chunk,
    columns: &[(&str, Kind)],
    mut each: impl FnMut(&[Param<'_>]) -> Result<(), E>,
) -> Result<(), E> {
    let mut bytes = &chunk.bytes[..];
    let mut values = Vec::new();
    while !bytes.is_empty() {
        values.clear();
        let _fields = bytes.try_get_i16().map_err(|_| Malformed)?;
        for (_, kind) in columns {
            let length = bytes.try_get_i32().map_err(|_| Malformed)?;
            values.push(match usize::try_from(length) {
                Ok(length) => {
                    let (value, rest) = bytes.split_at_checked(length).ok_or(Malformed)?;
                    bytes = rest;
                    decode(*kind, value)?
                }
                Err(_) => Param::Null,
            });
        }
        each(&values)?;
    }
    Ok(())
}

fn decode(kind: Kind, value: &[u8]) -> Result<Param<'_>, Malformed> {
    Ok(match kind {
        Kind::Int => Param::Int(i64::from_be_bytes(value.try_into().map_err(|_| Malformed)?)),
        Kind::Bool => match value {
            [0] => Param::Bool(false),
            [1] => Param::Bool(true),
            _ => return Err(Malformed),
        },
        Kind::Text => Param::Text(std::str::from_utf8(value).map_err(|_| Malformed)?),
        Kind::Bytes => Param::Bytes(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [(&str, Kind); 5] = [
        ("number", Kind::Int),
        ("truth", Kind::Bool),
        ("text", Kind::Text),
        ("bytes", Kind::Bytes),
        ("nothing", Kind::Text),
    ];

    fn two_rows() -> Chunk {
        let mut chunks = Chunks::default();
        for number in [-1, i64::MAX] {
            chunks.begin_row(COLUMNS.len());
            chunks.int(number);
            chunks.bool(number < 0);
            chunks.field("Ünï".as_bytes());
            chunks.field(&[0, 0xff, 0xff]);
            chunks.absent();
        }
        chunks.rest().expect("two rows")
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let mut seen = Vec::new();
        for_each_row(&two_rows(), &COLUMNS, |values| {
            seen.push(format!("{values:?}"));
            Ok::<_, Malformed>(())
        })
        .expect("ours");
        let rest = r#"Text("Ünï"), Bytes([0, 255, 255]), Null]"#;
        assert_eq!(
            seen,
            [
                format!("[Int(-1), Bool(true), {rest}"),
                format!("[Int({}), Bool(false), {rest}", i64::MAX)
            ]
        );
    }

    #[test]
    fn rows_that_come_in_pieces_of_any_size_are_put_together() {
        let sent = [HEADER, &two_rows().bytes, TRAILER].concat();
        for size in 1..=sent.len() {
            let (mut incoming, mut chunks) = (Incoming::default(), Chunks::default());
            for piece in sent.chunks(size) {
                incoming.take_in(piece, &mut chunks).expect("well formed");
            }
            incoming.finish().expect("all of it");
            assert_eq!(chunks.rest(), Some(two_rows()), "in pieces of {size}");
        }
    }

    #[test]
    fn what_ends_too_early_or_is_something_else_is_refused() {
        let cut = [HEADER, &two_rows().bytes].concat();
        let (mut incoming, mut chunks) = (Incoming::default(), Chunks::default());
        incoming.take_in(&cut, &mut chunks).expect("well formed so far");
        assert!(incoming.finish().is_err());
        let text = b"1\ttab separated text, as COPY gives without being asked for more\n";
        assert!(Incoming::default().take_in(text, &mut chunks).is_err());
        let negative = [HEADER, &[0, 1, 0xff, 0xff, 0xff, 0xfe]].concat();
        assert!(Incoming::default().take_in(&negative, &mut chunks).is_err());
        let mut number = Chunks::default();
        number.begin_row(1);
        number.field(b"three");
        let number = number.rest().expect("a row");
        for kind in [Kind::Int, Kind::Bool] {
            let read = for_each_row(&number, &[("number", kind)], |_| Ok::<_, Malformed>(()));
            assert!(read.is_err(), "{kind:?}");
        }
    }
}
