//! What one thread keeps of the links in memory for itself, so that its visits of well-known links touch nothing that another
//! thread writes: no lock, no reference count.
//!
//! An entry is believed as long as its code's generation is the one that was read before the entry was: a change of
//! the link ends the generation after it has taken the link out of the shared cache ([`LinkCache::forget`]). That the
//! shared cache has dropped a link for want of room ends nothing: the copy here stays until another takes its place, so what
//! all tables keep together is limited on its own.

use super::prefetch::prefetch;
use super::{CachedLink, LinkCache, Moment};

/// Links that have the same place.
const WAYS: usize = 4;
/// Places at most. With four links each they fill 4 MiB. Half as many hold 100,000 links only on average: where more than four
/// meet, all but four are visited by way of the shared cache's lock, which was every tenth.
const SETS_MAX: usize = 1 << 16;
/// A link whose texts are longer stays in the shared cache only. Copying them to the client costs more than the lock does.
const TEXT_BYTES_MAX: usize = 384;
/// What an entry keeps in memory at most once the shared cache has dropped its link: texts, what stands before them, its place in
/// the table.
const ENTRY_BYTES_MAX: u64 = TEXT_BYTES_MAX as u64 + 104;

/// Links at hand.
pub struct NearCache {
    /// A power of two of them.
    sets: Box<[Set]>,
    /// Which way of a full set gives way next.
    next_way: usize,
    /// The last link that was too long for the table.
    long: Option<CachedLink>,
    hits: Hits,
}

/// A code that a thread is about to look for.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    hash: u64,
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

impl NearCache {
    /// A table for one of `threads` threads. Together they keep at most as much memory as `cache` may use, should it have dropped
    /// all that they have.
    pub fn new(cache: &LinkCache, threads: usize) -> Self {
        let entries = cache.bytes_max / (ENTRY_BYTES_MAX * threads.max(1) as u64);
        let sets = usize::try_from(entries).unwrap_or(usize::MAX) / WAYS;
        let sets = sets.clamp(1, SETS_MAX);
        let power_of_two = 1 << sets.ilog2();
        Self {
            sets: (0..power_of_two).map(|_| Set::default()).collect(),
            next_way: 0,
            hits: Hits::default(),
            long: None,
        }
    }

    /// Says that `code` will be looked for. Of many links few are near the processor, and what it has to wait for is most of
    /// what [`Self::get`] costs: so the code's place is on its way from here on, while something else is done. After that,
    /// [`Self::approach`].
    pub fn expect(&self, cache: &LinkCache, code: &[u8]) -> Expected {
        let hash = cache.hash(code);
        prefetch(&self.sets[self.place(hash)], 1);
        prefetch(cache.generation(hash), 1);
        Expected { hash }
    }

    /// Has the link itself, whose place has arrived by now, on its way.
    pub fn approach(&self, expected: Expected) {
        let tag = tag(expected.hash);
        let entries = self.sets[self.place(expected.hash)].0.iter().flatten();
        for entry in entries.filter(|entry| entry.tag == tag) {
            entry.link.prefetch();
        }
    }

    /// The link with this code, which [`Self::expect`] was told, if `cache` has it in memory and it may be answered `now`: as
    /// [`LinkCache::get`].
    pub fn get(
        &mut self,
        cache: &LinkCache,
        code: &str,
        Expected { hash }: Expected,
        now: Moment,
    ) -> Option<&CachedLink> {
        let tag = tag(hash);
        let place = self.place(hash);
        let generation = cache.generation_of(hash);
        let set = &mut self.sets[place];
        let is_it = |entry: &Option<Entry>| {
            entry.as_ref().is_some_and(|entry| {
                entry.tag == tag
                    && entry.generation == generation
                    && entry.link.short_code() == code.as_bytes()
                    // Otherwise there may be a fresher one in the shared cache, which also counts stale answers.
                    && cache.is_fresh(&entry.link, now)
            })
        };
        let way = if let Some(way) = set.0.iter().position(is_it) {
            self.hits.near += 1;
            way
        } else {
            // The generation was read before this, as it must be. Not by `get`, whose count is everybody's.
            let link = cache.links.get(code)?;
            if !cache.may_answer(&link, now) {
                return None;
            }
            self.hits.memory += 1;
            if link.text_bytes() > TEXT_BYTES_MAX {
                return Some(self.long.insert(link));
            }
            let way = set.way_for(tag, &mut self.next_way);
            set.0[way] = Some(Entry {
                link,
                tag,
                generation,
            });
            way
        };
        set.0[way].as_ref().map(|entry| &entry.link)
    }

    /// Where links were found so far.
    pub fn hits(&self) -> Hits {
        self.hits
    }

    fn place(&self, hash: u64) -> usize {
        usize::try_from(hash).unwrap_or(usize::MAX) & (self.sets.len() - 1)
    }
}

impl Set {
    /// An older copy of the same link gives way first, then nothing, then each in turn.
    fn way_for(&self, tag: u32, next_way: &mut usize) -> usize {
        let same = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.tag == tag);
        self.0
            .iter()
            .position(same)
            .or_else(|| self.0.iter().position(Option::is_none))
            .unwrap_or_else(|| {
                *next_way = (*next_way + 1) % WAYS;
                *next_way
            })
    }
}

fn tag(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
