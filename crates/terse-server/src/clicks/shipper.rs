//! The shipper: moves clicks from the journal into the store, each exactly once.
//!
//! The store takes a batch and the position behind it in one transaction, and only if its position is where the
//! batch begins. So a batch can be offered again after any failure, also when only the answer was lost: the store
//! then says how far it has come, and the shipper goes on from there. Clicks are never dropped: while the store is
//! away they stay where they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use terse_core::Timestamp;
use terse_store::Store;
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

use super::journal::{Ends, Journal};
use super::lane::Lane;
use backlog::Backlog;
use caught::caught;
use oldest::oldest_behind;
use rest::{Rest, Rhythm};

mod backlog;
mod batch;
#[cfg(feature = "bench-internals")]
pub(crate) mod bench;
mod caught;
mod interner;
mod oldest;
mod pass;
pub(super) mod rest;

pub use batch::SHIP_BATCH_MAX;

/// How long a shutdown waits for the last clicks to be shipped; the next start ships what is left.
const SHUTDOWN_SHIP_MAX: Duration = Duration::from_secs(5);

/// Ships one journal into one store.
pub struct Shipper {
    journal: Arc<Journal>,
    store: Store,
    /// One pass at a time, whoever asks for it.
    backlog: Mutex<Backlog>,
    progress: watch::Sender<Progress>,
    nudged: Notify,
    shipped_clicks: AtomicU64,
    failures: AtomicU64,
    missing_segments: AtomicU64,
    is_store_away: AtomicBool,
}

/// What has been shipped so far.
#[derive(Debug, Clone)]
struct Progress {
    /// How far each lane of this run is shipped, in the terms of [`Ends`].
    lanes: Box<[Passed]>,
    /// Segments of former runs that are still to be shipped.
    leftover_segments: usize,
    /// Segments of former runs that this run does not ship.
    blocked_segments: usize,
}

/// How far a lane of this run is shipped.
#[derive(Debug, Clone, Copy, Default)]
struct Passed {
    bytes: u64,
    clicks: u64,
}

/// What former runs had left and is in the store now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Clicks that were shipped.
    pub clicks: u64,
    /// Segments that were read to their end.
    pub segments: u64,
    /// Things that could not be read; [`Journal::problems`] names them.
    pub problems: u64,
}

/// How far the shipper is behind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShipperStats {
    /// Clicks of this run that are in the journal and not in the store. Those of former runs are known only once
    /// their segments are read: as long as `leftover_segments` or `blocked_segments` is not zero, there may be more.
    pub unshipped_clicks: u64,
    /// Bytes that they take.
    pub unshipped_bytes: u64,
    /// Segments of former runs that are still to be shipped.
    pub leftover_segments: usize,
    /// Segments of former runs that wait for the next start, because one of their lane could not be read.
    pub blocked_segments: usize,
    /// Segments of former runs that were gone before they were shipped, with their clicks.
    pub missing_segments: u64,
    /// Clicks that were shipped since the start, those of former runs included.
    pub shipped_clicks: u64,
    /// Passes over the journal that the store refused or that panicked.
    pub failures: u64,
    /// Whether the store refused the last batch.
    pub is_store_away: bool,
}

impl Progress {
    fn new(lanes: usize, backlog: &Backlog) -> Self {
        let mut progress = Self {
            lanes: vec![Passed::default(); lanes].into(),
            leftover_segments: 0,
            blocked_segments: 0,
        };
        progress.note_leftovers(backlog);
        progress
    }

    fn note_leftovers(&mut self, backlog: &Backlog) {
        self.leftover_segments = backlog.leftovers.len();
        self.blocked_segments = backlog.blocked_segments;
    }

    /// Whether everything up to `ends` is in the store, and what former runs left. Blocked segments do not count:
    /// readers would wait for them in vain.
    fn is_past(&self, Ends(ends): &Ends) -> bool {
        self.leftover_segments == 0 && self.lanes.iter().zip(ends).all(|(lane, end)| lane.bytes >= *end)
    }
}

impl Shipper {
    /// A shipper of `journal`, which must have no other.
    pub fn new(journal: Arc<Journal>, store: Store) -> Self {
        let backlog = Backlog::new(journal.take_leftovers());
        Self {
            progress: watch::Sender::new(Progress::new(journal.lanes().len(), &backlog)),
            backlog: Mutex::new(backlog),
            nudged: Notify::new(),
            shipped_clicks: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            missing_segments: AtomicU64::new(0),
            is_store_away: AtomicBool::new(false),
            journal,
            store,
        }
    }

