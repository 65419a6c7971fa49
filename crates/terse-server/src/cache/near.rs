//! What one thread keeps of the links in memory for itself, so that its visits of well-known links touch nothing that another
//! thread writes: no lock, no reference count.
//!
//! An entry is believed as long as its code's generation is the one that was read before the entry was: a change of
//! the link ends the generation after it has taken the link out of the shared cache ([`LinkCache::forget`]).

use super::{CachedLink, LinkCache};

/// Links that have the same place.
const WAYS: usize = 4;
/// Places in all. With four links each they fill 2 MiB.
const SETS: usize = 1 << 15;

/// Links at hand.
pub struct NearCache {
    sets: Box<[Set]>,
    /// Which way of a full set gives way next.
    next_way: usize,
    hits: Hits,
}

/// Where links were found, since the start. Plain numbers: the thread that has the cache counts alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hits {
    /// Here.
    pub near: u64,
    /// In the memory of all threads.
    pub memory: u64,
}

/// One line of the processor's cache.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Set([Option<Entry>; WAYS]);

#[derive(Debug)]
struct Entry {
    link: CachedLink,
    /// A part of the code's hash, so that other links of the set need not be looked at.
    tag: u32,
    generation: u32,
}

impl Default for NearCache {
    fn default() -> Self {
        Self {
            sets: (0..SETS).map(|_| Set::default()).collect(),
            next_way: 0,
            hits: Hits::default(),
        }
    }
}

impl NearCache {
    /// The link with this code if `cache` has it in memory: as [`LinkCache::get`].
    pub fn get(&mut self, cache: &LinkCache, code: &str) -> Option<&CachedLink> {
        let hash = cache.hash(code);
        let tag = u32::try_from(hash >> 32).unwrap_or(u32::MAX);
        let place = usize::try_from(hash).unwrap_or(usize::MAX) % SETS;
        let generation = cache.generation_of(hash);
        let is_it = |entry: &Option<Entry>| {
            entry.as_ref().is_some_and(|entry| {
                entry.tag == tag
                    && entry.generation == generation
                    && entry.link.short_code() == code.as_bytes()
            })
        };
        let way = if let Some(way) = self.sets[place].0.iter().position(is_it) {
            self.hits.near += 1;
            way
        } else {
            // The generation was read before this, as it must be. Not by `get`, whose count is everybody's.
            let link = cache.links.get(code)?;
            self.hits.memory += 1;
            let way = self.way_for(place, tag);
            self.sets[place].0[way] = Some(Entry {
                link,
                tag,
                generation,
            });
            way
        };
        self.sets[place].0[way].as_ref().map(|entry| &entry.link)
    }

    /// Where links were found so far.
    pub fn hits(&self) -> Hits {
        self.hits
    }

    /// An older copy of the same link gives way first, then nothing, then each in turn.
    fn way_for(&mut self, place: usize, tag: u32) -> usize {
        let ways = &self.sets[place].0;
        let same = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.tag == tag);
        ways.iter()
            .position(same)
            .or_else(|| ways.iter().position(Option::is_none))
            .unwrap_or_else(|| {
                self.next_way = (self.next_way + 1) % WAYS;
                self.next_way
            })
    }
}
