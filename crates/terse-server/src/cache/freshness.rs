//! Whether what was read of a link may still be answered.
//!
//! Where nobody else can change links, always. Replicas of one database hear of each other's changes
//! ([`terse_store::News`]); what was read since they do is as good as the database itself, as long as the bus shows
//! again and again that it is complete. Without it a copy is believed for a moment only; and if the database cannot be asked
//! either, whatever there is has to do for as long as the operator allows.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Moments are counted in units of 2^26 ns, which are 67 ms: no division on the way to an answer, nine years in 32 bits.
const UNIT_BITS: u32 = 26;
/// How long after the last word of the bus links are believed: with the beat's way and a unit's rounding less than a second.
const LEASE: u32 = units(Duration::from_millis(740));
/// How long a copy is believed that nobody vouches for.
const BRIEF: u32 = units(Duration::from_millis(740));
/// After this, a copy that is vouched for is read anew, behind an answer: should the bus ever fail unseen.
const AGING: u32 = units(Duration::from_mins(1));
/// How long the database is left alone that could not be asked.
const AWAY: u32 = units(Duration::from_millis(500));

/// A moment of the process's own time, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(u32);

/// What is to be done with a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer from it.
    Fresh,
    /// Answer from it, and read it anew.
    Aging,
    /// Answer from it, though it may be out of date: nothing better can be had just now.
    Stale,
    /// Read it anew; only if that fails, answer from it.
    Doubtful,
    /// So old that it is not answered whatever happens.
    Expired,
}

/// What is known of the bus and of the database.
#[derive(Debug)]
pub(super) struct Freshness {
    /// The last moment at which the bus is believed to be complete.
    complete_until: AtomicU32,
    /// What was read before is not vouched for: nobody told of changes then.
    told_since: AtomicU32,
    /// Until when the database is not asked about links that there are copies of.
    away_until: AtomicU32,
    /// Whether there is a second cache to ask, which may know more than a copy even if the database is away.
    has_elsewhere: AtomicBool,
    aging: u32,
    stale_for: u32,
}

/// When a copy was read, and when it was last held to be as good as anything that can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) read_at: Moment,
    pub(super) checked_at: Moment,
}

impl Moment {
    /// The moment at this reading of [`terse_core::Clock::elapsed`].
    pub fn of(elapsed: Duration) -> Self {
        Self(units(elapsed))
    }

    fn plus(self, units: u32) -> u32 {
        self.0.saturating_add(units)
    }
}

impl Freshness {
    /// Of a database that nobody else changes.
    pub(super) fn of_own_database() -> Self {
        Self {
            complete_until: AtomicU32::new(u32::MAX),
            told_since: AtomicU32::new(0),
            away_until: AtomicU32::new(0),
            has_elsewhere: AtomicBool::new(false),
            aging: u32::MAX,
            stale_for: u32::MAX,
        }
    }

    /// Of a database that others change, of whom nothing is heard yet. Copies are answered for `stale_for` while the database
    /// is away.
    pub(super) fn of_shared_database(stale_for: Duration) -> Self {
        Self {
            complete_until: AtomicU32::new(0),
            told_since: AtomicU32::new(u32::MAX),
            away_until: AtomicU32::new(0),
            has_elsewhere: AtomicBool::new(false),
            aging: AGING,
            stale_for: units(stale_for),
        }
    }

    /// What is to be done at `now` with a copy of these times.
    #[inline]
    pub(super) fn verdict(&self, times: Times, now: Moment) -> Verdict {
        let age = now.0.saturating_sub(times.read_at.0);
        if now.0 <= self.complete_until.load(Ordering::Acquire)
            && times.read_at.0 >= self.told_since.load(Ordering::Acquire)
        {
            return if age <= self.aging {
                Verdict::Fresh
            } else {
                Verdict::Aging
            };
        }
        self.verdict_alone(age, times.checked_at, now)
    }

    /// Without anybody who vouches.
    #[cold]
    fn verdict_alone(&self, age: u32, checked_at: Moment, now: Moment) -> Verdict {
        let is_away = now.0 < self.away_until.load(Ordering::Acquire);
        if age > self.stale_for {
            Verdict::Expired
        } else if age <= BRIEF {
            Verdict::Fresh
        } else if now.0.saturating_sub(checked_at.0) <= BRIEF || is_away && !self.has_elsewhere() {
            Verdict::Stale
        } else {
            Verdict::Doubtful
        }
    }

    /// From now on changes are told; those before `now` may not have been.
    pub(super) fn told_from(&self, now: Moment) {
        // A reading of the same unit may have been before.
        self.told_since.store(now.plus(1), Ordering::Release);
    }

    /// The latest moment up to `moment` for whose readings nobody vouches.
    pub(super) fn untold(&self, moment: Moment) -> Moment {
        let told_since = self.told_since.load(Ordering::Acquire);
        moment.min(Moment(told_since.saturating_sub(1)))
    }

    /// Every change that was acknowledged before `moment` has been told.
    pub(super) fn complete_at(&self, moment: Moment) {
        self.complete_until.store(moment.plus(LEASE), Ordering::Release);
    }

    /// Nothing is told any more.
    pub(super) fn deaf(&self) {
        self.complete_until.store(0, Ordering::Release);
    }

    /// The database could not be asked just now.
    pub(super) fn database_is_away(&self, now: Moment) {
        self.away_until.store(now.plus(AWAY), Ordering::Release);
    }

