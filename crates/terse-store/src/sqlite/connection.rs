//! Connections: how they are opened, and what is decided for each.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::failure::error_of;
use crate::error::{Error, Result};
use crate::store::StoreOptions;

/// 3.51.3: earlier ones can lose a WAL that is reset while another connection writes.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How long to wait for another process that holds the file, such as a checkpoint of a backup's reader.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// More than there are statements: none is ever prepared twice.
const STATEMENTS_CACHED_MAX: usize = 128;
/// The index of codes, which new links are spread over, is written from memory as far as it fits.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// The upper levels of the indices; below, the operating system's cache serves as well.
const READER_CACHE_KIB: i64 = 4 * 1024;
/// Pages in the WAL before a commit copies them back: 16 MiB, so that not every batch of clicks does.
const CHECKPOINT_PAGES: i64 = 4_096;
/// What a long reader made the WAL grow to is given back down to this.
const JOURNAL_BYTES_MAX: i64 = 64 * 1024 * 1024;
/// SQLite's default, which we never change.
const PAGE_BYTES: u64 = 4_096;

/// The connection that writes; makes the file when there is none.
///
/// Without `mmap_size`: a read error in a map is a signal that kills the process, not an error that one caller gets.
pub(super) fn open_writer(path: &Path, options: &StoreOptions) -> Result<Connection> {
    check_version(rusqlite::version_number())?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    set(&connection, "journal_mode", "wal")?;
    set(&connection, "synchronous", "full")?;
    set(&connection, "foreign_keys", "on")?;
    set(&connection, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    set(&connection, "journal_size_limit", JOURNAL_BYTES_MAX)?;
    set(&connection, "cache_size", -WRITER_CACHE_KIB)?;
    if let Some(bytes) = options.size_max_bytes {
        let pages = i64::try_from(bytes / PAGE_BYTES).unwrap_or(i64::MAX).max(1);
        set(&connection, "max_page_count", pages)?;
    }
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    let connection = open(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    set(&connection, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

/// Copies the WAL back into the file and empties it.
pub(super) fn checkpoint(connection: &Connection) -> Result<()> {
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(error_of)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags).map_err(error_of)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(error_of)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    // Otherwise SQLite plans some statements anew whenever another value is bound, as costly as running them.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(error_of)?;
    Ok(connection)
}

/// Some pragmas answer with a row, some do not.
fn set(connection: &Connection, pragma: &str, value: impl rusqlite::ToSql) -> Result<()> {
    connection
        .pragma_update_and_check(None, pragma, value, |_| Ok(()))
        .or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            error => Err(error),
        })
        .map_err(error_of)
}

fn check_version(version: i32) -> Result<()> {
    if version >= SQLITE_VERSION_MIN {
        return Ok(());
    }
    Err(Error::Unusable(format!(
        "this program was linked with SQLite {version}, which can lose writes; it needs {SQLITE_VERSION_MIN}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_loses_writes_is_refused() {
        assert!(check_version(SQLITE_VERSION_MIN).is_ok());
        assert!(matches!(check_version(3_051_002), Err(Error::Unusable(_))));
    }
}
