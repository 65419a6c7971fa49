//! PostgreSQL: a pool of connections that read, and one writer in the whole cluster at a time.
//!
//! See [`writer`] for why; everything else in here serves being told quickly and truly when the server is away, and being
//! back at once when it is back.

mod bus;
mod connection;
pub(crate) mod copying;
mod failure;
mod frozen;
mod limits;
mod schema;
#[cfg(test)]
mod tests;
mod tls;
mod tx;
mod url;
mod value;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use terse_core::Clock;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::bus::News;
use crate::db::{self, Job, Read};
use crate::error::{Error, Result, Trouble};
use crate::pool::{Pool, PoolState, PoolUse};
use crate::store::StoreOptions;
use crate::task::Pending;

use frozen::Frozen;
use limits::Limits;
pub(crate) use limits::Patience;
pub(crate) use tx::Tx;
pub use url::{InvalidPostgresUrl, PostgresUrl};
pub(crate) use value::Row;

/// Writes that may wait; further ones are refused at once rather than kept waiting for longer than clients do.
const WRITES_WAITING_MAX: usize = 4_096;
/// Connections that long reads leave to short ones, where there are more than that.
const SCANS_LEAVE: usize = 4;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// A handle to the pool and the writer.
#[derive(Debug)]
pub(crate) struct Postgres {
    listen_at: PostgresUrl,
    reads: deadpool_postgres::Pool,
    /// Long reads that may be under way at once.
    scans: Semaphore,
    writes: deadpool_postgres::Pool,
    /// `None` once closed.
    queue: Mutex<Option<mpsc::Sender<writer::Waiting>>>,
    /// `None` once somebody waits for its end.
    writer: Mutex<Option<JoinHandle<()>>>,
    limits: Limits,
    /// The state that every read sees, if it is not the newest.
    frozen: Option<Box<Frozen>>,
}

