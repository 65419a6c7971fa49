//! Copies of a database that is in use, also by another process.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::connection;
use super::failure::error_of;
use crate::error::{Error, Result};

/// 4 MiB: often enough for a progress bar.
const PAGES_PER_STEP: i32 = 1_024;

/// See [`crate::Store::backup_to`].
pub(crate) fn backup(source: &Path, target: &Path, progress: impl FnMut(u64, u64)) -> Result<()> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let unfinished = tempfile::Builder::new()
        .prefix(".backup-")
        .tempfile_in(folder)
        .map_err(Error::unavailable)?;
    copy(source, unfinished.path(), progress)?;
    unfinished.as_file().sync_all().map_err(Error::unavailable)?;
    unfinished.persist(target).map_err(Error::unavailable)?;
    // The rename is a change of the folder.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::unavailable)
}

/// A transaction held open on the source gives every step the same state: otherwise each write of the server
/// would start the copy over, and a busy server would never let it end.
fn copy(source: &Path, target: &Path, mut progress: impl FnMut(u64, u64)) -> Result<()> {
    let source = connection::open_reader(source)?;
    source
        .execute_batch("BEGIN; SELECT 1 FROM sqlite_schema")
        .map_err(error_of)?;
    let mut target = Connection::open(target).map_err(error_of)?;
    // Nothing to recover: a copy that was interrupted is thrown away, a whole one is synced at the end.
    target
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        .map_err(error_of)?;
    let backup = Backup::new(&source, &mut target).map_err(error_of)?;
    loop {
        let step = backup.step(PAGES_PER_STEP).map_err(error_of)?;
        let pages = backup.progress();
        let total = u64::try_from(pages.pagecount).unwrap_or(0);
        let remaining = u64::try_from(pages.remaining).unwrap_or(0);
        progress(total.saturating_sub(remaining), total);
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => {
                return Err(Error::unavailable(std::io::Error::from(
                    std::io::ErrorKind::ResourceBusy,
                )));
            }
        }
    }
}
