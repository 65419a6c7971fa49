//! Links in memory: what a known code answers, without the store.
//!
//! Three rules hold whatever happens at the same time:
//! - At most one look-up of a code is under way; others wait for it (single flight).
//! - An answer that was read before a change is never kept after it: changing a link removes its entry, and with
//!   it the placeholder of a look-up under way, whose result is then not kept.
//! - Codes that do not exist have a cache of their own, so that guessing cannot drive out links.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use terse_core::{Clock, InvalidTarget, LinkId, ShortCode, TargetUrl, UserId};
use terse_store::RedirectRow;

/// Codes that are remembered not to exist, at most.
pub const UNKNOWN_CODES_MAX: usize = 10_000;
/// How long a code is remembered not to exist.
pub const UNKNOWN_TTL: Duration = Duration::from_secs(10);

/// Besides its texts, an entry costs about this: itself and its key, the allocations, the table. About what the
/// process grew by for each of a million links, less the texts.
const ENTRY_OVERHEAD_BYTES: u64 = 300;
const TYPICAL_ENTRY_BYTES: u64 = ENTRY_OVERHEAD_BYTES + 80;
const GENERATIONS: usize = 1024;

/// All that a redirect needs of a link, ready to be sent.
#[derive(Debug)]
pub struct CachedLink {
    /// Names the link.
    pub id: LinkId,
    /// The user it belongs to.
    pub owner: Option<UserId>,
    /// Whether it redirects.
    pub is_active: bool,
    /// The target as it is sent.
    pub location: HeaderValue,
    /// The target as it was given, where that is another text than `location`: most are the same.
    original_url: Option<Box<str>>,
}

impl CachedLink {
    /// What `row` says, with its target ready to be sent.
    ///
    /// # Errors
    /// [`InvalidTarget`] for a row that was stored under more lenient rules.
    pub fn of(row: RedirectRow) -> Result<Self, InvalidTarget> {
        let target: TargetUrl = row.original_url.parse()?;
        let location = HeaderValue::from_str(target.location()).map_err(|_| InvalidTarget::Control)?;
        let original_url = (target.location() != row.original_url).then(|| row.original_url.into());
        Ok(Self {
            id: row.id,
            owner: row.owner,
            is_active: row.is_active,
            location,
            original_url,
        })
    }

    /// The target as it was given.
    pub fn original_url(&self) -> &str {
        self.original_url
            .as_deref()
            .or_else(|| self.location.to_str().ok())
            .unwrap_or("")
    }
}

/// The caches of known and of unknown codes.
pub struct LinkCache {
    links: Cache<ShortCode, Arc<CachedLink>, ByBytes>,
    unknown: Cache<ShortCode, Unknown>,
    /// Counts what was forgotten, by hash of the code: an absence that was read in an earlier generation is not believed.
    generations: Box<[AtomicU64]>,
    clock: Arc<dyn Clock>,
}

/// A code that had no link when its generation was the given one.
#[derive(Clone, Copy)]
struct Unknown {
    until: Duration,
    generation: u64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<ShortCode, Arc<CachedLink>> for ByBytes {
    fn weight(&self, code: &ShortCode, link: &Arc<CachedLink>) -> u64 {
        let texts = code.as_str().len()
            + link.location.len()
            + link.original_url.as_ref().map_or(0, |text| text.len());
        ENTRY_OVERHEAD_BYTES + texts as u64
    }
}

impl LinkCache {
    /// Caches that together use about `bytes_max` bytes of memory at most.
    pub fn new(bytes_max: u64, clock: Arc<dyn Clock>) -> Self {
        let entries = usize::try_from(bytes_max / TYPICAL_ENTRY_BYTES)
            .unwrap_or(usize::MAX)
            .max(1);
        Self {
            links: Cache::with_weighter(entries, bytes_max, ByBytes),
            unknown: Cache::new(UNKNOWN_CODES_MAX),
            generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect(),
            clock,
        }
    }

    /// The link with this code if it is in memory. Takes bytes of a request as they are: what is no code is not
    /// in memory.
    pub fn get(&self, code: &str) -> Option<Arc<CachedLink>> {
        self.links.get(code)
    }

    /// The link with this code, from memory or else by `load`, which at most one caller per code runs at a time.
    ///
    /// # Errors
    /// What `load` gives; nothing is remembered then.
    pub async fn find<E>(
        &self,
        code: &ShortCode,
        load: impl Future<Output = Result<Option<CachedLink>, E>>,
    ) -> Result<Option<Arc<CachedLink>>, E> {
        if self.is_known_to_be_unknown(code) {
            return Ok(None);
        }
        let place = match self.links.get_value_or_guard_async(code).await {
            Ok(link) => return Ok(Some(link)),
            Err(place) => place,
        };
        // Whoever held the place before us may have found nothing.
        if self.is_known_to_be_unknown(code) {
            return Ok(None);
        }
        let generation = self.generation(code).load(Ordering::SeqCst);
        let Some(link) = load.await? else {
            self.remember_unknown(code, generation);
            return Ok(None);
        };
        let link = Arc::new(link);
        // Refused when the link was changed meanwhile: the answer was true when it was read, but is not kept.
        let _ = place.insert(Arc::clone(&link));
        Ok(Some(link))
    }

    /// Forgets what is known of these codes. To be called after a change is committed and before it is
    /// acknowledged: the next redirect then obeys it.
    pub fn forget<'a>(&self, codes: impl IntoIterator<Item = &'a ShortCode>) {
        for code in codes {
            self.generation(code).fetch_add(1, Ordering::SeqCst);
            self.links.remove(code);
        }
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
                && unknown.generation == self.generation(code).load(Ordering::SeqCst)
        })
    }

    /// `generation` is the code's generation before the store was asked: if it has passed, nobody believes the entry.
    fn remember_unknown(&self, code: &ShortCode, generation: u64) {
        let until = self.clock.elapsed() + UNKNOWN_TTL;
        self.unknown.insert(code.clone(), Unknown { until, generation });
    }

    fn generation(&self, code: &ShortCode) -> &AtomicU64 {
        let hash = code.as_str().bytes().fold(0_usize, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        &self.generations[hash % GENERATIONS]
    }
}

#[cfg(test)]
mod tests;
