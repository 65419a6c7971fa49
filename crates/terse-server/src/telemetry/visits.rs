//! Visits: how they ended, how long they took, and where their links were found.
//!
//! A thread that answers visits counts in memory that no other thread writes, on cache lines of its own; a scrape adds them up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::durations::{Add, Counted, Durations, REDIRECT_BOUNDS_US, add_alone, add_shared};

/// How a visit was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 302.
    Found,
    /// 404.
    NotFound,
    /// 410.
    Gone,
    /// 5xx.
    Error,
}

impl Outcome {
    pub(super) const ALL: [Self; 4] = [Self::Found, Self::NotFound, Self::Gone, Self::Error];

    /// The outcome as a label.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::NotFound => "not_found",
            Self::Gone => "gone",
            Self::Error => "error",
        }
    }
}

/// All visits.
#[derive(Debug, Default)]
pub struct Visits {
    /// Those of the general path, which costs so much more that sharing is no matter.
    shared: Counts,
    threads: Mutex<Vec<Arc<Counts>>>,
}

/// The visits of a thread, which alone counts here.
#[derive(Debug)]
pub struct ThreadVisits(Arc<Counts>);

/// Aligned so that no two of them share a cache line, nor a pair that the processor fetches together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    durations: Durations<{ REDIRECT_BOUNDS_US.len() }>,
    near_hits: AtomicU64,
    memory_hits: AtomicU64,
}

/// Visits as they were at a moment.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) outcomes: [u64; Outcome::ALL.len()],
    pub(super) durations: Counted<{ REDIRECT_BOUNDS_US.len() }>,
    pub(super) near_hits: u64,
    pub(super) memory_hits: u64,
}

impl Visits {
    /// Counts of a thread that answers visits and shares them with nobody.
    pub fn of_thread(&self) -> ThreadVisits {
        let counts = Arc::<Counts>::default();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.push(Arc::clone(&counts));
        ThreadVisits(counts)
    }

    /// Counts a visit that the general path answered.
    pub fn note(&self, outcome: Outcome, took: Duration) {
        self.shared.note(outcome, took, 1, add_shared);
    }

    pub(super) fn sum(&self) -> Sum {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = Sum::default();
        for counts in threads.iter().map(|counts| &**counts).chain([&self.shared]) {
            sum.add(counts);
        }
        sum
    }
}

impl ThreadVisits {
    /// Counts `visits` redirects that left together, `took` after the first of them arrived.
    pub fn redirected(&self, visits: u64, took: Duration) {
        self.0.note(Outcome::Found, took, visits, add_alone);
    }

    /// Says how many links this thread has found so far: among its own, and in the memory of all.
    pub fn set_hits(&self, near: u64, memory: u64) {
        self.0.near_hits.store(near, Ordering::Relaxed);
        self.0.memory_hits.store(memory, Ordering::Relaxed);
    }
}

impl Counts {
    fn note(&self, outcome: Outcome, took: Duration, times: u64, add: Add) {
        add(&self.outcomes[outcome as usize], times);
        self.durations.note(&REDIRECT_BOUNDS_US, took, times, add);
    }
}

impl Sum {
    fn add(&mut self, counts: &Counts) {
        for (sum, count) in self.outcomes.iter_mut().zip(&counts.outcomes) {
            *sum += count.load(Ordering::Relaxed);
        }
        self.durations.add(&counts.durations);
        self.near_hits += counts.near_hits.load(Ordering::Relaxed);
        self.memory_hits += counts.memory_hits.load(Ordering::Relaxed);
    }
}
