use std::convert::Infallible;
use std::sync::Arc;

use terse_core::{LinkId, ManualClock, ShortCode, Timestamp};
use terse_store::RedirectRow;

use super::*;
use crate::cache::Sharing;

const MIB: u64 = 1 << 20;

fn cache(bytes_max: u64) -> LinkCache {
    let clock = ManualClock::at(Timestamp::from_millis(0));
    LinkCache::new(bytes_max, Arc::new(clock), Sharing::Alone)
}

impl NearCache {
    /// What a visit of this code finds now.
    pub(in crate::cache) fn visit(&mut self, cache: &LinkCache, code: &str) -> Option<&CachedLink> {
        let expected = self.expect(cache, code.as_bytes());
        self.get(cache, code, expected, cache.now())
    }

    fn links(&self) -> impl Iterator<Item = &CachedLink> {
        let entries = self.sets.iter().flat_map(|set| &set.0).flatten();
        entries.map(|entry| &entry.link)
    }

    fn text_bytes(&self) -> usize {
        self.links().chain(&self.long).map(CachedLink::text_bytes).sum()
    }
}

/// Has `cache` remember a link to a target of `bytes`, and `near` visit it.
async fn visit(near: &mut NearCache, cache: &LinkCache, code: &str, bytes: usize) {
    let parsed: ShortCode = code.parse().expect("a code");
    let row = RedirectRow {
        id: LinkId::new(1).expect("positive"),
        owner: None,
        original_url: format!("{:a<bytes$}", "https://a.example/"),
        is_active: true,
        version: 1,
        as_of: 1,
    };
    let link = CachedLink::of(&parsed, &row, Moment::default()).expect("a target");
    let found = cache
        .find(&parsed, async |_| Ok::<_, Infallible>(Some(link)))
        .await;
    assert!(found.expect("infallible").is_some());
    // The shared cache may refuse a link that it has no room for.
    if let Some(link) = near.visit(cache, code) {
        assert_eq!(link.location().len(), bytes);
    }
}

#[tokio::test]
async fn long_targets_are_answered_but_stay_in_the_shared_cache_only() {
    let cache = cache(MIB);
    let mut near = NearCache::new(&cache, 1);
    for number in 0..500 {
        visit(&mut near, &cache, &format!("long{number}"), 8_000).await;
    }
    assert_eq!(near.links().count(), 0);
    assert!(
        near.text_bytes() < 10_000,
        "one link: {} bytes",
        near.text_bytes()
    );
    visit(&mut near, &cache, "short", 100).await;
    visit(&mut near, &cache, "almost", TEXT_BYTES_MAX - "almost".len()).await;
    assert_eq!(near.links().count(), 2);
}

#[tokio::test]
async fn links_that_the_shared_cache_has_dropped_take_no_more_than_its_budget() {
    for threads in [1, 4] {
        let cache = cache(MIB);
        let mut near = NearCache::new(&cache, threads);
        for number in 0..20_000 {
            visit(&mut near, &cache, &format!("code{number}"), TEXT_BYTES_MAX - 12).await;
        }
        let bytes = (near.text_bytes() * threads) as u64;
        assert!(bytes <= MIB, "{bytes} bytes of {threads} threads");
        assert!(
            near.links().count() * threads > 500,
            "{} links of {threads} threads",
            near.links().count()
        );
    }
}

#[test]
fn the_table_is_as_large_as_the_budget_allows_and_no_larger_than_is_of_use() {
    for (bytes_max, threads, sets) in [
        (1, 1, 1),
        (16 * MIB, 2, 4_096),
        (256 * MIB, 2, SETS_MAX),
        (256 * MIB, 16, 8_192),
        (u64::MAX, 1, SETS_MAX),
        (MIB, 1_000_000, 1),
    ] {
        assert_eq!(
            NearCache::new(&cache(bytes_max.min(MIB << 20)), threads)
                .sets
                .len(),
            sets
        );
    }
}
