//! Links in memory: what a known code answers, without the store.
//!
//! Three rules hold whatever happens at the same time:
//! - At most one look-up of a code is under way; others wait for it (single flight).
//! - An answer that was read before a change is never kept after it: changing a link removes its entry, and with
//!   it the placeholder of a look-up under way, whose result is then not kept.
//! - Codes that do not exist have a cache of their own, so that guessing cannot drive out links.

mod link;
mod near;
mod stats;

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Weighter};
use stats::{CountEvictions, Counts};
use terse_core::{Clock, ShortCode};

pub use link::CachedLink;
pub use near::{Hits, NearCache};
pub use stats::CacheStats;

/// Codes that are remembered not to exist, at most.
pub const UNKNOWN_CODES_MAX: usize = 10_000;
/// How long a code is remembered not to exist.
pub const UNKNOWN_TTL: Duration = Duration::from_secs(10);

/// Besides its texts, an entry costs about this: itself and its key, the allocations, the table. About what the
/// process grew by for each of a million links, less the texts.
const ENTRY_OVERHEAD_BYTES: u64 = 300;
const TYPICAL_ENTRY_BYTES: u64 = ENTRY_OVERHEAD_BYTES + 80;
const GENERATIONS: usize = 1 << 14;

/// The caches of known and of unknown codes.
pub struct LinkCache {
    links: Cache<ShortCode, CachedLink, ByBytes, DefaultHashBuilder, CountEvictions>,
    unknown: Cache<ShortCode, Unknown>,
    /// Counts what was forgotten, by hash of the code: what was read in an earlier generation is not believed, be it an
    /// absence or a thread's own copy.
    generations: Box<[AtomicU32]>,
    hasher: RandomState,
    clock: Arc<dyn Clock>,
    counts: Counts,
    bytes_max: u64,
}

/// A code that had no link when its generation was the given one.
#[derive(Clone, Copy)]
struct Unknown {
    until: Duration,
    generation: u32,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<ShortCode, CachedLink> for ByBytes {
    fn weight(&self, code: &ShortCode, link: &CachedLink) -> u64 {
        ENTRY_OVERHEAD_BYTES + (code.as_str().len() + link.text_bytes()) as u64
    }
}

impl LinkCache {
    /// Caches that together use about `bytes_max` bytes of memory at most.
    pub fn new(bytes_max: u64, clock: Arc<dyn Clock>) -> Self {
        let entries = usize::try_from(bytes_max / TYPICAL_ENTRY_BYTES)
            .unwrap_or(usize::MAX)
            .max(1);
        let evictions = Arc::<AtomicU64>::default();
        let lifecycle = CountEvictions(Arc::clone(&evictions));
        Self {
            links: Cache::with(
                entries,
                bytes_max,
                ByBytes,
                DefaultHashBuilder::default(),
                lifecycle,
            ),
            unknown: Cache::new(UNKNOWN_CODES_MAX),
            hasher: RandomState::default(),
            generations: (0..GENERATIONS).map(|_| AtomicU32::new(0)).collect(),
            clock,
            counts: Counts::new(evictions),
            bytes_max,
        }
    }

    /// The link with this code if it is in memory. Takes bytes of a request as they are: what is no code is not
    /// in memory.
    pub fn get(&self, code: &str) -> Option<CachedLink> {
        let link = self.links.get(code)?;
        self.counts.hit();
        Some(link)
    }

    /// The link with this code, from memory or else by `load`, which at most one caller per code runs at a time.
    ///
    /// # Errors
    /// What `load` gives; nothing is remembered then.
    pub async fn find<E>(
        &self,
        code: &ShortCode,
        load: impl Future<Output = Result<Option<CachedLink>, E>>,
    ) -> Result<Option<CachedLink>, E> {
        if self.is_known_to_be_unknown(code) {
            self.counts.negative_hit();
            return Ok(None);
        }
        let place = match self.links.get_value_or_guard_async(code).await {
            Ok(link) => {
                self.counts.hit();
                return Ok(Some(link));
            }
            Err(place) => place,
        };
        // Whoever held the place before us may have found nothing.
        if self.is_known_to_be_unknown(code) {
            self.counts.negative_hit();
            return Ok(None);
        }
        self.counts.miss();
        let generation = self.generation_of(self.hash(code.as_str()));
        let Some(link) = load.await? else {
            self.remember_unknown(code, generation);
            return Ok(None);
        };
        // Refused when the link was changed meanwhile: the answer was true when it was read, but is not kept.
        let _ = place.insert(link.clone());
        Ok(Some(link))
    }

    /// Forgets what is known of these codes. To be called after a change is committed and before it is
    /// acknowledged: the next redirect then obeys it.
    pub fn forget<'a>(&self, codes: impl IntoIterator<Item = &'a ShortCode>) {
        for code in codes {
            self.links.remove(code);
            // After it: who reads the new generation finds the old link no more.
            self.generation(self.hash(code.as_str()))
                .fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The present generation of what is known of the code with this hash.
    fn generation_of(&self, hash: u64) -> u32 {
        self.generation(hash).load(Ordering::SeqCst)
    }

    /// What was counted since the start.
    pub fn stats(&self) -> CacheStats {
        self.counts.stats(self.links.len(), self.links.weight())
    }

    /// The number of links in memory.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether no link is in memory.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    fn is_known_to_be_unknown(&self, code: &ShortCode) -> bool {
        self.unknown.get(code).is_some_and(|unknown| {
            self.clock.elapsed() < unknown.until
                && unknown.generation == self.generation_of(self.hash(code.as_str()))
        })
    }

    /// `generation` is the code's generation before the store was asked: if it has passed, nobody believes the entry.
    fn remember_unknown(&self, code: &ShortCode, generation: u32) {
        let until = self.clock.elapsed() + UNKNOWN_TTL;
        self.unknown.insert(code.clone(), Unknown { until, generation });
    }

    fn hash(&self, code: &str) -> u64 {
        self.hasher.hash_one(code)
    }

    fn generation(&self, hash: u64) -> &AtomicU32 {
        let place = usize::try_from(hash).unwrap_or(usize::MAX) % GENERATIONS;
        &self.generations[place]
    }
}

#[cfg(test)]
mod tests;