    /// Ships what former runs left. Called before the first request is answered, so that nobody misses his clicks;
    /// when the store is away, [`Self::run`] does it later.
    pub async fn recover(&self) -> Result<Recovered, terse_store::Error> {
        let mut backlog = self.backlog.lock().await;
        self.ship_leftovers(&mut backlog).await
    }

    /// Ships until `stop` is cancelled, then whatever is left, within a few seconds, and brings the journal to disk.
    /// Cancel it after the last redirect was answered.
    pub async fn run(&self, stop: CancellationToken) {
        // Beside one another: who waits for a click must not wait for the indexing of others.
        tokio::join!(self.ship_until(&stop), self.fold_until(&stop));
    }

    async fn ship_until(&self, stop: &CancellationToken) {
        let mut rhythm = Rhythm::default();
        // Giving up amid a batch is safe: the store says later whether it has taken it.
        while let Some(rest) = stop.run_until_cancelled(self.turn(&mut rhythm)).await {
            if stop.run_until_cancelled(self.rest(rest)).await.is_none() {
                break;
            }
        }
        self.finish().await;
    }

    /// A pass; what is to come after it.
    pub(in crate::clicks) async fn turn(&self, rhythm: &mut Rhythm) -> Rest {
        let shipped_before = self.shipped_clicks.load(Ordering::Relaxed);
        let is_everything_shipped = self.note(caught(self.ship_all()).await);
        let shipped = self.shipped_clicks.load(Ordering::Relaxed) - shipped_before;
        rhythm.after(is_everything_shipped, shipped)
    }

    async fn rest(&self, rest: Rest) {
        match rest {
            Rest::Whole(time) => tokio::time::sleep(time).await,
            Rest::UntilNudged(time) => {
                // Running out is the ordinary end of a rest, and a nudge the other.
                let _ = tokio::time::timeout(time, self.nudged.notified()).await;
            }
        }
    }

    /// Has the store index what was shipped, whenever that is due. What is under way at the stop is finished.
    async fn fold_until(&self, stop: &CancellationToken) {
        loop {
            // First without waiting: a former run may have left much.
            if caught(self.store.fold_if_due()).await.is_err() {
                tracing::error!("indexing clicks panicked, and is tried again when more have come");
            }
            let due = self.store.until_fold_is_due();
            if stop.run_until_cancelled(due).await.is_none() {
                return;
            }
        }
    }

    /// Ends the shipper's rest.
    pub fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Waits, at most `within`, until every click that was answered before this call is in the store, by a former
    /// run too; whether it is. Costs a few loads when there is nothing to wait for.
    pub async fn caught_up(&self, within: Duration) -> bool {
        let ends = self.journal.ends();
        if self.progress.borrow().is_past(&ends) {
            return true;
        }
        let mut progress = self.progress.subscribe();
        self.nudge();
        tokio::time::timeout(within, progress.wait_for(|progress| progress.is_past(&ends)))
            .await
            .is_ok_and(|progress| progress.is_ok())
    }

    /// When the oldest click of this run was answered that is in the journal and not in the store. Those of former runs
    /// are known only once their segments are read.
    pub fn oldest_unshipped(&self) -> Option<Timestamp> {
        let progress = self.progress.borrow().clone();
        let lanes = self.journal.lanes().iter().zip(&progress.lanes);
        let behind = lanes.filter(|(lane, passed)| lane.end() > passed.bytes);
        let oldest = behind.filter_map(|(lane, passed)| oldest_behind(lane, passed.bytes));
        oldest.min()
    }

    /// Whether the store refused the last batch.
    pub fn is_store_away(&self) -> bool {
        self.is_store_away.load(Ordering::Relaxed)
    }

    /// How far the shipper is behind just now.
    pub fn stats(&self) -> ShipperStats {
        let progress = self.progress.borrow().clone();
        let lanes = self.journal.lanes().iter().zip(&progress.lanes);
        let behind = lanes.filter(|(lane, passed)| lane.end() > passed.bytes);
        let clicks = |(lane, passed): (&Lane, &Passed)| lane.records().saturating_sub(passed.clicks);
        ShipperStats {
            unshipped_clicks: behind.clone().map(clicks).sum(),
            unshipped_bytes: behind.map(|(lane, passed)| lane.end() - passed.bytes).sum(),
            leftover_segments: progress.leftover_segments,
            blocked_segments: progress.blocked_segments,
            missing_segments: self.missing_segments.load(Ordering::Relaxed),
            shipped_clicks: self.shipped_clicks.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            is_store_away: self.is_store_away.load(Ordering::Relaxed),
        }
    }
}
