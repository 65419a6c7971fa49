//! Embedded SQLite: one thread that writes, a few that read, and bounded queues in front of them.
//!
//! SQLite has one writer anyway; giving it one thread replaces lock contention by a queue, and lets many small
//! writes share one sync to disk. See [`writer`] for that, [`reader`] for the other side.

mod backup;
mod connection;
pub(crate) mod copying;
mod drive;
mod failure;
mod reader;
mod row;
#[cfg(test)]
mod tests;
mod tx;
mod worker;
mod writer;

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::{oneshot, watch};

use crate::db::{self, Job, Read};
use crate::error::{Error, Result, Trouble};
use crate::pool::{Pool, PoolState, PoolUse};
use crate::store::StoreOptions;

pub(crate) use backup::backup;
pub(crate) use row::Row;
pub(crate) use tx::Tx;

use crate::task::{Pending, Task};

/// Writes that may wait; further ones are refused at once rather than kept waiting for longer than clients do.
const WRITES_WAITING_MAX: usize = 4_096;
/// Short reads that may wait.
const POINTS_WAITING_MAX: usize = 16_384;
/// Long reads that may wait.
const SCANS_WAITING_MAX: usize = 512;

/// A handle to the threads; they finish what is queued and end when it is closed or dropped.
#[derive(Debug)]
pub(crate) struct Sqlite {
    /// `None` once closed.
    queues: RwLock<Option<Queues>>,
    /// Knows whether a thread is left: each holds a receiver.
    ended: watch::Sender<()>,
}

#[derive(Debug)]
struct Queues {
    writes: Sender<Box<dyn Task>>,
    points: Sender<Box<dyn Task>>,
    scans: Sender<Box<dyn Task>>,
}

/// The other ends of [`Queues`].
#[derive(Debug, Clone)]
struct Tasks {
    writes: Receiver<Box<dyn Task>>,
    points: Receiver<Box<dyn Task>>,
    scans: Receiver<Box<dyn Task>>,
}

impl Sqlite {
    pub(crate) async fn open(path: PathBuf, options: StoreOptions) -> Result<Self> {
        let (queues, tasks) = queues();
        let (ended, running) = watch::channel(());
        let (opened, is_open) = oneshot::channel();
        thread::Builder::new()
            .name("sqlite-write".to_owned())
            .spawn(move || {
                worker::run(&path, &options, &tasks, opened);
                drop(running);
            })
            .map_err(Error::unavailable)?;
        is_open
            .await
            .unwrap_or_else(|_| Err(Error::internal(Trouble::Closed)))?;
        Ok(Self {
            queues: RwLock::new(Some(queues)),
            ended,
        })
    }

    /// Makes the file if there is none, and brings its schema up to date; the names of the steps that took.
    pub(crate) async fn migrate(path: PathBuf, options: StoreOptions) -> Result<Vec<&'static str>> {
        copying::on_a_thread(move || worker::open_migrated(&path, &options).map(|(_, steps)| steps)).await
    }

    pub(crate) async fn read<T: Send + 'static>(&self, read: Read, job: Job<T>) -> Result<T> {
        match read {
            Read::Point => self.submit(job, |queues| &queues.points).await,
            Read::Scan => self.submit(job, |queues| &queues.scans).await,
        }
    }

    pub(crate) async fn write<T: Send + 'static>(&self, job: Job<T>) -> Result<T> {
        self.submit(job, |queues| &queues.writes).await
    }

    /// How many wait for the threads; nobody does once they are closed.
    pub(crate) fn pool_uses(&self) -> [PoolUse; 2] {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let waiting = |pool, count: fn(&Queues) -> usize| PoolUse {
            pool,
            state: PoolState::Waiting,
            count: queues.as_ref().map_or(0, count),
        };
        [
            waiting(Pool::Read, |queues| queues.points.len() + queues.scans.len()),
            waiting(Pool::Write, |queues| queues.writes.len()),
        ]
    }

    /// Lets nothing new in, and returns when everything queued was answered and the files are closed.
    pub(crate) async fn close(&self) {
        let queues = self.queues.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(queues);
        self.ended.closed().await;
    }

    async fn submit<T: Send + 'static>(
        &self,
        job: Job<T>,
        queue: fn(&Queues) -> &Sender<Box<dyn Task>>,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Box::new(Pending::new(job, answer)), queue)?;
        answered
            .await
            .unwrap_or_else(|_| Err(Error::unavailable(Trouble::Closed)))
    }

    fn enqueue(&self, task: Box<dyn Task>, queue: fn(&Queues) -> &Sender<Box<dyn Task>>) -> Result<()> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let queues = queues
            .as_ref()
            .ok_or_else(|| Error::unavailable(Trouble::Closed))?;
        queue(queues).try_send(task).map_err(|refused| {
            Error::unavailable(match refused {
                TrySendError::Full(_) => Trouble::QueueFull,
                TrySendError::Disconnected(_) => Trouble::Closed,
            })
        })
    }
}

fn queues() -> (Queues, Tasks) {
    let (writes, write_tasks) = bounded(WRITES_WAITING_MAX);
    let (points, point_tasks) = bounded(POINTS_WAITING_MAX);
    let (scans, scan_tasks) = bounded(SCANS_WAITING_MAX);
    (
        Queues {
            writes,
            points,
            scans,
        },
        Tasks {
            writes: write_tasks,
            points: point_tasks,
            scans: scan_tasks,
        },
    )
}

/// The transaction of a thread of this engine.
fn sqlite(tx: &db::Tx) -> &Tx {
    match tx {
        db::Tx::Sqlite(tx) => tx,
        db::Tx::Postgres(_) => unreachable!("SQLite's threads have SQLite's transactions"),
    }
}
