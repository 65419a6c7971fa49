//! What the cache counts. Threads that keep links of their own count their hits themselves ([`super::NearCache::hits`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Lifecycle;
use terse_core::ShortCode;

use super::CachedLink;

/// What was counted since the start, and what is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStats {
    /// Links in memory.
    pub links: usize,
    /// Bytes that they are reckoned to take.
    pub bytes: u64,
    /// Codes that were found, but for those that a thread found for its [`super::NearCache`].
    pub hits: u64,
    /// Codes that were looked up.
    pub misses: u64,
    /// Codes that were remembered not to exist.
    pub negative_hits: u64,
    /// Links that gave way to others.
    pub evictions: u64,
    /// Answers from copies that nobody vouched for, because the database could not be asked.
    pub stale_answers: u64,
}

#[derive(Debug)]
pub(super) struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    negative_hits: AtomicU64,
    evictions: Arc<AtomicU64>,
    stale_answers: AtomicU64,
}

/// Counts the links that give way.
#[derive(Debug, Clone)]
pub(super) struct CountEvictions(pub(super) Arc<AtomicU64>);

impl Lifecycle<ShortCode, CachedLink> for CountEvictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _code: ShortCode, _link: CachedLink) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counts {
    pub(super) fn new(evictions: Arc<AtomicU64>) -> Self {
        Self {
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            negative_hits: AtomicU64::new(0),
            evictions,
            stale_answers: AtomicU64::new(0),
        }
    }

    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn negative_hit(&self) {
        self.negative_hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stale_answer(&self) {
        self.stale_answers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn stats(&self, links: usize, bytes: u64) -> CacheStats {
        CacheStats {
            links,
            bytes,
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            negative_hits: self.negative_hits.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
            stale_answers: self.stale_answers.load(Ordering::Relaxed),
        }
    }
}
