//! Clicks made up, and what packing them alone costs.

use super::block::{BLOCK_CLICKS_MAX, StoredClick};
use super::postings::{self, Posting};
use super::radix;
use crate::pace::Pace;

/// Links that the clicks are of.
const LINKS: u64 = 100_000;

/// Clicks on their way into the store.
#[derive(Debug)]
pub struct Clicks(Vec<StoredClick>);

/// Which link each of many clicks was of.
#[derive(Debug)]
pub struct Postings(Vec<Posting>);

impl Clicks {
    /// So many clicks, always the same.
    pub fn new(count: usize) -> Self {
        let numbers = scattered(count).zip(0..);
        let clicks = numbers.map(|(number, place)| StoredClick {
            at: 1_700_000_000_000 + place / 3,
            link_id: remainder(number, LINKS) + 1,
            version: 1,
            owner: remainder(number, 3),
            referrer: remainder(number >> 8, 20),
            user_agent: remainder(number >> 16, 100) + 1,
            bot: remainder(number >> 24, 64) / 62,
        });
        Self(clicks.collect())
    }

    /// Packs them into blocks. How many bytes these have.
    pub fn pack(&self) -> usize {
        let blocks = self.0.chunks(BLOCK_CLICKS_MAX).map(super::packed);
        blocks.map(|block| block.body.len()).sum()
    }
}

impl Postings {
    /// So many clicks, always the same.
    pub fn new(count: usize) -> Self {
        let links = scattered(count).map(|number| remainder(number, LINKS) + 1);
        Self(links.zip(1..).collect())
    }

    /// Sorts and packs them, as a fold that takes in no older run does. How many bytes the chunks have.
    pub fn pack(&mut self) -> usize {
        radix::sort_by_subject(&mut self.0, &mut Pace::default());
        let chunks = postings::chunks(&self.0);
        chunks.iter().map(|(_, _, body)| body.len()).sum()
    }
}

/// Numbers without an order: the multiplier and the shift are those of `SplitMix64`.
fn scattered(count: usize) -> impl Iterator<Item = u64> {
    let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    (1..).map(spread).take(count)
}

fn remainder(number: u64, divisor: u64) -> i64 {
    (number % divisor).cast_signed()
}
