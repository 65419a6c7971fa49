//! The life of the threads: open, migrate, serve, and close in the right order.

use std::path::Path;
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use super::drive::drive;
use super::{Tasks, Tx, connection, reader, sqlite, writer};
use crate::db;
use crate::error::{Error, Result};
use crate::migrations::{self, CREATE_RECORD, Migration};
use crate::store::StoreOptions;

/// What stands for the braces in the migrations.
const WORDS: [(&str, &str); 7] = [
    ("{id}", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    ("{given_id}", "INTEGER PRIMARY KEY"),
    ("{bytes}", "BLOB"),
    ("{clustered}", " WITHOUT ROWID"),
    // SQLite's indices end with the row's id anyway.
    ("{then_id}", ""),
    (
        "{link_sequence}",
        "SELECT seq AS highest_id FROM sqlite_sequence WHERE name = 'links'",
    ),
    // AUTOINCREMENT sees to it.
    ("{given_ids_move_sequences}", ""),
];

/// The thread that writes; it starts the readers and outlives them, because only a connection that may write can
/// tidy up the WAL.
pub(super) fn run(path: &Path, options: &StoreOptions, tasks: &Tasks, opened: oneshot::Sender<Result<()>>) {
    let (mut tx, readers) = match open(path, options, tasks) {
        Ok(opened) => opened,
        Err(error) => {
            // The receiver waits for exactly this.
            let _ = opened.send(Err(error));
            return;
        }
    };
    if opened.send(Ok(())).is_ok() {
        writer::run(&mut tx, &tasks.writes);
    }
    for reader in readers {
        if reader.join().is_err() {
            tracing::error!("a thread that reads from SQLite had panicked");
        }
    }
    if let Err(error) = connection::checkpoint(sqlite(&tx).connection()) {
        tracing::warn!(%error, "the WAL stays beside the database; the next start reads it");
    }
}

fn open(path: &Path, options: &StoreOptions, tasks: &Tasks) -> Result<(db::Tx, Vec<JoinHandle<()>>)> {
    let tx = open_alone(path, options)?;
    let readers = options.readers.max(1);
    let handles = (0..readers).map(|index| {
        let takes_scans = index > 0 || readers == 1;
        start_reader(path, tasks.clone(), index, takes_scans)
    });
    let handles = handles.collect::<Result<_>>()?;
    Ok((tx, handles))
}

/// The connection that writes, with the schema up to date.
pub(super) fn open_alone(path: &Path, options: &StoreOptions) -> Result<db::Tx> {
    open_migrated(path, options).map(|(tx, _)| tx)
}

/// As [`open_alone`], with the names of the steps that brought the schema up to date.
pub(super) fn open_migrated(path: &Path, options: &StoreOptions) -> Result<(db::Tx, Vec<&'static str>)> {
    let mut tx = db::Tx::Sqlite(Tx::new(connection::open_writer(path, options)?));
    let steps = migrate(&mut tx)?;
    Ok((tx, steps))
}

fn start_reader(path: &Path, tasks: Tasks, index: usize, takes_scans: bool) -> Result<JoinHandle<()>> {
    let tx = db::Tx::Sqlite(Tx::new(connection::open_reader(path)?));
    thread::Builder::new()
        .name(format!("sqlite-read-{index}"))
        .spawn(move || reader::run(tx, &tasks, takes_scans))
        .map_err(Error::unavailable)
}

fn migrate(tx: &mut db::Tx) -> Result<Vec<&'static str>> {
    batch(tx, CREATE_RECORD)?;
    let pending = drive(migrations::pending(tx))?;
    for migration in pending {
        batch(tx, "BEGIN IMMEDIATE")?;
        match apply(tx, migration) {
            Ok(()) => batch(tx, "COMMIT")?,
            Err(error) => {
                batch(tx, "ROLLBACK")?;
                return Err(error);
            }
        }
        tracing::info!(migration = migration.name, "migrated");
    }
    Ok(pending.iter().map(|migration| migration.name).collect())
}

fn apply(tx: &mut db::Tx, migration: &Migration) -> Result<()> {
    batch(tx, &migration.in_terms_of(&WORDS))?;
    drive(migrations::record(tx, migration))
}

fn batch(tx: &db::Tx, text: &str) -> Result<()> {
    sqlite(tx)
        .connection()
        .execute_batch(text)
        .map_err(super::failure::error_of)
}
