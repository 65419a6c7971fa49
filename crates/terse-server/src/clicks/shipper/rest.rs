//! How long the shipper rests between two passes.

use std::time::Duration;

/// How long it rests when it has shipped everything: bounds both the age of what other replicas see and the number of
/// transactions per second.
const IDLE_TICK: Duration = Duration::from_millis(500);
/// How long it rests when there was much to ship: small batches often get in nobody's way, large ones do.
const BUSY_TICK: Duration = Duration::from_millis(50);
/// Clicks in a pass that are much.
const BUSY_CLICKS: u64 = 1_000;
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

/// Remembers how often in a row the store has refused.
#[derive(Debug)]
pub(in crate::clicks) struct Rhythm {
    backoff: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { backoff: BACKOFF_MIN }
    }
}

impl Rhythm {
    /// The rest after a pass that has shipped so many clicks, and everything or not.
    pub(super) fn after(&mut self, is_everything_shipped: bool, clicks: u64) -> Rest {
        if is_everything_shipped {
            self.backoff = BACKOFF_MIN;
            return Rest::UntilNudged(if clicks < BUSY_CLICKS {
                IDLE_TICK
            } else {
                BUSY_TICK
            });
        }
        let rest = Rest::Whole(self.backoff);
        self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
        rest
    }
}
