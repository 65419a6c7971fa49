//! What the cache makes of what replicas tell each other.

use std::sync::atomic::Ordering;

use terse_core::ShortCode;
use terse_store::{AsOf, News};

use super::{CachedLink, LinkCache, Moment};

impl LinkCache {
    /// Takes what the bus tells, in its order.
    pub fn hear(&self, news: &News) {
        match news {
            // What was read before is as doubtful as after many changes.
            News::Listening { as_of } | News::ManyChanged { as_of } => {
                self.forget_elsewhere(*as_of);
                self.freshness.told_from(self.now());
            }
            News::Changed { codes, as_of } => self.forget_older(codes, *as_of),
            News::Complete { until } => self.freshness.complete_at(Moment::of(*until)),
            News::Deaf => self.freshness.deaf(),
        }
    }

    /// Says that the store has answered.
    pub fn store_is_back(&self) {
        self.freshness.database_is_back();
    }

    /// Says whether there is a second cache to ask.
    pub fn set_elsewhere(&self, is_there: bool) {
        self.freshness.set_elsewhere(is_there);
    }

    /// A change of another replica leaves look-ups under way alone: whose answer is older than what was heard takes it back.
    pub(super) fn forget_if_overtaken(&self, code: &ShortCode, link: &CachedLink) {
        let place = self.place(self.hash(code.as_str()));
        let changed_at = self.changed_at[place].load(Ordering::SeqCst);
        if link.as_of() < changed_at {
            self.links.remove_if(code, |link| link.as_of() < changed_at);
            // A thread may have found it for its own table meanwhile.
            self.generations[place].fetch_add(1, Ordering::SeqCst);
        }
    }

    /// As [`LinkCache::forget`], but what was read since the change stays: it may be the last that is heard of the database.
    fn forget_older(&self, codes: &[ShortCode], as_of: AsOf) {
        for code in codes {
            let place = self.place(self.hash(code.as_str()));
            // Before it is looked for: who puts an older one there now looks here afterwards.
            self.changed_at[place].fetch_max(as_of, Ordering::SeqCst);
            self.links.remove_if(code, |link| link.as_of() < as_of);
            self.generations[place].fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Whether changes of other replicas are heard, or there are none.
    pub fn is_vouched_for(&self) -> bool {
        self.freshness.vouched_until(self.now()).is_some()
    }

    /// No copy from elsewhere is believed that is older.
    fn forget_elsewhere(&self, as_of: AsOf) {
        self.told_as_of.fetch_max(as_of, Ordering::SeqCst);
    }

    /// How recent a copy from elsewhere must be, of a code of this place.
    pub(super) fn heard_at(&self, place: usize) -> AsOf {
        let changed_at = self.changed_at[place].load(Ordering::SeqCst);
        changed_at.max(self.told_as_of.load(Ordering::SeqCst))
    }

    /// What was found, with no more authority than it has: what is older than anything that was told is from elsewhere, for want of
    /// better, and may have been changed unheard. It is good for as long as a copy is that nobody vouches for. To be forgotten
    /// it is not: it may be all that there is of the link.
    pub(super) fn as_told(&self, link: CachedLink) -> CachedLink {
        if link.as_of() >= self.told_as_of.load(Ordering::SeqCst) {
            return link;
        }
        let read_at = self.freshness.untold(link.times().read_at);
        link.read_at(read_at)
    }
}
