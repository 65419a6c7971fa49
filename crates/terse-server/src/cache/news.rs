//! What the cache makes of what replicas tell each other.

use std::sync::atomic::Ordering;

use terse_store::{AsOf, News};

use super::{LinkCache, Moment};

impl LinkCache {
    /// Takes what the bus tells, in its order.
    pub fn hear(&self, news: &News) {
        match news {
            // What was read before is as doubtful as after many changes.
            News::Listening { as_of } | News::ManyChanged { as_of } => {
                self.forget_elsewhere(*as_of);
                self.freshness.told_from(self.now());
            }
            News::Changed { codes, as_of } => self.forget(codes, *as_of),
            News::Complete { until } => self.freshness.complete_at(Moment::of(*until)),
            News::Deaf => self.freshness.deaf(),
        }
    }

    /// Whether changes of other replicas are heard, or there are none.
    pub fn is_vouched_for(&self) -> bool {
        self.freshness.is_vouched_for(self.now())
    }

    /// No copy from elsewhere is believed that is older.
    fn forget_elsewhere(&self, as_of: AsOf) {
        for changed_at in &self.changed_at {
            changed_at.fetch_max(as_of, Ordering::SeqCst);
        }
    }
}