impl Postgres {
    pub(crate) async fn open(url: &PostgresUrl, options: &StoreOptions) -> Result<Self> {
        let limits = Limits::new(options.server_within);
        let reads = connection::pool(url, options.connections_max.saturating_sub(1), limits)?;
        let writes = connection::pool(url, 1, limits)?;
        let mut frozen = None;
        if options.is_frozen {
            schema::require_all(&writes, limits).await?;
            frozen = Some(Box::new(Frozen::now(url, limits).await?));
        } else {
            migrate_when_there(url, &writes, limits, options.server_there_within).await?;
        }
        let (queue, tasks) = mpsc::channel(WRITES_WAITING_MAX);
        #[expect(
            clippy::disallowed_methods,
            reason = "the store's own, as SQLite's threads are; `close` waits for it"
        )]
        let running = tokio::spawn(writer::run(writes.clone(), limits, tasks));
        Ok(Self {
            listen_at: options.listen_at.as_ref().unwrap_or(url).clone(),
            scans: Semaphore::new(reads.status().max_size.saturating_sub(SCANS_LEAVE).max(1)),
            reads,
            writes,
            queue: Mutex::new(Some(queue)),
            writer: Mutex::new(Some(running)),
            limits,
            frozen,
        })
    }

    /// Brings the schema up to date; the names of the steps that took.
    pub(crate) async fn migrate(url: &PostgresUrl, options: &StoreOptions) -> Result<Vec<&'static str>> {
        let limits = Limits::new(options.server_within);
        migrate_when_there(
            url,
            &connection::pool(url, 1, limits)?,
            limits,
            options.server_there_within,
        )
        .await
    }

    /// Runs `job` on one consistent state.
    pub(crate) async fn read<T: Send + 'static>(&self, read: Read, job: Job<T>) -> Result<T> {
        let outcome = self.try_read(read, job).await;
        if matches!(outcome, Err(Error::Unavailable(_))) {
            connection::forget_idle(&self.reads);
        }
        outcome
    }

    pub(crate) async fn write<T: Send + 'static>(&self, patience: Patience, job: Job<T>) -> Result<T> {
        let (answer, mut answered) = oneshot::channel();
        let pending = Pending::new(job, answer);
        let progress = pending.progress();
        self.enqueue((Box::new(pending), patience))?;
        let abandoned = |_| Err(Error::unavailable(Trouble::Abandoned));
        match timeout(self.limits.of(patience), &mut answered).await {
            Ok(result) => result.unwrap_or_else(abandoned),
            Err(_) if progress.give_up() => Err(Error::unavailable(Trouble::NoTurn)),
            Err(_) => answered.await.unwrap_or_else(abandoned),
        }
    }

    pub(crate) fn pool_uses(&self) -> Vec<PoolUse> {
        let writes_waiting = {
            let queue = lock(&self.queue);
            queue
                .as_ref()
                .map_or(0, |queue| queue.max_capacity() - queue.capacity())
        };
        let reads_waiting = self.reads.status().waiting;
        [
            (Pool::Read, &self.reads, reads_waiting),
            (Pool::Write, &self.writes, writes_waiting),
        ]
        .into_iter()
        .flat_map(|(pool, connections, waiting)| {
            let now = connections.status();
            let states = [
                (PoolState::Waiting, waiting),
                (PoolState::Idle, now.available),
                (PoolState::Used, now.size.saturating_sub(now.available)),
            ];
            states.map(|(state, count)| PoolUse { pool, state, count })
        })
        .collect()
    }

    /// Tells of changes for ever.
    pub(crate) async fn follow(&self, clock: Arc<dyn Clock>, name: String, tell: impl FnMut(News) + Send) {
        let listener = bus::Listener {
            url: &self.listen_at,
            pool: &self.reads,
            limits: self.limits,
            clock,
            name,
        };
        listener.run(tell).await;
    }

    /// Lets nothing new in, and returns when everything queued was answered.
    pub(crate) async fn close(&self) {
        drop(lock(&self.queue).take());
        let writer = lock(&self.writer).take();
        if let Some(writer) = writer
            && writer.await.is_err()
        {
            tracing::error!("the task that writes to PostgreSQL had panicked");
        }
        self.reads.close();
        self.writes.close();
    }

    async fn try_read<T>(&self, read: Read, job: Job<T>) -> Result<T> {
        let patience = match read {
            Read::Point => Patience::Quick,
            Read::Scan => Patience::Long,
        };
        let opening = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {}SET LOCAL statement_timeout = {}",
            self.frozen.as_ref().map_or("", |frozen| &frozen.opening),
            self.limits.of(patience).as_millis()
        );
        // Long ones leave connections to those that visitors wait for, and to beats.
        let _turn = match read {
            Read::Point => None,
            Read::Scan => self.scans.acquire().await.ok(),
        };
        let connection = connection::get(&self.reads).await?;
        let mut tx = db::Tx::Postgres(Tx::opened_by(connection, opening, self.limits.of(patience)));
        let outcome = job(&mut tx).await;
        if let db::Tx::Postgres(tx) = tx {
            tx.end();
        }
        outcome
    }

    fn enqueue(&self, waiting: writer::Waiting) -> Result<()> {
        let queue = lock(&self.queue);
        let queue = queue
            .as_ref()
            .ok_or_else(|| Error::unavailable(Trouble::Closed))?;
        queue.try_send(waiting).map_err(|refused| {
            Error::unavailable(match refused {
                TrySendError::Full(_) => Trouble::QueueFull,
                TrySendError::Closed(_) => Trouble::Closed,
            })
        })
    }
}

async fn migrate_when_there(
    url: &PostgresUrl,
    pool: &deadpool_postgres::Pool,
    limits: Limits,
    within: Duration,
) -> Result<Vec<&'static str>> {
    let mut has_said_so = false;
    let mut time_is_up = std::pin::pin!(sleep(within));
    loop {
        // Never given up in the middle: a migration may take long, and nobody else may migrate as long as it is not undone.
        let outcome = schema::migrate(pool, limits).await;
        let Err(Error::Unavailable(cause)) = &outcome else {
            return outcome;
        };
        if (&mut time_is_up).now_or_never().is_some() {
            return outcome;
        }
        if !std::mem::replace(&mut has_said_so, true) {
            tracing::warn!("waiting for {url}: {cause}");
        }
        connection::forget_idle(pool);
        sleep(TRY_AGAIN_AFTER).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
