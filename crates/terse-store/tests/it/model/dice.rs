//! Chance that a seed decides.

use terse_core::{Random, Seeded};

/// Throws the same in every run.
pub(super) struct Dice(Seeded);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Seeded::new(seed))
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&self, bound: u32) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes) % bound
    }

    /// True once in `times`.
    pub(super) fn one_in(&self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// An index of something that long.
    pub(super) fn index(&self, length: usize) -> usize {
        self.below(u32::try_from(length).expect("few things")) as usize
    }

    /// One of `choices`.
    pub(super) fn pick<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// `value` half of the time.
    pub(super) fn maybe<T>(&self, value: T) -> Option<T> {
        self.one_in(2).then_some(value)
    }
}
