//! Links in memory: what a known code answers, without the store.
//!
//! Four rules hold whatever happens at the same time:
//! - At most one look-up of a code is under way; others wait for it (single flight).
//! - An answer that was read before a change is never kept after it: changing a link removes its entry, and with
//!   it the placeholder of a look-up under way, whose result is then not kept.
//! - Codes that do not exist have a cache of their own, so that guessing cannot drive out links.
//! - Where others change links too, nothing is answered that may be more than a second out of date, unless nobody can be asked
//!   (`cache/freshness.rs`).

mod freshness;
mod link;
mod near;
mod news;
mod prefetch;
mod refreshing;
mod stats;

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use quick_cache::{DefaultHashBuilder, Weighter};
use stats::{CountEvictions, Counts};
use terse_core::{Clock, ShortCode};
use terse_store::AsOf;
use tokio::sync::{Mutex, mpsc};

use freshness::{Freshness, Times, Verdict};

pub use freshness::Moment;
pub use link::CachedLink;
pub use near::{Hits, NearCache};
pub use stats::CacheStats;

/// Codes that are remembered not to exist, at most.
pub const UNKNOWN_CODES_MAX: usize = 10_000;
/// How long a code is remembered not to exist.
pub const UNKNOWN_TTL: Duration = Duration::from_secs(10);
/// How long a visitor waits for the store's answer about a link of which there is a copy that may be out of date. Then that
/// has to do.
pub const DOUBTFUL_WAIT_MAX: Duration = Duration::from_millis(60);
/// Links that wait to be read anew, at most; more are noticed by the next visit.
const AGING_WAITING_MAX: usize = 1_024;

/// Besides its texts, an entry costs about this: itself and its key, the allocations, the table. About what the
/// process grew by for each of a million links, less the texts.
const ENTRY_OVERHEAD_BYTES: u64 = 300;
const TYPICAL_ENTRY_BYTES: u64 = ENTRY_OVERHEAD_BYTES + 80;
const GENERATIONS: usize = 1 << 14;

/// The caches of known and of unknown codes.
pub struct LinkCache {
    links: Links,
    unknown: Cache<ShortCode, Unknown>,
    /// Counts what was forgotten, by hash of the code: what was read in an earlier generation is not believed, be it an
    /// absence or a thread's own copy.
    generations: Box<[AtomicU32]>,
    /// When codes of that hash were changed last, as far as was heard: copies from elsewhere must be as recent.
    changed_at: Box<[AtomicI64]>,
    /// Changes before this moment may not have been heard of at all.
    told_as_of: AtomicI64,
    hasher: RandomState,
    clock: Arc<dyn Clock>,
    freshness: Freshness,
    /// Codes of links to be read anew: in at one end, out at the other.
    aging: mpsc::Sender<ShortCode>,
    to_refresh: Mutex<mpsc::Receiver<ShortCode>>,
    counts: Counts,
    bytes_max: u64,
}

type Links = Cache<ShortCode, CachedLink, ByBytes, DefaultHashBuilder, CountEvictions>;

/// A code that had no link when its generation was the given one.
#[derive(Clone, Copy)]
struct Unknown {
    until: Duration,
    read_at: Moment,
    generation: u32,
}

impl Unknown {
    fn times(&self) -> Times {
        Times {
            read_at: self.read_at,
            checked_at: self.read_at,
        }
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<ShortCode, CachedLink> for ByBytes {
    fn weight(&self, code: &ShortCode, link: &CachedLink) -> u64 {
        ENTRY_OVERHEAD_BYTES + (code.as_str().len() + link.text_bytes()) as u64
    }
}

/// Who else may change the links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody.
    Alone,
    /// Replicas. While the database is away, links that were read no longer ago than this are answered.
    Shared {
        /// For how long.
        stale_for: Duration,
    },
}

/// What to do to know a link: see [`LinkCache::find`].
pub struct Question<'a> {
    /// No later than when the answer is read: goes into it.
    pub read_at: Moment,
    /// What is believed that comes from elsewhere; `None` if nothing is, because nobody vouches for it.
    pub elsewhere: Option<Elsewhere>,
    /// When the code was changed last, as far as was heard: nothing older is an answer, whoever gives it.
    pub heard: AsOf,
    /// Whether the store may be asked: not by everybody while it is away.
    pub may_ask_store: bool,
    /// What is known of the link already, if that may be out of date.
    pub copy: Option<&'a CachedLink>,
}

/// What a copy from elsewhere must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    /// As recent as this at least.
    pub since: AsOf,
    /// Then it is as good as what was read from the store at this time, which is when the bus was last known to be complete.
    pub read_at: Moment,
}

