//! The tail: clicks that are stored and not in the totals yet. Whoever reads a link's count adds those of the tail.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::block::Block;
use super::blocks;
use super::fold::TAIL_CLICKS_MAX;
use crate::db::Tx;
use crate::error::Result;

/// The tail, as far as it is known in memory.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) counts: TailCounts,
    /// Held by the one who folds.
    pub(crate) folding: tokio::sync::Mutex<()>,
    unfolded: Mutex<Unfolded>,
    /// Told when the tail is due.
    due: Notify,
    blocks_max: u64,
}

/// What is in the tail that no fold was begun for. After one that failed there is more in the tail: what hindered it may be
/// there for long, and each try reads a good part of the tail. So the next one waits until as much has come again.
#[derive(Debug, Default)]
struct Unfolded {
    /// Whether somebody has looked what former runs of the program left.
    is_measured: bool,
    blocks: u64,
    clicks: u64,
}

impl Tail {
    /// One that is to be folded when it has so many blocks.
    pub(crate) fn new(blocks_max: u32) -> Self {
        Self {
            counts: TailCounts::default(),
            folding: tokio::sync::Mutex::new(()),
            unfolded: Mutex::default(),
            due: Notify::new(),
            // With none there is nothing to fold.
            blocks_max: u64::from(blocks_max.max(1)),
        }
    }

    /// Whether the caller is to find out what was in the tail at the start, and to [`Self::grow`] it by that: once. What has
    /// been shipped since may be counted twice, which does no harm; neither does not finding out.
    pub(crate) fn wants_measure(&self) -> bool {
        !std::mem::replace(&mut lock(&self.unfolded).is_measured, true)
    }

    /// How many more it has.
    pub(crate) fn grow(&self, blocks: u64, clicks: u64) {
        {
            let mut unfolded = lock(&self.unfolded);
            unfolded.blocks = unfolded.blocks.saturating_add(blocks);
            unfolded.clicks = unfolded.clicks.saturating_add(clicks);
        }
        if self.is_due() {
            self.due.notify_one();
        }
    }

    /// Whether it is to be folded.
    pub(crate) fn is_due(&self) -> bool {
        self.has(1)
    }

    /// Whether as much as makes it due has come since it was due: nobody folds, or slower than clicks come.
    pub(crate) fn is_overdue(&self) -> bool {
        self.has(2)
    }

    /// Returns when [`Self::is_due`].
    pub(crate) async fn until_due(&self) {
        while !self.is_due() {
            self.due.notified().await;
        }
    }

    /// Somebody folds everything that is committed now.
    pub(crate) fn begin(&self) {
        let mut unfolded = lock(&self.unfolded);
        (unfolded.blocks, unfolded.clicks) = (0, 0);
    }

    fn has(&self, times: u64) -> bool {
        let unfolded = lock(&self.unfolded);
        unfolded.blocks >= times * self.blocks_max
            || unfolded.clicks >= times * TAIL_CLICKS_MAX.unsigned_abs()
    }
}

/// How often links were clicked in the tail, as far as somebody has looked. Only blocks that were committed are counted
/// here: to be used within reading transactions.
#[derive(Debug, Default)]
pub(crate) struct TailCounts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Where this tail begins.
    indexed_through: i64,
    /// The last click that is counted here.
    seen_through: i64,
    by_link: HashMap<i64, i64>,
}

impl TailCounts {
    /// The clicks that count of `links` in the tail, as `tx` sees it or newer.
    pub(crate) async fn of(&self, tx: &mut Tx, links: &[i64]) -> Result<Vec<i64>> {
        let indexed_through = blocks::indexed_through(tx).await?;
        let mut seen_through = self.begin(indexed_through);
        loop {
            let blocks = blocks::list(tx, seen_through).await?;
            let Some(last) = blocks.last() else { break };
            seen_through = last.read().last_id();
            let mut counts = self.lock();
            if counts.indexed_through == indexed_through {
                for block in &blocks {
                    counts.see(&block.read());
                }
            }
        }
        {
            let counts = self.lock();
            if counts.indexed_through == indexed_through {
                return Ok(counts.of(links));
            }
        }
        count(tx, indexed_through, links).await
    }

    /// Where to go on counting the tail that begins behind `indexed_through`.
    fn begin(&self, indexed_through: i64) -> i64 {
        let mut counts = self.lock();
        if counts.indexed_through < indexed_through {
            *counts = Counts {
                indexed_through,
                seen_through: indexed_through,
                by_link: HashMap::new(),
            };
        }
        if counts.indexed_through == indexed_through {
            counts.seen_through
        } else {
            i64::MAX // this transaction is an old one: nothing for it here
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        lock(&self.0)
    }
}

impl Counts {
    /// Counts `block`, unless another reader has.
    fn see(&mut self, block: &Block<'_>) {
        if block.first_id <= self.seen_through {
            return;
        }
        for link in block.counted_links() {
            *self.by_link.entry(link).or_default() += 1;
        }
        self.seen_through = block.last_id();
    }

    fn of(&self, links: &[i64]) -> Vec<i64> {
        let count = |link| self.by_link.get(link).copied().unwrap_or(0);
        links.iter().map(count).collect()
    }
}

/// Whoever panicked under it left numbers that hold: each is changed in one step, or read again from where it stands.
fn lock<T>(numbers: &Mutex<T>) -> MutexGuard<'_, T> {
    numbers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same without memory.
async fn count(tx: &mut Tx, indexed_through: i64, links: &[i64]) -> Result<Vec<i64>> {
    let mut counts = Counts {
        indexed_through,
        seen_through: indexed_through,
        by_link: HashMap::new(),
    };
    loop {
        let blocks = blocks::list(tx, counts.seen_through).await?;
        if blocks.is_empty() {
            return Ok(counts.of(links));
        }
        for block in &blocks {
            counts.see(&block.read());
        }
    }
}
