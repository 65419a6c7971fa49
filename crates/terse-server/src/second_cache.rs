//! The second cache: links in Redis, which replicas share, for when the database is far away.
//!
//! It is never the truth, and needs no care: an entry says as of when it was read, and whoever reads it believes it only if no
//! change was heard since ([`crate::cache::Question`]). So nobody has to remove entries, a flushed or stale Redis is as good
//! as an empty one, and one that is slow, hung, full, read-only or gone costs a visitor its time budget once.

mod connection;
mod entry;
#[cfg(test)]
mod tests;
mod url;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Cmd, RedisError, Script, cmd};
use terse_core::ShortCode;
use terse_store::{AsOf, OwnChanges, RedirectRow, Store};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::Instrument;

use crate::telemetry::names;
use connection::{Connections, Current};

pub use entry::Entry;
pub use url::{InvalidRedisUrl, RedisUrl};

/// How long Redis may take for an answer, or for the greeting of a new connection.
pub const ANSWER_WITHIN: Duration = Duration::from_millis(50);
/// How long an entry stays, unless Redis wants the room before.
const KEPT_FOR: Duration = Duration::from_hours(1);
/// Entries that wait to be written, at most; more are left out.
const WRITES_WAITING_MAX: usize = 1_024;

/// Keeps what is read from the database; an older reading never takes the place of a newer one.
const KEEP_IF_NEWER: &str = "\
    local present = redis.call('GET', KEYS[1]) \
    if present and string.sub(present, 1, tonumber(ARGV[3])) >= string.sub(ARGV[1], 1, tonumber(ARGV[3])) then return 0 end \
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) \
    return 1";

/// Links in Redis.
#[derive(Debug)]
pub struct SecondCache {
    connections: Connections,
    /// What was changed is read there.
    store: Store,
    writes: mpsc::Sender<(ShortCode, Write)>,
    to_write: tokio::sync::Mutex<mpsc::Receiver<(ShortCode, Write)>>,
    own_changes: tokio::sync::Mutex<OwnChanges>,
    hits: AtomicU64,
    misses: AtomicU64,
    failures: AtomicU64,
    write_failures: AtomicU64,
}

/// What is to be written of a code.
#[derive(Debug)]
enum Write {
    Entry(Entry),
    /// What the database says, as it was changed at this moment.
    Anew(AsOf),
}

/// What was counted since the start, and how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondCacheStats {
    /// Codes that were found, and recently enough read.
    pub hits: u64,
    /// Links that were not there, or too old.
    pub misses: u64,
    /// Look-ups whose answer did not come in time or was an error.
    pub failures: u64,
    /// Entries that could not be written.
    pub write_failures: u64,
    /// Whether it is left alone, because it could not be asked.
    pub is_open: bool,
}

impl SecondCache {
    /// The cache at `url`, of links in `store`. Nothing is asked of it until [`Self::run`] has reached it.
    pub fn new(url: RedisUrl, store: Store) -> Self {
        let (writes, to_write) = mpsc::channel(WRITES_WAITING_MAX);
        Self {
            connections: Connections::to(url),
            own_changes: tokio::sync::Mutex::new(store.own_changes()),
            store,
            writes,
            to_write: tokio::sync::Mutex::new(to_write),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            write_failures: AtomicU64::new(0),
        }
    }

    /// Reaches Redis, again after each failure, and writes what was kept; for ever. Tells whether it can be asked whenever
    /// that changes.
    pub async fn run(&self, tell: impl Fn(bool) + Send) {
        tokio::join!(self.connections.keep(tell), self.write(), self.take_own_changes());
    }

    /// Keeps what this replica has changed as it was changed: the database may hang before it can be asked, and those who hear
    /// nothing of it any more look here.
    async fn take_own_changes(&self) {
        let mut own_changes = self.own_changes.lock().await;
        while let Some(made) = own_changes.next().await {
            let entry = match made.row {
                Some(row) => Entry::Link(row),
                None => Entry::Nothing { as_of: made.as_of },
            };
            // Waits for room, in which nothing is lost: changes are few.
            if self.connections.is_there()
                && self.writes.send((made.code, Write::Entry(entry))).await.is_err()
            {
                return;
            }
        }
    }

    /// What this code leads to, if that is there and was read at `since` or later.
    pub async fn get(&self, code: &ShortCode, since: AsOf) -> Option<Entry> {
        let connection = self.connections.current()?;
        let mut command = cmd("GET");
        let asking = self.ask(connection, command.arg(key(code)));
        let bytes: Option<Vec<u8>> = asking.instrument(names::redis_span()).await?;
        let found = bytes.as_deref().and_then(entry::decode);
        let found = found.filter(|entry| entry.as_of() >= since);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Has kept what was just read from the database; does not wait for it.
    pub fn keep(&self, code: &ShortCode, row: &RedirectRow) {
        self.enqueue(code, Write::Entry(Entry::Link(row.clone())));
    }

    /// Has what was kept of a code replaced, for it was changed at `as_of`: a replica that is cut off from the
    /// database may see it here.
    pub fn changed(&self, code: &ShortCode, as_of: AsOf) {
        self.enqueue(code, Write::Anew(as_of));
    }

    /// What was counted since the start.
    pub fn stats(&self) -> SecondCacheStats {
        SecondCacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            write_failures: self.write_failures.load(Ordering::Relaxed),
            is_open: !self.connections.is_there(),
        }
    }

    fn enqueue(&self, code: &ShortCode, write: Write) {
        if self.connections.is_there() {
            // What finds no room is kept when it is read the next time.
            let _ = self.writes.try_send((code.clone(), write));
        }
    }

    async fn write(&self) {
        let script = Script::new(KEEP_IF_NEWER);
        let mut to_write = self.to_write.lock().await;
        while let Some((code, write)) = to_write.recv().await {
            let entry = match write {
                Write::Entry(entry) => entry,
                Write::Anew(as_of) => match self.store.find_redirect(&code).await {
                    Ok(Some(row)) => Entry::Link(row),
                    Ok(None) => Entry::Nothing { as_of },
                    Err(_) => continue,
                },
            };
            let Some(connection) = self.connections.current() else {
                continue;
            };
            let mut call = script.prepare_invoke();
            call.key(key(&code))
                .arg(entry::encode(&entry))
                .arg(KEPT_FOR.as_secs())
                .arg(entry::AS_OF_BYTES);
            let mut writing = connection.connection.clone();
            let written = timeout(ANSWER_WITHIN, call.invoke_async::<i64>(&mut writing)).await;
            self.note(&connection, written, &self.write_failures);
        }
    }

    async fn ask<T: redis::FromRedisValue>(&self, connection: Current, command: &Cmd) -> Option<T> {
        let mut asking = connection.connection.clone();
        let answer = timeout(ANSWER_WITHIN, command.query_async(&mut asking)).await;
        self.note(&connection, answer, &self.failures)
    }

    /// What came of a question; after a failure nobody else waits for this connection.
    fn note<T>(
        &self,
        connection: &Current,
        answer: Result<Result<T, RedisError>, tokio::time::error::Elapsed>,
        failures: &AtomicU64,
    ) -> Option<T> {
        let error = match answer {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        failures.fetch_add(1, Ordering::Relaxed);
        // Full: what is there can still be read.
        if error.as_ref().and_then(RedisError::code) != Some("OOM") {
            self.connections.give_up(connection, error.as_ref());
        }
        None
    }
}

/// The number changes when the entries' format does.
fn key(code: &ShortCode) -> String {
    format!("terse:1:{code}")
}