impl LinkCache {
    /// Caches that together use about `bytes_max` bytes of memory at most.
    pub fn new(bytes_max: u64, clock: Arc<dyn Clock>, sharing: Sharing) -> Self {
        let entries = usize::try_from(bytes_max / TYPICAL_ENTRY_BYTES)
            .unwrap_or(usize::MAX)
            .max(1);
        let evictions = Arc::<AtomicU64>::default();
        let lifecycle = CountEvictions(Arc::clone(&evictions));
        let hash_builder = DefaultHashBuilder::default();
        let (aging, to_refresh) = mpsc::channel(AGING_WAITING_MAX);
        Self {
            links: Cache::with(entries, bytes_max, ByBytes, hash_builder, lifecycle),
            unknown: Cache::new(UNKNOWN_CODES_MAX),
            hasher: RandomState::default(),
            generations: (0..GENERATIONS).map(|_| AtomicU32::new(0)).collect(),
            changed_at: (0..GENERATIONS).map(|_| AtomicI64::new(0)).collect(),
            told_as_of: AtomicI64::new(0),
            clock,
            freshness: match sharing {
                Sharing::Alone => Freshness::of_own_database(),
                Sharing::Shared { stale_for } => Freshness::of_shared_database(stale_for),
            },
            aging,
            to_refresh: Mutex::new(to_refresh),
            counts: Counts::new(evictions),
            bytes_max,
        }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        Moment::of(self.clock.elapsed())
    }

    /// The link with this code if it is in memory and may be answered. Takes bytes of a request as they are: what is no
    /// code is not in memory.
    pub fn get(&self, code: &str) -> Option<CachedLink> {
        let link = self.links.get(code)?;
        self.may_answer(&link, self.now()).then(|| {
            self.counts.hit();
            link
        })
    }

