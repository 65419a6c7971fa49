//! The tail: clicks that are stored and not in the totals yet. Whoever reads a link's count adds those of the tail.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::block::{Block, count_of};
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
    is_measured: AtomicBool,
    blocks: AtomicI64,
    clicks: AtomicI64,
    blocks_max: i64,
}

impl Tail {
    /// One that is to be folded when it has so many blocks.
    pub(crate) fn new(blocks_max: u32) -> Self {
        Self {
            counts: TailCounts::default(),
            folding: tokio::sync::Mutex::new(()),
            is_measured: AtomicBool::new(false),
            blocks: AtomicI64::new(0),
            clicks: AtomicI64::new(0),
            blocks_max: i64::from(blocks_max),
        }
    }

    /// How many blocks and clicks it has, as the database says.
    pub(crate) fn set(&self, (blocks, clicks): (i64, i64)) {
        self.blocks.store(blocks, Ordering::Relaxed);
        self.clicks.store(clicks, Ordering::Relaxed);
        self.is_measured.store(true, Ordering::Relaxed);
    }

    /// It was folded: the database is to be asked how much is left.
    pub(crate) fn forget(&self) {
        self.is_measured.store(false, Ordering::Relaxed);
    }

    /// Whether what is known of it here is right.
    pub(crate) fn is_measured(&self) -> bool {
        self.is_measured.load(Ordering::Relaxed)
    }

    /// How many more it has.
    pub(crate) fn grow(&self, blocks: usize, clicks: usize) {
        self.blocks.fetch_add(count_of(blocks), Ordering::Relaxed);
        self.clicks.fetch_add(count_of(clicks), Ordering::Relaxed);
    }

    /// Whether it is to be folded.
    pub(crate) fn is_due(&self) -> bool {
        self.blocks.load(Ordering::Relaxed) >= self.blocks_max
            || self.clicks.load(Ordering::Relaxed) >= TAIL_CLICKS_MAX
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