    /// Whether the caller is to ask the database about a link that there is a copy of: all may as long as it answers, else one
    /// every so often, to see whether it is back.
    pub(super) fn may_ask(&self, now: Moment) -> bool {
        let away_until = self.away_until.load(Ordering::Acquire);
        away_until == 0
            || now.0 >= away_until
                && self
                    .away_until
                    .compare_exchange(away_until, now.plus(AWAY), Ordering::AcqRel, Ordering::Acquire)
                    .is_ok()
    }

    /// The database has answered.
    pub(super) fn database_is_back(&self) {
        if self.away_until.load(Ordering::Acquire) != 0 {
            self.away_until.store(0, Ordering::Release);
        }
    }

    /// Whether there is a second cache to ask.
    pub(super) fn has_elsewhere(&self) -> bool {
        self.has_elsewhere.load(Ordering::Acquire)
    }

    /// Says whether there is.
    pub(super) fn set_elsewhere(&self, is_there: bool) {
        self.has_elsewhere.store(is_there, Ordering::Release);
    }

    /// Up to when every change is known, if the bus vouches for what is read now.
    pub(super) fn vouched_until(&self, now: Moment) -> Option<Moment> {
        let complete_until = self.complete_until.load(Ordering::Acquire);
        let is_vouched_for = now.0 <= complete_until && now.0 >= self.told_since.load(Ordering::Acquire);
        is_vouched_for.then(|| Moment(complete_until.saturating_sub(LEASE)).min(now))
    }
}

const fn units(duration: Duration) -> u32 {
    let units = duration.as_nanos() >> UNIT_BITS;
    if units > u32::MAX as u128 {
        return u32::MAX;
    }
    #[expect(clippy::cast_possible_truncation, reason = "compared just now")]
    let units = units as u32;
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::of(Duration::from_millis(millis))
    }

    fn read_at(millis: u64) -> Times {
        Times {
            read_at: at(millis),
            checked_at: at(millis),
        }
    }

    fn shared() -> Freshness {
        Freshness::of_shared_database(Duration::from_hours(1))
    }

    #[test]
    fn nothing_ages_where_nobody_else_changes_anything() {
        let own = Freshness::of_own_database();
        assert_eq!(own.verdict(read_at(0), at(1_000_000_000)), Verdict::Fresh);
    }

    #[test]
    fn without_the_bus_a_copy_is_good_for_a_moment_and_then_only_if_there_is_nothing_better() {
        let shared = shared();
        assert_eq!(shared.verdict(read_at(10_000), at(10_700)), Verdict::Fresh);
        assert_eq!(shared.verdict(read_at(10_000), at(11_000)), Verdict::Doubtful);
        shared.database_is_away(at(11_000));
        assert_eq!(shared.verdict(read_at(10_000), at(11_100)), Verdict::Stale);
        assert_eq!(shared.verdict(read_at(10_000), at(12_000)), Verdict::Doubtful);
        assert_eq!(shared.verdict(read_at(10_000), at(4_000_000)), Verdict::Expired);
    }

    #[test]
    fn the_bus_vouches_for_what_was_read_since_it_tells() {
        let shared = shared();
        shared.told_from(at(10_000));
        shared.complete_at(at(15_000));
        assert_eq!(shared.verdict(read_at(10_200), at(15_500)), Verdict::Fresh);
        assert_eq!(shared.verdict(read_at(9_900), at(15_500)), Verdict::Doubtful);
        assert_eq!(
            shared.verdict(read_at(10_200), at(16_000)),
            Verdict::Doubtful,
            "silence"
        );
        shared.complete_at(at(80_000));
        assert_eq!(shared.verdict(read_at(10_200), at(80_100)), Verdict::Aging);
    }

    #[test]
    fn no_copy_is_answered_a_second_after_the_last_word() {
        let shared = shared();
        shared.told_from(at(1_000));
        for word in 20_000..20_200 {
            shared.complete_at(at(word));
            assert_ne!(
                shared.verdict(read_at(2_000), at(word + 900)),
                Verdict::Fresh,
                "{word}"
            );
            assert_eq!(
                shared.verdict(read_at(2_000), at(word + 600)),
                Verdict::Fresh,
                "{word}"
            );
        }
    }

    #[test]
    fn whoever_has_gone_deaf_believes_nothing_of_what_came_before() {
        let shared = shared();
        shared.told_from(at(10_000));
        shared.complete_at(at(15_000));
        shared.deaf();
        assert_eq!(shared.verdict(read_at(10_200), at(15_001)), Verdict::Doubtful);
        shared.told_from(at(16_000));
        shared.complete_at(at(16_100));
        assert_eq!(shared.verdict(read_at(15_001), at(16_200)), Verdict::Doubtful);
    }

    #[test]
    fn while_the_database_is_away_a_second_cache_is_asked_every_moment() {
        let shared = shared();
        shared.database_is_away(at(11_000));
        shared.set_elsewhere(true);
        assert_eq!(shared.verdict(read_at(10_000), at(11_100)), Verdict::Doubtful);
        let checked = Times {
            checked_at: at(11_100),
            ..read_at(10_000)
        };
        assert_eq!(shared.verdict(checked, at(11_700)), Verdict::Stale);
        assert_eq!(shared.verdict(checked, at(12_000)), Verdict::Doubtful);
    }
}