    /// The link with this code, from memory or else by `load`, which at most one caller per code runs at a time.
    ///
    /// # Errors
    /// What `load` gives, unless there is a copy that will do; nothing is remembered then.
    pub async fn find<E>(
        &self,
        code: &ShortCode,
        load: impl AsyncFnOnce(Question<'_>) -> Result<Option<CachedLink>, E>,
    ) -> Result<Option<CachedLink>, E> {
        if self.is_known_to_be_unknown(code) {
            self.counts.negative_hit();
            return Ok(None);
        }
        let now = self.now();
        let mut may_ask_store = true;
        let entry = self
            .links
            .entry_async(code, |_, link| self.judge(link, now, &mut may_ask_store))
            .await;
        let (place, copy) = match entry {
            EntryResult::Retained(link) => {
                self.counts.hit();
                return Ok(Some(link));
            }
            EntryResult::Replaced(place, copy) => {
                let is_expired = self.freshness.verdict(copy.times(), now) == Verdict::Expired;
                (place, Some(copy).filter(|_| !is_expired))
            }
            EntryResult::Vacant(place) => (place, None),
            EntryResult::Removed(..) | EntryResult::Timeout => unreachable!("not asked for"),
        };
        // Whoever held the place before us may have found nothing.
        if self.is_known_to_be_unknown(code) {
            self.counts.negative_hit();
            return Ok(None);
        }
        self.counts.miss();
        let (generation, mut question) = self.question(code, copy.as_ref());
        question.may_ask_store = may_ask_store;
        // An absence does not say where it was read.
        let absent_at = question
            .elsewhere
            .map_or(question.read_at, |elsewhere| elsewhere.read_at);
        let loaded = match &copy {
            None => Some(load(question).await),
            Some(_) => tokio::time::timeout(DOUBTFUL_WAIT_MAX, load(question)).await.ok(),
        };
        let link = match (loaded, copy) {
            (Some(Ok(None)), _) => {
                self.remember_unknown(code, absent_at, generation);
                return Ok(None);
            }
            (Some(Ok(Some(link))), _) => self.as_told(link),
            (None | Some(Err(_)), Some(copy)) => {
                if may_ask_store {
                    self.freshness.database_is_away(self.now());
                }
                self.counts.stale_answer();
                let copy = copy.checked(self.now());
                let _ = place.insert(copy.clone());
                // The store may be no more than slow: then it has its time, while the copy is answered.
                self.have_refreshed(&copy);
                return Ok(Some(copy));
            }
            (Some(Err(error)), None) => return Err(error),
            (None, None) => unreachable!("without a copy there is no limit"),
        };
        // Should the database be away later, this is the better of the two.
        self.unknown.remove(code);
        // Refused when the link was changed meanwhile: the answer was true when it was read, but is not kept.
        let _ = place.insert(link.clone());
        self.forget_if_overtaken(code, &link);
        Ok(Some(link))
    }

    /// Forgets what is known of these codes, which were changed at `as_of`. To be called after a change is committed and before
    /// it is acknowledged: the next redirect then obeys it.
    pub fn forget<'a>(&self, codes: impl IntoIterator<Item = &'a ShortCode>, as_of: AsOf) {
        for code in codes {
            let place = self.place(self.hash(code.as_str()));
            self.changed_at[place].fetch_max(as_of, Ordering::SeqCst);
            self.links.remove(code);
            // After it: who reads the new generation finds the old link no more.
            self.generations[place].fetch_add(1, Ordering::SeqCst);
        }
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

    /// Whether nothing need be done about `link` before it is answered, nor noted after it.
    #[inline]
    fn is_fresh(&self, link: &CachedLink, now: Moment) -> bool {
        self.freshness.verdict(link.times(), now) == Verdict::Fresh
    }

    /// Whether `link` may be answered as it is; has it read anew if that is due.
    #[inline]
    fn may_answer(&self, link: &CachedLink, now: Moment) -> bool {
        match self.freshness.verdict(link.times(), now) {
            Verdict::Fresh => true,
            Verdict::Aging => {
                self.have_refreshed(link);
                true
            }
            Verdict::Stale => {
                self.counts.stale_answer();
                self.have_refreshed(link);
                true
            }
            Verdict::Doubtful | Verdict::Expired => false,
        }
    }

    /// What a look-up does with the copy that it finds, and whether it may ask the store.
    fn judge(&self, link: &CachedLink, now: Moment, may_ask_store: &mut bool) -> EntryAction<CachedLink> {
        match self.freshness.verdict(link.times(), now) {
            Verdict::Fresh | Verdict::Aging => EntryAction::Retain(link.clone()),
            Verdict::Stale => self.retain_stale(link),
            Verdict::Doubtful => {
                *may_ask_store = self.freshness.may_ask(now);
                if *may_ask_store || self.freshness.has_elsewhere() {
                    EntryAction::ReplaceWithGuard
                } else {
                    self.retain_stale(link)
                }
            }
            Verdict::Expired => EntryAction::ReplaceWithGuard,
        }
    }

    fn retain_stale(&self, link: &CachedLink) -> EntryAction<CachedLink> {
        self.counts.stale_answer();
        EntryAction::Retain(link.clone())
    }

    /// What is to be asked about `code`, and in which generation.
    fn question<'a>(&self, code: &ShortCode, copy: Option<&'a CachedLink>) -> (u32, Question<'a>) {
        let place = self.place(self.hash(code.as_str()));
        // First: what is heard from here on ends it, and is not in what follows.
        let generation = self.generations[place].load(Ordering::SeqCst);
        let read_at = self.now();
        let heard = self.changed_at[place].load(Ordering::SeqCst);
        let question = Question {
            read_at,
            elsewhere: self
                .freshness
                .vouched_until(read_at)
                .map(|vouched_until| Elsewhere {
                    since: self.heard_at(place),
                    read_at: vouched_until,
                }),
            heard,
            may_ask_store: true,
            copy,
        };
        (generation, question)
    }

    fn is_known_to_be_unknown(&self, code: &ShortCode) -> bool {
        self.unknown.get(code).is_some_and(|unknown| {
            self.clock.elapsed() < unknown.until
                && unknown.generation == self.generation_of(self.hash(code.as_str()))
                && matches!(
                    self.freshness.verdict(unknown.times(), self.now()),
                    Verdict::Fresh | Verdict::Stale
                )
        })
    }

    /// `generation` is the code's generation before the store was asked: if it has passed, nobody believes the entry.
    fn remember_unknown(&self, code: &ShortCode, read_at: Moment, generation: u32) {
        let unknown = Unknown {
            until: self.clock.elapsed() + UNKNOWN_TTL,
            read_at,
            generation,
        };
        self.unknown.insert(code.clone(), unknown);
    }

    fn hash(&self, code: impl AsRef<[u8]>) -> u64 {
        self.hasher.hash_one(code.as_ref())
    }

    /// The present generation of what is known of the code with this hash.
    fn generation_of(&self, hash: u64) -> u32 {
        self.generation(hash).load(Ordering::SeqCst)
    }

    fn generation(&self, hash: u64) -> &AtomicU32 {
        &self.generations[self.place(hash)]
    }

    fn place(&self, hash: u64) -> usize {
        usize::try_from(hash).unwrap_or(usize::MAX) % self.generations.len()
    }
}

#[cfg(test)]
mod tests;
