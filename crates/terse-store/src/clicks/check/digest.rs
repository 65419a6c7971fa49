//! Digests of sets of postings: to compare two of millions without having both in memory.

use crate::clicks::postings::Posting;

/// A set's size, and the sum of its postings, each scrambled: a posting that is lost, added or changed by accident
/// changes it. Whoever wants two sets to have the same can bring that about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Digest {
    entries: u64,
    sum: u64,
}

impl Digest {
    pub(super) fn of(postings: &[Posting]) -> Self {
        let mut digest = Self::default();
        for posting in postings {
            digest.add(*posting);
        }
        digest
    }

    pub(super) fn add(&mut self, (subject, id): Posting) {
        self.entries += 1;
        let scrambled = scramble(scramble(subject.cast_unsigned()).wrapping_add(id.cast_unsigned()));
        self.sum = self.sum.wrapping_add(scrambled);
    }
}

/// The finalizer of `SplitMix64` (<https://prng.di.unimi.it/splitmix64.c>): one to one, and every bit of the outcome
/// depends on every bit given.
fn scramble(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_that_changed_places_are_noticed() {
        for id in 1..1_000 {
            let right = [(7, id), (8, id + 1)];
            let swapped = [(8, id), (7, id + 1)];
            assert_ne!(Digest::of(&right), Digest::of(&swapped), "{id}");
        }
    }

    proptest! {
        #[test]
        fn one_changed_posting_is_noticed(
            postings in prop::collection::vec((0..5_i64, 1..100_i64), 1..50), at: prop::sample::Index,
            changed in (0..5_i64, 1..100_i64),
        ) {
            let mut other = postings.clone();
            *at.get_mut(&mut other) = changed;
            let is_same = *at.get(&postings) == changed;
            prop_assert_eq!(Digest::of(&postings) == Digest::of(&other), is_same);
        }
    }
}
