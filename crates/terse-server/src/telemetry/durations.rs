//! Durations counted by upper bounds. Cheap to add to: a few comparisons and two additions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bounds of redirects' durations, in microseconds.
pub(super) const REDIRECT_BOUNDS_US: [u64; 13] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
];
/// Bounds of other requests' durations, in microseconds.
pub(super) const REQUEST_BOUNDS_US: [u64; 11] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000,
];

/// How a count grows: by whoever alone writes it, or by several.
pub(super) type Add = fn(&AtomicU64, u64);

/// For a count that one thread writes. No read-modify-write: nobody else's addition can be lost.
pub(super) fn add_alone(count: &AtomicU64, more: u64) {
    count.store(
        count.load(Ordering::Relaxed).wrapping_add(more),
        Ordering::Relaxed,
    );
}

/// For a count that several threads write.
pub(super) fn add_shared(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

/// Durations, by bounds of which there are `BOUNDS`.
#[derive(Debug)]
pub(super) struct Durations<const BOUNDS: usize> {
    within: [AtomicU64; BOUNDS],
    beyond: AtomicU64,
    sum_ns: AtomicU64,
}

/// Durations as they were at a moment; those of several threads are added up.
#[derive(Debug, Clone)]
pub(super) struct Counted<const BOUNDS: usize> {
    within: [u64; BOUNDS],
    beyond: u64,
    sum_ns: u64,
}

impl<const BOUNDS: usize> Default for Durations<BOUNDS> {
    fn default() -> Self {
        Self {
            within: [const { AtomicU64::new(0) }; BOUNDS],
            beyond: AtomicU64::new(0),
            sum_ns: AtomicU64::new(0),
        }
    }
}

impl<const BOUNDS: usize> Default for Counted<BOUNDS> {
    fn default() -> Self {
        Self {
            within: [0; BOUNDS],
            beyond: 0,
            sum_ns: 0,
        }
    }
}

impl<const BOUNDS: usize> Durations<BOUNDS> {
    /// Counts `times` things that each took `took`.
    pub(super) fn note(&self, bounds_us: &[u64; BOUNDS], took: Duration, times: u64, add: Add) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let place = bounds_us.iter().position(|bound| took_ns <= bound * 1_000);
        add(place.map_or(&self.beyond, |place| &self.within[place]), times);
        add(&self.sum_ns, took_ns.saturating_mul(times));
    }
}

impl<const BOUNDS: usize> Counted<BOUNDS> {
    /// Adds what `durations` has now.
    pub(super) fn add(&mut self, durations: &Durations<BOUNDS>) {
        for (sum, count) in self.within.iter_mut().zip(&durations.within) {
            *sum += count.load(Ordering::Relaxed);
        }
        self.beyond += durations.beyond.load(Ordering::Relaxed);
        self.sum_ns = self.sum_ns.wrapping_add(durations.sum_ns.load(Ordering::Relaxed));
    }

    /// All together, in seconds.
    pub(super) fn sum(&self) -> f64 {
        Duration::from_nanos(self.sum_ns).as_secs_f64()
    }

    /// Each bound in seconds with how many are within it and beyond the one before.
    pub(super) fn buckets(&self, bounds_us: &[u64; BOUNDS]) -> Vec<(f64, u64)> {
        let bounds = bounds_us
            .iter()
            .map(|us| Duration::from_micros(*us).as_secs_f64());
        bounds.zip(self.within).collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.within.iter().sum::<u64>() + self.beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_at_the_first_bound_that_it_does_not_exceed() {
        let durations = Durations::default();
        for (us, times) in [(0, 1), (50, 2), (51, 4), (1_000_000, 8), (1_000_001, 16)] {
            durations.note(&REDIRECT_BOUNDS_US, Duration::from_micros(us), times, add_alone);
        }
        let mut counted = Counted::default();
        counted.add(&durations);
        counted.add(&durations);
        let buckets = counted.buckets(&REDIRECT_BOUNDS_US);
        assert_eq!(buckets[0], (0.000_05, 6));
        assert_eq!(buckets[1], (0.000_1, 8));
        assert_eq!(buckets[12], (1.0, 16));
        assert_eq!(counted.count(), 62, "those beyond every bound as well");
        assert!((counted.sum() - 48.000_64).abs() < 0.000_1, "{}", counted.sum());
    }
}
