//! Rows a few thousand at a time, parsed on a thread of their own while the store takes those before them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use tokio::sync::mpsc;

use super::error::TransferError;
use super::report::Skipped;
use super::table::{Column, Row, Table};

/// Rows that go to the store in one transaction.
pub(super) const CHUNK_ROWS_MAX: usize = 4_096;
/// A chunk of long rows ends earlier: bounds memory.
const CHUNK_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Chunks that are parsed ahead of the store.
const CHUNKS_AHEAD_MAX: usize = 2;

/// A part of a file.
#[derive(Debug)]
pub(super) struct Chunk<T> {
    /// Rows that make sense, with their numbers.
    pub(super) rows: Vec<(u64, T)>,
    /// Rows that do not.
    pub(super) bad: Vec<Skipped>,
    /// Bytes of the file up to the end of this part.
    pub(super) bytes_done: u64,
}

/// A file whose header was read and found good.
pub(super) struct Source {
    table: Table<File>,
    path: PathBuf,
    bytes_total: u64,
}

impl Source {
    /// Opens the file at `path`.
    pub(super) fn open(path: &Path, columns: &[Column]) -> Result<Self, TransferError> {
        let name = path.display().to_string();
        let read = |source| TransferError::Read {
            file: name.clone(),
            source,
        };
        let file = File::open(path).map_err(read)?;
        let bytes_total = file.metadata().map_err(read)?.len();
        Ok(Self {
            table: Table::open(name.clone(), file, columns)?,
            path: path.to_owned(),
            bytes_total,
        })
    }

    /// How long the file is.
    pub(super) fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// Starts the thread that parses the rows. It ends with the file, or when nobody takes its chunks any more.
    pub(super) fn parse<T: Send + 'static>(
        self,
        parse: fn(&Row<'_>) -> Result<T, String>,
    ) -> Result<mpsc::Receiver<Result<Chunk<T>, TransferError>>, TransferError> {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD_MAX);
        let Self { mut table, path, .. } = self;
        let work = move || {
            while let Some(chunk) = next_chunk(&mut table, &parse).transpose() {
                let is_last = chunk.is_err();
                if sender.blocking_send(chunk).is_err() || is_last {
                    return;
                }
            }
        };
        // Its handle is not kept: the channel's end says when it is done.
        thread::Builder::new()
            .name("import-parser".to_owned())
            .spawn(work)
            .map_err(|source| TransferError::Read {
                file: path.display().to_string(),
                source,
            })?;
        Ok(receiver)
    }
}

/// The next rows of `table`; `None` at its end.
pub(super) fn next_chunk<R: io::Read, T>(
    table: &mut Table<R>,
    parse: &impl Fn(&Row<'_>) -> Result<T, String>,
) -> Result<Option<Chunk<T>>, TransferError> {
    let begin = table.bytes_done();
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    while rows.len() + bad.len() < CHUNK_ROWS_MAX && table.bytes_done() - begin < CHUNK_BYTES_MAX {
        let Some((row, fields)) = table.next_row()? else {
            break;
        };
        match fields.and_then(|fields| parse(&fields)) {
            Ok(value) => rows.push((row, value)),
            Err(reason) => bad.push(Skipped { row, reason }),
        }
    }
    let bytes_done = table.bytes_done();
    Ok((!rows.is_empty() || !bad.is_empty()).then_some(Chunk {
        rows,
        bad,
        bytes_done,
    }))
}
