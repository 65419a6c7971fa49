//! How long the shipper rests between two passes.

use std::time::Duration;

/// How long it rests when it has shipped everything, at most: bounds the age of what other replicas see.
const TICK_MAX: Duration = Duration::from_millis(500);
/// How long it rests at least: clicks of a very busy server are shipped in small batches, which get in nobody's way.
const TICK_MIN: Duration = Duration::from_millis(50);
/// How many clicks a pass should have between those two: each pass is a transaction a lane, which costs as much as some thousands of
/// clicks, and a batch should still be one.
const CLICKS_WANTED: u32 = 8_000;
/// How long it waits after the store's first refusal, and at most.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
pub(in crate::clicks) const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// What comes after a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::clicks) enum Rest {
    /// So long, or until somebody wants to read.
    UntilNudged(Duration),
    /// So long: a reader must not make the shipper hammer a store that is away.
    Whole(Duration),
}

/// Remembers how often in a row the store has refused, and how long it took for clicks to come together.
#[derive(Debug)]
pub(in crate::clicks) struct Rhythm {
    backoff: Duration,
    tick: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            backoff: BACKOFF_MIN,
            tick: TICK_MAX,
        }
    }
}

impl Rhythm {
    /// The rest after a pass that has shipped so many clicks, and everything or not.
    pub(super) fn after(&mut self, is_everything_shipped: bool, clicks: u64) -> Rest {
        if is_everything_shipped {
            self.backoff = BACKOFF_MIN;
            self.tick = tick_after(self.tick, clicks);
            return Rest::UntilNudged(self.tick);
        }
        let rest = Rest::Whole(self.backoff);
        self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
        rest
    }
}

/// The rest in which as many clicks come as a pass should have, if as many came in `tick` as were shipped.
fn tick_after(tick: Duration, clicks: u64) -> Duration {
    let clicks = u32::try_from(clicks).unwrap_or(u32::MAX).max(1);
    (tick * CLICKS_WANTED / clicks).clamp(TICK_MIN, TICK_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busier_a_server_is_the_shorter_it_rests_within_limits() {
        for (clicks, millis) in [
            (0, 500),
            (100, 500),
            (8_000, 500),
            (16_000, 250),
            (80_000, 50),
            (u64::MAX, 50),
        ] {
            let rest = Rhythm::default().after(true, clicks);
            assert_eq!(rest, Rest::UntilNudged(Duration::from_millis(millis)), "{clicks}");
        }
    }

    #[test]
    fn a_rest_becomes_longer_again_when_fewer_clicks_come() {
        let mut rhythm = Rhythm::default();
        rhythm.after(true, 160_000);
        assert_eq!(
            rhythm.after(true, 4_000),
            Rest::UntilNudged(Duration::from_millis(100))
        );
        assert_eq!(rhythm.after(true, 0), Rest::UntilNudged(TICK_MAX));
    }

    #[test]
    fn refusals_are_waited_out_longer_and_longer_and_forgotten_after_the_first_success() {
        let mut rhythm = Rhythm::default();
        let refused: Vec<_> = (0..6).map(|_| rhythm.after(false, 0)).collect();
        let millis = [100, 200, 400, 800, 1_600, 2_000];
        assert_eq!(
            refused,
            millis.map(|millis| Rest::Whole(Duration::from_millis(millis)))
        );
        rhythm.after(true, 0);
        assert_eq!(rhythm.after(false, 0), Rest::Whole(BACKOFF_MIN));
    }
}
